"""A hypothesis and its control linearised where the two together lead (an iterated smoother).

What the control leaves open of a cell moves linearly about it, which is right for the small moves
that most explanations ask for. Where the model's gates are not those of the cell, a large change
may ask for more: then control and treated are both linearised there, anew.
"""

import numpy as np

from ionlab.descent import control_at
from ionlab.evidence import limited
from ionlab.refine import refine

TURNS = 3
PARTS = (1.0, 0.6, 0.3, 0.1)  # of the way to where they lead, tried at once
ENOUGH = 2.0  # a smaller gain in the fit of both ends it
BENT = 30.0  # squared error of the linear prediction, whitened, that is too large


def rest_of(trajectories, evidence, noise, h):
    """Return how the rest of the cell (P,) moves under a hypothesis, linearly about its control."""
    own = evidence.about(h.control)
    A, z = noise.whiten(h.derivatives), noise.whiten(trajectories.seen - h.prediction)
    return own.judged(A, z, h.theta, h.changes)[1]


def bent(trajectories, evidence, noise, h):
    """Whether the treated cell is far from where lines at the control of a hypothesis lead."""
    rest = rest_of(trajectories, evidence, noise, h)
    there = trajectories.predict([limited(trajectories.changes, h.theta + rest)])[0]
    return bool(np.sum(noise.whiten(there - h.shown) ** 2) > BENT)


def recentred(before, trajectories, evidence, noise, h, tick=lambda: None):
    """Return a `Hypothesis` about a control that is linearised where both recordings lead.

    before, trajectories : `Trajectories` of control and treated.
    """
    first, changes = h.control, trajectories.changes

    def cost(x, y, home):
        missed = first.noise.whiten(before.seen - x), noise.whiten(trajectories.seen - y)
        return sum(each @ each for each in (*missed, home / first.sd))

    for _ in range(TURNS):
        tick()
        home, made = h.control.theta, h.theta - h.control.theta
        rest = rest_of(trajectories, evidence, noise, h)
        trials = limited(changes, home + np.outer(PARTS, rest))
        x, y = before.predict(trials), trajectories.predict(limited(changes, trials + made))
        costs = [cost(*each) for each in zip(x, y, trials, strict=True)]
        if min(costs) > cost(h.control.prediction, h.prediction, home) - ENOUGH:
            break
        theta = trials[int(np.argmin(costs))]
        control = control_at(before, theta, *before.linearised(theta), first.noise, first.sd)
        begin = {h.changes: limited(changes, theta + made)}
        (h,) = refine(trajectories, evidence.about(control), noise, h.derivatives, begin)
    return h
