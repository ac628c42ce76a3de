"""Where a search begins: which sets of changes are worth a fit, and the theta from which each goes.

A set is a tuple of indices of changes; what is returned are sets, most of them with a theta (P,).
"""

from itertools import combinations

import numpy as np

from ionlab.changes import acts_on
from ionlab.descent import approach
from ionlab.evidence import limited

SETS, WITH_MORE = 5, 2  # sets that are fitted in a round; and the best, whatever they hold
WALKED = 8  # single changes that least squares fits from home, where nothing else explains much
MOST = 3  # changes of a set
HOPELESS = 100.0  # log evidence below the best: not worth a fit
LINE = {  # values of a change that are tried
    "amount": (-1.6, -0.8, -0.4, 0.4, 0.8, 1.2),
    "shift": (-20.0, -16.0, -12.0, -8.0, -4.0, 4.0, 8.0, 12.0, 16.0, 20.0),
    "stretch": (-0.4, -0.2, 0.2, 0.4),
    "tau": (-1.2, -0.8, -0.4, 0.4, 0.8, 1.2),
}


def scan(trajectories, evidence, noise, A, lines):
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


def rivals(trajectories, evidence, noise, A, top):
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
    return scan(trajectories, evidence, noise, A, lines)


def fewer(top, home):
    """Return the sets that lack one change of the best, each with the theta to begin at."""
    begin = {}
    for left in top.changes:
        S = tuple(k for k in top.changes if k != left)
        begin[S] = top.theta.copy()
        begin[S][left] = home[left]
    return begin


def joined(kept):
    """Return the sets of three that hold two of those found, each with a theta to begin at."""
    begin = {}
    for x, y in combinations(kept.values(), 2):
        S = tuple(sorted({*x.changes, *y.changes}))
        if len(S) <= MOST and S not in kept:
            begin[S] = x.theta.copy()
    return begin


def walked(trajectories, home, noise, begin, tick):
    """Return the sets of `begin` with the theta to which least squares leads from theirs."""
    found = {}
    for S, theta in begin.items():
        tick()
        theta = approach(trajectories, theta, list(S), home)
        found[S] = approach(trajectories, theta, list(S), home, noise)
    return found


def likely_singles(evidence, A, z):
    """Return the likeliest single changes by derivatives at home, each to begin there."""
    home, sets = evidence.control.theta, [(k,) for k in evidence.offered]
    return {sets[k]: home for k in np.argsort(-evidence.linear(A, z, home, sets))[:WALKED]}


def shortlist(sets, found, best, count=SETS):
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
