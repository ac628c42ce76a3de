"""Lesson 13's checks. Oracle: the formulas written here once more."""

import numpy as np
from exercises import judged


def quadrature(ratio, a, b):
    half = 1.645 * np.sqrt(a**2 + b**2)
    return ratio / np.exp(half), ratio * np.exp(half)


RIGHT = {
    "how_alike": lambda a, b: np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b),
    "interval_of_ratio": quadrature,
    "weighted_eta_term": lambda h, th, w, eta: eta * np.mean(np.abs(h - th) @ w) / len(w),
}
WRONG = [
    ("how_alike", lambda a, b: a @ b, "divide"),
    ("how_alike", lambda a, b: np.corrcoef(a, b)[0, 1], "means"),
    ("how_alike", lambda a, b: a @ b / ((a @ a) * (b @ b)), "square root"),
    ("interval_of_ratio", lambda r, a, b: quadrature(r, a + b, 0.0), "add in squares"),
    (
        "interval_of_ratio",
        lambda r, a, b: (r - 1.645 * np.hypot(a, b), r + 1.645 * np.hypot(a, b)),
        "logarithms",
    ),
    ("interval_of_ratio", lambda r, a, b: quadrature(r, a / 1.645, b / 1.645), "1.645"),
    ("weighted_eta_term", lambda h, th, w, eta: eta * np.mean(w * (h - th) ** 2), "L1"),
    ("weighted_eta_term", lambda h, th, w, eta: eta * np.mean(np.abs(h - th)), "weights"),
    ("weighted_eta_term", lambda h, th, w, eta: eta * np.sum(w * np.abs(h - th)), "average"),
    ("weighted_eta_term", lambda h, th, w, eta: 1.05 * eta * np.mean(w * abs(h - th)), "give"),
]
TestAnswers = judged(RIGHT, WRONG)
