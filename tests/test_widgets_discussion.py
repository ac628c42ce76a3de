"""Lesson 13's widgets. Oracle: `ionlab.sensitivity`, and the truth of the simulated pair."""

import itertools

import numpy as np
import pytest

from ionlab import presets, store
from ionlab.cells import tentusscher2004 as cell
from ionlab.widgets import discussion

MOVED = {1.0: dict.fromkeys(cell.gate_names, 0.01), 0.1: dict.fromkeys(cell.gate_names, 0.001)}
MOVED[0.1] = {**MOVED[0.1], "xr1": 0.04, "xr2": 0.06}


@pytest.fixture(scope="module")
def fit():
    return store.theory(cell, presets.find("paper").clamp)


CORNERS = itertools.product(("long_qt", "ito"), (0.1, 2.0), (True, False), (1, 50), (True, False))


@pytest.mark.parametrize("corner", list(CORNERS))
def test_the_forecast_is_drawn_around_the_truth(corner):
    picture = discussion.told(*corner)
    case, sigma, seen_Ca, beats, free = corner
    at, truth = picture.curves["truth"]
    assert sorted(truth)[0 if case == "long_qt" else -1] == {"long_qt": 0.5, "ito": 3.0}[case]
    _, ends = picture.curves["forecast"]
    low, high = np.reshape(ends, (-1, 3))[:, :2].T
    assert np.allclose(np.sqrt(low * high), truth)
    found = discussion.sensitivities()
    names = found.names if free else discussion.CURRENTS
    error = found.select(names).errors(sigma, 0.02 if seen_Ca else None, beats)["I_Kr"]
    half = min(1.645 * np.sqrt(2) * error, 1.0)
    assert np.log(high / truth)[discussion.CURRENTS.index("I_Kr")] == pytest.approx(half)


def test_it_opens_and_follows(fit):
    explorer = discussion.what_can_be_told(fit)
    first = explorer.readout.value
    explorer["free_shift"].value = True
    assert "shift of xr2" in explorer.readout.value
    explorer.reset()
    assert explorer.readout.value == first


@pytest.mark.slow
def test_the_button_runs_both_methods(fit):
    explorer = discussion.what_can_be_told(fit)
    explorer.train()
    for method in ("network", "least squares"):
        ratio, low, high = explorer.trained[method]["I_Kr"]
        assert ratio == pytest.approx(0.5, abs=0.05) and low < ratio < high
        assert f"The {method}: I_Kr {ratio:.3f}" in explorer.readout.value


def test_favoured_gates_show_the_nearest_weight(fit):
    known = {weight: (moved, 0.01) for weight, moved in MOVED.items()}
    explorer = discussion.favoured_gates(fit, known, ("xr1", "xr2"), 0.05)
    assert "they make 20 %" in explorer.readout.value  # two of ten gates
    explorer["weight"].value = 0.1
    assert "they make 93 %" in explorer.readout.value  # 0.1 of 0.108
    assert "xs moved by 0.0010" in explorer.readout.value


@pytest.mark.slow
def test_a_small_weight_gathers_the_change(fit):
    shares = []
    for weight in (1.0, 0.01):
        moved, misfit = discussion.refit(fit, weight, ("xr1", "xr2"), 0.05)
        shares.append((moved["xr1"] + moved["xr2"]) / sum(moved.values()))
        assert misfit < 0.02
    assert shares[1] > shares[0] + 0.03
