"""Lesson 15's pictures and the scoreboard that ships. Oracle: scores by hand, SciPy's binomial."""

import itertools
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from ionlab import plot
from ionlab.plot import scoreboard as drawing
from ionlab.scoreboard import KINDS, PAIRS, shipped
from ionlab.widgets import scoreboard

ROWS = shipped.rows()
FOUND = shipped.estimates(ROWS)
METHODS = tuple(dict.fromkeys(FOUND["method"]))
NAN = float("nan")
BY_HAND = pd.DataFrame(  # method, kind, observables, changed, truth, ratio, low, high
    [
        ("A", "one-current", "V", True, 0.5, 0.55, 0.5, 0.605),
        ("A", "one-current", "V Ca_i", True, 2.0, 1.6, 1.5, 1.7),
        ("A", "one-current", "V", False, 1.0, 1.1, 0.9, 1.2),
        ("A", "shift", "V", False, 1.0, 1.5, 1.2, 1.9),
        ("B", "one-current", "V", True, 0.5, 20.0, NAN, NAN),
    ],
    columns=["method", "kind", "observables", "changed", "truth", "ratio", "low", "high"],
)
BY_HAND["miss"] = [1.0, -3.7, 0.5, 1.8, NAN]


# --- what ships --------------------------------------------------------------------------


def test_every_method_has_a_row_for_every_public_pair():
    for _, mine in ROWS.groupby("method"):
        assert list(mine["pair"]) == [pair.name for pair in PAIRS]
    assert {"n2", "membrane", "least-squares"} <= set(ROWS["method"])
    assert shipped.SHIPPED.stat().st_size < 300_000


def test_rows_agree_with_the_pairs():
    """Oracle: the definitions of `ionlab.scoreboard.table`, from the words that were said."""
    for row in ROWS.itertuples():
        truth = set(row.truth.split())
        assert pd.isna(row.first) == (not truth) == pd.notna(row.unchanged)
        if truth:
            assert row.first == (row.said_first in truth)
            assert row.set == (set(row.said_changed.split()) == truth)
        else:
            assert row.unchanged == (not row.said_changed and not row.failed)


def test_estimates_hold_the_truth_of_their_pairs():
    factors = {pair.name: pair.factors for pair in PAIRS}
    for row in FOUND.itertuples():
        assert row.truth == factors[row.pair].get(row.current, 1.0)
        assert row.changed == (row.current in factors[row.pair])
    per_pair = FOUND.groupby(["method", "pair"])["ratio"].size()
    assert set(per_pair) == {6}
    answered = ROWS["failed"].eq("").groupby(ROWS["method"]).sum()
    assert len(per_pair) == answered.sum()


def test_the_largest_error_is_that_of_the_table():
    mine = FOUND[FOUND["changed"]].copy()
    mine["error"] = abs(mine["ratio"] / mine["truth"] - 1.0)
    largest = mine.groupby(["method", "pair"])["error"].max()
    told = ROWS.dropna(subset="error").set_index(["method", "pair"])["error"]
    assert len(largest) == len(told)
    assert np.allclose(largest, told[largest.index], rtol=2e-3, atol=2e-4)  # five digits in the CSV


def test_misses_are_in_halves_of_the_interval():
    row = ROWS[ROWS["pair"] == "07 I_Kr x0.5"].iloc[:1]
    given = {"I_Kr": (0.4, 0.3, 0.5), "I_Ks": (1.1, 1.0, 1.3), "I_to": (1.1, 1.05, 1.2)}
    values = {
        f"{name}_{field}": x
        for name in ("I_Na", "I_CaL", "I_Kr", "I_Ks", "I_K1", "I_to")
        for field, x in zip(("ratio", "low", "high"), given.get(name, [NAN] * 3), strict=True)
    }
    found = shipped.estimates(row.assign(**values)).set_index("current")
    wanted = {"I_Kr": -1.0, "I_Ks": 1.0, "I_to": np.log(1.1) / np.log(1.1 / 1.05)}
    assert found["miss"].to_dict() == pytest.approx(wanted)
    held = (FOUND["low"] <= FOUND["truth"]) & (FOUND["truth"] <= FOUND["high"])
    told = FOUND["miss"].notna()
    assert ((abs(FOUND["miss"]) <= 1.0) == held)[told].mean() > 0.995  # but for rounding


def test_shares_are_those_of_wilson():
    """Oracle: Wilson's formula."""
    rows = pd.DataFrame(
        {
            "method": "A",
            "kind": ["shift"] * 8 + ["no-change"],
            "first": pd.array([True] * 6 + [False] * 2 + [pd.NA], "boolean"),
        }
    )
    z, n, p = 1.6448536, 8, 0.75
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert shipped.shares(rows, "first") == {
        "A": {"shift": (0.75, pytest.approx(centre - half), pytest.approx(centre + half), 8)}
    }


# --- the pictures ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "corner",
    list(itertools.product(METHODS, ("all", *KINDS), ("all", "V Ca_i", "V"), (True, False))),
    ids=lambda corner: "-".join(map(str, corner)),
)
def test_the_picture_is_finite_and_within_its_axes(corner):
    picture = scoreboard.calibration(FOUND, *corner)
    for name, (x, y) in picture.curves.items():
        x, y = np.asarray(x, float), np.asarray(y, float)
        assert x.shape == y.shape
        assert np.isfinite(x).all() and (np.isfinite(y).all() or name == "bars")
    dots = sum(len(picture.curves[name][0]) for name in ("held", "missed", "alone"))
    assert f"{dots} changed amounts" in picture.readout


def test_the_readout_is_the_score_by_hand():
    picture = scoreboard.calibration(BY_HAND, "A")
    assert "2 changed amounts, error 15.0 % (median), 19.0 % (p90)" in picture.readout
    assert "of 4 ratios hold the truth 2 times (50 %)" in picture.readout
    x, y = picture.curves["missed"]
    assert list(zip(x, y, strict=True)) == [(2.0, 1.6)]
    alone = scoreboard.calibration(BY_HAND, "A", "one-current", "V", unchanged=False)
    assert "of 1 ratios hold the truth 1 times (100 %)" in alone.readout
    beyond = scoreboard.calibration(BY_HAND, "B")
    assert "no interval" in beyond.readout and "1 estimates are drawn at the edge" in beyond.readout
    assert beyond.curves["alone"][1].tolist() == [10.0]


def test_the_expected_curve_has_90_percent_inside():
    rank, miss = scoreboard.calibration(BY_HAND, "A").curves["expected"]
    assert np.interp([5.0, 50.0, 95.0], rank, miss) == pytest.approx([-1.0, 0.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("n", [10, 43, 400])
def test_the_threshold_errs_as_little_as_it_can(n):
    """Oracle: every threshold tried, with probabilities added up."""
    k, passes, fails = scoreboard.confusion(n, 0.85, 0.95)
    p = {c: [binom.pmf(i, n, c) for i in range(n + 1)] for c in (0.85, 0.95)}
    assert (passes, fails) == pytest.approx((sum(p[0.85][k:]), sum(p[0.95][:k])))
    every = [max(sum(p[0.85][j:]), sum(p[0.95][:j])) for j in range(n + 2)]
    assert max(passes, fails) == pytest.approx(min(every))


@pytest.mark.parametrize("corner", list(itertools.product((10, 400), (0.5, 0.94), (0.86, 0.99))))
def test_the_distributions_add_up_to_one(corner):
    n = corner[0]
    picture = scoreboard.how_many(*corner)
    for name in ("low", "high"):
        x, y = picture.curves[name]
        assert np.sum(y) * 100.0 / n == pytest.approx(1.0, abs=1e-3)


def test_the_explorers_open_move_and_reset():
    explorer = scoreboard.calibration_explorer(FOUND, "least-squares", tuple(KINDS))
    first = explorer.readout.value
    explorer["method"].value = "n2"
    assert "no interval" in explorer.readout.value
    explorer.reset()
    assert explorer.readout.value == first
    data, _ = explorer._repr_mimebundle_()
    assert "image/png" in data and "Estimated against true" in data["text/plain"]
    explorer.draw = lambda **values: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer["kind"].value = "shift"
    assert 'role="alert"' in explorer.readout.value
    many = scoreboard.how_many_explorer()
    many["n"].value = 200
    assert "With 200 intervals" in many.readout.value


def test_a_move_is_quick():
    explorer = scoreboard.calibration_explorer(FOUND, "least-squares", tuple(KINDS))
    taken = []
    for kind in (*KINDS, *KINDS):
        began = time.perf_counter()
        explorer["kind"].value = kind
        taken.append(time.perf_counter() - began)
    assert np.median(taken) < 0.1, "25 ms on a quiet machine"


def test_shares_are_drawn_where_they_are():
    figure = drawing.shares({"A": {"shift": (0.5, 0.2, 0.8, 8), "tau": (1.0, 0.6, 1.0, 5)}}, "T")
    (ax,) = figure.axes
    marks = next(line for line in ax.lines if line.get_label() == "A")
    assert marks.get_ydata().tolist() == [50.0, 100.0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["shift\n(8 pairs)", "tau\n(5 pairs)"]
    assert isinstance(figure, plot.Drawing) and figure.alt == "T, in %; A: shift 50, tau 100."
