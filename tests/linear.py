"""A recording that answers linearly to changes, so that a search has an answer in closed form."""

import numpy as np

from ionlab.cells import hodgkin_huxley1952
from ionlab.changes import Change, candidates
from ionlab.evidence import CHANGE_SD, LOG_ODDS, per_change
from ionlab.nearness import CELL_SD
from ionlab.trajectory import STEP, Block, Trajectories

AXON = hodgkin_huxley1952
CHANGES = (*candidates(AXON), Change("start", "Na_i"))
P, M, RANGE_mV, SIGMA_mV = len(CHANGES), 150, 100.0, 0.1
SD, CELL = per_change({**CHANGE_SD, "start": 0.003}, CHANGES), per_change(CELL_SD, CHANGES)
ODDS = per_change(LOG_ODDS, CHANGES)


class Linear(Trajectories):
    """A recording (M,) of a cell whose answer to changes is linear: A theta and noise.

    One standard deviation of a change moves the recording by 5 mV or so, along smooth curves. The
    noise is white, with a common offset and, of size `slow_mV`, slow misses that last 15 ms.
    """

    def __init__(self, theta, seed, slow_mV=0.0):
        t = np.arange(float(M))
        rng = np.random.default_rng(0)  # the same cell for all
        centre, width = rng.uniform(0, M, (3, P)), rng.uniform(5.0, 30.0, (3, P))
        bumps = np.exp(-0.5 * ((t[:, None, None] - centre) / width) ** 2)
        self.A = 5.0 * (bumps * rng.normal(size=(3, P))).sum(1) / SD
        rng = np.random.default_rng(seed)
        d = np.sqrt(3.0) * abs(t[:, None] - t) / 15.0
        slow = np.linalg.cholesky((1.0 + d) * np.exp(-d) + 1e-9 * np.eye(M)) @ rng.normal(size=M)
        noise = rng.normal(0.0, SIGMA_mV, M) + rng.normal(0.0, 0.05) + slow_mV * slow
        self.seen = -80.0 + self.A @ theta + noise
        self.cell, self.changes, self.observables = AXON, CHANGES, ["V"]
        self.steps = per_change(STEP, CHANGES)
        white = np.full(M, SIGMA_mV**2)
        known = np.full((M, 1), 0.05)
        self.blocks = [Block("V", 0, slice(0, M), t, white, known, RANGE_mV)]

    def predict(self, thetas, quick=False):
        return -80.0 + np.array(thetas) @ self.A.T


def index(kind, target):
    return CHANGES.index(Change(kind, target))


def changed(**values):
    """delta (P,) of kind_target=standard deviations."""
    x = np.zeros(P)
    for name, value in values.items():
        x[index(*name.split("_", 1))] = value
    return x * SD
