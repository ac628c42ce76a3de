"""The explorers of lesson 4. Oracles: the networks stepped one by one, RMSE written by hand."""

import re
from itertools import product

import numpy as np
import pytest
import torch

from ionlab.errors import UnknownName
from ionlab.network import as_inputs
from ionlab.simulate import pace
from ionlab.widgets import network
from ionlab.widgets.network import (
    LENGTHS_ms,
    both_networks,
    layers_side_by_side,
    seen_by_the_networks,
    two_networks,
)

SIGHT = dict.fromkeys(("n1_V", "n1_Ca", "n2_V", "n2_Ca", "n2_gates", "n2_memory"), True)


@pytest.fixture(scope="module")
def explorer():
    return two_networks()


def one_by_one(fit, beat, gates, beats):
    """N2 stepped sample by sample as `ionlab.train` steps it, with the gates (T, G) given."""
    cell, norm = fit.cell, fit.normaliser
    x = norm.forward(beat)
    columns = [cell.state_names.index(n) for n in cell.observables]
    at = [cell.state_names.index(n) for n in cell.gate_names]
    h = (gates - norm.low[at]) / (norm.high[at] - norm.low[at])
    seen, h = (torch.tensor(z, dtype=torch.float32) for z in (x[:, columns], h))
    memory, last = None, []
    with torch.no_grad():
        for k in range(beats):
            for t in range(len(beat)):
                y, memory = fit.n2(seen[None, t, None], h[None, t, None], memory)
                if k == beats - 1:
                    last.append(y[0, 0])
    at = [cell.state_names.index(n) for n in cell.other_names]
    return norm.low[at] + torch.stack(last).numpy() * (norm.high - norm.low)[at]


def test_the_networks_are_stepped_as_they_were_trained():
    cell, fit, beats, mean = network._beats()
    beat = beats[350.0]
    gates, rest = both_networks(fit, beat, mean, cell.observables, cell.observables)
    columns = {n: beat[:, cell.state_names.index(n)] for n in fit.n1.inputs}
    at = [cell.state_names.index(n) for n in cell.gate_names]
    low, span = fit.normaliser.low[at], (fit.normaliser.high - fit.normaliser.low)[at]
    h = torch.full((1, len(at)), 0.5)
    with torch.no_grad():  # ten beats, until the start is forgotten
        v = as_inputs(fit.n1, columns)
        for _ in range(10):
            path = []
            for t in range(len(beat)):
                h = fit.n1(v[:, t], h)
                path.append(h[0])
    stepped = low + span * torch.stack(path).numpy()
    assert np.abs(gates - stepped).max() < 1e-3
    other = one_by_one(fit, beat, gates, network.BEATS)
    assert (np.abs(rest - other) < 1e-4 * (np.abs(other).max(0) + 1e-9)).all()


def test_a_beat_is_one_cycle_of_the_paced_cell():
    cell, _, beats, _ = network._beats()
    for length in (350.0, 750.0):
        own = pace(cell, [length], duration_ms=20_000.0, record_last_ms=4000.0)
        upstroke = np.argmax(np.diff(beats[length][:, 0]))
        assert len(beats[length]) == length and upstroke == 10  # the stimulus comes at 10 ms
        assert beats[length][:, 0].max() == pytest.approx(own["V"].max(), abs=0.5)


@pytest.mark.parametrize("length", [LENGTHS_ms[0], LENGTHS_ms[-1]])
@pytest.mark.parametrize("ticks", [*product([True, False], repeat=6)][::7] + [[False] * 6])
def test_every_corner_gives_finite_curves_and_numbers(length, ticks):
    picture = seen_by_the_networks(length, "f", "K_i", *ticks)
    for t_ms, values in picture.curves.values():
        assert len(t_ms) == len(values) == length and np.isfinite(values).all()
    said = float(re.search(r"f is off by ([\d.]+)", picture.readout).group(1))
    true, made = picture.curves["true gate"][1], picture.curves["N1"][1]
    assert said == pytest.approx(np.sqrt(np.mean((made - true) ** 2)), abs=6e-4)


def test_blind_networks_lose_what_the_lesson_says():
    def off(kind, **blind):
        curves = seen_by_the_networks(500.0, "f", "V", **(SIGHT | blind)).curves
        true = curves["true gate" if kind == "N1" else "true other"][1]
        return np.sqrt(np.mean((curves[kind][1] - true) ** 2))

    assert off("N1", n1_V=False) > 5 * off("N1")
    assert off("N1", n2_V=False, n2_gates=False) == off("N1")  # N2 does not reach back
    assert off("N2", n2_gates=False) > 3 * off("N2")
    copied = re.search(r"V is off by ([\d.]+) mV.*off by ([\d.]+) mV",
                       seen_by_the_networks(500.0, "f", "V", **SIGHT).readout)  # fmt: skip
    assert float(copied.group(1)) > float(copied.group(2)), "worse than 'V stays as it was'"


def test_the_explorer_opens_moves_resets_and_says_errors(explorer):
    first = explorer.words
    explorer["other"].value = "fCa"
    assert "fCa is off by" in explorer.words and explorer.image.value[:4] == b"\x89PNG"
    explorer["n2_memory"].value = False
    explorer.reset()
    assert explorer.words == first
    data, shown = explorer._repr_mimebundle_()
    assert "image/png" in data and first in shown["image/png"]["alt"]
    draw = explorer.draw
    explorer.draw = lambda **values: draw(**{**values, "gate": "x5"})
    with pytest.raises(ValueError, match="x5|index"):
        explorer.show()
    assert 'role="alert"' in explorer.readout.value
    explorer.draw = draw
    with pytest.raises(UnknownName):
        explorer["gait"]


def test_layers_side_by_side_by_hand():
    t = np.arange(50.0)
    true = np.stack([np.sin(t / 9) ** 2, np.cos(t / 9) ** 2], -1)[None].repeat(2, 0)
    V = -80 + 100 * true[..., 0]
    made = {"LSTM": true + 0.1, "gating layer": true - 0.02}
    explorer = layers_side_by_side(t, V, true, made, ("m", "f"), [400.0, 600.0])
    assert "Gate f at 400 ms. RMSE: LSTM 0.100, gating layer 0.020." in explorer.words
    explorer["run"].value, explorer["gate"].value = 1, "m"
    explorer["LSTM"].value = False
    assert explorer.words == "Gate m at 600 ms. RMSE: gating layer 0.020."
    explorer["gating layer"].value = False
    assert explorer.words.endswith("no layer is shown.")
    assert "image/png" in explorer._repr_mimebundle_()[0]
