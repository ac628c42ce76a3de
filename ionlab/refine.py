"""Hypotheses fitted to a treated recording in full, many at once: Gauss-Newton on trajectories."""

from dataclasses import dataclass

import numpy as np

from ionlab.evidence import TRUST, limited, per_change

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
    theta : (P,) all parameters at the best fit.
    values, covariance : (s,), (s, s) of the changes.
    log_evidence : relative to the others of the same search.
    fitted : log posterior density of theta, the part of the evidence without the volume.
    prediction : (M,). derivatives : (M, P), as far as they are known there.
    """

    changes: tuple
    theta: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    log_evidence: float
    fitted: float
    prediction: np.ndarray
    derivatives: np.ndarray


@dataclass
class _Walk:
    """A set of changes on its way to its best fit.

    theta : where it goes next. asked : columns of the derivatives J to be found there. scale :
    part of a full step that it takes. leads : `fitted` where it seems to lead. anew : whether all
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
    step, the others are mended by what each step shows; where a step fails, all are found anew.
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
        top = max(walk.best.fitted for walk in walks)
        for walk in going:
            late = turn >= PATIENCE and walk.best.fitted < top - LOST
            walk.done |= walk.leads < top - HOPELESS or late
    return [walk.best for walk in walks]


def _arrive(walk, f, slopes, y, evidence, noise, trust):
    """Judge a walk by its prediction (M,) at theta, and say where it goes next."""
    z, S, best = noise.whiten(y - f), walk.S, walk.best
    value = evidence.value(z, walk.theta, S)
    if best is not None:
        walk.J = _corrected(walk.J, f - best.prediction, walk.theta - best.theta, trust)
    better = best is None or value > best.fitted - 1e-6
    if better and slopes is not None:
        walk.J = walk.J.copy()
        walk.J[:, list(walk.asked)] = slopes
    theta, f = (walk.theta, f) if better else (best.theta, best.prediction)
    A = noise.whiten(walk.J)
    z = z if better else noise.whiten(y - f)
    target, values, covariance, walk.leads = evidence.posterior(A, z, theta, S)
    if better:
        log_evidence = value + evidence.occam(A, S)
        walk.best = Hypothesis(S, theta, values, covariance, log_evidence, value, f, walk.J)
        walk.scale = min(1.0, 2.0 * walk.scale)
    elif not walk.anew:
        walk.theta, walk.asked, walk.anew, walk.scale = theta, tuple(range(len(theta))), True, 1.0
        return
    else:
        walk.scale *= 0.4
    walk.done = walk.leads - walk.best.fitted < CLOSE or walk.scale < SHORTEST
    step = walk.scale * (target - theta)
    walk.asked = S if (np.abs(step) > FAR * trust).any() else ()
    walk.theta = limited(evidence.control.changes, theta + step)


def _corrected(J, moved, step, trust):
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
    moved, place = [], []
    for walk in walks:
        place.append(len(moved))
        if walk.asked:
            moved.append(walk.theta)
        for k in walk.asked:
            moved.append(walk.theta.copy())
            moved[-1][k] += trajectories.steps[k]
    predicted = trajectories.predict([walk.theta for walk in walks])
    quick = trajectories.predict(moved, quick=True) if moved else None
    found = []
    for walk, at, f in zip(walks, place, predicted, strict=True):
        slopes = None
        if walk.asked:
            ahead = quick[at + 1 : at + 1 + len(walk.asked)] - quick[at]
            slopes = ahead.T / trajectories.steps[list(walk.asked)]
        found.append((f, slopes))
    return found
