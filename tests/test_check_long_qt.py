"""Lesson 10's checks. Oracle: answers derived by hand; mistakes that each have their message."""

import numpy as np
import pytest

from ionlab import check


def area(t, I):
    return np.trapezoid(np.abs(I), t)


CHECKS = {
    "area_ratio": (
        lambda t, x, y: area(t, y) / area(t, x),
        {
            "upside down": lambda t, x, y: area(t, x) / area(t, y),
            "signed": lambda t, x, y: np.trapezoid(y, t) / np.trapezoid(x, t),
            "equal times": lambda t, x, y: np.abs(y).sum() / np.abs(x).sum(),
            "mean of ratios": lambda t, x, y: np.mean(np.abs(y / x)),
            "got": lambda t, x, y: 1.05 * area(t, y) / area(t, x),
        },
    ),
    "changed_current": (
        lambda r: max(r, key=lambda n: abs(np.log(r[n]))),
        {
            "smallest ratio": lambda r: min(r, key=r.get),
            "largest ratio": lambda r: max(r, key=r.get),
            "largest difference": lambda r: max(r, key=lambda n: abs(r[n] - 1)),
            "name of a current": lambda r: max(r.values()),
        },
    ),
    "xr2_shift": (
        lambda f: 24 * np.log(f),
        {
            "sign": lambda f: -24 * np.log(f),
            "base 10": lambda f: 24 * np.log10(f),
            "base 2": lambda f: 24 * np.log2(f),
            "no unit": np.log,
            "got": lambda f: 1.05 * 24 * np.log(f),
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


def test_the_slope_is_that_of_the_cell():
    from ionlab.cells import tentusscher2004 as cell

    xr2 = cell.gates(cell.at(V=np.array([10.0, 34.0])))["xr2"].h_inf
    assert np.log(xr2[0] / xr2[1]) == pytest.approx(1.0, rel=0.02)  # 24 mV: a factor of e
