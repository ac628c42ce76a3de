"""Hypotheses fitted to a treated recording in full, many at once: Gauss-Newton on trajectories."""

from dataclasses import dataclass

import numpy as np

from ionlab.evidence import TRUST, limited, per_change

STEPS = 8  # of a fit
FAR, CLOSE = 0.15, 0.3  # of a trusted step; of the log evidence
LOST = 300.0  # below the best after a step: given up


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
    prediction : (M,). columns : (M, s) its derivatives by the changes.
    """

    changes: tuple
    theta: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    log_evidence: float
    fitted: float
    prediction: np.ndarray
    columns: np.ndarray


def refine(trajectories, evidence, noise, A, begin, earlier=()):
    """Return a `Hypothesis` for each set of `begin` (set -> theta), by Gauss-Newton, all at once.

    Derivatives by the changes of a set are found anew after a large step, the others are A (M, P).
    `earlier` are hypotheses that were fitted before, under another noise.
    """
    y, trust = trajectories.seen, per_change(TRUST, trajectories.changes)
    known = {h.changes: (h.prediction, h.columns) for h in earlier}
    theta = {**begin, **{h.changes: h.theta for h in earlier}}
    best, target, columns, at, scale = {}, {}, {}, {}, dict.fromkeys(theta, 1.0)
    residual, fresh = {}, dict.fromkeys(theta, True)
    for turn in range(STEPS):
        seen = _predicted(trajectories, {S: x for S, x in theta.items() if S not in known}, fresh)
        seen |= known
        known = {}
        for S in list(theta):
            f, J = seen[S]
            z = noise.whiten(y - f)
            value = evidence.value(z, theta[S], S)
            own = at.get(S, A)
            if S in best:
                own = _corrected(own, residual[S] - z, theta[S] - best[S].theta, trust)
            better = S not in best or value > best[S].fitted
            if better:
                columns[S] = J if J is not None else columns[S]
                if J is not None:
                    own = own.copy()
                    own[:, list(S)] = noise.whiten(J)
                residual[S], scale[S] = z, min(1.0, 2.0 * scale[S])
            else:
                scale[S] *= 0.4
            here = theta[S] if better else best[S].theta
            at[S] = own
            target[S], values, covariance, reach = evidence.posterior(own, residual[S], here, S)
            if better:
                log_evidence = value + evidence.occam(own, S)
                best[S] = Hypothesis(
                    S, theta[S], values, covariance, log_evidence, value, f, columns[S]
                )
            done = reach - best[S].fitted < CLOSE or scale[S] < 0.01
            step = scale[S] * (target[S] - best[S].theta)
            fresh[S] = bool((np.abs(step) > FAR * trust).any())
            theta[S] = limited(trajectories.changes, best[S].theta + step)
            if done:
                del theta[S]
        lost = max(h.fitted for h in best.values()) - LOST
        theta = {S: x for S, x in theta.items() if turn < 1 or best[S].fitted > lost}
        if not theta:
            break
    return list(best.values())


def _corrected(A, moved, step, trust):
    """Return derivatives A (M, P) that explain how the residual `moved` (M,) by a step (P,).

    The least change of A, in steps as long as they are trusted (Broyden 1965,
    doi:10.1090/S0025-5718-1965-0198670-6): derivatives that have grown stale are mended for free.
    """
    weight = step / trust**2
    return A + np.outer(moved - A @ step, weight) / (step @ weight)


def _predicted(trajectories, thetas, fresh):
    """Return set -> prediction (M,) and derivatives (M, s) by its changes, None if not `fresh`."""
    moved, place = [], {}
    for S in (S for S in thetas if fresh[S]):
        place[S] = len(moved)
        moved.append(thetas[S])
        for k in S:
            moved.append(thetas[S].copy())
            moved[-1][k] += trajectories.steps[k]
    if not thetas:
        return {}
    predicted = trajectories.predict(list(thetas.values()))
    quick = trajectories.predict(moved, quick=True) if moved else None
    seen = {}
    for S, f in zip(thetas, predicted, strict=True):
        J = None
        if S in place:
            at = place[S]
            J = (quick[at + 1 : at + 1 + len(S)] - quick[at]).T / trajectories.steps[list(S)]
        seen[S] = f, J
    return seen
