"""Lesson 2's checks: the right answer, the untouched stub, typical mistakes.

Oracle: sections 2.1, 2.5 and 2.6 of the paper (what is frozen), and logarithms of ratios.
"""

import numpy as np
import pytest

from ionlab import check

GATING = "gating layer"
RIGHT = {
    "trained_parts": {
        1: {"phi1", GATING, "N2"},
        2: {GATING},
        3: [GATING],
        4: set(),
        5: set(),
    },
    "changed_most": lambda control, treated: max(
        control, key=lambda name: np.log(treated[name] / control[name]) ** 2
    ),
}
STUBS = [
    ("trained_parts", ...),
    ("trained_parts", dict.fromkeys(range(1, 6), ...)),
    ("changed_most", ...),
    ("changed_most", lambda control, treated: ...),
]
WRONG = [
    ("trained_parts", {1: {GATING}, 2: {GATING}}, "keys 1 to 5"),
    ("trained_parts", RIGHT["trained_parts"] | {1: {GATING}}, "step 1"),
    ("trained_parts", RIGHT["trained_parts"] | {2: {GATING, "N2"}}, "N2 would learn"),
    ("trained_parts", RIGHT["trained_parts"] | {3: set()}, "give way"),
    ("trained_parts", RIGHT["trained_parts"] | {3: {"phi2"}}, "got phi2"),
    ("trained_parts", RIGHT["trained_parts"] | {5: {GATING}}, "only reads"),
    ("trained_parts", RIGHT["trained_parts"] | {4: ...}, "step 4 is still open"),
    ("changed_most", lambda x, y: max(x, key=lambda n: y[n] / x[n]), "halved"),
    ("changed_most", lambda x, y: max(x, key=lambda n: abs(np.log(y[n]))), "differs most from"),
    ("changed_most", lambda x, y: max(x, key=lambda n: abs(y[n] - x[n])), "can treble"),
    ("changed_most", lambda x, y: 3, "one of the names"),
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
