"""What a check of an exercise says, and how it looks at an answer.

A check is a function of the student's answer that returns None if the answer is right, or a
sentence on what is wrong and why. `exercise` turns it into one that returns a `Verdict`.
"""

import traceback
from dataclasses import asdict, dataclass
from functools import wraps

MIMETYPE = "application/vnd.ionlab.verdict+json"
UNTRIED, WRONG, RIGHT = "not attempted yet", "not yet", "correct"
MARKS = {UNTRIED: "\N{WHITE CIRCLE}", WRONG: "\N{MULTIPLICATION SIGN}", RIGHT: "\N{CHECK MARK}"}


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer.

    Attributes
    ----------
    exercise : name of the check.
    status : "not attempted yet", "not yet" or "correct".
    points, of : reached, and what there is to reach.
    message : what is wrong and why, or what was right.
    """

    exercise: str
    status: str
    points: int
    of: int
    message: str

    def __str__(self):
        return f"{MARKS[self.status]} {self.status}: {self.message}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        line = f"**{MARKS[self.status]} {self.status}.** {self.message}"
        return {MIMETYPE: asdict(self), "text/markdown": line, "text/plain": str(self)}


class Untried(Exception):
    """The stub was not filled in yet."""


def exercise(points=1):
    """Make a check of a function that judges an answer: `judge(answer)` -> None or a sentence.

    An answer that is `...`, or a function that returns `...`, was not attempted yet. What a
    student's function raises is told with its line, never raised: a lesson runs on. The first
    line of the judge's docstring is what a right answer is told.

    >>> @exercise()
    ... def twice(f):
    ...     "Twice the number."
    ...     if ask(f, 2) != 4:
    ...         return f"f(2) should be 4, got {ask(f, 2)!r}."
    >>> print(twice(lambda x: x + x))
    ✓ correct: Twice the number.
    >>> print(twice(lambda x: ...))
    ○ not attempted yet: Replace the ... and run this cell again.
    """

    def wrap(judge):
        name, praise = judge.__name__, judge.__doc__.splitlines()[0]

        @wraps(judge)
        def check(answer):
            try:
                if answer is ...:
                    raise Untried
                wrong = judge(answer)
            except Untried:
                message = "Replace the ... and run this cell again."
                return Verdict(name, UNTRIED, 0, points, message)
            except Exception as error:  # the student's own, or from what it returned
                wrong = _told(error)
            if wrong:
                return Verdict(name, WRONG, 0, points, wrong)
            return Verdict(name, RIGHT, points, points, praise)

        return check

    return wrap


def ask(function, *given, **named):
    """Return what a student's function makes of the given values; `...` was not attempted yet."""
    if not callable(function):
        raise TypeError(f"the answer must be a function, got {function!r}.")
    value = function(*given, **named)
    if value is ... or (isinstance(value, tuple) and any(part is ... for part in value)):
        raise Untried
    return value


def _told(error):
    """A sentence on an exception, with the line of the student's code that raised it if known."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "ipykernel" in f.filename]
    line = f' in the line "{frames[-1].line}"' if frames and frames[-1].line else ""
    return f"It raised {type(error).__name__}{line}: {error}"
