"""Lesson 11's checks. Oracle: scipy's brentq and the closed form of the RMS difference."""

import numpy as np
from exercises import judged
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


RIGHT = {
    "factor_for_apd": lambda apd_of, target, low, high: brentq(
        lambda f: apd_of(f) - target, low, high
    ),
    "distance_in_noise": lambda x, y, noise: rms(x, y) / noise,
}
WRONG = [
    ("factor_for_apd", lambda *given: bisect(*given, wrong=True), "wrong half"),
    (
        "factor_for_apd",
        lambda apd_of, target, low, high: 0.5 * (low + high),
        "middle of the bracket",
    ),
    ("factor_for_apd", lambda *given: 1.05 * bisect(*given), "is near"),
    ("factor_for_apd", lambda apd_of, target, low, high: target, "the duration"),
    (
        "factor_for_apd",
        lambda apd_of, *given: [apd_of(1.0) for _ in range(1000)],
        "does the loop stop",
    ),
    ("distance_in_noise", lambda x, y, noise: rms(x, y), "has the unit"),
    ("distance_in_noise", lambda x, y, noise: np.mean(y - x) / noise, "cancels"),
    ("distance_in_noise", lambda x, y, noise: np.mean((y - x) ** 2) / noise, "root is missing"),
    ("distance_in_noise", lambda x, y, noise: np.abs(y - x).max() / noise, "one sample"),
    ("distance_in_noise", lambda x, y, noise: 1.05 * rms(x, y) / noise, "got"),
]
TestAnswers = judged(RIGHT, WRONG)


def test_a_bisection_by_hand_is_right():
    assert check.factor_for_apd(bisect).status == "correct"
