"""`exp, log, sqrt, where` and their like for numba scalars, NumPy arrays and torch tensors.

A cell's equations are written once over these and executed three ways: compiled for the
fast kernel, in NumPy for tables, and in torch, where they can be differentiated. Compiled, they are
arithmetic without a branch, so that a loop over runs becomes vector instructions; they agree with
NumPy to 1e-14, saturate near the smallest and largest numbers, and pass on what is not a number.
What currents and derivatives call besides is marked `@helper`.

>>> float(exp(np.array(0.0)))
1.0
"""

import math
from functools import partial

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic, overload, register_jitable

FUSED = {"contract"}  # a * b + c may be one instruction
# A division by zero gives an infinity, as in NumPy; a run that meets one is reported as diverged.
njit = partial(numba.njit, error_model="numpy", fastmath=FUSED)
# A function that compiled equations may call.
helper = register_jitable(error_model="numpy", fastmath=FUSED, forceinline=True)
SHIFTER = 1.5 * 2.0**52  # added to a small number, it leaves the nearest integer in the low bits
LOG2_HIGH, LOG2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # log 2, in two parts
LOG2_E = 1.4426950408889634
LOWEST, HIGHEST = -708.0, 709.7  # beyond them, exp(x) is that of these
SHIFTER_BITS = 0x4338000000000000
HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2)


def exp(x):
    """Return e to the power x; beyond the largest number it is infinite."""
    if hasattr(x, "exp"):
        return x.exp()
    with np.errstate(over="ignore"):
        return np.exp(x)


def log(x):
    """Return the natural logarithm of x."""
    return x.log() if hasattr(x, "log") else np.log(x)


def sqrt(x):
    """Return the square root of x."""
    return x.sqrt() if hasattr(x, "sqrt") else np.sqrt(x)


def sin(x):
    """Return the sine of x."""
    return x.sin() if hasattr(x, "sin") else np.sin(x)


def cos(x):
    """Return the cosine of x."""
    return x.cos() if hasattr(x, "cos") else np.cos(x)


def asin(x):
    """Return the angle from -pi/2 to pi/2 whose sine is x."""
    return x.asin() if hasattr(x, "asin") else np.arcsin(x)


def acos(x):
    """Return the angle from 0 to pi whose cosine is x."""
    return x.acos() if hasattr(x, "acos") else np.arccos(x)


def atan(x):
    """Return the angle from -pi/2 to pi/2 whose tangent is x."""
    return x.atan() if hasattr(x, "atan") else np.arctan(x)


def floor(x):
    """Return the largest whole number that is not above x."""
    return x.floor() if hasattr(x, "floor") else np.floor(x)


def where(condition, a, b):
    """Return a where the condition holds and b elsewhere; both are evaluated."""
    if isinstance(condition, (bool, np.bool_)):  # of parameters alone
        return a if condition else b
    if hasattr(condition, "logical_and"):  # a torch tensor; torch itself is never imported here
        from torch import where as torch_where

        return torch_where(condition, a, b)
    return np.where(condition, a, b)


@intrinsic
def _bits(typing, x):
    """The bits of a float as an integer."""
    return types.int64(types.float64), _cast


@intrinsic
def _number(typing, k):
    """The float that has these bits."""
    return types.float64(types.int64), _cast


def _cast(context, builder, signature, arguments):
    return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))


@overload(exp, jit_options={"fastmath": FUSED, "forceinline": True})
def _exp(x):
    """2^n exp(r) with abs(r) <= log(2)/2, by its Taylor series (Cody and Waite 1980, chapter 6)."""

    def fast(x):
        y = 1.0 * x
        y = LOWEST if y < LOWEST else y
        y = HIGHEST if y > HIGHEST else y
        shifted = y * LOG2_E + SHIFTER
        n = shifted - SHIFTER
        r = y - n * LOG2_HIGH - n * LOG2_LOW
        q = 1.0 + r * (1 / 11 + r * (1 / 132))
        q = 1.0 + r * (1 / 8 + r * (1 / 72 + r * (1 / 720) * q))
        q = 1.0 + r * (1 / 5 + r * (1 / 30 + r * (1 / 210) * q))
        q = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24) * q)))
        return q * _number((_bits(shifted) + 1023) << 52)

    return fast


@overload(log, jit_options={"fastmath": FUSED, "forceinline": True})
def _log(x):
    """e log(2) + 2 artanh((m - 1)/(m + 1)), x = m 2^e, m from sqrt(1/2) to sqrt(2)."""

    def fast(x):
        k = _bits(1.0 * x)
        e = (k - HALF_BITS) >> 52
        m = _number(k - (e << 52))
        f = (m - 1.0) / (m + 1.0)
        s = f * f
        q = 1 / 13 + s * (1 / 15 + s * (1 / 17 + s * (1 / 19)))
        q = 1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * q)))
        q = 2.0 * f * (1.0 + s * (1 / 3 + s * q))
        n = _number(e + SHIFTER_BITS) - SHIFTER
        beyond = -np.inf if x == 0.0 else np.nan
        return q + n * LOG2_HIGH + n * LOG2_LOW if x > 0.0 else beyond

    return fast


@overload(sqrt)
def _sqrt(x):
    return lambda x: math.sqrt(x)


@overload(sin)
def _sin(x):
    return lambda x: math.sin(x)


@overload(cos)
def _cos(x):
    return lambda x: math.cos(x)


@overload(asin)
def _asin(x):
    return lambda x: math.asin(x)


@overload(acos)
def _acos(x):
    return lambda x: math.acos(x)


@overload(atan)
def _atan(x):
    return lambda x: math.atan(x)


@overload(floor)
def _floor(x):
    return lambda x: np.floor(x)


@overload(where)
def _where(condition, a, b):
    return lambda condition, a, b: a if condition else b


@helper
def linoid(x):
    """Return x / (exp(x) - 1), continued through its removable gap at x = 0.

    It stands in rates and in the constant-field equation.

    >>> float(linoid(0.0)), round(float(linoid(1.0)), 4)
    (1.0, 0.582)
    """
    near = abs(x) < 1e-5
    y = where(near, 1e-5, x)
    return where(near, 1.0 - 0.5 * x, y / (exp(y) - 1.0))
