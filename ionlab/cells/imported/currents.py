"""The membrane currents of a model: the terms of dV/dt, what scales each, and the stimulus."""

import re
from math import isfinite
from typing import NamedTuple

import myokit as mk

from ionlab.cells.imported.algebra import (
    ONE,
    ZERO,
    chosen,
    divide,
    drives,
    evaluate,
    half_open,
    is_zero,
    linear,
    negative,
    plus,
    reach,
    times,
)
from ionlab.cells.imported.reading import asked, saying
from ionlab.errors import BadModel

OTHER = "I_other"  # terms of dV/dt that have no name of their own
PUMP = re.compile(r"nak|naca|ncx|pca|cap$|pmca|pump|serca|exchang", re.IGNORECASE)
SCALE = re.compile(r"(g|p|k|i|j|v|perm|max|scale|rho|s_?f)", re.IGNORECASE)
STIMULUS = re.compile(r"stim|app|ext|inject", re.IGNORECASE)
UPSTROKE_mV, FAST_ms = -20.0, 1.0


class Current(NamedTuple):
    """One term of dV/dt = -(sum of currents): its variable and what it is multiplied by there."""

    var: mk.Variable | None
    factor: mk.Expression  # of the currents without a name, the whole


def currents_of(reading, stimulus=None):
    """Return the named `Current`s, the one of all other terms or None, and the stimulus or None.

    The currents are those names in dV/dt that are added up there, through sums of names. The
    stimulus is the term that depends on `pace` or on time, or the one asked for by name.
    """
    V, wanted = reading.voltage, None
    if stimulus is not None:
        wanted = asked(reading.path, reading.model, "stimulus", stimulus)
    named, rest, driven = {}, ZERO, []
    for e, factor in _terms(V.rhs(), ONE):
        var = e.var() if isinstance(e, mk.Name) else None
        forced = any(drives(v) for v in reach(e))
        if (var is wanted) if wanted is not None else forced:
            driven.append((e, negative(factor)))
        elif wanted is None and _is_idle_stimulus(var):
            driven.append((e, negative(factor)))
        elif var is not None and var.is_bound() and not drives(var):
            continue  # zero, as the coupling to a neighbour
        elif var is not None and not (var.is_state() or var.is_constant()):
            held = named[var].factor if var in named else ZERO
            factor = plus(held, negative(factor))
            named[var] = Current(var, factor)
        else:
            rest = plus(rest, times(negative(factor), e))
    if wanted is not None and not driven:
        raise BadModel(
            f"{reading.path}: the stimulus must be a term of dV/dt, and {reading.place(wanted)} is "
            f"not; there are {', '.join(v.qname() for v in named)}."
        )
    if len(driven) > 1:
        names = ", ".join(e.code() for e, _ in driven)
        raise BadModel(
            f"{reading.path}: one term of dV/dt may be the stimulus, and {names} depend on time. "
            f"Hold the others, and {saying(reading.path, 'stimulus')}."
        )
    if not named:
        raise BadModel(
            f"{reading.path}: dV/dt must be a sum of named currents, got "
            f"dot({reading.place(V)}) = {V.rhs().code()}. Give each current a variable."
        )
    other = None if rest is ZERO else Current(None, rest)
    return list(named.values()), other, driven[0] if driven else None


def _terms(e, factor):
    """Yield (term, factor) of a sum, through constant factors, switches and names of such sums."""
    if isinstance(e, (mk.Plus, mk.Minus)):
        yield from _terms(e[0], factor)
        yield from _terms(e[1], negative(factor) if isinstance(e, mk.Minus) else factor)
    elif isinstance(e, mk.PrefixPlus):
        yield from _terms(e[0], factor)
    elif isinstance(e, mk.PrefixMinus):
        yield from _terms(e[0], negative(factor))
    elif isinstance(e, mk.Divide) and e[1].is_constant():
        yield from _terms(e[0], divide(factor, e[1]))
    elif isinstance(e, mk.Multiply) and e[0].is_constant() and not e[1].is_constant():
        yield from _terms(e[1], times(factor, e[0]))
    elif isinstance(e, mk.Multiply) and e[1].is_constant() and not e[0].is_constant():
        yield from _terms(e[0], times(factor, e[1]))
    elif isinstance(e, mk.Name) and _is_sum_of_names(e.var()):
        yield from _terms(e.var().rhs(), factor)
    elif isinstance(e, (mk.If, mk.Piecewise)) and chosen(e) is not None:
        yield from _terms(chosen(e), factor)
    else:
        yield e, factor


def _is_sum_of_names(var):
    """Whether a variable only adds up others, as `i_ion = i_Na + i_K` does."""
    if var.is_state() or var.is_bound() or var.is_constant():
        return False
    terms = list(_terms(var.rhs(), ONE))
    names = [e.var() for e, _ in terms if isinstance(e, mk.Name)]
    moving = [v for v in names if not v.is_state()]
    return len(moving) == len(terms) > 1


def _is_idle_stimulus(var):
    """Whether a variable is a constant zero whose name says that it is the stimulus."""
    return var is not None and is_zero(var.rhs()) and bool(STIMULUS.search(var.name()))


def scales_of(reading, currents):
    """Return the conductances and the pumps: current -> the parameter that it is proportional to.

    Of several such parameters the one that fewest currents share is taken, and one whose name says
    so (g_Na, PCa, k_NaCa); what else reads it must be proportional to it, too. The permeability of
    a channel that carries several currents goes to the largest of them. A current that is left
    without one gets a new parameter, `scale_` and its name, of value 1. Pumps and exchangers are
    told from channels by their names (NaK, NaCa, NCX, pCa, pump), or by not reading the voltage.
    """
    reached = {current.var: reach(mk.Name(current.var)) for current in currents}
    scales = {var: _scales(var) for var in reached}
    found = {
        var: [p for p in own if all(p in scales[v] for v in reached if p in reached[v])]
        for var, own in scales.items()
    }
    shared = {p: sum(p in own for own in found.values()) for s in found.values() for p in s}
    conductances, pumps, taken = {}, {}, set()
    fewest = {var: min((shared[p] for p in own), default=99) for var, own in found.items()}
    for var in sorted(found, key=lambda v: (fewest[v], -_size(v, reached[v], reading))):
        free = [p for p in found[var] if p not in taken and shared[p] <= max(3, len(found) // 3)]
        if free:
            best = min(free, key=lambda p: (shared[p], p.parent() is not var.parent()))
        else:
            component = var.parent(mk.Component)
            best = component.add_variable_allow_renaming(f"scale_{var.name()}")
            best.set_rhs(1.0)
        taken.add(best)
        pump = PUMP.search(var.name().replace("_", "")) or reading.voltage not in reached[var]
        (pumps if pump else conductances)[var] = best
    return tuple({v: kind[v] for v in found if v in kind} for kind in (conductances, pumps))


def is_added(parameter):
    """Whether a parameter is none of the file but was added to scale a current."""
    return parameter.name().startswith("scale_") and not parameter.is_referenced()


def _size(var, reached, reading):
    """Return about how large a current is, at -20 mV with all gates half open."""
    at = {**half_open(reached), reading.voltage: UPSTROKE_mV * reading.mV}
    size = abs(float(evaluate(mk.Name(var), at)))
    return size if isfinite(size) else 0.0


def _scales(var):
    """Return the parameters that a current is proportional to and that are named so, in order."""
    factors = dict.fromkeys(_factors(mk.Name(var)))
    named = [p for p in factors if SCALE.match(p.name())]
    parts = {p: linear(mk.Name(var), p) for p in named}
    return [p for p in named if parts[p] is not None and is_zero(parts[p][1])]


def _factors(e):
    """Return the parameters that multiply an expression, in order; it may read them elsewhere."""
    if isinstance(e, mk.Name):
        var = e.var()
        if var.is_state() or var.is_bound():
            return []
        return [var] if var.is_literal() else _factors(var.rhs())
    if isinstance(e, mk.Multiply):
        return _factors(e[0]) + _factors(e[1])
    if isinstance(e, (mk.Divide, mk.PrefixMinus, mk.PrefixPlus)):
        return _factors(e[0])
    if isinstance(e, (mk.Plus, mk.Minus)):
        right = _factors(e[1])
        return [p for p in _factors(e[0]) if p in right]
    if isinstance(e, (mk.If, mk.Piecewise)):
        pieces = list((e.piecewise() if isinstance(e, mk.If) else e).pieces())
        first, *others = map(_factors, pieces)
        return [p for p in first if all(p in other for other in others)]
    return []


def upstroke_of(reading, gates, labels, conductances):
    """Return the conductance's current that is most inward at -20 mV once fast gates opened."""
    V = {reading.voltage: UPSTROKE_mV * reading.mV}
    for x, gate in gates.items():
        if float(evaluate(gate.tau, V)) < FAST_ms * reading.ms:
            V[x] = max(float(evaluate(gate.h_inf, V)), x.initial_value(as_float=True))
    size = {
        label: float(evaluate(times(current.factor, mk.Name(current.var)), V))
        for current, label in labels.items()
        if label in conductances
    }
    return min(size, key=size.get, default="")
