"""Algebra on Myokit's expression trees: what depends on what, and what is linear in what."""

from math import isclose

import myokit as mk
import numpy as np

ZERO, ONE = mk.Number(0), mk.Number(1)
ROUNDING = 1e-6


def reach(e, found=None):
    """Return all variables that an expression depends on, up to states and bound variables."""
    found = set() if found is None else found
    for name in e.references():
        var = name.var()
        if var not in found:
            found.add(var)
            if not (var.is_state() or var.is_bound()):
                reach(var.rhs(), found)
    return found


def is_fraction(x):
    """Whether a state starts between 0 and 1, but for rounding."""
    return -ROUNDING < x.initial_value(as_float=True) < 1.0 + ROUNDING


def half_open(variables):
    """Return those of some variables that are states from 0 to 1, each at 0.5."""
    return {x: 0.5 for x in variables if x.is_state() and is_fraction(x)}


def drives(var):
    """Whether a variable is bound to time or to the pacing signal."""
    return var.binding() in ("time", "pace")


def chosen(e):
    """Return the branch of an `if` or a `piecewise` that constants choose; None if states do."""
    pieces = e.piecewise() if isinstance(e, mk.If) else e
    for condition, value in zip(pieces.conditions(), pieces.pieces(), strict=False):
        if not condition.is_constant():
            return None
        if condition.eval():
            return value
    return list(pieces.pieces())[-1]


def states_in(e):
    """Return the states that an expression depends on."""
    return {var for var in reach(e) if var.is_state()}


def evaluate(e, values):
    """Return an expression in NumPy at some values of states and bound variables.

    values : variable -> float or array; what is not named has its value at the start.
    """
    constants = {var: np.float64(var.eval()) for var in reach(e) if var.is_constant()}
    values = {**constants, **values}
    bare = e.clone(expand=True, retain=list(values))
    known = {var.uname(): values.get(var) for var in (name.var() for name in bare.references())}
    for name in bare.references():
        if name.var() not in values:
            known[name.var().uname()] = name.var().initial_value(as_float=True)
    with np.errstate(all="ignore"):
        return bare.pyfunc()(**known)


def is_one(e):
    return e.is_literal() and isclose(e.eval(), 1.0, rel_tol=1e-12)


def is_zero(e):
    return e.is_literal() and e.eval() == 0


def folded(e):
    """Return an expression, or its value if it depends on nothing."""
    return mk.Number(e.eval()) if e.is_literal() else e


def negative(e):
    """Return -e."""
    if e.is_literal():
        return mk.Number(-e.eval())
    if isinstance(e, mk.PrefixMinus):
        return e[0]
    if isinstance(e, mk.Minus):
        return (
            mk.Plus(negative(e[0]), e[1])
            if isinstance(e[0], mk.PrefixMinus)
            else mk.Minus(e[1], e[0])
        )
    return mk.PrefixMinus(e)


def plus(a, b):
    """Return a + b."""
    if is_zero(a) or is_zero(b):
        return b if is_zero(a) else a
    if isinstance(b, mk.PrefixMinus):
        return mk.Minus(a, b[0])
    return folded(mk.Plus(a, b))


def times(a, b):
    """Return a * b."""
    if is_zero(a) or is_zero(b):
        return ZERO
    for one, other in ((a, b), (b, a)):
        if is_one(one):
            return other
        if is_one(negative(one)):
            return negative(other)
        if isinstance(one, mk.Divide) and is_one(one[0]):
            return mk.Divide(other, one[1])
    return folded(mk.Multiply(a, b))


def divide(a, b):
    """Return a / b."""
    if is_zero(a) or is_one(b):
        return a
    return folded(mk.Divide(a, b))


def linear(e, x):
    """Return (a, b) with e = a x + b, neither depending on the state x; None if e is not linear."""
    if x not in reach(e):
        return ZERO, e
    if isinstance(e, mk.Name):
        return (ONE, ZERO) if e.var() is x else linear(e.var().rhs(), x)
    if isinstance(e, mk.PrefixPlus):
        return linear(e[0], x)
    if isinstance(e, (mk.If, mk.Piecewise)):
        return _by_pieces(e, x)
    if not isinstance(e, (mk.PrefixMinus, mk.Plus, mk.Minus, mk.Multiply, mk.Divide)):
        return None
    parts = [linear(operand, x) for operand in e]
    if None in parts:
        return None
    (a, b), (c, d) = parts if len(parts) == 2 else (parts[0], (ZERO, ZERO))
    if isinstance(e, mk.PrefixMinus):
        return negative(a), negative(b)
    if isinstance(e, mk.Plus):
        return plus(a, c), plus(b, d)
    if isinstance(e, mk.Minus):
        return plus(a, negative(c)), plus(b, negative(d))
    if not (is_zero(a) or is_zero(c)) or (isinstance(e, mk.Divide) and not is_zero(c)):
        return None
    if isinstance(e, mk.Divide):
        return divide(a, d), divide(b, d)
    return (times(a, d), times(b, d)) if is_zero(c) else (times(b, c), times(b, d))


def _by_pieces(e, x):
    """As `linear`, of an `if` or a `piecewise` whose conditions do not depend on x."""
    pieces = e.piecewise() if isinstance(e, mk.If) else e
    conditions = list(pieces.conditions())
    parts = [linear(value, x) for value in pieces.pieces()]
    if None in parts or any(x in reach(condition) for condition in conditions):
        return None
    return tuple(_piecewise(conditions, values) for values in zip(*parts, strict=True))


def _piecewise(conditions, values):
    """Return the values where their conditions hold, and the last value elsewhere."""
    if all(is_zero(value) for value in values):
        return ZERO
    woven = [e for pair in zip(conditions, values[:-1], strict=True) for e in pair]
    return mk.Piecewise(*woven, values[-1])
