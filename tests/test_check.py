"""What all checks share: the verdict, what is said of code that fails, and that all are tested."""

from importlib import import_module

import pytest

from ionlab import check
from ionlab.check.verdict import MIMETYPE, Verdict, ask, exercise


@exercise(points=3)
def half(f):
    """Half of the number."""
    if ask(f, 4.0) != 2.0:
        return "f(4) should be 2."


def test_a_verdict_has_points_and_shows_itself():
    verdict = half(lambda x: x / 2)
    assert verdict == Verdict("half", "correct", 3, 3, "Half of the number.")
    bundle = verdict._repr_mimebundle_()
    assert bundle[MIMETYPE]["points"] == 3
    assert bundle["text/markdown"].endswith("Half of the number.")
    assert "correct" in bundle["text/plain"]


def broken(x):
    return x / 0


@pytest.mark.parametrize(
    ("answer", "word"),
    [(broken, "ZeroDivisionError"), (lambda: 1, "TypeError"), (7, "must be a function")],
)
def test_code_that_fails_is_told_and_never_raised(answer, word):
    verdict = half(answer)
    assert verdict.status == "not yet"
    assert word in verdict.message


def test_a_part_that_is_missing_is_not_attempted():
    assert half(lambda x: (1.0, ...)).status == "not attempted yet"


def test_names_of_checks_are_found_and_others_suggested():
    assert "gating_step" in dir(check)
    with pytest.raises(AttributeError, match='Did you mean "gating_step"'):
        check.gating_stp  # noqa: B018


@pytest.mark.parametrize("name", check.checks())
def test_every_check_has_a_right_answer_and_two_mistakes(name):
    lesson = check.checks()[name].__module__.removeprefix("ionlab.check.")
    answers = import_module(f"test_check_{lesson}")
    assert name in answers.RIGHT
    assert sum(wrong == name for wrong, _, _ in answers.WRONG) >= 2
    assert answers.TestAnswers.of == (answers.RIGHT, answers.WRONG)
