"""The explorer of lesson 6. Oracles: the cell itself, the library's own measures, by hand."""

import re

import numpy as np
import pytest
import torch

from ionlab.network import as_inputs
from ionlab.simulate import pace
from ionlab.store import WEIGHTS, load_fit
from ionlab.widgets import first_pass as widget
from ionlab.widgets.first_pass import CELL, LENGTHS_ms, along, learned_against_true, neural_ode

START = {"runs": 8.0, "lam": 1e-4, "width": 30.0}


@pytest.fixture(scope="module")
def paper():
    return load_fit(WEIGHTS / f"{CELL.name}-paper.safetensors", CELL)


@pytest.fixture(scope="module")
def explorer():
    return widget.first_pass()


def test_gates_of_the_paper_s_recipe_are_put_back_on_their_scale(paper):
    """xr2 never passes 0.63, and the network learned it stretched to 0..1."""
    s = CELL.at(V=np.array([-86.0, 0.0]), Ca_i=np.array([1e-4, 1e-3]))
    gates = neural_ode(paper).gates(s)
    with torch.no_grad():
        x = paper.n1.features(as_inputs(paper.n1, {"V": s.V, "Ca_i": s.Ca_i}))
        raw = torch.sigmoid(paper.n1.gating.inf(x))[0].double().numpy()
    for column, gate in enumerate(CELL.gate_names):
        k = CELL.state_names.index(gate)
        low, high = paper.normaliser.low[k], paper.normaliser.high[k]
        wanted = low + raw[:, column] * (high - low)
        np.testing.assert_allclose(gates[gate].h_inf, wanted, atol=1e-6)
    assert gates["xr2"].h_inf[0] == pytest.approx(CELL.gates(s)["xr2"].h_inf[0], abs=0.03)
    at = CELL.gate_names.index("xr2")
    assert abs(raw[0, at] - CELL.gates(s)["xr2"].h_inf[0]) > 0.15


def test_gates_along_a_run_are_rush_larsen_steps():
    traces = pace(CELL, [400.0], record_last_ms=100.0)
    got, k = along(CELL, traces), CELL.gate_names.index("f")
    h = traces["f"][0, 0]
    for t, V in enumerate(traces["V"][0]):
        assert got[0, t, k] == pytest.approx(h, abs=1e-9)
        f = CELL.gates(CELL.at(V=np.array([V])))["f"]
        h = f.h_inf[0] + (h - f.h_inf[0]) * np.exp(-1.0 / f.tau_ms[0])


@pytest.mark.parametrize("recipe", ["paper", "clamp"])
@pytest.mark.parametrize("length", LENGTHS_ms)
@pytest.mark.parametrize("gate", ["m", "xs"])
def test_every_view_gives_finite_curves_and_numbers(recipe, length, gate):
    picture = learned_against_true(recipe, gate=gate, cycle_length_ms=length, **START)
    assert {name.split()[1] for name in picture.curves} == {"cell", "shipped"}
    for x, y in picture.curves.values():
        assert np.isfinite(y).all() and len(x) == len(y)
    true, made = (picture.curves[f"V {kind}"][1] for kind in ("cell", "shipped"))
    said = float(re.search(r"V off by ([\d.]+) mV", picture.readout).group(1))
    assert said == pytest.approx(np.sqrt(np.mean((made - true) ** 2)), abs=6e-3)
    assert (said < 0.3) == (recipe == "clamp")


def test_the_explorer_opens_moves_resets_and_says_errors(explorer):
    first = explorer.words
    explorer["recipe"].value = "clamp"
    assert explorer.words != first
    explorer.reset()
    assert explorer.words == first and "Trained here" not in first
    data, shown = explorer._repr_mimebundle_()
    assert "image/png" in data and "Shipped" in shown["image/png"]["alt"]
    draw = explorer.draw
    explorer.draw = lambda **values: draw(**{**values, "gate": "x5"})
    with pytest.raises(ValueError, match="x5|index"):
        explorer.show()
    assert 'role="alert"' in explorer.readout.value
    explorer.draw = draw


@pytest.mark.parametrize("recipe", ["paper", "clamp"])
def test_the_button_trains_and_can_stop(explorer, recipe, monkeypatch):
    monkeypatch.setattr(widget, "SAMPLES_ms", 60.0)
    explorer.reset()
    explorer["recipe"].value = recipe
    explorer["runs"].value, explorer["width"].value, explorer["lam"].value = 2.0, 4.0, 1.0
    calls, run = [], explorer.training.run

    def few(watch, **values):
        def stop(step, steps, loss):
            watch(step, steps, loss)
            calls.append(step)
            return step >= 40

        return run(stop, **values)

    monkeypatch.setattr(explorer, "training", widget.Training("Train", "", few))
    explorer.train()
    assert calls and calls[-1] <= 60
    assert "Trained here" in explorer.words
    trained = explorer.trained
    assert trained.V_mV.shape == (len(LENGTHS_ms), 2000) and set(trained.kinetics) >= {"m", "xs"}
    explorer.reset()
    assert explorer.trained is None and "Trained here" not in explorer.words
