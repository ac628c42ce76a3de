"""Least squares along whole trajectories: damped Gauss-Newton steps, and the fit to a control.

Cells that look alike lie along narrow, bent valleys. A step that leaves one is worth nothing, so
several are tried at once, each damped more than the last.
"""

import numpy as np

from ionlab.evidence import CHANGE_SD, TRUST, Control, limited, per_change
from ionlab.nearness import CELL_SD, cell_sd
from ionlab.noise import likeliest, rough
from ionlab.refine import corrected

DAMPED = (0.0, 1.0, 10.0, 100.0, 1e3, 1e4)  # what a trusted step costs, tried at once
ROUGH_STEPS, CONTROL_STEPS, CHORDS = 7, 12, 8
ROUGHLY = 2  # of the control's steps, all samples alike
ENOUGH = 1.0  # a smaller gain in the fit ends it


def approach(trajectories, theta, columns, home, noise=None, tick=lambda: None):
    """Return where least squares on some columns leads from theta, drawn to `home`.

    noise : by which samples count; all alike if None.
    """
    sd = per_change(CHANGE_SD, trajectories.changes)[columns]
    for _ in range(ROUGH_STEPS):
        tick()
        f, J = trajectories.linearised(theta, columns)
        by = noise or rough(trajectories.blocks, trajectories.seen - f)
        theta, _, before, after = _step(trajectories, by, theta, f, J, columns, home, sd)
        if after > 0.97 * before:
            break
    return theta


def fit_control(trajectories, tick=lambda: None):
    """Return the `Control` of a recording: all changes free, drawn to the theory (M to M_X)."""
    changes, y = trajectories.changes, trajectories.seen
    sd, trust = per_change(CELL_SD, changes), per_change(TRUST, changes)
    home, columns = np.zeros(len(changes)), np.arange(len(changes))
    theta = home
    for turn in range(CONTROL_STEPS):
        tick()
        f, J = trajectories.linearised(theta)
        stuck = True
        for _ in range(CHORDS):  # steps with the same derivatives cost next to nothing
            if turn < ROUGHLY:
                noise = rough(trajectories.blocks, y - f)
            else:
                noise = likeliest(trajectories.blocks, y - f, J * sd)
                sd = cell_sd(changes, noise.whiten(J), noise.whiten(y - f), theta)
            old, shown = theta, f
            theta, f, before, after = _step(trajectories, noise, theta, f, J, columns, home, sd)
            J = corrected(J, f - shown, theta - old, trust)
            if before - after < ENOUGH:
                break
            stuck = False
        if turn >= ROUGHLY and stuck:
            break
    noise = likeliest(trajectories.blocks, y - f, J * sd)
    return control_at(trajectories, theta, f, J, noise, sd, best=True)


def control_at(trajectories, theta, f, J, noise, sd, best=False):
    """Return the `Control` of a recording linearised at theta, by its prediction f and J there.

    sd (P,) : how far the cell may lie from the theory. best : theta is the best fit, so the mean.
    """
    A, z = noise.whiten(J), noise.whiten(trajectories.seen - f)
    covariance = np.linalg.inv(A.T @ A + np.diag(sd**-2))
    slope = np.zeros(len(theta)) if best else A.T @ z - theta / sd**2
    step = covariance @ slope
    cost = z @ z + np.sum((theta / sd) ** 2) - slope @ step
    likely = 0.5 * (np.linalg.slogdet(covariance)[1] - cost)
    return Control(trajectories.changes, theta, theta + step, covariance, f, J, noise, sd, likely)


def damped(precision, slope, trust):
    """Return steps (K, C) of Levenberg and Marquardt (doi:10.1137/0111030), the boldest first.

    Damping is in units of trusted steps: along a narrow, bent valley a shorter Gauss-Newton step
    leads nowhere, but one that keeps to the valley does.
    """
    return np.stack([np.linalg.solve(precision + np.diag(d * trust**-2.0), slope) for d in DAMPED])


def _step(trajectories, noise, theta, f, J, columns, home, sd):
    """Take a Gauss-Newton step in some columns; return theta, its prediction, cost before, after.

    The prior draws to `home` with standard deviations sd. Where none of the `damped` steps is
    better, theta and f stay. The cost after is that of the best trial all the same.
    """
    y, changes = trajectories.seen, trajectories.changes
    trust = per_change(TRUST, changes)[columns]
    A, z = noise.whiten(J), noise.whiten(y - f)
    away = (theta - home)[columns] / sd
    precision = A.T @ A + np.diag(sd**-2.0)
    trials = np.tile(theta, (len(DAMPED), 1))
    trials[:, columns] += damped(precision, A.T @ z - away / sd, trust)
    trials = limited(changes, trials)
    predicted = trajectories.predict(trials)
    cost = [
        np.sum(noise.whiten(y - x) ** 2) + np.sum(((trial - home)[columns] / sd) ** 2)
        for x, trial in zip(predicted, trials, strict=True)
    ]
    before, k = z @ z + away @ away, int(np.argmin(cost))
    if cost[k] < before:
        theta, f = trials[k], predicted[k]
    return theta, f, before, cost[k]
