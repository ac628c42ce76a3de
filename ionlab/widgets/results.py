"""Lesson 9: a conductance and a cycle length to move, and how the cell answers its stimuli."""

from functools import cache

import numpy as np

from ionlab.cells import tentusscher2004 as CELL
from ionlab.features import capture
from ionlab.observed import paced
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide

SETTLE_ms = 2500.0  # from the change to what is shown, at least
SHOWN_ms = 1500.0
MARK_mV = -110.0  # where the stimuli are marked
LENGTHS_ms = range(300, 801, 10)


@cache
def starts():
    """Cycle length -> the published cell, paced for 10 s, at the start of a cycle."""
    return dict(zip(LENGTHS_ms, paced(CELL, LENGTHS_ms, 10_000.0), strict=True))


@cache
def baseline(cycle_length_ms):
    """What the published cell does from there."""
    return answer(starts()[cycle_length_ms], cycle_length_ms)


def answer(cell, cycle_length_ms):
    """Pace a cell from its start; return t (T,) from 0 on, V (T,), its stimuli, APD90, capture."""
    before = int(np.ceil(SETTLE_ms / cycle_length_ms))
    beats = before + int(np.ceil(SHOWN_ms / cycle_length_ms))
    duration = float(beats * cycle_length_ms)
    run = pace(cell, [cycle_length_ms], duration, duration - (before - 1) * cycle_length_ms)
    first = before * cycle_length_ms
    shown = run.t_ms >= first
    stimuli = run.stimuli_ms[0]
    stimuli = stimuli[(stimuli >= first) & (stimuli < first + SHOWN_ms)] - first
    t = run.t_ms[shown] - first
    within = t <= SHOWN_ms
    V = run["V"][0][shown]
    answers = capture(t[within], V[within], stimuli)
    return t[within], V[within], stimuli, run.apd_ms()[0], answers


def answered(parameter, factor, cycle_length_ms):
    """Return the picture of a cell with one conductance changed, beside the published one."""
    length = int(np.clip(round(cycle_length_ms, -1), LENGTHS_ms[0], LENGTHS_ms[-1]))
    t, V, stimuli, apd, answers = baseline(length)
    changed = starts()[length].perturbed(**{parameter: factor})
    _, V_changed, _, apd_changed, answers_changed = answer(changed, length)
    why = {
        "1:1": "every stimulus is answered",
        "2:1": "every other stimulus falls into a beat that is not over: 2:1 block",
        "mixed": "some stimuli fail, with no order: near the edge of the block",
        "none": "no stimulus makes an upstroke",
    }[answers_changed]
    return Picture(
        {
            "baseline": (t, V),
            "changed": (t, V_changed),
            "stimuli": (stimuli, np.full(len(stimuli), MARK_mV)),
        },
        f"{parameter} x {factor:g}, cycle length {length} ms: APD90 "
        f"{apd_changed:.1f} ms (baseline {apd:.1f}, capture {answers}); capture {answers_changed}, "
        f"{why}. {SETTLE_ms / 1000:g} s after the change.",
    )


def perturbations():
    """Open the perturbed cell: conductance, strength and cycle length are yours."""
    controls = {
        "parameter": Choose(
            "conductance",
            tuple((f"{name} ({of})", name) for of, name in CELL.conductances.items()),
            "g_Kr",
            "Which conductance is multiplied",
        ),
        "factor": Slide("strength", "x", 0.0, 3.0, 0.5, 0.05, "1 is the cell as published"),
        "cycle_length_ms": Slide(
            "cycle length", "ms", 300.0, 800.0, 350.0, 10.0, "Time between two stimuli"
        ),
    }
    panel = Panel(
        (
            Curve("baseline", "baseline", {"color": BLUE}),
            Curve("changed", "changed", {"color": RED, "ls": "--"}),
            Curve("stimuli", "stimuli", {"color": GREY, "ls": "", "marker": "^", "ms": 6}),
        ),
        "time (ms)",
        "V (mV)",
        (0.0, SHOWN_ms),
        (-115.0, 60.0),
    )
    return Explorer(controls, [panel], answered, "The cell, changed", (800, 320))
