"""Hypotheses fitted to a treated recording in full, many at once: Gauss-Newton on trajectories.

Of one cell, only the changes of a hypothesis move theta. What the control leaves open moves
linearly about them: the control tells it to first order, and far out on that flat Gaussian, where
cells no longer look like the control, an unchanged one would pass for a changed one.
"""

from dataclasses import dataclass

import numpy as np

from ionlab.evidence import TRUST, Control, per_change

STEPS = 8  # of a fit
FAR, CLOSE, SHORTEST = 0.15, 0.3, 0.05  # of a trusted step; of the log evidence; part of a step
LOST, HOPELESS = 300.0, 40.0  # log evidence below the best: so far, and where it leads
WORTH = 15.0  # and where it leads, to be worth all derivatives anew
PATIENCE = 3  # steps after which a fit must have come that near


@dataclass(frozen=True)
class Hypothesis:
    """A set of changes fitted to a treated recording.

    Attributes
    ----------
    changes : indices S of the changes that it holds.
    theta : (P,) the control with these changes.
    values, covariance : (s,), (s, s) of the changes.
    log_evidence : relative to the others of the same search.
    density : log density of the changes, but for a constant.
    prediction : (M,) at theta. derivatives : (M, P) there, as far as they are known.
    shown : (M,) the prediction with the rest fitted, too.
    control : the `Control` about which it was judged.
    """

    changes: tuple
    theta: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    log_evidence: float
    density: float
    prediction: np.ndarray
    derivatives: np.ndarray
    shown: np.ndarray
    control: Control


@dataclass
class _Walk:
    """A set of changes on its way to its best fit.

    theta : where it goes next. asked : columns of the derivatives J to be found there. scale :
    part of a full step that it takes. leads : density where it seems to lead. anew : whether all
    derivatives were found anew since it began.
    """

    S: tuple
    theta: np.ndarray
    J: np.ndarray
    asked: tuple
    best: Hypothesis | None = None
    scale: float = 1.0
    leads: float = np.inf
    anew: bool = False
    done: bool = False


def refine(trajectories, evidence, noise, J, begin, earlier=()):
    """Return a `Hypothesis` for each set of `begin` (set -> theta), by Gauss-Newton, all at once.

    J (M, P) : derivatives to begin with. Those by the changes of a set are found anew after a large
    step, the others are mended by what each step shows; where a step fails, and at last where a
    promising set has come, all are found anew.
    `earlier` are hypotheses that were fitted before, under another noise.
    """
    trust, old = per_change(TRUST, trajectories.changes), {h.changes: h for h in earlier}
    walks = [_Walk(S, theta, J, S) for S, theta in begin.items() if S not in old]
    for h in old.values():
        walks.append(_Walk(h.changes, h.theta, h.derivatives, ()))
        _arrive(walks[-1], h.prediction, None, trajectories.seen, evidence, noise, trust)
    top = -np.inf
    for turn in range(STEPS):
        going = [walk for walk in walks if not walk.done]
        if not going:
            break
        for walk, (f, slopes) in zip(going, _predicted(trajectories, going), strict=True):
            _arrive(walk, f, slopes, trajectories.seen, evidence, noise, trust)
            walk.anew |= walk.leads < top - WORTH
        top = max(walk.best.density for walk in walks)
        for walk in going:
            if walk.done and not walk.anew and walk.leads >= top - WORTH:
                _renew(walk)
            late = turn >= PATIENCE and walk.best.density < top - LOST
            walk.done |= walk.leads < top - HOPELESS or late
    return [walk.best for walk in walks]


def _renew(walk):
    """Have all derivatives found anew at the best of a walk."""
    walk.theta, walk.asked = walk.best.theta, tuple(range(len(walk.theta)))
    walk.anew, walk.scale, walk.done = True, 1.0, False


def _arrive(walk, f, slopes, y, evidence, noise, trust):
    """Judge a walk by its prediction (M,) at theta, and say where it goes next."""
    S, best, theta, J = walk.S, walk.best, walk.theta, walk.J
    if best is not None:
        J = walk.J = corrected(J, f - best.prediction, theta - best.theta, trust)
    if slopes is not None:
        J = J.copy()
        J[:, list(walk.asked)] = slopes
    A, z = noise.whiten(J), noise.whiten(y - f)
    value, rest = evidence.judged(A, z, theta, S)
    renewed = len(walk.asked) == len(theta)
    better = best is None or renewed or value > best.density - 1e-6
    if better:
        walk.J = J
    else:
        theta, A, z = best.theta, noise.whiten(walk.J), noise.whiten(y - best.prediction)
    near = evidence.posterior(A, z, theta, S)
    walk.leads = near.density
    if better:
        likely, shown = evidence.fitted(A, z, theta, S), f + J @ rest
        walk.best = Hypothesis(
            S, theta, near.values, near.covariance, likely, value, f, J, shown, evidence.control
        )
        walk.scale = min(1.0, 2.0 * walk.scale)
    elif not walk.anew:
        _renew(walk)
        return
    else:
        walk.scale *= 0.4
    walk.done = walk.leads - walk.best.density < CLOSE or walk.scale < SHORTEST
    step = walk.scale * (near.leads - theta)
    walk.asked = S if (np.abs(step) > FAR * trust).any() else ()
    walk.theta = theta + step


def corrected(J, moved, step, trust):
    """Return derivatives J (M, P) that explain how a prediction `moved` (M,) by a step (P,).

    The least change of J, in steps as long as they are trusted (Broyden 1965,
    doi:10.1090/S0025-5718-1965-0198670-6): derivatives that have grown stale are mended for free.
    """
    weight = step / trust**2
    if not weight.any():
        return J
    return J + np.outer(moved - J @ step, weight) / (step @ weight)


def _predicted(trajectories, walks):
    """Return for each walk its prediction (M,) and the derivatives that it asked for, or None."""
    thetas = [walk.theta for walk in walks]
    slopes = trajectories.slopes(thetas, [walk.asked for walk in walks])
    found = zip(walks, trajectories.predict(thetas), slopes, strict=True)
    return [(f, own if walk.asked else None) for walk, f, own in found]
