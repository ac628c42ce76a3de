"""Lesson 0's widget. Oracle: the settings of the presets, and seconds worked out by hand."""

import itertools

import numpy as np
import pytest
import torch

from ionlab import presets
from ionlab.cells import hodgkin_huxley1952 as axon
from ionlab.observed import Beats
from ionlab.recordings import from_traces
from ionlab.retrain import MembraneRecipe
from ionlab.simulate import pace
from ionlab.train import ClampRecipe, train
from ionlab.widgets.start_here import Speeds, cost, measured, preset_explorer, seconds_of

SPEEDS = Speeds("cpu", run_s=0.1, first_s=0.002, settle_s=4.0, second_s=0.01)


def test_seconds_are_steps_times_their_time():
    # paper: 5000 steps of 2 ms; 4 s + 300 steps of 10 ms for each of 20 eta; 6 x 20 runs
    assert seconds_of("paper", SPEEDS, True, 20) == pytest.approx((10.0, 32.0, 32.0, 12.0, 0.0))
    assert seconds_of("fast", SPEEDS) == pytest.approx((0.0, 2.3, 2.3, 0.6, 0.0))


@pytest.mark.parametrize(
    "corner", list(itertools.product(presets.PRESETS, ("auto", "cpu"), (False, True), (1, 20)))
)
def test_the_bars_are_the_seconds(corner):
    preset, device, learn, eta_values = corner
    picture = cost(SPEEDS, preset, device, learn, eta_values)
    bars = [picture.curves[f"step {k}"][1][1] for k in range(1, 6)]
    assert np.isfinite(bars).all()
    assert bars == pytest.approx(seconds_of(preset, SPEEDS, learn, eta_values))
    assert f"About {sum(bars):.1f} s" in picture.readout
    assert f"{len(presets.find(preset).cycle_lengths_ms)} cycle lengths" in picture.readout
    assert f"{2 * eta_values} networks" in picture.readout


def test_a_device_that_is_not_there_gets_no_estimate(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    picture = cost(SPEEDS, "fast", "cuda", True, 1)
    assert "step 1" not in picture.curves and "no CUDA device" in picture.readout


def test_speeds_are_measured():
    fit = train(axon, recipe=ClampRecipe(adam_steps=20, lbfgs_steps=20), device="cpu")
    recording = from_traces(pace(axon, [25.0], 500.0, 250.0), "axon")
    beats = [Beats.of(axon, recording.sweeps)] * 2
    speeds = measured(fit, beats, MembraneRecipe(steps=20), "cpu")
    assert speeds.device == "cpu"
    assert 0 < speeds.run_s < 5.0 and 0 < speeds.first_s < 1.0 and 0 < speeds.second_s < 1.0
    assert 0 <= speeds.settle_s < 60.0


def test_it_opens_moves_and_resets():
    explorer = preset_explorer(SPEEDS)
    first = explorer.image.value
    explorer["preset"].value = "paper"
    assert explorer.image.value != first and "101 cycle lengths" in explorer.readout.value
    explorer.reset()
    assert explorer["preset"].value == "fast" and "13 cycle lengths" in explorer.readout.value
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR") and "About" in data["text/plain"]


def test_an_exception_is_shown_and_raised(monkeypatch):
    explorer = preset_explorer(SPEEDS)

    def broken(**values):
        raise ZeroDivisionError("no speed")

    monkeypatch.setattr(explorer, "draw", broken)
    with pytest.raises(ZeroDivisionError):
        explorer["eta_values"].value = 3
    assert "no speed" in explorer.readout.value
