"""The stimulus of a model file, from its pacing protocol or from a pulse written as a function."""

import myokit as mk
import numpy as np

from ionlab.cells.cell import Stimulus
from ionlab.cells.imported.algebra import drives, evaluate, reach
from ionlab.cells.imported.reading import saying
from ionlab.errors import BadModel

START_ms, DURATION_ms = 10.0, 1.0  # as for the cells that ship; the duration if none is given
SEARCHED_ms, STEP_ms = 2200.0, 0.02


def stimulus_of(reading, driven, factor):
    """Return the `Stimulus` of the term of dV/dt that drives the cell.

    driven : the term, an expression, or None; factor : what makes it a current per capacitance.
    The protocol of the file gives level and duration; without one, the level is 1. A pulse that is
    written as a function of time is read off. The stimulus starts 10 ms into each cycle.
    """
    if driven is None:
        return Stimulus(0.0, DURATION_ms, START_ms)
    bound = {var.binding(): var for var in reach(driven) if drives(var)}
    current = mk.Multiply(factor, driven)
    if "time" in bound:
        return _pulse(reading, driven, current, bound)
    if not bound:  # a constant current
        return Stimulus(float(evaluate(current, {})), DURATION_ms, START_ms)
    events = reading.protocol.events() if reading.protocol else []
    event = next((e for e in events if e.level() != 0), None)
    level = event.level() if event else 1.0
    duration_ms = event.duration() / reading.ms if event else DURATION_ms
    off, on = (float(evaluate(current, {bound["pace"]: x})) for x in (0.0, level))
    if off != 0:
        raise BadModel(
            f"{reading.path}: the stimulus must be zero while the pacing signal is, got {off:g} "
            f"for {driven.code()}. Add the constant current as a term of its own."
        )
    return Stimulus(on, duration_ms, START_ms)


def unsaid_pulse(reading, driven):
    """Yield a note where the file has a stimulus but does not say how long it lasts."""
    if driven is not None and not reading.protocol:
        if {var.binding() for var in reach(driven[0]) if drives(var)} == {"pace"}:
            yield (
                f"it has no pacing protocol; the stimulus is taken to be {driven[0].code()} at "
                f"level 1, for {DURATION_ms:g} ms."
            )


def _pulse(reading, driven, current, bound):
    """Read amplitude and duration off a pulse that is a function of time."""
    paced = {bound["pace"]: 1.0} if "pace" in bound else {}

    def at(t_ms):
        value = evaluate(current, {**paced, bound["time"]: t_ms * reading.ms})
        return np.broadcast_to(value, np.shape(t_ms))

    t_ms = np.arange(0.0, SEARCHED_ms, STEP_ms)
    values = at(t_ms)
    if not values.any():  # switched off
        return Stimulus(0.0, DURATION_ms, START_ms)
    levels = np.unique(values)
    edges = np.flatnonzero(np.diff(values != 0, prepend=False))
    if len(levels) != 2 or 0.0 not in levels or len(edges) < 2:
        raise BadModel(
            f"{reading.path}: the stimulus must be pulses of one height within the first "
            f"{SEARCHED_ms:g} ms, got {driven.code()}. Bind its time course to pace; if another "
            f"term of dV/dt is the stimulus, {saying(reading.path, 'stimulus')}."
        )
    on_ms, off_ms = (_edge(at, t_ms[k]) for k in edges[:2])
    return Stimulus(float(levels[levels != 0][0]), round(off_ms - on_ms, 6), START_ms)


def _edge(at, t_ms):
    """Return the time at which a pulse starts or stops, at most one step before t_ms."""
    before, after = max(t_ms - STEP_ms, 0.0), t_ms
    for _ in range(40):
        middle = 0.5 * (before + after)
        same = (at(middle) != 0) == (at(t_ms) != 0)
        before, after = (before, middle) if same else (middle, after)
    return float(after)
