"""Lesson 0: what a preset asks of a machine, from speeds that were measured on it."""

import time
from dataclasses import dataclass, replace

import torch

from ionlab import presets
from ionlab.network import device_of
from ionlab.plot import BLUE, GREY
from ionlab.plot.live import Curve, Panel
from ionlab.retrain import retrain
from ionlab.simulate import pace
from ionlab.train import ClampRecipe, train
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick

RUNS = 16  # paced to measure the speed
FEW_STEPS = ClampRecipe(adam_steps=60, lbfgs_steps=60)  # of the first pass, for the same reason
STEPS = ("1 learn", "2 control", "3 treated", "4 equations", "5 read")  # of section 2.1


@dataclass(frozen=True)
class Speeds:
    """What one machine needs.

    Attributes
    ----------
    device : that was measured, "cpu" or "cuda".
    run_s : to pace a cell for 20 s of its time.
    first_s : for one step of the first pass.
    settle_s : to find the hidden states along two recordings, before the second pass.
    second_s : for one step of the second pass, two networks.
    """

    device: str
    run_s: float
    first_s: float
    settle_s: float
    second_s: float


def measured(fit, beats, recipe, device="auto"):
    """Return the `Speeds` of this machine, measured on a few runs and steps; takes seconds.

    fit : of the first pass. beats : of control and treated. recipe : of the second pass.
    """
    cell = fit.cell
    pace(cell, [500.0], 1000.0, 500.0)  # compiles what is compiled, and is not counted
    start = time.perf_counter()
    pace(cell, [500.0] * RUNS)
    run_s = (time.perf_counter() - start) / RUNS
    train(cell, recipe=replace(FEW_STEPS, adam_steps=1, lbfgs_steps=1), device=device)
    start = time.perf_counter()
    few = train(cell, recipe=FEW_STEPS, device=device)
    first_s = (time.perf_counter() - start) / len(few.losses)
    called = []
    start = time.perf_counter()
    retrain(
        fit,
        beats,
        recipe=recipe,
        device=device,
        watch=lambda step, *_: called.append((step, time.perf_counter())),
    )
    whole_s = time.perf_counter() - start
    (first, then), (last, now) = called[0], called[-1]
    second_s = (now - then) / max(1, last - first)
    settle_s = max(0.0, whole_s - recipe.steps * second_s)
    return Speeds(device_of(device).type, run_s, first_s, settle_s, second_s)


def seconds_of(preset, speeds, learn=False, eta_values=1):
    """Return the estimated seconds of the five steps of the method for two recordings.

    learn : whether the first pass is trained here; else its network ships and is read.
    eta_values : so many pairs of networks; their time is taken as proportional.
    """
    preset = presets.find(preset)
    first = (preset.clamp.adam_steps + preset.clamp.lbfgs_steps) * speeds.first_s if learn else 0.0
    second = speeds.settle_s + preset.membrane.steps * speeds.second_s * eta_values
    odes = 2 * len(preset.beats_ms) * speeds.run_s * eta_values
    return (first, second / 2, second / 2, odes, 0.0)


def cost(speeds, preset, device, learn, eta_values):
    """Return the picture of what a preset costs on the machine of these `Speeds`."""
    chosen, eta_values = presets.find(preset), int(eta_values)
    simulated, recorded = chosen.cycle_lengths_ms, chosen.beats_ms
    curves = {
        "simulated": (simulated, [2.0] * len(simulated)),
        "recorded": (recorded, [1.0] * len(recorded)),
    }
    said = (
        f"{preset}: {len(simulated)} cycle lengths in `ionlab reproduce`, {len(recorded)} in a "
        f"recording; first pass up to {chosen.clamp.adam_steps + chosen.clamp.lbfgs_steps} steps, "
        f"second pass {chosen.membrane.steps} steps, {2 * eta_values} networks."
    )
    if device == "cuda" and not torch.cuda.is_available():
        refused = "torch finds no CUDA device here: with device cuda every command is refused."
        return Picture(curves, f"{said} {refused}")
    seconds = seconds_of(preset, speeds, learn, eta_values)
    for k, value in enumerate(seconds, 1):
        curves[f"step {k}"] = ([k, k], [0.0, value])
    used = device_of(device).type
    basis = "measured here" if used == speeds.device else f"measured on the {speeds.device}"
    return Picture(
        curves, f"{said} About {sum(seconds):.1f} s on the {used} ({basis}), from two recordings."
    )


def preset_explorer(speeds):
    """Open the explorer of presets and devices; `speeds` were measured on this machine."""
    controls = {
        "preset": Choose("preset", tuple(presets.PRESETS), "fast", "Settings by name"),
        "device": Choose("device", ("auto", "cpu", "cuda"), "auto", "Where networks are trained"),
        "eta_values": Slide(
            "values of eta", "", 1, 20, 1, 1, "Two networks for each: control and treated"
        ),
        "learn": Tick("train the first pass here (else its network is read)", False, "Step 1"),
    }
    bars = tuple(
        Curve(f"step {k}", "", {"color": BLUE, "lw": 22, "solid_capstyle": "butt"})
        for k in range(1, len(STEPS) + 1)
    )
    dots = {"ls": "", "marker": "o", "ms": 4}
    panels = [
        Panel(bars, ", ".join(STEPS), "seconds on this machine", (0.4, 5.6), (0.0, 8.0)),
        Panel(
            (
                Curve("simulated", "", dots | {"color": GREY}),
                Curve("recorded", "", dots | {"color": BLUE}),
            ),
            "cycle length (ms)",
            "recorded (1), simulated (2)",
            (280.0, 820.0),
            (0.5, 2.5),
        ),
    ]
    return Explorer(
        controls,
        panels,
        lambda **values: cost(speeds, **values),
        "What a preset costs",
        (800, 300),
        columns=2,
    )
