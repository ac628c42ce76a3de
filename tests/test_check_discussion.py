"""Lesson 13's checks. Oracle: the formulas written here once more."""

import numpy as np
import pytest

from ionlab import check


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


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_is_correct(name):
    verdict = getattr(check, name)(RIGHT[name])
    assert (verdict.status, verdict.points) == ("correct", verdict.of), verdict


@pytest.mark.parametrize("name", RIGHT)
def test_the_stub_was_not_attempted(name):
    assert getattr(check, name)(lambda *given: ...).status == "not attempted yet"


@pytest.mark.parametrize(("name", "answer", "word"), WRONG)
def test_a_mistake_is_named(name, answer, word):
    verdict = getattr(check, name)(answer)
    assert (verdict.status, verdict.points) == ("not yet", 0)
    assert word in verdict.message
