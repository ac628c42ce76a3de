"""What may differ between two cells of one model: amounts of channels, and how their gates move."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from ionlab.errors import BadValue, known

KINDS = ("amount", "shift", "stretch", "tau", "start")
GATING = ("shift", "stretch", "tau")


@dataclass(frozen=True, order=True)
class Change:
    """One way in which a cell may differ from another.

    kind : "amount", the conductance of a current; of a gate "shift", its steady state along V in
        mV, "stretch", how wide that is, "tau", its time constant; "start", a concentration at the
        beginning of pacing, which nobody knows and nobody asks for.
    target : the current, the gate or the state.

    Values are mV for a shift and logarithms of a ratio for the others, so 0 is no change.
    """

    kind: str
    target: str

    def __str__(self):
        return f"{self.kind} of {self.target}"


def candidates(cell, pumps=False):
    """Return the `Change`s that a cell may show: conductances, then all of its classic gates.

    pumps : offer pumps and exchangers as well.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> len(candidates(hodgkin_huxley1952))
    12
    """
    carriers = cell.pumps if pumps else {}
    amounts = [Change("amount", current) for current in (*cell.conductances, *carriers)]
    gates = [g for g in cell.gate_names if current_of(cell, g) in cell.conductances]
    return (*amounts, *(Change(kind, gate) for kind in GATING for gate in gates))


def starts(cell):
    """Return the `Change`s of concentrations that drift for longer than a recording lasts."""
    slow = [s.name for s in cell.states if s.unit == "mM" and s.name not in cell.observables]
    return tuple(Change("start", name) for name in slow)


def apply(cell, values):
    """Return the cell with changes made to it; values : `Change` -> value, 0 for none.

    >>> from ionlab.cells import tentusscher2004
    >>> ill = apply(tentusscher2004, {Change("amount", "I_Kr"): np.log(0.5)})
    >>> round(ill.parameter("g_Kr"), 6)
    0.048
    """
    parameters = {**cell.conductances, **cell.pumps}
    factors, moves, begin = {}, {}, {}
    for change, value in values.items():
        known("kind of change", change.kind, KINDS)
        if not np.isfinite(value):
            raise BadValue(f"the {change} must be finite, got {value!r}. 0 is no change.")
        if value == 0.0:
            continue
        if change.kind == "amount":
            factors[parameters[known("current", change.target, parameters)]] = np.exp(value)
        elif change.kind == "start":
            begin[change.target] = cell.state(change.target).start * np.exp(value)
        else:
            moves.setdefault(change.target, {})[change.kind] = value
    for gate, move in moves.items():
        cell = cell.with_moved_gate(
            gate,
            move.get("shift", 0.0),
            float(np.exp(move.get("stretch", 0.0))),
            float(np.exp(move.get("tau", 0.0))),
        )
    return cell.perturbed(**factors).with_start(**begin)


def current_of(cell, gate):
    """Return the current that a classic gate belongs to; None for one that opens no current.

    >>> from ionlab.cells import tentusscher2004
    >>> current_of(tentusscher2004, "xr2")
    'I_Kr'
    """
    known("gate", gate, cell.gate_names)
    middle = {g: 0.4 for g in cell.gate_names}
    s = SimpleNamespace(**{**vars(cell.at()), **middle})
    open_ = SimpleNamespace(**{**vars(s), gate: 0.8})
    before, after = (cell.equations.currents(x, cell.p)._asdict() for x in (s, open_))
    moved = {name: abs(after[name] - before[name]) for name in before}
    most = max(moved, key=moved.get)
    return most if moved[most] > 0 else None


def acts_on(cell, change):
    """Return the current that a `Change` of an amount or of a gate acts on.

    >>> from ionlab.cells import tentusscher2004
    >>> acts_on(tentusscher2004, Change("shift", "f"))
    'I_CaL'
    """
    return current_of(cell, change.target) if change.kind in GATING else change.target


def amounts(changes):
    """Return the indices of conductances."""
    return [k for k, change in enumerate(changes) if change.kind == "amount"]
