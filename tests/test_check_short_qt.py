"""Lesson 11's checks. Oracle: scipy's brentq and the closed form of the RMS difference."""

import numpy as np
import pytest
from scipy.optimize import brentq

from ionlab import check


def bisect(apd_of, target, low, high, width=1e-3, wrong=False):
    falls = apd_of(low) > apd_of(high)
    while high - low > width:
        middle = 0.5 * (low + high)
        if ((apd_of(middle) > target) == falls) != wrong:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def rms(x, y):
    return np.sqrt(np.mean((y - x) ** 2))


CHECKS = {
    "factor_for_apd": (
        lambda apd_of, target, low, high: brentq(lambda f: apd_of(f) - target, low, high),
        {
            "wrong half": lambda *given: bisect(*given, wrong=True),
            "middle of the bracket": lambda apd_of, target, low, high: 0.5 * (low + high),
            "is near": lambda *given: 1.05 * bisect(*given),
            "the duration": lambda apd_of, target, low, high: target,
            "does the loop stop": lambda apd_of, *given: [apd_of(1.0) for _ in range(1000)],
        },
    ),
    "distance_in_noise": (
        lambda x, y, noise: rms(x, y) / noise,
        {
            "has the unit": lambda x, y, noise: rms(x, y),
            "cancels": lambda x, y, noise: np.mean(y - x) / noise,
            "root is missing": lambda x, y, noise: np.mean((y - x) ** 2) / noise,
            "one sample": lambda x, y, noise: np.abs(y - x).max() / noise,
            "got": lambda x, y, noise: 1.05 * rms(x, y) / noise,
        },
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_answer_and_the_untouched_stub(name):
    assert getattr(check, name)(CHECKS[name][0]).status == "correct"
    assert getattr(check, name)(lambda *given: ...).status == "not attempted yet"


def test_a_bisection_by_hand_is_right():
    assert check.factor_for_apd(bisect).status == "correct"


@pytest.mark.parametrize(
    ("name", "words"), [(name, words) for name, (_, wrong) in CHECKS.items() for words in wrong]
)
def test_a_mistake_is_named(name, words):
    verdict = getattr(check, name)(CHECKS[name][1][words])
    assert verdict.status == "not yet"
    assert words in verdict.message
