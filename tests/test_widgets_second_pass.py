"""The explorer of lesson 7. Oracles: the shipped networks themselves, and the theory."""

from itertools import product

import numpy as np
import pytest

from ionlab import readout
from ionlab.cells import tentusscher2004 as cell
from ionlab.widgets import second_pass as lesson


@pytest.mark.parametrize(
    ("perturbation", "method", "eta"), [*product(readout.CASES, lesson.METHODS, (1e-4, 1e-2))]
)
def test_every_corner_gives_a_picture(perturbation, method, eta):
    for gate, current in (("m", "I_Na"), ("s", "I_to")):
        picture = lesson.traded(perturbation, method, eta, gate, current)
        for x, y in picture.curves.values():
            assert len(x) == len(y)
            assert np.isfinite(np.asarray(y)).all()
        assert "Area of currents" in picture.readout


def test_the_readout_agrees_with_the_case():
    case = readout.shipped("long_qt")
    said = lesson.traded("long_qt", "membrane", 1e-3, "xr2", "I_Kr").readout
    k = list(case.eta).index(1e-3)
    assert f"misfit {case.refits.misfit_mV[0, k]:.2g} mV (control)" in said
    assert f"I_Kr {readout.ratios(case.pair(1e-3))['I_Kr']:.2f}" in said


def test_the_theory_is_that_of_the_cell():
    curves = lesson.traded("long_qt", "membrane", 1e-3, "xr2", "I_Kr").curves
    V, h_inf = curves["h theory"]
    truth = cell.gates(cell.at(V=V))["xr2"]
    assert h_inf == pytest.approx(truth.h_inf, abs=0.01)
    assert curves["tau theory"][1] == pytest.approx(truth.tau_ms, rel=0.03)


def test_it_opens_moves_trains_resets_and_prints():
    explorer = lesson.eta_explorer()
    first = explorer.image.value
    explorer["eta"].value = 2e-3
    assert explorer.image.value != first
    assert "eta 0.002 (shipped)" in explorer.words
    explorer["eta"].value = 1e-2
    explorer.train()
    assert "eta 0.01 (retrained here, gates alone)" in explorer.words
    assert explorer.trained.pair.control.gains == pytest.approx(np.ones(6))
    explorer.reset()
    assert "eta 0.001 (shipped)" in explorer.words
    data, metadata = explorer._repr_mimebundle_()
    assert data["image/png"]
    assert "Retrained networks" in metadata["image/png"]["alt"]


def test_training_can_be_stopped():
    trained = lesson.retrain_here(lambda step, steps, loss: True, "long_qt", 1e-3)
    assert trained.perturbation == "long_qt"
    assert np.isfinite(trained.misfit_mV).all()


def test_what_fails_is_shown_and_raised(monkeypatch):
    explorer = lesson.eta_explorer()
    monkeypatch.setattr(lesson, "_theory", lambda method: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explorer["gate"].value = "m"
    assert "ZeroDivisionError" in explorer.readout.value
