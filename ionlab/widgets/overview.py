"""Lesson 2: two recordings of your choice, and the five steps from them to a cause."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ionlab import perturb, presets
from ionlab.cells import tentusscher2004 as CELL
from ionlab.compare import along, current_changes
from ionlab.neural_ode import learned
from ionlab.observed import Beats
from ionlab.plot import BLUE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.recordings import from_traces
from ionlab.retrain import retrain
from ionlab.settle import scaled
from ionlab.simulate import pace
from ionlab.store import theory
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Training

LENGTHS_ms = (350.0, 500.0, 800.0)
RECORDED_ms = 5000.0
CELLS = {
    "baseline": CELL,
    "long QT": perturb.LONG_QT.apply(CELL),
    "short QT": perturb.SHORT_QT.apply(CELL),
    "I_to": perturb.ITO.apply(CELL),
}
SEEDS = {"control": 1, "treated": 2}  # of the noise: two recordings never share theirs


@dataclass(frozen=True)
class Found:
    """What the five steps made of two recordings.

    Attributes
    ----------
    asked : control, treated and noise: what the answer belongs to.
    changes : of the six currents (`ionlab.compare.CurrentChange`), by evidence.
    simulated_mV : of both neural ODEs along the beats, (N, T) each.
    """

    asked: tuple
    changes: tuple
    simulated_mV: tuple


@lru_cache(maxsize=len(CELLS))
def _traces(name):
    return pace(CELLS[name], LENGTHS_ms, record_last_ms=RECORDED_ms)


def recording(name, side, noise_mV):
    """Return a simulated `Recording` of the cell of this name; side: "control" or "treated"."""
    rng = np.random.default_rng(SEEDS[side])
    return from_traces(_traces(name), f"{side}: {name}", noise_mV, rng)


@lru_cache(maxsize=16)
def _beat(name, side, k):
    """V and the unit noise of one beat (cycle length number k), from 10 ms before the stimulus."""
    traces = _traces(name)
    noise = np.random.default_rng(SEEDS[side]).normal(0.0, 1.0, traces["V"].shape)
    onsets = traces.stimuli_ms[k] - CELL.stimulus.start_ms
    first = int(onsets[onsets >= traces.t_ms[0]][0] - traces.t_ms[0])
    beat = slice(first, first + int(LENGTHS_ms[k]))
    return traces["V"][k, beat], noise[k, beat]


def two_recordings(control, treated, noise_mV, cycle_length_ms, trained=None):
    """Return the picture of one beat of both recordings, their difference, and what was found."""
    k, names = LENGTHS_ms.index(cycle_length_ms), {"control": control, "treated": treated}
    V = {}
    for side, name in names.items():
        trace, noise = _beat(name, side, k)
        V[side] = trace + noise_mV * noise
    t = np.arange(len(V["control"]), dtype=float)
    away = V["treated"] - V["control"]
    curves = {side: (t, trace) for side, trace in V.items()} | {"away": (t, away)}
    said = (
        f"{treated} against {control} at {cycle_length_ms:g} ms: V differs by "
        f"{np.sqrt(np.mean(away**2)):.2f} mV (RMS), at most {np.abs(away).max():.1f} mV."
    )
    if trained is None or trained.asked != (control, treated, noise_mV):
        return Picture(curves, f'{said} Press "find the cause".')
    for side, simulated in zip(names, trained.simulated_mV, strict=True):
        curves[f"{side} ODE"] = (t, simulated[k, : len(t)])
    found = [
        f"{c.name} is {c.ratio:.2f} ({c.low:.2f} to {c.high:.2f}) times its control value"
        for c in trained.changes
        if c.changed
    ]
    return Picture(curves, f"{said} Found: {'; '.join(found) or 'no change is supported'}.")


def find_cause(watch, control, treated, noise_mV, cycle_length_ms):
    """Take the five steps (preset fast) for the recordings of these controls; return `Found`."""
    preset = presets.find("fast")
    fit = theory(CELL, preset.clamp)  # 1: N knows M
    beats = [
        Beats.of(CELL, recording(name, side, noise_mV).sweeps)
        for side, name in (("control", control), ("treated", treated))
    ]
    refits = retrain(fit, beats, recipe=preset.membrane, watch=watch)  # 2, 3: N_X and N_Y
    odes = [  # 4: M_X and M_Y
        scaled(own.cell, refits.gains[d, 0]).with_kinetics(learned(refits.network(d, 0), own.cell))
        for d, own in enumerate(beats)
    ]
    simulated = tuple(along(ode, own)[0] for ode, own in zip(odes, beats, strict=True))
    return Found((control, treated, noise_mV), current_changes(refits.settled), simulated)  # 5


def pair_explorer():
    """Open two recordings of your choice: look at them, then find the cause."""
    names = tuple(CELLS)
    for name in names:
        _traces(name)  # now, so that no move has to wait for it
    controls = {
        "control": Choose("control", names, "baseline", "The cell before the drug"),
        "treated": Choose("treated", names, "long QT", "The cell after the drug"),
        "noise_mV": Slide(
            "noise", "mV", 0.0, 3.0, 0.5, 0.1, "Standard deviation of the noise in V"
        ),
        "cycle_length_ms": Choose(
            "cycle length", tuple((f"{x:g} ms", x) for x in LENGTHS_ms), 500.0, "Of the beat shown"
        ),
    }
    panels = [
        Panel(
            (
                Curve("control", "control", {"color": BLUE}),
                Curve("treated", "treated", {"color": RED}),
                Curve("control ODE", "M_X", {"color": "0.1", "ls": "--", "lw": 1.0}),
                Curve("treated ODE", "M_Y", {"color": "0.1", "ls": ":", "lw": 1.4}),
            ),
            "time in the beat (ms)",
            "V (mV)",
            (0.0, 800.0),
            (-95.0, 50.0),
        ),
        Panel(
            (Curve("away", "", {"color": "0.2"}),),
            "time in the beat (ms)",
            "treated minus control (mV)",
            (0.0, 800.0),
            (-120.0, 120.0),
        ),
    ]
    training = Training(
        "find the cause", "Take the five steps for these two recordings: some seconds", find_cause
    )
    title = "Two recordings"
    return Explorer(
        controls, panels, two_recordings, title, (800, 320), columns=2, training=training
    )
