"""Lesson 15's checks. Oracle: the formulas written here once more."""

import math
from statistics import median

import numpy as np
from exercises import judged


def relative(ratio, truth):
    return np.abs(np.asarray(ratio) - truth) / truth


def both(errors):
    ordered = sorted(errors)
    place = 0.9 * (len(ordered) - 1)
    k = min(int(place), len(ordered) - 2)
    return median(ordered), ordered[k] + (place - k) * (ordered[k + 1] - ordered[k])


def held(low, high, truth):
    rows = zip(low, high, truth, strict=True)
    kept = [a <= t <= b for a, b, t in rows if not math.isnan(a)]
    return sum(kept) / len(kept)


def needed(rate, chance):
    n = 1
    while rate**n > chance * (1 + 1e-12):
        n += 1
    return n


RIGHT = {
    "median_and_p90": lambda ratio, truth: both(relative(ratio, truth)),
    "coverage_of_intervals": held,
    "null_pairs_needed": needed,
}
WRONG = [
    ("median_and_p90", lambda r, t: both(abs(r - t)), "divide by the truth"),
    ("median_and_p90", lambda r, t: both(r / t - 1), "absolute value"),
    ("median_and_p90", lambda r, t: 100 * np.array(both(relative(r, t))), "per cent"),
    ("median_and_p90", lambda r, t: (relative(r, t).mean(), 1.0), "mean is not the median"),
    ("median_and_p90", lambda r, t: (both(relative(r, t))[0], relative(r, t).max()), "largest"),
    ("median_and_p90", lambda r, t: both(relative(t, r)), "divide the estimate"),
    ("median_and_p90", lambda r, t: 0.04, "two numbers"),
    ("median_and_p90", lambda r, t: both(1.05 * relative(r, t)), "should give"),
    ("coverage_of_intervals", lambda a, b, t: np.mean((a <= t) & (t <= b)), "NaN"),
    ("coverage_of_intervals", lambda a, b, t: np.sum((a <= t) & (t <= b)), "share"),
    ("coverage_of_intervals", lambda a, b, t: 100 * held(a, b, t), "per cent"),
    (
        "coverage_of_intervals",
        lambda a, b, t: held(a, b, np.ones(len(t))),
        "not whether it holds 1",
    ),
    ("coverage_of_intervals", lambda a, b, t: 1 - held(a, b, t), "misses"),
    ("coverage_of_intervals", lambda a, b, t: 1.05 * held(a, b, t), "should be"),
    ("null_pairs_needed", lambda p, c: math.log(c) / math.log(p), "whole"),
    ("null_pairs_needed", lambda p, c: int(math.log(c) / math.log(p)), "round up"),
    ("null_pairs_needed", lambda p, c: math.ceil(math.log(c) / math.log(1 - p)), "rate**n"),
    ("null_pairs_needed", lambda p, c: math.ceil(1 / (1 - p)), "on average"),
    ("null_pairs_needed", lambda p, c: needed(p, c) + 3, "should be"),
]
TestAnswers = judged(RIGHT, WRONG)
