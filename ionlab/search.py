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
    search = _Search(trajectories, evidence, tick)
    begin = search.first_sets(proposals)
    best, turn, ended, looked = None, 0, False, search.far
    while not ended:
        turn += 1
        tick()
        top = search.round(begin, best)
        ended = turn >= ROUNDS or (best == top.changes and not search.far)
        best = top.changes
        if not ended:
            begin = rivals(trajectories, search.evidence, search.noise, search.A, top)
        elif not looked and search.misses_more():
            begin, looked, ended = search.other_sets(), True, False
    last = search.last_round(top)
    if before:
        last = search.recentred(before, last)
    return search.found(last)


class _Search:
    """A search on its way, and where it stands: at first, where all conductances fit best.

    kept : set -> `Hypothesis`, the best so far. theta (P,), J (M, P) : where the best of them
    stands, and the derivatives there. noise : that suits it; A (M, P), z (M,) : derivatives and
    residual whitened by that.
    """

    def __init__(self, trajectories, evidence, tick):
        self.trajectories, self.evidence, self.tick = trajectories, evidence, tick
        self.home, self.far, self.kept = evidence.control.theta, not evidence.same_cell, {}
        if trajectories.alike(evidence.control.noise.blocks):
            at_home = trajectories.predict([self.home])[0], evidence.control.derivatives
        else:
            at_home = trajectories.linearised(self.home)
        columns = amounts(trajectories.changes)
        self.theta = approach(trajectories, self.home, columns, self.home, tick=tick)
        tick()
        f, self.J = trajectories.linearised(self.theta)
        self.noise, self.A, self.z = self._whitened(evidence, self.J, f, columns, None)
        misses = self.noise.misses.items()
        self.widest = {name: min(EXCUSED * size, WIDEST) for name, (size, _) in misses}
        f, J = at_home
        self.at_home = self.noise.whiten(J), self.noise.whiten(trajectories.seen - f)

    def first_sets(self, proposals):
        """Return sets to begin with, each with a theta: no change, proposals, likely singles."""
        trust = per_change(TRUST, self.trajectories.changes)
        lines = [(self.home, (), k) for k in self.evidence.offered]
        alone = scan(self.trajectories, self.evidence, self.noise, self.at_home[0], lines)
        begin = {}
        for S in [(), *proposals]:
            leads = self.evidence.posterior(*self.at_home, self.home, S).leads
            begin[S] = self.home + np.clip(leads - self.home, -trust, trust)
        return begin | dict(list(alone.items())[:SINGLES])

    def other_sets(self):
        """Return the likeliest single changes, from where least squares leads from the control."""
        return self._walked(likely_singles(self.evidence, *self.at_home))

    def misses_more(self):
        """Whether the best misses by much more than the fit to the control, which could be had."""
        own, control = self.noise.misses, self.evidence.control.noise.misses
        shared = own.keys() & control.keys()
        return any(own[name][0] > EXCUSED * control[name][0] for name in shared)

    def round(self, begin, best):
        """Fit the sets of `begin` and those that are likely from here; go to the best, return it.

        best : set that was the best before, or None.
        """
        sets = [(), *begin, *self.kept]
        self.evidence = self.evidence.settled(self.A, self.z, self.theta, sets)
        sets, found = self.evidence.likely_sets(self.A, self.z, self.theta)
        begin = dict(begin)
        for S in shortlist(sets, found, best, FAR_SETS if self.far else SETS):
            if S not in self.kept and S not in begin:
                begin[S] = self.evidence.posterior(self.A, self.z, self.theta, S).leads
        tried = self._fitted(self._walked(begin) if self.far else begin)
        top = self._simplest(tried)
        sound = [h for h in tried[:KEPT] if h.density > top.density - HOPELESS]
        self.kept = {h.changes: h for h in [*sound, top]}
        self.theta, self.J = top.theta, top.derivatives
        self.noise, self.A, self.z = self._suited(top)
        return top

    def last_round(self, top):
        """Return all hypotheses that mean something, with those that lack a change of the best.

        The simplest of the likeliest comes first, then the others by evidence.
        """
        self.evidence = self.evidence.settled(self.A, self.z, self.theta, list(self.kept))
        begin = fewer(top, self.home)
        if self.far:
            begin = self._walked(begin | joined(self.kept))
        last = self._fitted(begin)
        sound = [h for h in last if self.evidence.within(h.changes, h.values)]
        return self._simplest_first(sound or [top])

    def recentred(self, before, hypotheses):
        """Return the hypotheses of the last round, about controls of their own where need be.

        Such are the best and its parts, for a change too many can stand for a bent cell; and where
        the best needs one, its rivals.
        """
        top, *others = hypotheses
        far = self._bent(top)
        near = [top] if far else []
        for h in others:
            asked = far or set(h.changes) < set(top.changes)
            more = any(set(other.changes) <= set(h.changes) for other in near)
            likely = h.log_evidence > top.log_evidence - HOPELESS
            worth = len(near) < RECENTRED and asked and likely and not more
            if worth and self._bent(h):
                near.append(h)
        if not near:
            return hypotheses
        side, evidence = self.trajectories, self.evidence
        left = [h for h in hypotheses if all(h is not other for other in near)]
        moved = [recentred(before, side, evidence, self.noise, h, self.tick) for h in near]
        best = max([*moved, *left], key=lambda h: h.log_evidence)
        self.noise = self._suited(best)[0]
        again = refine(side, evidence, self.noise, best.derivatives, {}, left)
        for h in moved:
            again += refine(side, evidence.about(h.control), self.noise, h.derivatives, {}, [h])
        return self._simplest_first(sorted(again, key=lambda h: -h.log_evidence))

    def found(self, hypotheses):
        """Return what was `Found`, by the hypotheses of the last round."""
        top = hypotheses[0]
        A = self.noise.whiten(top.derivatives)
        z = self.noise.whiten(self.trajectories.seen - top.prediction)
        evidence = self.evidence.about(top.control)
        return Found(evidence, tuple(hypotheses), top.theta, A, z, self.noise)

    def _fitted(self, begin):
        """Return a `Hypothesis` for each set of `begin`, and those kept, by evidence."""
        kept = self.kept.values()
        found = refine(self.trajectories, self.evidence, self.noise, self.J, begin, kept)
        return sorted(found, key=lambda h: -h.log_evidence)

    def _walked(self, begin):
        return walked(self.trajectories, self.home, self.noise, begin, self.tick)

    def _bent(self, h):
        return bent(self.trajectories, self.evidence, self.noise, h)

    def _suited(self, h):
        """Return the likeliest `Noise` of a hypothesis, and its derivatives and residual by it."""
        own = self.evidence.about(h.control)
        return self._whitened(own, h.derivatives, h.prediction, h.changes, self.widest)

    def _whitened(self, evidence, J, f, S, widest):
        residual, blocks = self.trajectories.seen - f, self.trajectories.blocks
        noise = likeliest(blocks, residual, evidence.free(J, S), widest)
        return noise, noise.whiten(J), noise.whiten(residual)

    def _simplest_first(self, hypotheses):
        top = self._simplest(hypotheses)
        return [top, *(h for h in hypotheses if h is not top)]

    def _simplest(self, hypotheses):
        """Return the most likely hypothesis, or one of fewer changes that is hardly less likely.

        Each is judged by the noise that suits it best: what fits well must not pay for what does
        not.
        """
        scores = []
        for h in hypotheses:
            noise, A, z = self._suited(h)
            own = self.evidence.about(h.control)
            scores.append(own.fitted(A, z, h.theta, h.changes) - noise.log_det)
        good = [h for h, s in zip(hypotheses, scores, strict=True) if s > max(scores) - SIMPLER]
        fewest = min(len(h.changes) for h in good)
        return max((h for h in good if len(h.changes) == fewest), key=lambda h: h.log_evidence)
