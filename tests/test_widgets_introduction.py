"""Lesson 1's widgets. Oracle: a simulation of the same cell beside them, and the shifted curve."""

import itertools
import re

import numpy as np
import pytest

from ionlab.cells import tentusscher2004 as CELL
from ionlab.errors import UnknownName
from ionlab.simulate import pace
from ionlab.widgets.introduction import (
    PACED_ms,
    seen_and_hidden,
    states_explorer,
    twin_explorer,
    twins,
)

ALL = CELL.state_names
TWIN_CORNERS = list(
    itertools.product(
        ("control", "half g_Kr"), (0.0, 2.0), (0.0, 3.0), (-30.0, 10.0), (400.0, 800.0)
    )
)


@pytest.mark.parametrize("length", [350.0, 800.0])
@pytest.mark.parametrize("peek", [False, True])
@pytest.mark.parametrize("seen", [(), ("V", "Ca_i"), ALL])
def test_the_states_seen_are_drawn_and_counted(length, peek, seen):
    picture = seen_and_hidden(length, peek, **{name: name in seen for name in ALL})
    drawn = {name for name in picture.curves if name.endswith("seen")}
    assert drawn == {f"{name} seen" for name in seen}
    assert len(picture.curves) == (17 if peek else len(seen))
    assert all(np.isfinite(y).all() for _, y in picture.curves.values())
    assert f"{len(seen)} of 17 states are observed" in picture.readout
    assert f"{17 - len(seen)} are hidden" in picture.readout


def test_a_state_is_that_of_the_cell():
    picture = seen_and_hidden(500.0, True, V=True, f=False)
    traces = pace(CELL, [500.0], PACED_ms, 800.0)
    assert np.array_equal(picture.curves["V seen"][1], traces["V"][0])
    assert np.array_equal(picture.curves["f hidden"][1], traces["f"][0])


def test_a_shift_moves_the_steady_state_alone():
    V = np.linspace(-100.0, 50.0, 151)
    moved = CELL.with_moved_gate("xr2", -17.0).gates(CELL.at(V=V))
    before = CELL.gates(CELL.at(V=V))
    assert np.allclose(moved["xr2"].h_inf, 1.0 / (1.0 + np.exp((V + 17.0 + 88.0) / 24.0)))
    assert np.array_equal(moved["xr2"].tau_ms, before["xr2"].tau_ms)
    assert np.array_equal(moved["xr1"].h_inf, before["xr1"].h_inf)
    with pytest.raises(UnknownName, match="xr2"):
        CELL.with_moved_gate("xr3", 1.0)


@pytest.mark.parametrize("corner", TWIN_CORNERS)
def test_twins_are_finite_at_all_corners(corner):
    like, g_Kr, g_Ks, shift_mV, length = corner
    picture = twins(like, g_Kr, g_Ks, shift_mV, length)
    for name, (_, y) in picture.curves.items():
        assert np.isfinite(y).all() or name == "away"
    away = picture.curves["my V"][1] - picture.curves["V"][1]
    rms = float(re.search(r"is ([\d.]+) mV", picture.readout).group(1))
    assert rms == pytest.approx(np.sqrt(np.mean(away**2)), abs=0.006)


def test_the_same_cell_is_no_distance_away():
    picture = twins("control", 1.0, 1.0, 0.0, 500.0)
    assert "is 0.00 mV" in picture.readout and "peak I_Ks 1.00 times" in picture.readout
    assert "is 0.00 mV" in twins("half g_Kr", 0.5, 1.0, 0.0, 500.0).readout


def test_the_twin_of_the_lesson():
    apd = pace(CELL.perturbed(g_Kr=0.5), [500.0]).apd_ms()[0]  # after 20 s, not three beats
    readout = twins("half g_Kr", 1.0, 1.0, -17.0, 500.0).readout
    assert float(re.search(r"is ([\d.]+) mV", readout).group(1)) < 0.2
    assert float(re.search(r"recorded ([\d.]+) ms", readout).group(1)) == pytest.approx(
        apd, abs=3.0
    )
    assert float(re.search(r"is ([\d.]+) mV", twins("half g_Kr", 1, 1, 0, 500.0).readout)[1]) > 5


@pytest.mark.parametrize(("opened", "control", "value"), [
    (states_explorer, "f", True), (twin_explorer, "shift_mV", -17.0),
])  # fmt: skip
def test_it_opens_moves_resets_and_shows_errors(opened, control, value, monkeypatch):
    explorer = opened()
    first = explorer.image.value
    words = explorer.readout.value
    explorer[control].value = value
    assert explorer.image.value != first and explorer.readout.value != words
    explorer.reset()
    assert explorer.readout.value == words
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")

    def broken(**values):
        raise ZeroDivisionError("no cell")

    monkeypatch.setattr(explorer, "draw", broken)
    with pytest.raises(ZeroDivisionError):
        explorer[control].value = value
    assert "no cell" in explorer.readout.value
