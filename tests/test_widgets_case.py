"""The widget of lessons 10 to 12: every corner is drawn, and its numbers are those of readout."""

import re
from itertools import product

import numpy as np
import pytest

from ionlab import readout
from ionlab.errors import BadValue, UnknownName
from ionlab.widgets import case as cases
from ionlab.widgets.case import case, case_explorer
from ionlab.widgets.found import decoders, train_here

NETWORKS = {"control I", "treated I", "neural ODE", "ratio", "eta", "here"}


def corners():
    for name in readout.CASES:
        for decoder, strength in product(decoders(name), cases.STRENGTHS[name]):
            yield name, decoder, strength


@pytest.mark.parametrize(("name", "decoder", "strength"), list(corners()))
def test_every_corner_draws_finite_curves(name, decoder, strength):
    for eta, current, same in ((1e-4, "I_Na", True), (2e-3, "I_Ks", False)):
        picture = case(name, decoder, strength, eta, current, same)
        ships = strength in readout.SHIPPED[decoder][name]
        assert (NETWORKS <= set(picture.curves)) == ships
        for label, (x, y) in picture.curves.items():
            assert len(x) == len(y), label
            assert np.isfinite(y).mean() > 0.6, label  # the bars have gaps
        assert ("train it here" in picture.readout) != ships


def test_the_numbers_are_those_of_readout_and_of_a_paced_neural_ode():
    picture = case("long_qt", "membrane", 0.5, 1.5e-3, "I_Kr", True)
    pair = readout.shipped("long_qt").pair(1.5e-3)
    ratio = readout.ratios(pair)["I_Kr"]
    assert f"I_Kr x {ratio:.2f}" in picture.readout
    assert np.exp(np.abs(np.log(ratio / 0.5))) < 1.1
    bars = picture.curves["ratio"][1].reshape(-1, 3)[:, 1]
    assert bars == pytest.approx(list(readout.ratios(pair).values()))
    said = float(re.search(r"APD90 (\d+) ms, the cell", picture.readout)[1])
    row = readout.agreement(pair.along_control.beats.cell, readout.ode(pair.treated), [350.0])
    assert said == pytest.approx(row["350"]["apd90_ms"], abs=3.0)  # 8 beats against 20 s


def test_the_cell_beside_the_network_has_the_perturbed_conductance():
    curves = case("short_qt", "membrane", 0.5, 1.5e-3, "I_CaL", True).curves
    areas = [np.trapezoid(np.abs(curves[k][1]), curves[k][0]) for k in ("true I", "control I")]
    assert areas[0] / areas[1] == pytest.approx(0.5, abs=0.02)


def test_the_explorer_opens_moves_and_resets():
    explorer = case_explorer("ito")
    first = explorer.image.value
    explorer["decoder"].value = "no-affine"
    assert explorer.image.value != first
    assert "gates alone" in explorer.words
    explorer.reset()
    assert explorer["decoder"].value == "membrane"
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"]
    assert data["text/plain"].startswith("Increased I_to")


def test_training_here_finds_a_strength_that_does_not_ship():
    explorer = case_explorer("short_qt")
    explorer["strength"].value = 0.4
    assert "train it here" in explorer.words
    explorer.train()
    assert "trained here" in explorer.words
    assert explorer.trained.pair.treated.gains[1] == pytest.approx(0.4, abs=0.03)
    explorer["strength"].value = 0.5
    assert "trained here" not in explorer.words


def test_what_cannot_be_done_is_said():
    with pytest.raises(UnknownName, match="long_qt"):
        case_explorer("long_qtt")
    with pytest.raises(UnknownName, match="I_Kr"):
        case("long_qt", "membrane", 0.5, 1e-3, "I_KR", True)
    with pytest.raises(BadValue, match="membrane equation"):
        train_here("long_qt", None, "published", 0.5, 1e-3)
