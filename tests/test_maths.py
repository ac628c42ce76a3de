"""Oracle: NumPy and torch themselves, value and gradient, and the compiled scalar."""

import math

import numba
import numpy as np
import pytest
import torch

from ionlab import maths

X = [0.1, 0.7, 2.5, 30.0]
SINES = [-0.9, -0.2, 0.3, 0.8]


@pytest.mark.parametrize(
    ("name", "points"),
    [("exp", X), ("log", X), ("sqrt", X), ("asin", SINES), ("acos", SINES), ("atan", SINES)],
)
def test_one_function_on_scalars_arrays_and_tensors(name, points):
    f, scalar = getattr(maths, name), getattr(math, name)
    wanted = [scalar(x) for x in points]
    assert [float(f(x)) for x in points] == pytest.approx(wanted, rel=1e-15)
    np.testing.assert_allclose(f(np.array(points)), wanted, rtol=1e-15)
    tensor = torch.tensor([points, points], dtype=torch.float64, requires_grad=True)
    np.testing.assert_allclose(f(tensor).detach(), [wanted, wanted], rtol=1e-15)
    assert torch.autograd.gradcheck(f, tensor)
    compiled = numba.njit(lambda x: f(x))
    assert [compiled(x) for x in points] == pytest.approx(wanted, rel=1e-15)


def test_log_of_zero_is_minus_infinity():
    """As in NumPy: exp(n log(D)), a dose to a power, is zero without a drug."""
    log = maths.log
    assert numba.njit(lambda x: log(x))(0.0) == -math.inf
    assert math.isnan(numba.njit(lambda x: log(x))(-1.0))


def test_where_on_scalars_arrays_and_tensors():
    a, b = np.array(X), -np.array(X)
    wanted = [-0.1, -0.7, 2.5, 30.0]
    np.testing.assert_array_equal(maths.where(a > 1.0, a, b), wanted)
    tensor = torch.tensor(X)
    np.testing.assert_array_equal(
        maths.where(tensor > 1.0, tensor, -tensor), np.array(wanted, np.float32)
    )
    assert [float(maths.where(x > 1.0, x, -x)) for x in X] == wanted
    where = maths.where
    compiled = numba.njit(lambda x: where(x > 1.0, x, -x))
    assert [compiled(x) for x in X] == wanted


def test_where_takes_a_tensor_on_one_side_and_a_number_on_the_other():
    x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
    maths.where(x > 1.0, x * x, 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.0, 5.0, 60.0])
