"""Lesson 16: what makes a state a classic gate, and a beat of any cell with one current changed."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ionlab.currents import currents
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide

POINTS = 101  # of a slope
STRAIGHT = 1e-4  # of its range: less is called a line
PROBED_mV = np.array([-85.0, -40.0, 0.0, 30.0])  # voltages at which other states are moved
MIDDLE, MOVED = 0.4, 0.8  # gates where states are moved, and the one that is
BEATS, KEPT, SHOWN = 20, 10, 2  # that are paced, recorded and drawn
COARSEST_ms, SAMPLES = 1.0, 400  # between samples, but that many of the first cycle length


@dataclass(frozen=True)
class Anatomy:
    """What the derivative of a state is made of.

    Attributes
    ----------
    bend : largest departure of the slope from a line in the state itself, over its range; the
        largest of several voltages.
    moved_by : names of the other states that the slope depends on.
    classic : whether the cell gives it as a classic gate (Eq. 2.2.1).
    """

    bend: float
    moved_by: tuple[str, ...]
    classic: bool

    def words(self, name):
        """Say what it is, and why."""
        straight = self.bend < STRAIGHT
        line = "a line in itself" if straight else f"bent by {100 * self.bend:.2g} % of its range"
        moved = f"moved by {', '.join(self.moved_by) or 'nothing'}"
        kind = "a classic gate" if self.classic else "not a classic gate"
        return f"{name} is {kind}: its slope is {line} and {moved}."


def anatomies(cell):
    """Return state -> `Anatomy`, for all states but the voltage.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> anatomies(hodgkin_huxley1952)["n"].moved_by
    ('V',)
    """
    voltage, *names = cell.state_names
    middle = {s.name: MIDDLE if s.unit == "1" else s.start for s in cell.states}
    middle[voltage] = PROBED_mV
    before = _slopes(cell, middle)
    moved_by = {name: [voltage] if np.ptp(before[name]) > 0 else [] for name in names}
    for other in names:
        to = MOVED if cell.units[other] == "1" else 1.3 * middle[other]
        after = _slopes(cell, middle | {other: to})
        for name in names:
            size = np.abs(before[name]).max() + np.abs(after[name]).max()
            if name != other and np.abs(after[name] - before[name]).max() > 1e-9 * size:
                moved_by[name].append(other)
    found = {}
    for name in names:
        x = _values(cell, name)
        rates = _slopes(cell, middle | {voltage: PROBED_mV[:, None], name: x[None]})[name]
        bend = max(_bend(np.broadcast_to(rates, (len(PROBED_mV), POINTS))[k]) for k in range(4))
        found[name] = Anatomy(bend, tuple(moved_by[name]), name in cell.gate_names)
    return found


def _values(cell, name):
    """Values (T,) of a state: its span if it is a gate or starts at 0, else half to twice that."""
    state = cell.state(name)
    own = state.unit == "1" or state.start == 0.0
    return np.linspace(*(state.span if own else (0.5 * state.start, 2.0 * state.start)), POINTS)


def _slopes(cell, values):
    slopes = cell.derivatives(cell.at(**values))
    return {name: np.asarray(rate, float) for name, rate in slopes.items()}


def _bend(rate):
    """Departure of a slope (T,) from the line through its ends, over its range."""
    line = np.linspace(rate[0], rate[-1], len(rate))
    return float(np.abs(rate - line).max() / max(np.ptp(rate), np.abs(rate).max(), 1e-300))


def slope_explorer(cell, state):
    """Open the slope of each state of a cell against its own value; choose the state and V."""
    found, voltage = anatomies(cell), cell.state_names[0]
    resting = cell.start[voltage]

    def draw(state, V_mV):
        x = _values(cell, state)
        curves = {}
        for which, V in (("rest", resting), ("chosen", V_mV)):
            rate = _slopes(cell, {voltage: np.full(POINTS, V), state: x})[state]
            curves[which] = (x, np.broadcast_to(rate, x.shape))
        rate = curves["chosen"][1]
        curves["line"] = (x[[0, -1]], rate[[0, -1]])
        scale = np.abs([y for _, y in curves.values()][0]).max() + np.abs(rate).max()
        curves = {name: (_unit(at, x), y / (scale or 1.0)) for name, (at, y) in curves.items()}
        return Picture(curves, found[state].words(state))

    controls = {
        "state": Choose("state", tuple(found), state, "Whose slope is drawn"),
        "V_mV": Slide("V", "mV", -100.0, 40.0, 0.0, 1.0, "Voltage at which it is drawn"),
    }
    panel = Panel(
        (
            Curve("line", "line through its ends", {"color": GREY, "lw": 2.6}),
            Curve("rest", "at rest", {"color": BLUE, "ls": "--"}),
            Curve("chosen", "at this voltage", {"color": RED}),
        ),
        "value of the state (parts of its range)",
        "slope (relative)",
        (0.0, 1.0),
        (-1.0, 1.0),
    )
    return Explorer(controls, [panel], draw, f"Slopes of {cell.title}", size=(800, 340))


def _unit(at, x):
    return (np.asarray(at) - x[0]) / (x[-1] - x[0])


def beat_explorer(cell, cycle_length_ms, current):
    """Open two beats of a cell before and after one of its currents is changed.

    The currents are those that the cell names. cycle_length_ms : first value of the pacing.
    """
    names = tuple(cell.conductances)
    sample_ms = min(COARSEST_ms, cycle_length_ms / SAMPLES)

    def whole(ms):
        return round(ms / sample_ms)

    @cache
    def beat(current, factor, cycle_length_ms):
        changed = cell.perturbed(**{cell.conductances[current]: factor}) if factor != 1 else cell
        duration, kept = (whole(n * cycle_length_ms) * sample_ms for n in (BEATS, KEPT))
        return pace(changed, [cycle_length_ms], duration, kept, sample_ms).check()

    def draw(current, factor, cycle_length_ms):
        curves, said = {}, []
        before, after = beat(names[0], 1.0, cycle_length_ms), beat(current, factor, cycle_length_ms)
        for which, traces in (("before", before), ("after", after)):
            shown = slice(0, whole(SHOWN * cycle_length_ms))
            t = traces.t_ms[shown] - traces.t_ms[0]
            states = {name: traces[name][0, shown] for name in cell.state_names}
            I = np.broadcast_to(currents(traces.cells[0], states)[current], t.shape)
            curves |= {f"V {which}": (t, states[cell.state_names[0]]), f"I {which}": (t, I)}
            (apd,), (capture,) = traces.apd_ms(), traces.capture()
            apd = f"{apd:.4g} ms" if np.isfinite(apd) else "none complete"
            said.append(f"{which}: APD90 {apd}, capture {capture}")
        scale = np.abs(curves["I before"][1]).max() or 1.0
        for name in ("I before", "I after"):
            curves[name] = (curves[name][0], curves[name][1] / scale)
        words = f"{current} times {factor:g}; {'; '.join(said)}. From beat {BEATS - KEPT + 1} on."
        return Picture(curves, words)

    low, high = 0.5 * cycle_length_ms, 3.0 * cycle_length_ms
    controls = {
        "current": Choose("current", names, current, "Which current is changed, and drawn"),
        "factor": Slide("factor", "", 0.1, 3.0, 0.5, 0.05, "1 is the published cell"),
        "cycle_length_ms": Slide(
            "cycle length", "ms", low, high, cycle_length_ms, low / 10, "Time between stimuli"
        ),
    }  # fmt: skip
    V = beat(names[0], 1.0, cycle_length_ms)["V"]
    span = (0.0, SHOWN * cycle_length_ms)

    def pair(name, label):
        return (
            Curve(f"{name} before", label and "published", {"color": GREY, "lw": 2.4}),
            Curve(f"{name} after", label and "changed", {"color": BLUE}),
        )

    panels = [
        Panel(pair("V", True), "time (ms)", "V (mV)", span, (V.min() - 5.0, V.max() + 10.0)),
        Panel(pair("I", False), "time (ms)", "current / published peak", span, (-1.1, 1.1)),
    ]
    return Explorer(controls, panels, draw, f"Beats of {cell.title}", (860, 340), columns=2)
