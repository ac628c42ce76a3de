"""The contract that every ionic model fulfils.

Letters of shapes, used throughout ionlab: E networks, N runs or sweeps, T samples, S states,
G classic gates, K cells.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from ionlab.errors import BadValue, known, positive


@dataclass(frozen=True)
class State:
    """A state variable: name, unit ("1" for a gate), start value, and the span a table covers."""

    name: str
    unit: str
    start: float
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Parameter:
    """A constant of the model: its name, value, unit and where the value comes from."""

    name: str
    value: float
    unit: str
    source: str


class Kinetics(NamedTuple):
    """A classic gate at one voltage: steady state and time constant in ms (Eq. 2.2.2)."""

    h_inf: object
    tau_ms: object


@dataclass(frozen=True)
class Stimulus:
    """The pacing current: amplitude in the unit of the currents, duration, start in a cycle."""

    amplitude: float
    duration_ms: float
    start_ms: float


@dataclass(frozen=True)
class Equations:
    """The right-hand side u' = f(u, t) in three plain functions over `ionlab.maths`.

    gates(s, p)                  -> {gate: Kinetics}, from voltage and concentrations alone
    currents(s, p)               -> a named tuple of the membrane currents
    derivatives(s, p, I, I_stim) -> a named tuple of the derivatives (per ms) of all other states

    `s` has the states and `p` the parameters as attributes: floats, arrays or tensors. `inputs`
    names the states that `gates` reads: the voltage, and one concentration at most.
    """

    gates: Callable
    currents: Callable
    derivatives: Callable
    inputs: tuple[str, ...] = ("V",)


@dataclass(frozen=True)
class Held:
    """Kinetics of a gate that is held at one value, as by a toxin or in a thought experiment."""

    value: float
    inputs = ("V",)

    def __call__(self, s):
        ones = s.V * 0.0 + 1.0  # of the shape and kind of V
        return Kinetics(self.value * ones, ones)


@dataclass(frozen=True)
class Published:
    """Kinetics of a gate as the equations of its cell give them."""

    equations: Equations
    parameters: tuple[Parameter, ...] = field(hash=False)  # which would take long
    gate: str

    @property
    def inputs(self):
        return self.equations.inputs

    def __call__(self, s):
        p = SimpleNamespace(**{p.name: p.value for p in self.parameters})
        return self.equations.gates(s, p)[self.gate]


@dataclass(frozen=True)
class Moved:
    """Kinetics of a gate whose steady state is shifted and stretched and whose tau is scaled.

    h_inf is stretched about `half_mV`, where it is 1/2 before the shift.
    """

    before: Callable  # states -> Kinetics
    half_mV: float
    shift_mV: float
    stretch: float
    slower: float
    inputs = ("V",)

    def origin_mV(self, V):
        """Return the voltage at which h_inf was before what it is now at V."""
        return self.half_mV + (V - self.shift_mV - self.half_mV) / self.stretch

    def __call__(self, s):
        here = there = self.before(s)
        if self.shift_mV or self.stretch != 1.0:
            there = self.before(SimpleNamespace(**{**vars(s), "V": self.origin_mV(s.V)}))
        return Kinetics(there.h_inf, self.slower * here.tau_ms)


HALF_GRID_mV = np.arange(-200.0, 201.0)  # among which the middle of a steady state is found
_GATE_NAMES = {}  # equations -> names: no change of a cell changes them


@lru_cache(maxsize=256)
def _half_mV(kinetics, states):
    """Return the voltage at which the steady state of a gate is 1/2, to 1 mV."""
    s = SimpleNamespace(**{state.name: state.start for state in states})
    setattr(s, states[0].name, HALF_GRID_mV)
    return float(HALF_GRID_mV[np.argmin(np.abs(kinetics(s).h_inf - 0.5))])


@dataclass(frozen=True)
class Cell:
    """An ionic model. Cells are frozen: every change returns a new cell.

    Attributes
    ----------
    states, parameters : what the equations name, with units; the first state is the voltage V.
    equations : the right-hand side (see `Equations`).
    conductances : current -> parameter that scales it, for the currents a drug may change.
    pumps : the same for pumps and exchangers.
    upstroke_current : the one of the conductances that makes the upstroke.
    observables : the states that can be measured; the first is the membrane voltage in mV.
    kinetics : gate -> callable(s) -> `Kinetics`; empty for the cell as published. `inputs` of
        such a callable names the states that it reads: the voltage, and one concentration at most.

    Examples
    --------
    >>> from ionlab.cells import tentusscher2004
    >>> cell = tentusscher2004.perturbed(g_Kr=0.5).with_gate("h", 1.0)
    >>> cell.parameter("g_Kr"), cell.start["h"]
    (0.048, 1.0)
    """

    name: str
    title: str
    source: str
    states: tuple[State, ...]
    parameters: tuple[Parameter, ...]
    equations: Equations
    conductances: Mapping[str, str]
    stimulus: Stimulus
    current_unit: str
    upstroke_current: str = "I_Na"
    observables: tuple[str, ...] = ("V",)
    kinetics: Mapping[str, Callable] = field(default_factory=dict)
    pumps: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_names(self):
        """Names of all states, in the order of the arrays that hold them."""
        return tuple(state.name for state in self.states)

    def at(self, **values):
        """Return the start states as attributes, the named ones replaced, for the equations."""
        for name in values:
            known("state", name, self.state_names)
        return SimpleNamespace(**{**self.start, **values})

    @property
    def gate_names(self):
        """Names of the classic gates: the states for which the equations give kinetics."""
        if self.equations not in _GATE_NAMES:
            _GATE_NAMES[self.equations] = tuple(self.equations.gates(self.at(), self.p))
        return _GATE_NAMES[self.equations]

    @property
    def current_names(self):
        """Names of the membrane currents."""
        return self.equations.currents(self.at(), self.p)._fields

    @property
    def other_names(self):
        """Names of the states that are not classic gates, V first, as the equations order them."""
        s, p = self.at(), self.p
        return self.equations.derivatives(s, p, self.equations.currents(s, p), 0.0)._fields

    @property
    def units(self):
        """State name -> unit."""
        return {state.name: state.unit for state in self.states}

    @property
    def start(self):
        """State name -> start value."""
        return {state.name: state.start for state in self.states}

    @property
    def p(self):
        """The parameters as attributes, for the equations."""
        return SimpleNamespace(**{p.name: p.value for p in self.parameters})

    def state(self, name):
        """Return one `State`."""
        return self.states[self.state_names.index(known("state", name, self.state_names))]

    def parameter(self, name):
        """Return the value of one parameter."""
        values = {p.name: p.value for p in self.parameters}
        return values[known("parameter", name, values)]

    def perturbed(self, **factors):
        """Return the cell with the named parameters multiplied by factors (zero removes a current).

        >>> from ionlab.cells import tentusscher2004
        >>> tentusscher2004.perturbed(g_to=2.0).parameter("g_to")
        0.588
        """
        names = [p.name for p in self.parameters]
        for name, factor in factors.items():
            known("parameter", name, names)
            if factor != 0:
                positive(f"the factor of {name}", factor, "0.5 halves it, 0 removes it.")
        changed = tuple(
            replace(p, value=p.value * factors[p.name]) if p.name in factors else p
            for p in self.parameters
        )
        return replace(self, parameters=changed)

    def with_start(self, **values):
        """Return the cell with other start values of the named states."""
        for name, value in values.items():
            if self.state(name).unit == "mM":
                positive(f"the concentration {name} (mM)", value, "Try its published start.")
            elif not abs(value) < float("inf"):
                raise BadValue(f"a start value must be finite, got {name} = {value!r}.")
        states = tuple(replace(s, start=float(values.get(s.name, s.start))) for s in self.states)
        return replace(self, states=states)

    def with_gate(self, gate, value):
        """Return the cell with one classic gate held at a value from 0 to 1.

        Nothing is compiled anew, so a slider may call this at every move.
        """
        known("gate", gate, self.gate_names)
        if not 0 <= value <= 1:
            raise BadValue(f"a gate lies between 0 and 1, got {gate} = {value!r}.")
        held = replace(self, kinetics={**self.kinetics, gate: Held(float(value))})
        return held.with_start(**{gate: value})

    def with_moved_gate(self, gate, shift_mV=0.0, stretch=1.0, slower=1.0):
        """Return the cell with h_inf(V) of a gate shifted and made `stretch` times as wide.

        The new curve at V is the old one at V - shift_mV, widened about the voltage at which it
        is 1/2; the time constant becomes `slower` times as long.

        >>> from ionlab.cells import tentusscher2004
        >>> cell = tentusscher2004.with_moved_gate("xr2", shift_mV=-17.0)
        >>> float(cell.gates(cell.at(V=-88.0 - 17.0))["xr2"].h_inf)  # published: 1/2 at -88 mV
        0.5
        """
        known("gate", gate, self.gate_names)
        if not abs(shift_mV) < float("inf"):
            raise BadValue(f"a shift must be a number of mV, got {shift_mV!r}. Try -10.")
        positive("the stretch", stretch, "Try 1.2; 1 leaves the curve as wide as it is.")
        positive("the factor of the time constant", slower, "Try 2; 1 leaves it as it is.")
        before = self.kinetics.get(gate) or Published(self.equations, self.parameters, gate)
        half_mV = _half_mV(before, self.states) if stretch != 1.0 else 0.0
        moved = Moved(before, half_mV, float(shift_mV), float(stretch), float(slower))
        return self.with_kinetics({gate: moved})

    def with_kinetics(self, kinetics):
        """Return the cell with other kinetics of some gates: gate -> callable(s) -> `Kinetics`.

        With what a network has learned this is the neural ODE (Eqs. 2.7.1-2.7.2). Nothing is
        compiled anew.
        """
        for gate in kinetics:
            known("gate", gate, self.gate_names)
        return replace(self, kinetics={**self.kinetics, **kinetics})

    def gates(self, s):
        """Return gate -> `Kinetics` at the states `s` (attributes: arrays or tensors)."""
        published = self.equations.gates(s, self.p)
        return {
            gate: self.kinetics[gate](s) if gate in self.kinetics else published[gate]
            for gate in published
        }

    def derivatives(self, s, I_stim=0.0):
        """Return state -> derivative (per ms) at the states `s`: the reference right-hand side."""
        rates = {g: (k.h_inf - getattr(s, g)) / k.tau_ms for g, k in self.gates(s).items()}
        p = self.p
        others = self.equations.derivatives(s, p, self.equations.currents(s, p), I_stim)
        return {**others._asdict(), **rates}
