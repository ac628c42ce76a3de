"""Controls linearised anew where a large change bends what they left open."""

import numpy as np
import pytest
from linear import CELL, ODDS, SD, Linear, P, index
from scipy.optimize import least_squares

from ionlab.descent import control_at, fit_control
from ionlab.evidence import Evidence
from ionlab.recentre import bent, recentred
from ionlab.refine import refine
from ionlab.search import explain

HIDDEN, MOVED, SHOWS = index("amount", "I_Na"), index("shift", "n"), index("amount", "I_L")
TRUTH, DELTA = 1.2, 8.0  # of what the control leaves open, and of the change
THETA_X = 0.7 * np.random.default_rng(8).normal(size=P) * CELL  # far from the theory in all
THETA_X[HIDDEN] = TRUTH


class Coupled(Linear):
    """A recording that shows one amount only where a gate is shifted, along a parabola.

    With h for the amount and v for the shift, it looks as if another amount moved by
    0.06 v (h + 4 h^2).
    """

    def predict(self, thetas, quick=False):
        x = np.array(thetas, dtype=float)
        x[:, SHOWS] += 0.06 * x[:, MOVED] * (x[:, HIDDEN] + 4.0 * x[:, HIDDEN] ** 2)
        x[:, HIDDEN] *= 0.003
        return super().predict(x)


def recorded(theta, seed):
    side = Coupled(np.zeros(P), seed)
    side.seen = side.seen + side.predict([theta])[0] - side.predict([np.zeros(P)])[0]
    return side


@pytest.fixture(scope="module")
def problem():
    theta = THETA_X.copy()
    theta[MOVED] += DELTA
    return recorded(THETA_X, 1), recorded(theta, 2)


@pytest.fixture(scope="module")
def linear(problem):
    """The hypothesis of the right change, fitted with lines at the control."""
    before, after = problem
    control = fit_control(before)
    evidence = Evidence(control, ODDS, stillness=1e-4)
    home = control.theta
    J = after.linearised(home)[1]
    (h,) = refine(after, evidence, control.noise, J, {(MOVED,): home})
    return evidence, control.noise, h


def together(problem, evidence, noise):
    """The theta of the control and the shift (P + 1,) that SciPy fits to both recordings."""
    before, after = problem
    c = evidence.control

    def misses(x):
        theta = x[:P].copy()
        shown = before.predict([theta])[0]
        parts = [theta / c.sd, x[P:] / SD[MOVED], c.noise.whiten(before.seen - shown)]
        theta[MOVED] += x[P]
        return np.concatenate([*parts, noise.whiten(after.seen - after.predict([theta])[0])])

    start = np.append(THETA_X, DELTA)
    fit = least_squares(misses, start, x_scale=np.append(c.sd, SD[MOVED]), xtol=1e-12)
    return fit.x, np.linalg.inv(fit.jac.T @ fit.jac)


def test_both_recordings_are_fitted_as_scipy_fits_them_together(problem, linear):
    evidence, noise, h = linear
    assert bent(problem[1], evidence, noise, h)
    found = recentred(*problem, evidence, noise, h)
    assert not bent(problem[1], evidence, noise, found)
    x, covariance = together(problem, evidence, noise)
    unsure = np.sqrt(np.diag(covariance))
    assert abs(found.values[0] - x[P]) < 0.2 * unsure[P]
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(unsure[P], rel=0.1)
    assert abs(found.control.theta[HIDDEN] - x[HIDDEN]) < 0.8 * unsure[HIDDEN]
    assert found.log_evidence > h.log_evidence + 5.0


def test_what_is_straight_stays_where_it_was():
    """A linear recording is not bent, and linearised elsewhere it gives the same answer."""
    theta = np.zeros(P)
    before = Linear(theta, 1)
    theta[MOVED] = DELTA
    after = Linear(theta, 2)
    control = fit_control(before)
    evidence = Evidence(control, ODDS, stillness=1e-4)
    J = after.linearised(control.theta)[1]
    (h,) = refine(after, evidence, control.noise, J, {(MOVED,): control.theta})
    assert not bent(after, evidence, control.noise, h)
    found = recentred(before, after, evidence, control.noise, h)
    assert found.log_evidence == pytest.approx(h.log_evidence, abs=0.3)
    np.testing.assert_allclose(found.values, h.values, atol=0.05 * np.sqrt(h.covariance[0, 0]))


def test_a_control_linearised_elsewhere_is_the_same_gaussian():
    """Of a linear recording: mean, covariance and evidence do not depend on where that is."""
    side, sd = Linear(0.1 * SD, 3), CELL
    noise = fit_control(side).noise
    near, far = (control_at(side, x, *side.linearised(x), noise, sd) for x in (0.1 * SD, -0.5 * SD))
    np.testing.assert_allclose(far.mean, near.mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(far.covariance, near.covariance, rtol=1e-6, atol=1e-10)
    assert far.log_evidence == pytest.approx(near.log_evidence, abs=1e-5)
    B, z = noise.whiten(side.A), noise.whiten(side.seen + 80.0)
    ridge = np.linalg.solve(B.T @ B + np.diag(sd**-2), B.T @ z)
    np.testing.assert_allclose(near.mean, ridge, rtol=1e-5, atol=1e-7)


def test_the_search_finds_the_one_change(problem):
    """With lines at the control it needs a second one, or misses."""
    before, after = problem
    control = fit_control(before)
    found = explain(after, Evidence(control, ODDS), before=before)
    assert found.hypotheses[0].changes == (MOVED,)
    assert found.evidence.control is found.hypotheses[0].control is not control
    blind = explain(after, Evidence(control, ODDS)).hypotheses[0]
    error, blind_error = (
        abs(dict(zip(h.changes, h.values, strict=True)).get(MOVED, 0.0) - DELTA)
        for h in (found.hypotheses[0], blind)
    )
    assert error < 3.0 * np.sqrt(found.hypotheses[0].covariance[0, 0])
    assert blind.changes != (MOVED,) or blind_error > error
