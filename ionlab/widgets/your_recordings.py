"""Lesson 14: what noise, drift, few beats, one sweep or V alone leave of an answer."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ionlab import cells
from ionlab.changes import current_of
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.sensitivity import sensitivity
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick

LEVEL = 1.645  # standard errors to each side of a 90 % interval
WIDEST = np.log(4.0)  # of a drawn interval to each side
HALF = np.log(2.0)  # an interval as wide as this cannot tell a half from a whole
NOISE_Ca = 0.01  # of Ca_i, as a part of its range: that of the recordings that ship
TOP_mV = 10.0  # of the sliders


class Information(NamedTuple):
    """What one beat of one sweep tells of P changes (Fisher), with white noise of 1 mV in V.

    V, Ca_i : (P, P); Ca_i with a noise of `NOISE_Ca`. level : (P,) by how much each change lifts
    the sum of the `samples`, for which an unknown level of the electrode could stand in.
    """

    names: tuple
    V: np.ndarray
    level: np.ndarray
    samples: int
    Ca_i: np.ndarray


@lru_cache(maxsize=8)
def twin(cell_name, cycle_length_ms):
    """Return the gate of a cell whose shift looks most like another amount of its own current.

    >>> twin("tentusscher2004", 800.0)
    'xr2'
    """
    cell = cells.find(cell_name)
    own = {gate: current_of(cell, gate) for gate in cell.gate_names}
    own = {gate: current for gate, current in own.items() if current in cell.conductances}
    found = sensitivity(cell, [cycle_length_ms], tuple(own))
    return max(own, key=lambda gate: abs(found.alike(own[gate], f"shift of {gate}")))


@lru_cache(maxsize=32)
def information(cell_name, cycle_length_ms, gate):
    """Return the `Information` of a cell, paced at one cycle length; the shift is of `gate`."""
    found = sensitivity(cells.find(cell_name), [cycle_length_ms], [gate])
    V, Ca_i = found.V_mV, 0.0 * found.V_mV if found.Ca_i is None else found.Ca_i / NOISE_Ca
    return Information(found.names, V @ V.T, V.sum(1), V.shape[1], Ca_i @ Ca_i.T)


def forecast(sweeps, sigma_mV, beats, drift_mV, seen_Ca, free):
    """Return change -> standard error of its log ratio (mV for a shift), treated over control.

    sweeps : tuple of `Information`; control and treated are recorded alike. drift_mV : that was
    taken off, so that the level of each sweep is uncertain by half of it. free : "one", the only
    change is known; "currents", every current may have changed; "gate", and a gate shifted.
    """
    names = sweeps[0].names
    G = np.zeros((len(names), len(names)))
    white, level = sigma_mV**2 / beats, (0.5 * drift_mV) ** 2
    for sweep in sweeps:
        taken = level / (white + level * sweep.samples)  # by the level (Woodbury)
        G += (sweep.V - taken * np.outer(sweep.level, sweep.level)) / white
        if seen_Ca:
            G += beats * sweep.Ca_i
    if free == "one":
        return dict(zip(names, np.sqrt(2.0 / np.diag(G)).tolist(), strict=True))
    P = len(names) - (free == "currents")  # the shift stands last
    errors = np.sqrt(2.0 * np.diag(np.linalg.inv(G[:P, :P])))
    return dict(zip(names[:P], errors.tolist(), strict=True))


def left(sweeps, which, sigma_mV, beats, drift_mV, seen_Ca, free):
    """Return the picture of the intervals; which : place of a sweep in `sweeps`, or "all"."""
    chosen = sweeps if which == "all" else (sweeps[which],)
    errors = forecast(chosen, sigma_mV, beats, drift_mV, seen_Ca, free)
    names = sweeps[0].names[:-1]
    half = np.array([LEVEL * errors[name] for name in names])
    drawn = np.minimum(half, WIDEST)
    x = np.repeat(np.arange(len(names)), 3)
    ends = np.column_stack([np.exp(-drawn), np.exp(drawn), np.full(len(names), np.nan)])
    lost = np.repeat(half >= HALF, 3)
    curves = {
        "told": (x, np.where(lost, np.nan, ends.ravel())),
        "lost": (x, np.where(lost, ends.ravel(), np.nan)),
        "one": ([-0.6, len(names) - 0.4], [1.0, 1.0]),
        "half": ([-0.6, len(names) - 0.4], [0.5, 0.5]),
    }
    said = ", ".join(f"{n} {_size(h)}" for n, h in zip(names, half, strict=True))
    blurred = [n for n, h in zip(names, half, strict=True) if h >= HALF]
    readout = f"90 % intervals, to each side: {said}. "
    readout += f"Half of {', '.join(blurred)} " if blurred else "Half of any current "
    readout += "cannot be told from no change." if blurred else "can be told from no change."
    return Picture(curves, readout)


def _size(half):
    """Half the width of an interval in words: a part in percent, or a factor.

    >>> _size(0.03), _size(1.0)
    ('3 %', 'a factor of 2.7')
    """
    return f"{100 * np.expm1(half):.2g} %" if half < HALF else f"a factor of {np.exp(half):.2g}"


def what_is_left(cell, lengths_ms, sigma_mV=0.5, beats=6):
    """Open the forecast for recordings at these cycle lengths; the shift is of the cell's `twin`.

    sigma_mV, beats : where the controls start, for instance as they were recorded.
    """
    gate = twin(cell.name, float(lengths_ms[0]))
    sweeps = tuple(information(cell.name, float(length), gate) for length in lengths_ms)
    one_each = tuple((f"{length:g} ms", k) for k, length in enumerate(lengths_ms))
    every = (("all of them", "all"),) if len(sweeps) > 1 else ()
    assumed = (
        ("one known change", "one"),
        ("all currents", "currents"),
        (f"and a shift of {gate}", "gate"),
    )
    sigma_mV = float(np.clip(round(sigma_mV, 2), 0.05, TOP_mV))
    controls = {
        "which": Choose("sweep", one_each + every, 0, "Cycle length of what was recorded"),
        "sigma_mV": Slide("noise of V", "mV", 0.05, TOP_mV, sigma_mV, 0.05, "White, at 1 kHz"),
        "beats": Slide("beats a sweep", "", 1, 50, min(beats, 50), 1, "That are averaged"),
        "drift_mV": Slide("drift", "mV", 0.0, TOP_mV, 0.0, 0.5, "Of the resting level"),
        "seen_Ca": Tick("Ca_i is recorded, too", True, "With a noise of 1 % of its range"),
        "free": Choose("may have changed", assumed, "currents", "What is left to be found"),
    }
    if "Ca_i" not in cell.observables:
        del controls["seen_Ca"]
    at_one, at_half = {"color": GREY, "lw": 1.0}, {"color": "k", "lw": 1.0, "ls": "--"}
    bar = {"lw": 9.0, "solid_capstyle": "butt"}
    panel = Panel(
        (
            Curve("one", "no change", at_one),
            Curve("half", "half", at_half),
            Curve("told", "a half can be told", {"color": BLUE, **bar}),
            Curve("lost", "a half cannot be told", {"color": RED, **bar}),
        ),
        "",
        "treated over control (log scale)",
        (-0.6, len(sweeps[0].names) - 1.4),
        (0.45, 2.2),
        yscale="log",
        xticks=dict(enumerate(sweeps[0].names[:-1])),
        yticks={y: f"{y:g}" for y in (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0)},
    )

    def draw(**values):
        return left(sweeps, **{"seen_Ca": False, **values})

    return Explorer(controls, [panel], draw, "What is left of the answer", size=(800, 400))
