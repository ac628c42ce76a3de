"""The search for what changed: fit the control, then find the few changes that explain the rest.

The control is fitted with all of its conductances and gates free. For the treated a first approach
is plain least squares on the conductances; from there on every set of up to three changes is judged
by its evidence near that point, and the best are fitted in full. Cells that are not the same may
lie far apart, along ways that are bent: there, more sets are fitted, each from where least squares
leads.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ionlab.changes import acts_on
from ionlab.evidence import (
    CELL_SD,
    CHANGE_SD,
    TRUST,
    Control,
    Evidence,
    cell_sd,
    limited,
    per_change,
)
from ionlab.noise import WIDEST, likeliest, rough
from ionlab.refine import corrected, refine

DAMPED = (0.0, 1.0, 10.0, 100.0, 1e3, 1e4)  # what a trusted step costs, tried at once
ROUGH_STEPS, CONTROL_STEPS, CHORDS = 7, 12, 8
ROUGHLY = 2  # of the control's steps, all samples alike
ENOUGH = 1.0  # a smaller gain in the fit ends it
SINGLES, SETS, WITH_MORE, KEPT, ROUNDS = 6, 5, 2, 8, 3
WALKED = 8  # single changes that least squares fits from home, where nothing else explains much
FAR_SETS = 10  # and where the cells are not the same
MOST = 3  # changes of a set
EXCUSED = 5.0  # misses of an explanation, over those of the control or that all conductances leave
HOPELESS = 100.0  # log evidence below the best: not worth a fit
LINE = {  # values of a change that are tried
    "amount": (-1.6, -0.8, -0.4, 0.4, 0.8, 1.2),
    "shift": (-20.0, -16.0, -12.0, -8.0, -4.0, 4.0, 8.0, 12.0, 16.0, 20.0),
    "stretch": (-0.4, -0.2, 0.2, 0.4),
    "tau": (-1.2, -0.8, -0.4, 0.4, 0.8, 1.2),
}
SIMPLER = 1.5  # log evidence that another change must bring


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
    A = noise.whiten(J)
    covariance = np.linalg.inv(A.T @ A + np.diag(sd**-2))
    return Control(changes, theta, covariance, f, J, noise)


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


def explain(trajectories, evidence, proposals=(), tick=lambda: None):
    """Return `Found`: the sets of changes that best explain a treated recording.

    proposals : sets (tuples of indices) to be tried besides those that the search finds.
    """
    changes, home = trajectories.changes, evidence.control.theta
    far = not evidence.same_cell
    if trajectories.alike(evidence.control.noise.blocks):
        f0, J0 = trajectories.predict([home])[0], evidence.control.derivatives
    else:
        f0, J0 = trajectories.linearised(home)
    theta = approach(trajectories, home, amounts(changes), home, tick=tick)
    tick()
    f, J = trajectories.linearised(theta)
    noise, A, z = _whitened(trajectories, evidence, J, f, amounts(changes))
    widest = {name: min(EXCUSED * size, WIDEST) for name, (size, _) in noise.misses.items()}
    A0, z0 = noise.whiten(J0), noise.whiten(trajectories.seen - f0)
    trust = per_change(TRUST, changes)

    def near(S):
        return home + np.clip(evidence.posterior(A0, z0, home, S).leads - home, -trust, trust)

    alone = _scan(trajectories, evidence, noise, A0, [(home, (), k) for k in evidence.offered])
    begin = {S: near(S) for S in [(), *proposals]}
    begin |= dict(list(alone.items())[:SINGLES])
    kept, best, turn, ended, walked = {}, None, 0, False, far
    while not ended:
        turn += 1
        tick()
        evidence = evidence.settled(A, z, theta, [(), *begin, *kept])
        sets, found = evidence.likely_sets(A, z, theta)
        for S in _shortlist(sets, found, best, FAR_SETS if far else SETS):
            if S not in kept and S not in begin:
                begin[S] = evidence.posterior(A, z, theta, S).leads
        if far:
            begin = _walked(trajectories, home, noise, begin, tick)
        tried = refine(trajectories, evidence, noise, J, begin, kept.values())
        top = _simplest(trajectories, evidence, tried, widest)
        tried.sort(key=lambda h: -h.log_evidence)
        sound = [h for h in tried[:KEPT] if h.density > top.density - HOPELESS]
        kept = {h.changes: h for h in [*sound, top]}
        theta, J = top.theta, top.derivatives
        noise, A, z = _whitened(trajectories, evidence, J, top.prediction, top.changes, widest)
        ended = turn >= ROUNDS or (best == top.changes and not far)
        best = top.changes
        if not ended:
            begin = _rivals(trajectories, evidence, noise, A, top)
        elif not walked and _misses_more(noise, evidence.control.noise):
            begin = _likely_singles(evidence, A0, z0)
            begin = _walked(trajectories, home, noise, begin, tick)
            walked, ended = True, False
    evidence = evidence.settled(A, z, theta, list(kept))
    begin = _fewer(top, home)
    if far:
        begin = _walked(trajectories, home, noise, begin | _joined(kept), tick)
    last = refine(trajectories, evidence, noise, J, begin, kept.values())
    last = [h for h in last if evidence.within(h.changes, h.values)] or [top]
    last.sort(key=lambda h: -h.log_evidence)
    top = _simplest(trajectories, evidence, last, widest)
    return Found(evidence, (top, *(h for h in last if h is not top)), theta, A, z, noise)


def _whitened(trajectories, evidence, J, f, S, widest=None):
    """Return the likeliest `Noise` of a fit f (M,) of S, and its derivatives and residual by it."""
    residual = trajectories.seen - f
    noise = likeliest(trajectories.blocks, residual, evidence.free(J, S), widest)
    return noise, noise.whiten(J), noise.whiten(residual)


def _misses_more(noise, control):
    """Whether a recording is missed by much more than the control, which the model could fit."""
    shared = noise.misses.keys() & control.misses.keys()
    return any(noise.misses[name][0] > EXCUSED * control.misses[name][0] for name in shared)


def _likely_singles(evidence, A, z):
    """Return the likeliest single changes by derivatives at home, each to begin there."""
    home, sets = evidence.control.theta, [(k,) for k in evidence.offered]
    return {sets[k]: home for k in np.argsort(-evidence.linear(A, z, home, sets))[:WALKED]}


def _fewer(top, home):
    """Return the sets that lack one change of the best, each with the theta to begin at."""
    begin = {}
    for left in top.changes:
        S = tuple(k for k in top.changes if k != left)
        begin[S] = top.theta.copy()
        begin[S][left] = home[left]
    return begin


def _walked(trajectories, home, noise, begin, tick):
    """Return the sets of `begin` with the theta to which least squares leads from theirs."""
    found = {}
    for S, theta in begin.items():
        tick()
        theta = approach(trajectories, theta, list(S), home)
        found[S] = approach(trajectories, theta, list(S), home, noise)
    return found


def _joined(kept):
    """Return the sets of three that hold two of those found, each with a theta to begin at."""
    begin = {}
    for x, y in combinations(kept.values(), 2):
        S = tuple(sorted({*x.changes, *y.changes}))
        if len(S) <= MOST and S not in kept:
            begin[S] = x.theta.copy()
    return begin


def _rivals(trajectories, evidence, noise, A, top):
    """Return sets in which a gate of the same current takes the place of an amount, with a theta.

    A smaller conductance and a moved gate can look alike, and the way from one to the other is a
    narrow valley.
    """
    changes, home = trajectories.changes, evidence.control.theta
    lines = []
    for k in (k for k in top.changes if changes[k].kind == "amount"):
        rest = tuple(other for other in top.changes if other != k)
        for others in dict.fromkeys([rest, ()]):
            theta = home.copy()
            theta[list(others)] = top.theta[list(others)]
            for j in evidence.offered:
                own = acts_on(trajectories.cell, changes[j]) == changes[k].target
                if own and changes[j].kind in ("shift", "tau"):
                    lines.append((theta, others, j))
    return _scan(trajectories, evidence, noise, A, lines)


def _scan(trajectories, evidence, noise, A, lines):
    """Return sets, the most promising first, with the theta of the best value of a change.

    lines : (theta, others, k), to try values of change k besides the changes `others` of theta.
    Each is judged by where it leads, all other parameters fitted as far as A (M, P) is right.
    """
    changes, sets, trials = trajectories.changes, [], []
    for theta, others, k in lines:
        for value in LINE[changes[k].kind]:
            sets.append(tuple(sorted({*others, k})))
            trials.append(theta.copy())
            trials[-1][k] += value
    if not trials:
        return {}
    trials = limited(changes, np.array(trials))
    found = {}
    for S, theta, f in zip(sets, trials, trajectories.predict(trials, quick=True), strict=True):
        leads = evidence.posterior(A, noise.whiten(trajectories.seen - f), theta, S).density
        if S not in found or leads > found[S][0]:
            found[S] = leads, theta
    return {S: found[S][1] for S in sorted(found, key=lambda S: -found[S][0])}


def _shortlist(sets, found, best, count=SETS):
    """Return the sets to be fitted: of high evidence, most of them not one more with an addition.

    best : the set that is the best so far, or None. count : of sets that do not hold each other.
    """
    order = [sets[k] for k in np.argsort(-found) if found[k] > found.max() - HOPELESS]
    distinct = [best] if best is not None else []
    for S in order:
        if len(distinct) < count and not any(set(other) < set(S) for other in distinct):
            distinct.append(S)
    smaller = [tuple(k for k in S if k != left) for S in (*order[:2], *distinct[:2]) for left in S]
    return list(dict.fromkeys([*order[:WITH_MORE], *distinct, *smaller]))


def _simplest(trajectories, evidence, hypotheses, widest):
    """The most likely hypothesis, or one of fewer changes that is hardly less likely.

    Each is judged by the noise that suits it best: what fits well must not pay for what does not.
    """
    scores = []
    for h in hypotheses:
        noise, A, z = _whitened(
            trajectories, evidence, h.derivatives, h.prediction, h.changes, widest
        )
        scores.append(evidence.fitted(A, z, h.theta, h.changes) - noise.log_det)
    good = [h for h, s in zip(hypotheses, scores, strict=True) if s > max(scores) - SIMPLER]
    fewest = min(len(h.changes) for h in good)
    return max((h for h in good if len(h.changes) == fewest), key=lambda h: h.log_evidence)
