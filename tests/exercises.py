"""What is tested of every check of an exercise; the answers stand in tests/test_check_<lesson>.py.

Each of those files has RIGHT, name of a check -> its right answer; WRONG, a list of (name, wrong
answer, words that the message must hold); and `TestAnswers = judged(RIGHT, WRONG)`.
"""

import pytest

from ionlab import check


def stubs(right):
    """What a student who did nothing hands in, where this answer would be right.

    >>> stubs({"m": "I_Na"})
    [Ellipsis, {'m': Ellipsis}]
    """
    if callable(right):
        return [..., lambda *given: ..., lambda *given: (..., ...)]
    return [..., dict.fromkeys(right, ...)] if isinstance(right, dict) else [...]


def judged(right, wrong):
    """Return the tests of these answers, as a class for pytest to collect."""

    class Answers:
        of = right, wrong

        @pytest.mark.parametrize("name", right)
        def test_the_right_answer_is_correct(self, name):
            verdict = getattr(check, name)(right[name])
            assert (verdict.status, verdict.points) == ("correct", verdict.of), verdict

        @pytest.mark.parametrize(
            ("name", "stub"), [(name, stub) for name in right for stub in stubs(right[name])]
        )
        def test_the_stub_was_not_attempted(self, name, stub):
            verdict = getattr(check, name)(stub)
            assert (verdict.status, verdict.points) == ("not attempted yet", 0), verdict

        @pytest.mark.parametrize(
            ("name", "answer", "words"), wrong, ids=[f"{name}: {words}" for name, _, words in wrong]
        )
        def test_a_mistake_is_named(self, name, answer, words):
            verdict = getattr(check, name)(answer)
            assert (verdict.status, verdict.points) == ("not yet", 0), verdict
            assert words in verdict.message

    return Answers
