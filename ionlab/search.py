"""The search for what changed: the few changes that explain a treated recording.

A first approach is plain least squares on the conductances; from there on every set of up to three
changes is judged by its evidence near that point, and the best are fitted in full. Cells that are
not the same may lie far apart, along ways that are bent: there, more sets are fitted, each from
where least squares leads.
"""

from dataclasses import dataclass

import numpy as np

from ionlab.begin import (
    HOPELESS,
    SETS,
    fewer,
    joined,
    likely_singles,
    rivals,
    scan,
    shortlist,
    walked,
)
from ionlab.changes import amounts
from ionlab.descent import approach
from ionlab.evidence import TRUST, Evidence, per_change
from ionlab.noise import WIDEST, likeliest
from ionlab.recentre import bent, recentred
from ionlab.refine import refine

SINGLES, KEPT, ROUNDS = 6, 8, 3  # single changes to begin with, hypotheses from round to round
FAR_SETS = 10  # sets that are fitted in a round, where the cells are not the same
EXCUSED = 5.0  # misses of an explanation, over those of the control or that all conductances leave
RECENTRED = 3  # hypotheses that are, where the best is
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


def explain(trajectories, evidence, proposals=(), tick=lambda: None, before=None):
    """Return `Found`: the sets of changes that best explain a treated recording.

    proposals : sets (tuples of indices) to be tried besides those that the search finds.
    before : `Trajectories` of the control, of the same cell.
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

    alone = scan(trajectories, evidence, noise, A0, [(home, (), k) for k in evidence.offered])
    begin = {S: near(S) for S in [(), *proposals]}
    begin |= dict(list(alone.items())[:SINGLES])
    kept, best, turn, ended, looked = {}, None, 0, False, far
    while not ended:
        turn += 1
        tick()
        evidence = evidence.settled(A, z, theta, [(), *begin, *kept])
        sets, found = evidence.likely_sets(A, z, theta)
        for S in shortlist(sets, found, best, FAR_SETS if far else SETS):
            if S not in kept and S not in begin:
                begin[S] = evidence.posterior(A, z, theta, S).leads
        if far:
            begin = walked(trajectories, home, noise, begin, tick)
        tried = refine(trajectories, evidence, noise, J, begin, kept.values())
        top = _simplest(trajectories, evidence, tried, widest)
        tried.sort(key=lambda h: -h.log_evidence)
        sound = [h for h in tried[:KEPT] if h.density > top.density - HOPELESS]
        kept = {h.changes: h for h in [*sound, top]}
        theta, J = top.theta, top.derivatives
        noise, A, z = _suited(trajectories, evidence, top, widest)
        ended = turn >= ROUNDS or (best == top.changes and not far)
        best = top.changes
        if not ended:
            begin = rivals(trajectories, evidence, noise, A, top)
        elif not looked and _misses_more(noise, evidence.control.noise):
            begin = likely_singles(evidence, A0, z0)
            begin = walked(trajectories, home, noise, begin, tick)
            looked, ended = True, False
    evidence = evidence.settled(A, z, theta, list(kept))
    begin = fewer(top, home)
    if far:
        begin = walked(trajectories, home, noise, begin | joined(kept), tick)
    last = refine(trajectories, evidence, noise, J, begin, kept.values())
    last = [h for h in last if evidence.within(h.changes, h.values)] or [top]
    last.sort(key=lambda h: -h.log_evidence)
    top = _simplest(trajectories, evidence, last, widest)
    if before:
        last, noise = _recentred(before, trajectories, evidence, noise, top, last, widest, tick)
        top = _simplest(trajectories, evidence, last, widest)
    A, z = noise.whiten(top.derivatives), noise.whiten(trajectories.seen - top.prediction)
    ordered = (top, *(h for h in last if h is not top))
    return Found(evidence.about(top.control), ordered, top.theta, A, z, noise)


def _recentred(before, trajectories, evidence, noise, top, hypotheses, widest, tick):
    """Return the hypotheses, about controls of their own where they need them, and the noise then.

    Such are the best and its parts, for a change too many can stand for a bent cell; and where the
    best needs one, its rivals.
    """
    far = bent(trajectories, evidence, noise, top)
    near = [top] if far else []
    for h in hypotheses:
        asked = far or set(h.changes) < set(top.changes)
        more = any(set(other.changes) <= set(h.changes) for other in near)
        likely = h.log_evidence > top.log_evidence - HOPELESS
        worth = len(near) < RECENTRED and asked and likely and not more
        if worth and bent(trajectories, evidence, noise, h):
            near.append(h)
    if not near:
        return hypotheses, noise
    left = [h for h in hypotheses if all(h is not other for other in near)]
    moved = [recentred(before, trajectories, evidence, noise, h, tick) for h in near]
    best = max([*moved, *left], key=lambda h: h.log_evidence)
    noise = _suited(trajectories, evidence, best, widest)[0]
    again = refine(trajectories, evidence, noise, best.derivatives, {}, left)
    for h in moved:
        own = evidence.about(h.control)
        again += refine(trajectories, own, noise, h.derivatives, {}, [h])
    return sorted(again, key=lambda h: -h.log_evidence), noise


def _whitened(trajectories, evidence, J, f, S, widest=None):
    """Return the likeliest `Noise` of a fit f (M,) of S, and its derivatives and residual by it."""
    residual = trajectories.seen - f
    noise = likeliest(trajectories.blocks, residual, evidence.free(J, S), widest)
    return noise, noise.whiten(J), noise.whiten(residual)


def _suited(trajectories, evidence, h, widest):
    """Return the likeliest `Noise` of a hypothesis, and its derivatives and residual by it."""
    own = evidence.about(h.control)
    return _whitened(trajectories, own, h.derivatives, h.prediction, h.changes, widest)


def _misses_more(noise, control):
    """Whether a recording is missed by much more than the control, which the model could fit."""
    shared = noise.misses.keys() & control.misses.keys()
    return any(noise.misses[name][0] > EXCUSED * control.misses[name][0] for name in shared)


def _simplest(trajectories, evidence, hypotheses, widest):
    """The most likely hypothesis, or one of fewer changes that is hardly less likely.

    Each is judged by the noise that suits it best: what fits well must not pay for what does not.
    """
    scores = []
    for h in hypotheses:
        noise, A, z = _suited(trajectories, evidence, h, widest)
        own = evidence.about(h.control)
        scores.append(own.fitted(A, z, h.theta, h.changes) - noise.log_det)
    good = [h for h, s in zip(hypotheses, scores, strict=True) if s > max(scores) - SIMPLER]
    fewest = min(len(h.changes) for h in good)
    return max((h for h in good if len(h.changes) == fewest), key=lambda h: h.log_evidence)
