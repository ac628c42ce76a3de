"""Lesson 16's pictures. Oracle: finite differences of the cells' equations, runs paced here."""

import itertools
import time

import numpy as np
import pytest

from ionlab import cells
from ionlab.cells import hodgkin_huxley1952, luo_rudy1991, ohara_rudy2011
from ionlab.currents import currents
from ionlab.simulate import pace
from ionlab.widgets.other_cells import anatomies, beat_explorer, slope_explorer

NAMES = ("hodgkin_huxley1952", "beeler_reuter1977", "luo_rudy1991", "tentusscher2004")
HUMAN = anatomies(ohara_rudy2011)


@pytest.mark.parametrize("name", [*NAMES, "ohara_rudy2011_m"])
def test_the_classic_gates_are_the_lines_that_only_V_moves(name):
    """Oracle: the names that the cell itself gives; the dissection never reads them."""
    cell = cells.find(name)
    lines = [
        state
        for state, part in anatomies(cell).items()
        if part.bend < 1e-4 and set(part.moved_by) <= {"V"}
    ]
    assert sorted(lines) == sorted(cell.gate_names)


def test_what_ohara_rudy_leaves_out():
    """Oracle: the paper's equations: CaMK_bound (CaMK_bound + CaMK_trap), anca of jca and Ca_ss."""
    assert HUMAN["CaMKt"].bend > 0.01 and HUMAN["CaMKt"].moved_by == ("Ca_ss",)
    assert HUMAN["nca"].bend < 1e-9 and set(HUMAN["nca"].moved_by) == {"Ca_ss", "jca"}
    assert {"d", "ff", "Ca_jsr"} <= set(HUMAN["Jrelnp"].moved_by)
    assert HUMAN["hs"].words("hs") == (
        "hs is a classic gate: its slope is a line in itself and moved by V."
    )
    assert "CaMKt is not a classic gate: its slope is bent by" in HUMAN["CaMKt"].words("CaMKt")


def test_bend_by_hand():
    """Of Ca_i of Luo-Rudy: d I_si / d log(Ca_i) is the only bent term."""
    s = luo_rudy1991.at(**dict.fromkeys(luo_rudy1991.gate_names, 0.4))
    Ca = np.linspace(0.5, 2.0, 101) * s.Ca_i
    most = 0.0
    for V in (-85.0, -40.0, 0.0, 30.0):
        I_si = 0.09 * 0.16 * (V - 7.7 + 13.0287 * np.log(Ca))
        rate = -1e-4 * I_si + 0.07 * (1e-4 - Ca)
        line = rate[0] + (rate[-1] - rate[0]) * np.linspace(0.0, 1.0, 101)
        most = max(most, abs(rate - line).max() / max(np.ptp(rate), abs(rate).max()))
    assert anatomies(luo_rudy1991)["Ca_i"].bend == pytest.approx(most, rel=1e-9)


@pytest.mark.parametrize("corner", list(itertools.product(HUMAN, (-100.0, 40.0))))
def test_slopes_are_finite_and_within_their_axes(corner):
    explorer = test_slopes_are_finite_and_within_their_axes.explorer
    picture = explorer.draw(*corner)
    for x, y in picture.curves.values():
        assert np.isfinite(x).all() and np.isfinite(y).all()
        assert -1e-9 <= np.min(x) and np.max(x) <= 1 + 1e-9 and np.abs(y).max() <= 1 + 1e-9
    assert picture.readout == HUMAN[corner[0]].words(corner[0])


test_slopes_are_finite_and_within_their_axes.explorer = slope_explorer(ohara_rudy2011, "CaMKt")


def test_a_slope_crosses_zero_at_the_steady_state():
    x, y = slope_explorer(hodgkin_huxley1952, "m").draw("m", -20.0).curves["chosen"]
    h_inf = float(hodgkin_huxley1952.gates(hodgkin_huxley1952.at(V=-20.0))["m"].h_inf)
    assert np.interp(0.0, y[::-1], x[::-1]) == pytest.approx(h_inf, abs=1e-9)


BEATS = beat_explorer(luo_rudy1991, 500.0, "I_K")


@pytest.mark.parametrize(
    "corner",
    list(itertools.product(luo_rudy1991.conductances, (0.1, 3.0), (250.0, 1500.0))),
    ids=lambda corner: "-".join(map(str, corner)),
)
def test_beats_are_those_of_the_changed_cell(corner):
    """Oracle: the cell, perturbed and paced here, with other samples."""
    current, factor, length = corner
    picture = BEATS.draw(*corner)
    t, V = picture.curves["V after"]
    changed = luo_rudy1991.perturbed(**{luo_rudy1991.conductances[current]: factor})
    traces = pace(changed, [length], 20 * length, 10 * length, sample_ms=0.5)
    wanted = np.interp(t, traces.t_ms - traces.t_ms[0], traces["V"][0])
    slow = np.abs(np.gradient(wanted, t)) < 1.0
    assert np.abs(V - wanted)[slow].max() < 0.5
    assert f"capture {traces.capture()[0]}." in picture.readout
    assert all(np.isfinite(y).all() for _, y in picture.curves.values())


def test_the_current_is_drawn_over_its_published_peak():
    picture = BEATS.draw("I_K", 0.5, 500.0)
    traces = pace(luo_rudy1991, [500.0], 10_000.0, 5_000.0)
    I_K = currents(luo_rudy1991, {n: traces[n][0] for n in luo_rudy1991.state_names})["I_K"]
    assert picture.curves["I before"][1] == pytest.approx(
        I_K[:1000] / np.abs(I_K[:1000]).max(), abs=1e-9
    )
    assert "after: APD90 415" in picture.readout


def test_the_explorers_open_move_and_reset():
    first = BEATS.readout.value
    BEATS["current"].value = "I_si"
    assert "I_si times 0.5" in BEATS.readout.value
    BEATS.reset()
    assert BEATS.readout.value == first
    data, _ = BEATS._repr_mimebundle_()
    assert "image/png" in data and "Beats of Luo-Rudy 1991" in data["text/plain"]
    spikes = beat_explorer(hodgkin_huxley1952, 20.0, "I_Na")
    assert "capture 1:1; after" in spikes.readout.value


def test_a_move_is_quick():
    taken = []
    for factor in np.linspace(0.4, 0.9, 6):
        began = time.perf_counter()
        BEATS["factor"].value = float(factor)
        taken.append(time.perf_counter() - began)
    assert np.median(taken) < 0.3, "50 ms on a quiet machine"
