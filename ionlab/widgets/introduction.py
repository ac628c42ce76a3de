"""Lesson 1: which states are seen and which are hidden, and two cells that look alike."""

from functools import lru_cache

import numpy as np

from ionlab.cells import tentusscher2004 as CELL
from ionlab.currents import currents
from ionlab.perturb import LONG_QT
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick

SHOWN_ms = 800.0  # two beats or more at 350 to 400 ms, one at 800
PACED_ms = 4000.0  # before a picture; the ions go on drifting, in all cells alike
BEATS = 3  # of the two cells that are compared, from the steady state of the control
FAR_mV = 10.0  # differences of V beyond are not drawn
COLUMNS = 6  # of the picture of all states
TABS = {
    "Voltage, ions": ("V", "Ca_i", "Ca_SR", "Na_i", "K_i"),
    "Gates of I_Na": ("m", "h", "j"),
    "Gates of calcium": ("d", "f", "fCa", "g"),
    "Gates of potassium": ("xr1", "xr2", "xs", "r", "s"),
}


# --- which states are seen ---------------------------------------------------------------


@lru_cache(maxsize=64)
def _states(cycle_length_ms):
    return pace(CELL, [cycle_length_ms], PACED_ms, SHOWN_ms)


def seen_and_hidden(cycle_length_ms, peek, **seen):
    """Return the picture of all states: those seen are drawn, the others only if you `peek`.

    seen : state -> whether it is measured.
    """
    traces, names = _states(float(cycle_length_ms)), [name for name, yes in seen.items() if yes]
    t = traces.t_ms - traces.t_ms[0]
    curves = {f"{name} seen": (t, traces[name][0]) for name in names}
    if peek:
        curves |= {f"{name} hidden": (t, traces[name][0]) for name in seen if name not in names}
    gates = [name for name in names if name in CELL.gate_names]
    return Picture(
        curves,
        f"{len(names)} of {len(seen)} states are observed ({', '.join(names) or 'none'}), "
        f"{len(seen) - len(names)} are hidden; {len(gates)} of the {len(CELL.gate_names)} classic "
        f"gates are seen. Cycle length {cycle_length_ms:g} ms.",
    )


def states_explorer():
    """Open all 17 states of the M cell: tick those that you can measure."""
    controls = {
        title: {
            name: Tick(name, name in CELL.observables, f"Whether {name} is measured")
            for name in names
        }
        for title, names in TABS.items()
    }
    controls["Pacing"] = {
        "cycle_length_ms": Slide(
            "cycle length", "ms", 350.0, 800.0, 500.0, 10.0, "Time from stimulus to stimulus"
        ),
        "peek": Tick("peek at the hidden states", False, "Draw what nobody measures, dotted"),
    }
    extremes = [_states(length) for length in (350.0, 500.0, 800.0)]
    panels = []
    for k, state in enumerate(CELL.states):
        every = np.concatenate([traces[state.name][0] for traces in extremes])
        margin = 0.1 * max(np.ptp(every), 1e-9)
        limits = (
            (-0.05, 1.05) if state.unit == "1" else (every.min() - margin, every.max() + margin)
        )
        panels.append(
            Panel(
                (
                    Curve(f"{state.name} seen", "", {"color": BLUE}),
                    Curve(f"{state.name} hidden", "", {"color": GREY, "ls": ":"}),
                ),
                "time (ms)" if k + COLUMNS >= len(CELL.states) else "",
                "",
                (0.0, SHOWN_ms),
                tuple(map(float, limits)),
                title=state.name if state.unit == "1" else f"{state.name} ({state.unit})",
            )
        )
    return Explorer(
        controls,
        panels,
        seen_and_hidden,
        "The 17 states of the M cell against time (ms)",
        (860, 440),
        columns=COLUMNS,
    )


# --- two cells that look alike -----------------------------------------------------------


MODELS = {"control": CELL, "half g_Kr": LONG_QT.apply(CELL)}


@lru_cache(maxsize=8)
def _steady(cycle_length_ms):
    """State -> value of the control at the end of a beat, paced for 20 s."""
    traces = pace(CELL, [cycle_length_ms], record_last_ms=cycle_length_ms)
    return {name: float(traces[name][0, -1]) for name in CELL.state_names}


def last_beat(cell, cycle_length_ms):
    """Return the last of a few beats of a cell, which starts out as the control was."""
    cell = cell.with_start(**_steady(cycle_length_ms))
    return pace(cell, [cycle_length_ms], BEATS * cycle_length_ms, cycle_length_ms)


@lru_cache(maxsize=16)
def _model(name, cycle_length_ms):
    return last_beat(MODELS[name], cycle_length_ms)


def twins(like, g_Kr, g_Ks, shift_mV, cycle_length_ms):
    """Return the picture of a recorded cell and of yours: V, their difference, two currents."""
    cell = CELL.perturbed(g_Kr=g_Kr, g_Ks=g_Ks)
    if shift_mV:
        cell = cell.with_moved_gate("xr2", shift_mV)
    theirs = _model(like, float(cycle_length_ms))
    mine = last_beat(cell, float(cycle_length_ms))
    t = np.arange(len(mine.t_ms), dtype=float)
    away = mine["V"][0] - theirs["V"][0]
    curves = {"V": (t, theirs["V"][0]), "my V": (t, mine["V"][0])}
    curves["away"] = (t, np.where(np.abs(away) <= FAR_mV, away, np.nan))
    peaks = {}
    for name in ("I_Kr", "I_Ks"):
        I_theirs, I_mine = (currents(x.cells[0], x)[name][0] for x in (theirs, mine))
        curves |= {name: (t, I_theirs), f"my {name}": (t, I_mine)}
        peaks[name] = I_mine.max() / I_theirs.max()
    rms = float(np.sqrt(np.mean(away**2)))
    return Picture(
        curves,
        f"Beat {BEATS}: your V is {rms:.2f} mV (RMS) from the recorded one. APD90 "
        f"{mine.apd_ms()[0]:.1f} ms, recorded {theirs.apd_ms()[0]:.1f} ms. Your peak I_Kr is "
        f"{peaks['I_Kr']:.2f} and your peak I_Ks {peaks['I_Ks']:.2f} times theirs.",
    )


def twin_explorer():
    """Open the search for a cell that looks like another one and is not."""
    controls = {
        "like": Choose("recorded cell", tuple(MODELS), "half g_Kr", "The cell to be matched"),
        "g_Kr": Slide("your g_Kr", "x", 0.0, 2.0, 1.0, 0.05, "Factor of the conductance of I_Kr"),
        "g_Ks": Slide("your g_Ks", "x", 0.0, 3.0, 1.0, 0.05, "Factor of the conductance of I_Ks"),
        "shift_mV": Slide(
            "shift of your xr2", "mV", -30.0, 10.0, 0.0, 1.0, "Moves xr2's steady state along V"
        ),
        "cycle_length_ms": Choose(
            "cycle length", tuple((f"{x} ms", float(x)) for x in (400, 500, 800)), 500.0, "Pacing"
        ),
    }
    recorded, yours = {"color": BLUE, "lw": 2.0}, {"color": RED, "ls": "--"}

    def pair(name, unit, y, label=False):
        names = ("recorded", "yours") if label else ("", "")
        return Panel(
            (Curve(name, names[0], recorded), Curve(f"my {name}", names[1], yours)),
            "time (ms)",
            f"{name} ({unit})",
            (0.0, 800.0),
            y,
        )

    panels = [
        pair("V", "mV", (-95.0, 50.0), label=True),
        Panel(
            (Curve("away", "", {"color": "0.2"}),),
            "time (ms)",
            "yours minus recorded (mV)",
            (0.0, 800.0),
            (-FAR_mV, FAR_mV),
        ),
        pair("I_Kr", "pA/pF", (-0.05, 0.7)),
        pair("I_Ks", "pA/pF", (-0.02, 0.3)),
    ]
    return Explorer(controls, panels, twins, "Two cells, one voltage?", (800, 460), columns=2)
