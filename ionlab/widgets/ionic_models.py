"""Lesson 3: a cell whose every part moves; its gates, conductances and currents name the controls.

The explorers of a single gate are in `ionlab.widgets.gate_equation`.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from ionlab.cells import Cell
from ionlab.currents import currents
from ionlab.plot import BLUE, GREY, ORANGE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import Traces, pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide

FREE, CLOSED, OPEN, HELD = "free", "closed", "open", "held"
STATES_OF_A_GATE = (
    ("free", FREE),
    ("closed (0)", CLOSED),
    ("open (1)", OPEN),
    ("held at the value beside", HELD),
)
WARM_UP = 40  # beats of the published cell before anything is changed
PUBLISHED = {"color": GREY, "lw": 2.4}


@dataclass(frozen=True)
class Bench:
    """A published cell, paced until it hardly changes, to which changes are then made.

    Attributes
    ----------
    cell : as published.
    cycle_length_ms : of the beats before the changes.

    A run starts from the same state every time; what is shown begins with a stimulus, some beats
    later, and lasts two of these cycle lengths.
    """

    cell: Cell
    cycle_length_ms: float

    @property
    def sample_ms(self):
        return self.cycle_length_ms / 500.0

    @property
    def shown_ms(self):
        return 2.0 * self.cycle_length_ms

    @cached_property
    def paced(self):
        """State -> value of the published cell after `WARM_UP` beats."""
        duration = WARM_UP * self.cycle_length_ms + self.sample_ms
        traces = pace(
            self.cell, [self.cycle_length_ms], duration, self.sample_ms, sample_ms=self.sample_ms
        )
        return {name: float(traces[name][0, -1]) for name in self.cell.state_names}

    def beats_before(self, cycle_length_ms):
        """How many beats pass between the changes and what is shown."""
        return max(2, int(np.ceil(3.0 * self.cycle_length_ms / cycle_length_ms - 1e-9)))

    def run(self, cycle_length_ms, stimulus, factors, held):
        """Change the cell, pace it, and return `Traces`: two beats, then the part to be shown.

        stimulus : amplitude in the unit of the cell's currents.
        factors : parameter -> factor; held : gate -> value.
        """
        cell = self.cell.with_start(**self.paced).perturbed(**factors)
        cell = replace(cell, stimulus=replace(cell.stimulus, amplitude=stimulus))
        for gate, value in held.items():
            cell = cell.with_gate(gate, value)
        duration = self.beats_before(cycle_length_ms) * cycle_length_ms + self.shown_ms
        recorded = 2.0 * cycle_length_ms + self.shown_ms
        return pace(cell, [cycle_length_ms], duration, recorded, sample_ms=self.sample_ms).check()


def conductances_of(cell):
    """The parameters that scale a current: those a drug may change, then all others named g_."""
    named = (p.name for p in cell.parameters if p.name.startswith("g_"))
    return tuple(dict.fromkeys((*cell.conductances.values(), *named)))


def cell_explorer(cell, cycle_length_ms=500.0):
    """Open a cell: pacing, every conductance, every classic gate free or held.

    cycle_length_ms : at which the published cell is paced before the changes, and the first value
        of the pacing control. It sets the time axis: about 500 for a ventricular cell, 25 for a
        nerve.
    """
    bench = Bench(cell, float(cycle_length_ms))
    units = cell.units
    gates, conductances = cell.gate_names, conductances_of(cell)
    gatelike = tuple(s.name for s in cell.states if s.unit == "1")
    taus = {gate: float(k.tau_ms) for gate, k in cell.gates(cell.at(V=0.0)).items()}
    slow = sorted(taus, key=taus.get)[-2:]
    first = [I for I in cell.conductances if I != cell.upstroke_current][:2]
    amplitude = cell.stimulus.amplitude

    @cache
    def published(cycle_length_ms, stimulus):
        return _Seen(bench.run(cycle_length_ms, stimulus, {}, {}), bench.shown_ms)

    first_seen, V = (seen := published(bench.cycle_length_ms, amplitude)), seen["V"]
    scale = {name: max(float(np.abs(I).max()), 1e-12) for name, I in seen.currents.items()}
    low, high = 10.0 * np.floor(V.min() / 10.0) - 20.0, 10.0 * np.ceil(V.max() / 10.0) + 10.0

    def draw(cycle_length_ms, stimulus, current_1, current_2, gate_1, gate_2, **moved):
        factors = {name: moved[name] for name in conductances if moved[name] != 1.0}
        held = {gate: _held_at(moved, gate) for gate in gates if moved[gate] != FREE}
        seen = base = published(cycle_length_ms, stimulus)
        if factors or held:
            seen = _Seen(bench.run(cycle_length_ms, stimulus, factors, held), bench.shown_ms)
        curves = {"stimulus": _pulses(seen, low + 3.0, 8.0 * stimulus / amplitude)}
        for name in cell.observables:
            curves |= {f"{name} published": (base.t, base[name]), name: (seen.t, seen[name])}
        for k, name in (("1", current_1), ("2", current_2)):
            for source, part in ((base, " published"), (seen, "")):
                curves[f"current {k}{part}"] = (source.t, source.currents[name] / scale[name])
        for k, name in (("1", gate_1), ("2", gate_2)):
            for source, part in ((base, " published"), (seen, "")):
                curves[f"gate {k}{part}"] = (source.t, source[name])
        number = bench.beats_before(cycle_length_ms)
        words = [f"{seen.words()}. Published cell, paced alike: {base.words(short=True)}."]
        if held:
            words.append(f"Not free: {', '.join(f'{g} = {x:g}' for g, x in held.items())}.")
        for name in dict.fromkeys((current_1, current_2)):
            peak = seen.currents[name][np.argmax(np.abs(seen.currents[name]))]
            words.append(f"{name} reaches {peak:.3g} {cell.current_unit}.")
        words.append(f"Beat {number + 1} after the change and on: not yet the steady state.")
        return Picture(curves, " ".join(words))

    step = cycle_length_ms / 50.0
    controls = {
        "Pacing": {
            "cycle_length_ms": Slide(
                "cycle length", "ms", 0.5 * cycle_length_ms, 3.0 * cycle_length_ms,
                cycle_length_ms, step, "Time from one stimulus to the next",
            ),
            "stimulus": Slide(
                "stimulus", cell.current_unit, 2.0 * amplitude, 0.0, amplitude,
                abs(amplitude) / 52.0, f"Amplitude; it lasts {cell.stimulus.duration_ms:g} ms",
            ),
        },
        "Conductances": {
            name: Slide(
                name, "factor", 0.0, 3.0, 1.0, 0.05,
                f"Factor on {name} = {cell.parameter(name):g}; 0 removes its current",
            )
            for name in conductances
        },
        "Gates": {
            key: control
            for gate in gates
            for key, control in (
                (gate, Choose(
                    f"{gate} is", STATES_OF_A_GATE, FREE, f"Let {gate} follow V, or hold it"
                )),
                (f"{gate}_at", Slide(
                    f"held {gate}", "", 0.0, 1.0, 0.5, 0.01,
                    f'The value of {gate} while the list beside says "held"',
                )),
            )
        },
        "Show": {
            **{
                f"current_{k + 1}": Choose(
                    f"current {k + 1}", cell.current_names, first[k], "One of the currents drawn"
                )
                for k in range(2)
            },
            **{
                f"gate_{k + 1}": Choose(
                    f"gate {k + 1}", gatelike, slow[k], "One of the gates drawn"
                )
                for k in range(2)
            },
        },
    }  # fmt: skip
    span = (0.0, bench.shown_ms)
    panels = [
        Panel((*_pair(name, name == "V"), *extra), "time (ms)", f"{name} ({units[name]})", span, y)
        for name, extra, y in (
            ("V", (Curve("stimulus", "stimulus", {"color": ORANGE}),), (low, high)),
            *(
                (name, (), (0.0, 1.3 * float(first_seen[name].max())))
                for name in cell.observables[1:]
            ),
        )
    ]
    panels += [
        Panel(_pairs("current"), "time (ms)", "current / published peak", span, (-1.25, 1.25)),
        Panel(_pairs("gate"), "time (ms)", "gate", span, (-0.05, 1.05)),
    ]
    columns = 2 if len(panels) % 2 == 0 else 1
    size = (820, 460) if columns == 2 else (700, 520)
    return Explorer(controls, panels, draw, f"{cell.title}, explored", size, columns)


class _Seen:
    """What is shown of one run: its last part by state, its currents, what is said of it."""

    def __init__(self, traces: Traces, shown_ms):
        self.traces, cell = traces, traces.cells[0]
        samples = round(shown_ms / (traces.t_ms[1] - traces.t_ms[0]))
        self.start_ms = traces.t_ms[-samples]
        self.t = traces.t_ms[-samples:] - self.start_ms
        self.states = {name: traces[name][0, -samples:] for name in cell.state_names}
        self.currents = {
            name: np.broadcast_to(I, self.t.shape)
            for name, I in currents(cell, self.states).items()
        }

    def __getitem__(self, state):
        return self.states[state]

    def words(self, short=False):
        """APD90 and capture of the run; rest and peak as well unless short."""
        (apd,), (capture,) = self.traces.apd_ms(), self.traces.capture()
        V, apd = self["V"], f"{apd:.4g} ms" if np.isfinite(apd) else "none complete"
        ends = "" if short else f"rest {V.min():.1f} mV, peak {V.max():.1f} mV, "
        return f"APD90 {apd}, {ends}capture {capture}"


def _held_at(moved, gate):
    return {CLOSED: 0.0, OPEN: 1.0, HELD: moved[f"{gate}_at"]}[moved[gate]]


def _pulses(seen, base, height):
    """The stimuli as a line of pulses on `base`."""
    cell, t = seen.traces.cells[0], seen.t
    onsets = seen.traces.stimuli_ms[0] - seen.start_ms
    onsets = onsets[(onsets >= 0) & (onsets < t[-1])]
    width = cell.stimulus.duration_ms
    x = (onsets[:, None] + [0.0, 0.0, width, width]).ravel()
    y = np.tile([base, base + height, base + height, base], len(onsets))
    return np.concatenate([[0.0], x, [t[-1]]]), np.concatenate([[base], y, [base]])


def _pair(name, labelled):
    """The curves of a state: the published cell in grey under this one."""
    return (
        Curve(f"{name} published", "published" if labelled else "", PUBLISHED),
        Curve(name, "this cell" if labelled else "", {"color": BLUE}),
    )


def _pairs(kind):
    """The curves of two currents or gates, those of the published cell pale beneath."""
    looks = {"1": {"color": BLUE}, "2": {"color": RED, "ls": "--"}}
    below = tuple(
        Curve(f"{kind} {k} published", "", {**look, "color": GREY, "lw": 2.4})
        for k, look in looks.items()
    )
    return below + tuple(Curve(f"{kind} {k}", f"{kind} {k}", look) for k, look in looks.items())
