"""What recordings can tell. Oracles: finite changes of a cell, and fits to noisy recordings."""

import numpy as np
import pytest

from ionlab.cells import hodgkin_huxley1952 as axon
from ionlab.cells import tentusscher2004 as cell
from ionlab.errors import BadValue, UnknownName
from ionlab.sensitivity import Sensitivity, sensitivity
from ionlab.simulate import pace


@pytest.fixture(scope="module")
def found():
    return sensitivity(cell, [500.0], ["xr2"])


def test_derivatives_foretell_a_finite_change(found):
    """Oracle: the paced cell with 3 % less I_Kr, at the same samples."""
    paced = [pace(c, [500.0], 20_000.0, 500.0) for c in (cell, cell.perturbed(g_Kr=0.97))]
    V, changed = (traces["V"][0] for traces in paced)
    calm = np.abs(np.gradient(V)) < 3.0
    foretold = found.select(["I_Kr"]).V_mV[0] * np.log(0.97)
    true = (changed - V)[calm]
    assert np.abs(foretold - true).max() < 0.1 * np.abs(true).max()
    assert foretold @ true / (true @ true) == pytest.approx(1.0, abs=0.05)


def test_half_of_I_Kr_and_a_shift_of_xr2_are_twins(found):
    assert found.alike("I_Kr", "shift of xr2") > 0.999
    assert found.alike("I_Kr", "I_to") < 0.95
    assert found.alike("I_Kr", "I_Kr") == pytest.approx(1.0)


def test_errors_are_those_of_least_squares_on_noisy_data():
    """Oracle: the spread of 4,000 linear fits to simulated noise."""
    rng = np.random.default_rng(3)
    S = Sensitivity(cell, ("a", "b"), rng.normal(size=(2, 60)), rng.normal(size=(2, 60)))
    noise_V, noise_Ca = 0.5 * rng.normal(size=(4000, 60)), 0.02 * rng.normal(size=(4000, 60))
    A = np.concatenate([S.V_mV / 0.5, S.Ca_i / 0.02], 1).T
    y = np.concatenate([noise_V / 0.5, noise_Ca / 0.02], 1).T
    spread = np.linalg.lstsq(A, y, rcond=None)[0].std(1)
    errors = S.errors(0.5, 0.02)
    assert spread == pytest.approx([errors["a"], errors["b"]], rel=0.05)
    four = S.errors(0.5, 0.02, beats=4)
    assert four["a"] == pytest.approx(errors["a"] / 2)


def test_one_more_unknown_costs_more_than_noise(found):
    six = list(cell.conductances)
    assert found.errors(0.5)["I_Kr"] > 5 * found.select(six).errors(0.5)["I_Kr"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s: s.alike("I_Kr", "I_Krr"), UnknownName),
        (lambda s: s.errors(0.0), BadValue),
        (lambda s: s.errors(0.5, -1.0), BadValue),
        (lambda s: s.errors(0.5, None, 0), BadValue),
        (lambda s: sensitivity(axon, [20.0]).errors(0.5, 0.02), BadValue),
    ],
)
def test_what_means_nothing_is_refused(found, call, error):
    with pytest.raises(error):
        call(found)
