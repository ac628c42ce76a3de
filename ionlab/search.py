"""The search for what changed: fit the control, then find the few changes that explain the rest.

A first approach is plain least squares on the conductances; from there on every set of up to three
changes is judged by its evidence near that point, and the best are fitted in full.
"""

from dataclasses import dataclass

import numpy as np

from ionlab.evidence import CELL_SD, TRUST, Control, Evidence, limited, per_change

SCALES = (1.0, 0.35, 0.1)  # of a step, tried at once
ROUGH_STEPS, CONTROL_STEPS, CHORDS = 7, 7, 4
ROUGHLY = 1  # of the control's steps, all samples alike
ENOUGH = 1.0  # a smaller gain in the fit ends it
SINGLES, SETS, WITH_MORE, KEPT, ROUNDS = 3, 5, 2, 8, 3
HOPELESS, LOST = 100.0, 300.0  # log evidence below the best, before and after fitting
STEPS = 7  # of a fit
FAR, CLOSE = 0.15, 0.1  # of a trusted step; of the log evidence
SIMPLER = 1.5  # log evidence that another change must bring


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


@dataclass(frozen=True)
class Found:
    """What a search found: hypotheses by evidence, and the recording linearised at the best.

    A (M, P), z (M,) : derivatives and residual there, whitened by `noise`.
    """

    evidence: Evidence
    hypotheses: tuple
    theta: np.ndarray
    A: np.ndarray
    z: np.ndarray
    noise: object


def amounts(changes):
    """Return the indices of conductances."""
    return [k for k, change in enumerate(changes) if change.kind == "amount"]


def approach(trajectories, theta, home, tick=lambda: None):
    """Return theta after least squares on the conductances, all samples alike, drawn to `home`."""
    y, columns = trajectories.seen, amounts(trajectories.changes)
    trust = per_change(TRUST, trajectories.changes)[columns]
    for _ in range(ROUGH_STEPS):
        tick()
        f, J = trajectories.linearised(theta, columns)
        noise = trajectories.rough(y - f)
        A, z = noise.whiten(J), noise.whiten(y - f)
        away = (theta - home)[columns]
        step = np.linalg.solve(A.T @ A + np.eye(len(columns)), A.T @ z - away)
        trials = np.tile(theta, (len(SCALES), 1))
        trials[:, columns] += np.outer(SCALES, np.clip(step, -trust, trust))
        trials = limited(trajectories.changes, trials)
        cost = [
            np.sum(noise.whiten(y - f) ** 2) + np.sum((trial - home)[columns] ** 2)
            for f, trial in zip(trajectories.predict(trials), trials, strict=True)
        ]
        before, k = z @ z + away @ away, int(np.argmin(cost))
        if cost[k] < before:
            theta = trials[k]
        if cost[k] > 0.97 * before:
            break
    return theta


def fit_control(trajectories, start=None, tick=lambda: None):
    """Return the `Control` of a recording: all changes free, drawn to the theory (M to M_X).

    start : (P,) to begin at; the theory if None.
    """
    changes, y = trajectories.changes, trajectories.seen
    sd = per_change(CELL_SD, changes)
    home = np.zeros(len(changes))
    theta = approach(trajectories, home if start is None else start, home, tick)
    trust = per_change(TRUST, changes)
    for turn in range(CONTROL_STEPS):
        tick()
        f, J = trajectories.linearised(theta)
        stuck = True
        for _ in range(CHORDS):  # steps with the same derivatives cost next to nothing
            noise = (trajectories.rough if turn < ROUGHLY else trajectories.noise)(y - f)
            A, z = noise.whiten(J), noise.whiten(y - f)
            precision = A.T @ A + np.diag(sd**-2)
            step = np.linalg.solve(precision, A.T @ z - theta / sd**2)
            trials = theta + np.outer(SCALES, np.clip(step, -trust, trust))
            trials = limited(changes, trials)
            predicted = trajectories.predict(trials)
            cost = [
                np.sum(noise.whiten(y - x) ** 2) + np.sum((trial / sd) ** 2)
                for x, trial in zip(predicted, trials, strict=True)
            ]
            before, k = z @ z + np.sum((theta / sd) ** 2), int(np.argmin(cost))
            gained = before - cost[k]
            if gained > 0:
                theta, f = trials[k], predicted[k]
            if gained < ENOUGH:
                break
            stuck = False
        if turn >= ROUGHLY and stuck:
            break
    noise = trajectories.noise(y - f)
    A = noise.whiten(J)
    covariance = np.linalg.inv(A.T @ A + np.diag(sd**-2))
    return Control(changes, theta, covariance, f, J, noise)


def explain(trajectories, evidence, proposals=(), start=None, tick=lambda: None):
    """Return `Found`: the sets of changes that best explain a treated recording.

    proposals : sets (tuples of indices) to be tried besides those that the search finds.
    start : (P,) where least squares begins; at the control if None.
    """
    y, changes, home = trajectories.seen, trajectories.changes, evidence.control.theta
    if len(evidence.control.prediction) == len(y):
        f0, J0 = trajectories.predict([home])[0], evidence.control.derivatives
    else:
        f0, J0 = trajectories.linearised(home)
    theta = approach(trajectories, home if start is None else start, home, tick)
    tick()
    f, J = trajectories.linearised(theta)
    noise = trajectories.noise(y - f)
    A0, z0 = noise.whiten(J0), noise.whiten(y - f0)
    A, z = noise.whiten(J), noise.whiten(y - f)
    trust = per_change(TRUST, changes)

    def near(S):
        step = evidence.posterior(A0, z0, home, S)[0] - home
        return limited(changes, home + np.clip(step, -trust, trust))

    singles = [(k,) for k in evidence.offered]
    order = np.argsort(-evidence.linear(A0, z0, home, singles))[:SINGLES]
    begin = {S: near(S) for S in [(), *(singles[k] for k in order), *proposals]}
    kept, best = {}, None
    for _ in range(ROUNDS):
        tick()
        sets, found = evidence.likely_sets(A, z, theta)
        for S in _shortlist(sets, found, best):
            if S not in kept and S not in begin:
                begin[S] = limited(changes, evidence.posterior(A, z, theta, S)[0])
        tried = _refine(trajectories, evidence, noise, A, begin, kept.values())
        top = _simplest(trajectories, evidence, tried)
        tried.sort(key=lambda h: -h.log_evidence)
        sound = [h for h in tried[:KEPT] if h.fitted > top.fitted - HOPELESS]
        kept = {h.changes: h for h in [*sound, top]}
        if (np.abs(top.theta - theta) > FAR * trust).any():
            theta = top.theta
            f, J = trajectories.linearised(theta)
        noise = trajectories.noise(y - top.prediction)
        A, z = noise.whiten(J), noise.whiten(y - f)
        begin = {}
        if best == top.changes:
            break
        best = top.changes
    last = _refine(trajectories, evidence, noise, A, {}, kept.values())
    last.sort(key=lambda h: -h.log_evidence)
    top = _simplest(trajectories, evidence, last)
    return Found(evidence, (top, *(h for h in last if h is not top)), theta, A, z, noise)


def _shortlist(sets, found, best):
    """Return the sets to be fitted: of high evidence, most of them not one more with an addition.

    best : the set that is the best so far, or None.
    """
    order = [sets[k] for k in np.argsort(-found) if found[k] > found.max() - HOPELESS]
    distinct = [best] if best is not None else []
    for S in order:
        if len(distinct) < SETS and not any(set(other) < set(S) for other in distinct):
            distinct.append(S)
    smaller = [tuple(k for k in S if k != left) for S in (*order[:2], *distinct[:2]) for left in S]
    return list(dict.fromkeys([*order[:WITH_MORE], *distinct, *smaller]))


def _simplest(trajectories, evidence, hypotheses):
    """The most likely hypothesis, or one of fewer changes that is hardly less likely.

    Each is judged by the noise that suits it best: what fits well must not pay for what does not.
    """
    scores = []
    for h in hypotheses:
        noise = trajectories.noise(trajectories.seen - h.prediction)
        z = noise.whiten(trajectories.seen - h.prediction)
        likely = evidence.value(z, h.theta, h.changes) - noise.log_det
        occam = h.log_evidence - h.fitted
        scores.append(likely + occam)
    good = [h for h, s in zip(hypotheses, scores, strict=True) if s > max(scores) - SIMPLER]
    fewest = min(len(h.changes) for h in good)
    return max((h for h in good if len(h.changes) == fewest), key=lambda h: h.log_evidence)


def _refine(trajectories, evidence, noise, A, begin, earlier=()):
    """Return a `Hypothesis` for each set of `begin` (set -> theta), by Gauss-Newton, all at once.

    Derivatives by the changes of a set are found anew after a large step, the others are A (M, P).
    `earlier` are hypotheses that were fitted before, under another noise.
    """
    y, trust = trajectories.seen, per_change(TRUST, trajectories.changes)
    known = {h.changes: (h.prediction, h.columns) for h in earlier}
    theta = {**begin, **{h.changes: h.theta for h in earlier}}
    best, target, columns, scale = {}, {}, {}, dict.fromkeys(theta, 1.0)
    fresh = dict.fromkeys(theta, True)
    for turn in range(STEPS):
        seen = _predicted(trajectories, {S: x for S, x in theta.items() if S not in known}, fresh)
        seen |= known
        known = {}
        for S in list(theta):
            f, J = seen[S]
            z = noise.whiten(y - f)
            value = evidence.value(z, theta[S], S)
            if S not in best or value > best[S].fitted:
                columns[S] = J if J is not None else columns[S]
                at = A.copy()
                at[:, list(S)] = noise.whiten(columns[S])
                target[S], values, covariance, reach = evidence.posterior(at, z, theta[S], S)
                log_evidence = value + evidence.occam(at, S)
                best[S] = Hypothesis(
                    S, theta[S], values, covariance, log_evidence, value, f, columns[S]
                )
                done = reach - value < CLOSE
            else:
                scale[S] *= 0.4
                done = scale[S] < 0.05
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
