"""`exp, log, sqrt, where` for numba scalars, NumPy arrays and torch tensors.

A cell's equations are written once over these four and executed three ways: compiled for the
fast kernel, in NumPy for SciPy's solvers, and in torch, where they can be differentiated.

>>> float(exp(np.array(0.0)))
1.0
"""

import math

import numpy as np
from numba.extending import overload


def exp(x):
    """Return e to the power x."""
    return x.exp() if hasattr(x, "exp") else np.exp(x)


def log(x):
    """Return the natural logarithm of x."""
    return x.log() if hasattr(x, "log") else np.log(x)


def sqrt(x):
    """Return the square root of x."""
    return x.sqrt() if hasattr(x, "sqrt") else np.sqrt(x)


def where(condition, a, b):
    """Return a where the condition holds and b elsewhere; both are evaluated."""
    if hasattr(condition, "logical_and"):  # a torch tensor; torch itself is never imported here
        from torch import where as torch_where

        return torch_where(condition, a, b)
    return np.where(condition, a, b)


@overload(exp)
def _exp(x):
    return lambda x: math.exp(x)


@overload(log)
def _log(x):
    return lambda x: math.log(x)


@overload(sqrt)
def _sqrt(x):
    return lambda x: math.sqrt(x)


@overload(where)
def _where(condition, a, b):
    return lambda condition, a, b: a if condition else b
