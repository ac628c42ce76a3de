"""Control and treated fitted together, for the few explanations that a search leaves.

A search takes what the control leaves open as a Gaussian about one fit. That valley of equally good
cells is bent, and the treated recording may lie far along it. So for each explanation both
recordings are fitted once more by one cell and its changes, from where the search ended.
"""

from dataclasses import replace

import numpy as np

from ionlab.evidence import CELL_SD, STILLER, TRUST, Evidence, limited, per_change
from ionlab.refine import corrected
from ionlab.search import CHORDS, ENOUGH, SIMPLER, damped

TURNS = 4  # derivatives found anew
TRIED, WITHIN = 4, 60.0  # explanations that are fitted, and how far below the best
FEWER = 1.0  # what is simpler comes first by so much


def together(sides, found, tick=lambda: None):
    """Return `Found` whose likeliest explanations are fitted to both recordings.

    sides : `Trajectories` of control and treated. found : of `search.explain`.
    """
    best = found.hypotheses[0]
    near = [h for h in found.hypotheses if h.log_evidence > best.log_evidence - WITHIN]
    near = [h for h in near if not set(h.changes) > set(best.changes)]
    parts = [h for h in near if set(h.changes) < set(best.changes)]
    chosen = [best, *parts, *(h for h in near if h is not best and h not in parts)][:TRIED]
    fits = []
    for h in chosen:
        tick()
        fits.append(_fitted(sides, found, h))
    gain = fits[0].log_evidence - best.log_evidence
    rest = [h for h in found.hypotheses if not any(h is c for c in chosen)]
    fits = [replace(h, log_evidence=h.log_evidence - gain) for h in fits] + rest
    fits.sort(key=lambda h: -h.log_evidence)
    good = [h for h in fits if h.log_evidence > fits[0].log_evidence - SIMPLER]
    top = min(good, key=lambda h: len(h.changes))
    return replace(
        found,
        hypotheses=(top, *(h for h in fits if h is not top)),
        theta=top.theta,
        A=found.noise.whiten(top.derivatives),
        z=found.noise.whiten(sides[1].seen - top.prediction),
    )


def _fitted(sides, found, h):
    """Return a `Hypothesis` fitted to both recordings: its values, covariance and evidence."""
    control, changes = found.evidence.control, found.evidence.control.changes
    P, S = len(changes), list(h.changes)
    trust = np.tile(per_change(TRUST, changes), 2)
    sd = _sd(found.evidence, S)

    def whiten(x):
        m = len(control.prediction)
        return np.concatenate([control.noise.whiten(x[:m]), found.noise.whiten(x[m:])])

    def predict(thetas):
        thetas = np.array(thetas)
        own, changed = thetas[:, :P], thetas[:, :P] + thetas[:, P:]
        return np.concatenate([sides[0].predict(own), sides[1].predict(changed)], 1)

    def derivatives(before, after):
        return np.block([[before, np.zeros((len(before), P))], [after, after]])

    seen = np.concatenate([side.seen for side in sides])
    theta = np.concatenate([control.theta, h.theta - control.theta])
    f = np.concatenate([control.prediction, h.prediction])
    J = derivatives(control.derivatives, h.derivatives)
    for turn in range(TURNS):
        if turn:
            own, changed = theta[:P], theta[:P] + theta[P:]
            J = derivatives(sides[0].linearised(own)[1], sides[1].linearised(changed)[1])
        stuck = True
        for _ in range(CHORDS):
            A, z = whiten(J), whiten(seen - f)
            cost = z @ z + np.sum((theta / sd) ** 2)
            steps = damped(A.T @ A + np.diag(sd**-2), A.T @ z - theta / sd**2, trust)
            trials = limited(changes * 2, theta + steps)
            shown = predict(trials)
            costs = [
                np.sum(whiten(seen - x) ** 2) + np.sum((t / sd) ** 2)
                for x, t in zip(shown, trials, strict=True)
            ]
            k = int(np.argmin(costs))
            J = corrected(J, shown[k] - f, trials[k] - theta, trust)
            if costs[k] < cost:
                theta, f = trials[k], shown[k]
            if cost - costs[k] < ENOUGH:
                break
            stuck = False
        if stuck and turn:
            break
    A, z = whiten(J), whiten(seen - f)
    G, e = A.T @ A, z + A @ theta
    b, eye, likely = A.T @ e, np.eye(2 * P), []
    for part in STILLER:
        variance = _sd(Evidence(control, found.evidence.log_odds, part), S) ** 2
        M = eye + G * variance
        x = variance * np.linalg.solve(M, b)
        likely.append(0.5 * (b @ x - e @ e) - 0.5 * np.linalg.slogdet(M)[1])
    covariance = np.linalg.inv(G + np.diag(sd**-2))
    of = P + np.array(S, int)
    return replace(
        h,
        values=theta[of],
        covariance=covariance[np.ix_(of, of)],
        log_evidence=np.logaddexp.reduce(likely) - np.log(len(likely)) + found.evidence.odds(S),
        shown=f[len(control.prediction) :],
    )


def _sd(evidence, S):
    """Standard deviations (2P,) of a cell and of how it changed."""
    spread = evidence.still.copy()
    spread[S] = evidence.variance[S]
    return np.concatenate([per_change(CELL_SD, evidence.control.changes), np.sqrt(spread)])
