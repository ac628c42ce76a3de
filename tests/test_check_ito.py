"""Lesson 12's checks. Oracle: the maximum of the product, and the root that undoes the power."""

import numpy as np
import pytest

from ionlab import check

CHECKS = {
    "highest_factor": (
        lambda r, s: 1 / np.max(r * s),
        {
            "at the same time": lambda r, s: 1 / (r.max() * s.max()),
            "highest product": lambda r, s: np.max(r * s),
            "one gate alone": lambda r, s: 1 / r.max(),
            "the peak decides": lambda r, s: 1 / np.mean(r * s),
            "got": lambda r, s: 1.05 / np.max(r * s),
        },
    ),
    "gate_scale": (
        lambda factor, power: factor ** (1 / power),
        {
            "27 times": lambda factor, power: factor,
            "take a root": lambda factor, power: factor / power,
            "other way round": lambda factor, power: factor**power,
            "got": lambda factor, power: 1.05 * factor ** (1 / power),
        },
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_answer_and_the_untouched_stub(name):
    assert getattr(check, name)(CHECKS[name][0]).status == "correct"
    assert getattr(check, name)(lambda *given: ...).status == "not attempted yet"


@pytest.mark.parametrize(
    ("name", "words"), [(name, words) for name, (_, wrong) in CHECKS.items() for words in wrong]
)
def test_a_mistake_is_named(name, words):
    verdict = getattr(check, name)(CHECKS[name][1][words])
    assert verdict.status == "not yet"
    assert words in verdict.message
