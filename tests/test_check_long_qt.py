"""Lesson 10's checks. Oracle: answers derived by hand; mistakes that each have their message."""

import numpy as np
import pytest
from exercises import judged


def area(t, I):
    return np.trapezoid(np.abs(I), t)


RIGHT = {
    "area_ratio": lambda t, x, y: area(t, y) / area(t, x),
    "changed_current": lambda r: max(r, key=lambda n: abs(np.log(r[n]))),
    "xr2_shift": lambda f: 24 * np.log(f),
}
WRONG = [
    ("area_ratio", lambda t, x, y: area(t, x) / area(t, y), "upside down"),
    ("area_ratio", lambda t, x, y: np.trapezoid(y, t) / np.trapezoid(x, t), "signed"),
    ("area_ratio", lambda t, x, y: np.abs(y).sum() / np.abs(x).sum(), "equal times"),
    ("area_ratio", lambda t, x, y: np.mean(np.abs(y / x)), "mean of ratios"),
    ("area_ratio", lambda t, x, y: 1.05 * area(t, y) / area(t, x), "got"),
    ("changed_current", lambda r: min(r, key=r.get), "smallest ratio"),
    ("changed_current", lambda r: max(r, key=r.get), "largest ratio"),
    ("changed_current", lambda r: max(r, key=lambda n: abs(r[n] - 1)), "largest difference"),
    ("changed_current", lambda r: max(r.values()), "name of a current"),
    ("xr2_shift", lambda f: -24 * np.log(f), "sign"),
    ("xr2_shift", lambda f: 24 * np.log10(f), "base 10"),
    ("xr2_shift", lambda f: 24 * np.log2(f), "base 2"),
    ("xr2_shift", np.log, "no unit"),
    ("xr2_shift", lambda f: 1.05 * 24 * np.log(f), "got"),
]
TestAnswers = judged(RIGHT, WRONG)


def test_the_slope_is_that_of_the_cell():
    from ionlab.cells import tentusscher2004 as cell

    xr2 = cell.gates(cell.at(V=np.array([10.0, 34.0])))["xr2"].h_inf
    assert np.log(xr2[0] / xr2[1]) == pytest.approx(1.0, rel=0.02)  # 24 mV: a factor of e
