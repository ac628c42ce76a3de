"""Removable gaps, as x / (exp(x) - 1) at x = 0, are stepped over.

A rate or a constant-field current that is 0/0 at one voltage is evaluated a little beside it, with
its whole product: V is replaced by V0 + 0.0001 mV where it is that close to V0.
"""

from math import log

import myokit as mk
import numpy as np

from ionlab.cells.imported.algebra import (
    divide,
    evaluate,
    half_open,
    linear,
    negative,
    plus,
    reach,
)

BESIDE_mV = 1e-4
RANGE_mV = -200.0, 200.0  # gaps beyond it are never met


def mend(model, V, mV):
    """Step over every removable gap along the voltage V of a model, in place.

    mV : how many of the unit of V one mV is.
    """
    seen = set()
    for var in list(model.variables(deep=True)):
        _mend_variable(var, V, mV, seen)
    model.create_unique_names()


def _mend_variable(var, V, mV, seen):
    """Mend what a variable depends on, then the variable: a gap is mended where it is written."""
    if var in seen or var.is_bound():
        return
    seen.add(var)
    for name in var.rhs().references():
        _mend_variable(name.var(), V, mV, seen)
    if V in reach(var.rhs()):
        mended = {}
        _mend(var.rhs(), var, V, mV, mended)
        if mended:
            var.set_rhs(var.rhs().clone(subst=mended))


def _mend(e, var, V, mV, mended):
    """Find the largest products with gaps within e; put what replaces them into `mended`."""
    if isinstance(e, (mk.Multiply, mk.Divide)):
        zeros = []
        for factor in _divisors(e, V):
            zero = _zero(factor, V, mV)
            if zero is not None and zero not in zeros and _removable(e, V, mV, zero):
                zeros.append(zero)
        if zeros:
            mended[e] = _beside(e, var, V, mV, zeros)
            return
    for operand in e:
        _mend(operand, var, V, mV, mended)


def _divisors(e, V, below=False):
    """All that a product divides by and that depends on V, through the names between."""
    if isinstance(e, mk.Name) and e.var() is not V and V in reach(e):
        yield from _divisors(e.var().rhs(), V, below)
    elif isinstance(e, mk.Multiply):
        for operand in e:
            yield from _divisors(operand, V, below)
    elif isinstance(e, mk.Divide):
        yield from _divisors(e[0], V, below)
        yield from _divisors(e[1], V, not below)
    elif isinstance(e, mk.PrefixMinus):
        yield from _divisors(e[0], V, below)
    elif below and V in reach(e):
        yield e


def _zero(factor, V, mV):
    """Return the voltage, an expression, at which a divisor is zero; None if there is none.

    Known are a divisor that is linear in V, and differences of exponentials of such, or of one
    and a number.
    """
    u = factor
    if isinstance(factor, (mk.Plus, mk.Minus)):
        left, right = factor[0], factor[1] if isinstance(factor, mk.Minus) else negative(factor[1])
        if isinstance(left, mk.Number) and isinstance(factor, mk.Plus):
            left, right = right, left  # -1 + exp(u)
            left, right = negative(left), negative(right)
        logs = _log(left), _log(right)
        if None not in logs and any(V in reach(side) for side in logs):
            u = mk.Minus(*logs)
    parts = linear(u, V)
    if parts is None:
        return None
    zero = divide(negative(parts[1]), parts[0])
    at_mV = evaluate(zero, {}) / mV
    return zero if RANGE_mV[0] <= at_mV <= RANGE_mV[1] else None


def _log(e):
    """Return the logarithm of products of exp(u) and positive numbers; None of anything else."""
    if isinstance(e, mk.Exp):
        return e[0]
    if e.is_literal():
        return mk.Number(log(e.eval())) if e.eval() > 0 else None
    if isinstance(e, mk.Name) and not (e.var().is_state() or e.var().is_bound()):
        return _log(e.var().rhs())
    if not isinstance(e, (mk.Multiply, mk.Divide)):
        return None
    logs = [_log(operand) for operand in e]
    if None in logs:
        return None
    return plus(logs[0], logs[1] if isinstance(e, mk.Multiply) else negative(logs[1]))


def _removable(e, V, mV, zero):
    """Whether e stays bounded towards a zero of one of its divisors."""
    half = half_open(reach(e))
    at = evaluate(zero, {s: x for s, x in half.items() if s is not V})
    with np.errstate(all="ignore"):
        near, far = (
            abs(evaluate(e, {**half, V: at + d * mV})) for d in (10 * BESIDE_mV, 100 * BESIDE_mV)
        )
    return bool(near <= 3.0 * far)


def _beside(e, var, V, mV, zeros):
    """Return e at a voltage that keeps away from `zeros`."""
    beside, away = mk.Name(V), mk.Number(BESIDE_mV * mV)
    for zero in zeros:
        near = mk.Less(mk.Abs(mk.Minus(mk.Name(V), zero)), away)
        beside = mk.If(near, plus(zero, away), beside)
    owner = var.parent(mk.Component)
    voltage = owner.add_variable_allow_renaming(f"{V.name()}_beside")
    voltage.set_rhs(beside)
    between = [n for n in reach(e) if not n.is_state() and V not in reach(mk.Name(n))]
    return e.clone(subst={mk.Name(V): mk.Name(voltage)}, expand=True, retain=between)
