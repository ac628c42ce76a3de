"""The errors that ionlab raises for what a user gives: the rule, what arrived, what to do."""

from difflib import get_close_matches


class IonlabError(Exception):
    """Base of every error that ionlab raises; the command line turns it into exit status 2."""


class UnknownName(IonlabError, KeyError):
    """A name that is not among the known ones; the closest match is suggested.

    >>> UnknownName("gate", "xr3", ["xr1", "xr2", "xs"])
    UnknownName('unknown gate "xr3". Did you mean "xr2"? Known: xr1, xr2, xs.')
    """

    def __init__(self, kind, given, known):
        known = list(known)
        lower = {str(name).lower(): name for name in reversed(known)}
        close = get_close_matches(str(given).lower(), lower, n=1, cutoff=0.5)
        hint = f' Did you mean "{lower[close[0]]}"?' if close else ""
        super().__init__(f'unknown {kind} "{given}".{hint} Known: {", ".join(map(str, known))}.')

    def __str__(self):
        return self.args[0]


class BadValue(IonlabError, ValueError):
    """A value outside the range in which it means something."""


class BadRecording(IonlabError, ValueError):
    """A file that cannot be read as a recording."""


class BadModel(IonlabError, ValueError):
    """A file that cannot be read as an ionic model."""


class BadWeights(IonlabError, ValueError):
    """A weights file that is corrupt, of another shape or of another cell."""


class Diverged(IonlabError, ArithmeticError):
    """A simulation that left the range of membrane voltages; the message has the last good time."""


def known(kind, name, names):
    """Return `name` if it is one of `names`; raise `UnknownName` if not."""
    if name not in names:
        raise UnknownName(kind, name, names)
    return name


def positive(rule, value, advice):
    """Return `value` as a float if it is a finite number above zero; raise `BadValue` if not.

    >>> positive("eta", 1e-3, "Try 1e-4 to 2e-3.")
    0.001
    """
    try:
        number = float("nan" if isinstance(value, str) else value)  # YAML reads 1e-05 as text
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number < float("inf"):
        raise BadValue(f"{rule} must be positive, got {value!r}. {advice}")
    return number
