"""The classic gates of a model: states that relax linearly, at rates of V and one concentration."""

from collections import Counter
from typing import NamedTuple

import myokit as mk
import numpy as np

from ionlab.cells.imported.algebra import (
    ONE,
    divide,
    evaluate,
    is_fraction,
    is_zero,
    linear,
    negative,
    reach,
    states_in,
    times,
)
from ionlab.cells.imported.reading import is_concentration
from ionlab.cells.imported.units import BARE

V_mV = np.arange(-120.0, 60.5, 1.0) + 0.37  # where h_inf and tau are tried
SLACK = 0.02  # of h_inf beyond 0 to 1, as sums of rounded curves leave it


class Gate(NamedTuple):
    """A classic gate: dx/dt = (h_inf - x) / tau, in the model's units."""

    h_inf: mk.Expression
    tau: mk.Expression


def gates_of(reading):
    """Return state -> `Gate` of the classic gates, the concentration that they read, and why not.

    A gate is no voltage or concentration, and has h_inf between 0 and 1 and a positive tau from
    -120 to 60 mV; its equation is linear in itself, written as alpha (1 - x) - beta x, as
    (h_inf - x) / tau, or otherwise. Its rates depend on V and at most one concentration, the same
    for all gates. `why not` says for each other such state that starts between 0 and 1 what it
    lacks.
    """
    gates, seconds, plain = {}, {}, {}
    for x in reading.model.states():
        if not _may_be_gate(x, reading):
            continue
        others = states_in(x.rhs()) - {x, reading.voltage}
        foreign = [s for s in others if not (is_concentration(s) or s is reading.calcium)]
        if foreign or len(others) > 1:
            plain[x] = f"depends on {_some(foreign or others)}"
        elif any(var.is_bound() for var in reach(x.rhs())):
            plain[x] = "depends on time"
        elif (gate := relaxation(x.rhs(), x)) is None:
            plain[x] = "is not linear in itself"
        elif wrong := _unsound(gate, reading):
            plain[x] = wrong
        else:
            gates[x], seconds[x] = gate, next(iter(others), None)
    counts = Counter(s for s in seconds.values() if s is not None)
    second = max(counts, key=counts.get) if counts else None
    for x, s in seconds.items():
        if s not in (None, second):
            del gates[x]
            plain[x] = f"depends on {s.qname()}, where other gates depend on {second.qname()}"
    return gates, second, {x: why for x, why in plain.items() if is_fraction(x)}


def relaxation(e, x):
    """Return the `Gate` with e = (h_inf - x) / tau; None if e is not linear in x."""
    if isinstance(e, mk.Name) and e.var() is not x:
        return relaxation(e.var().rhs(), x)
    if isinstance(e, mk.Divide) and x not in reach(e[1]):
        gate = relaxation(e[0], x)
        return gate and Gate(gate.h_inf, times(gate.tau, e[1]))
    if isinstance(e, mk.Multiply):
        for factor, rest in ((e[0], e[1]), (e[1], e[0])):
            if x not in reach(factor):
                gate = relaxation(rest, x)
                return gate and Gate(gate.h_inf, divide(gate.tau, factor))
    parts = linear(e, x)
    if parts is None or is_zero(parts[0]):
        return None
    rate = negative(parts[0])
    return Gate(divide(parts[1], rate), divide(ONE, rate))


def _some(states):
    """Return the names of a few states."""
    names = sorted(s.qname() for s in states)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _may_be_gate(x, reading):
    """Whether a state is no voltage or concentration, nor anything else that has a unit."""
    return x.unit() in BARE and x not in (reading.voltage, reading.calcium)


def _unsound(gate, reading):
    """Return what is wrong with the values of a gate along V; "" if nothing is."""
    V = {reading.voltage: V_mV * reading.mV}
    h_inf, tau = (np.broadcast_to(evaluate(e, V), V_mV.shape) for e in gate)
    if not (np.isfinite(h_inf).all() and np.isfinite(tau).all()):
        return "has rates that are not finite at every voltage"
    if tau.min() <= 0 or h_inf.min() < -SLACK or h_inf.max() > 1 + SLACK:
        return "leaves the range from 0 to 1"
    return ""
