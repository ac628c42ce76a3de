"""Lesson 0's checks: the right answer, the untouched stub, typical mistakes.

Oracle: 60,000 ms in a minute; an interval that holds 1 or does not.
"""

import pytest

from ionlab import check

RIGHT = {
    "beats_per_minute": lambda cycle_length_ms: 60.0 / (cycle_length_ms / 1000.0),
    "supported_change": lambda low, high: (low - 1.0) * (high - 1.0) > 0,
}
STUBS = [(name, stub) for name in RIGHT for stub in (lambda *given: ..., ...)]
WRONG = [
    ("beats_per_minute", lambda x: 60.0 / x, "in ms"),
    ("beats_per_minute", lambda x: x / 60_000.0, "upside down"),
    ("beats_per_minute", lambda x: 1000.0 / x, "in a second"),
    ("beats_per_minute", lambda x: 1.05 * 60_000.0 / x, "should give 171.4"),
    ("supported_change", lambda low, high: low <= 1 <= high, "other way round"),
    ("supported_change", lambda low, high: high < 1, "above 1"),
    ("supported_change", lambda low, high: low > 1, "below 1"),
    ("supported_change", lambda low, high: True, "holds 1"),
    ("supported_change", lambda low, high: "yes", "True or False"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_is_correct(name):
    verdict = getattr(check, name)(RIGHT[name])
    assert (verdict.status, verdict.points) == ("correct", verdict.of), verdict


@pytest.mark.parametrize(("name", "stub"), STUBS)
def test_the_stub_was_not_attempted(name, stub):
    assert getattr(check, name)(stub).status == "not attempted yet"


@pytest.mark.parametrize(("name", "answer", "word"), WRONG)
def test_a_mistake_is_named(name, answer, word):
    verdict = getattr(check, name)(answer)
    assert (verdict.status, verdict.points) == ("not yet", 0)
    assert word in verdict.message
