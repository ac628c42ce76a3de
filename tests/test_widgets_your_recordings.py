"""Lesson 14's widget. Oracle: `ionlab.sensitivity`, and a covariance matrix written out here."""

import itertools

import numpy as np
import pytest

from ionlab.cells import hodgkin_huxley1952, luo_rudy1991
from ionlab.cells import tentusscher2004 as cell
from ionlab.sensitivity import sensitivity
from ionlab.widgets import your_recordings

LENGTH_ms, OTHER_ms = 500.0, 350.0


@pytest.fixture(scope="module")
def sweeps():
    return tuple(your_recordings.information(cell.name, x, "xr2") for x in (LENGTH_ms, OTHER_ms))


@pytest.fixture(scope="module")
def found():
    return sensitivity(cell, [LENGTH_ms], ["xr2"])


@pytest.mark.parametrize(("seen_Ca", "beats"), list(itertools.product((True, False), (1, 9))))
def test_without_drift_it_is_the_bound_of_cramer_and_rao(sweeps, found, seen_Ca, beats):
    sigma_Ca = your_recordings.NOISE_Ca if seen_Ca else None
    for free, names in (("gate", found.names), ("currents", tuple(cell.conductances))):
        told = your_recordings.forecast(sweeps[:1], 0.7, beats, 0.0, seen_Ca, free)
        bound = found.select(names).errors(0.7, sigma_Ca, beats)
        assert told == pytest.approx({k: np.sqrt(2.0) * x for k, x in bound.items()}, rel=1e-6)


def test_a_drift_is_an_unknown_level(sweeps, found):
    """The covariance of white noise and a level, whole, in place of its inverse by Woodbury."""
    V, white, drift_mV = found.V_mV, 0.7**2 / 4, 3.0
    covariance = white * np.eye(V.shape[1]) + (0.5 * drift_mV) ** 2
    wanted = np.sqrt(2.0 * np.diag(np.linalg.inv(V @ np.linalg.solve(covariance, V.T))))
    told = your_recordings.forecast(sweeps[:1], 0.7, 4, drift_mV, False, "gate")
    assert list(told.values()) == pytest.approx(wanted, rel=1e-5)


def test_one_known_change_is_a_regression_on_one_line(sweeps, found):
    told = your_recordings.forecast(sweeps[:1], 0.7, 4, 0.0, False, "one")
    wanted = 0.7 * np.sqrt(2.0 / 4 / (found.V_mV**2).sum(1))
    assert list(told.values()) == pytest.approx(wanted, rel=1e-9)


def test_sweeps_add_what_they_tell(sweeps):
    both, one, other = (
        your_recordings.forecast(some, 0.5, 5, 0.0, True, "one")["I_Kr"]
        for some in (sweeps, sweeps[:1], sweeps[1:])
    )
    assert both**-2 == pytest.approx(one**-2 + other**-2)


CORNERS = itertools.product(
    (0, 1, "all"), (0.05, 10.0), (1, 50), (0.0, 10.0), (True, False), ("one", "currents", "gate")
)


@pytest.mark.parametrize("corner", list(CORNERS))
def test_the_bars_end_where_the_readout_says(sweeps, corner):
    which, sigma_mV, beats, drift_mV, seen_Ca, free = corner
    picture = your_recordings.left(sweeps, *corner)
    chosen = sweeps if which == "all" else (sweeps[which],)
    errors = your_recordings.forecast(chosen, sigma_mV, beats, drift_mV, seen_Ca, free)
    told, lost = (np.reshape(picture.curves[name][1], (-1, 3)) for name in ("told", "lost"))
    for k, name in enumerate(cell.conductances):
        half = 1.645 * errors[name]
        bar = (lost if half >= np.log(2.0) else told)[k, :2]
        drawn = min(half, np.log(4.0))
        assert bar == pytest.approx(np.exp([-drawn, drawn]), rel=1e-9)
        size = f"{100 * np.expm1(half):.2g} %" if half < np.log(2.0) else f"{np.exp(half):.2g}"
        assert f"{name} {size}" in picture.readout.replace("a factor of ", "")
        blurred = picture.readout.split(". ")[-1]
        assert (half >= np.log(2.0)) == (name in blurred)


def test_it_opens_follows_and_resets():
    explorer = your_recordings.what_is_left(cell, [LENGTH_ms, OTHER_ms], 0.512, 60)
    assert explorer["sigma_mV"].value == 0.51 and explorer["beats"].value == 50
    first = explorer.readout.value
    assert "Half of any current can be told from no change." in first
    for name, value in {"free": "gate", "sigma_mV": 5.0, "beats": 1, "which": "all"}.items():
        explorer[name].value = value
    assert "Half of I_" in explorer.readout.value
    explorer.reset()
    assert explorer.readout.value == first
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"] and data["text/plain"].startswith("What is left of the answer. 90 %")


def test_one_sweep_offers_no_sum():
    explorer = your_recordings.what_is_left(cell, [LENGTH_ms])
    assert [value for _, value in explorer.specs["which"].options] == [0]


def test_the_twin_is_found_from_the_cell():
    """Oracle: the cosine of every gate with its current, taken here; lesson 13 names xr2."""
    assert your_recordings.twin("tentusscher2004", 800.0) == "xr2"
    found = sensitivity(luo_rudy1991, [500.0], luo_rudy1991.gate_names)
    own = {"m": "I_Na", "h": "I_Na", "j": "I_Na", "d": "I_si", "f": "I_si", "X": "I_K"}
    alike = {gate: abs(found.alike(I, f"shift of {gate}")) for gate, I in own.items()}
    assert your_recordings.twin("luo_rudy1991", 500.0) == max(alike, key=alike.get) == "X"


def test_a_cell_without_calcium_has_no_tick_for_it():
    explorer = your_recordings.what_is_left(hodgkin_huxley1952, [25.0])
    assert "seen_Ca" not in explorer.controls
    said = explorer.readout.value
    assert all(f"{name} " in said for name in ("I_Na", "I_K", "I_L"))
