"""How near a cell lies to the theory, read from its control recording.

No cell is the published model; how far it is from it, in most things, the recording tells
(`NEARER`). What it singles out besides may lie further off: a prior of one width would either draw
that in, or leave all the rest of the cell open.
"""

import numpy as np

from ionlab.evidence import marginal, per_change

CELL_SD = {"amount": 0.7, "shift": 4.0, "stretch": 0.15, "tau": 0.3, "start": 0.03}
NEARER = (1.0, 0.4, 0.15, 0.06)  # parts of CELL_SD that most of a cell may keep to
APART = -2.0  # log odds that one thing of a cell lies further off than the rest


def cell_sd(changes, A, z, theta):
    """Return how far (P,) from the theory a cell may lie in each change: the likeliest prior.

    A (M, P), z (M,) : derivatives and residual of the control at theta (P,), whitened.

    Of a recording that shows the first of four amounts to be half of the theory's:

    >>> from ionlab.changes import Change
    >>> changes = [Change("amount", name) for name in ("I_Kr", "I_Ks", "I_K1", "I_to")]
    >>> seen = 100.0 * np.log([0.5, 1.0, 1.0, 1.0])
    >>> [round(float(x), 3) for x in cell_sd(changes, 100.0 * np.eye(4), seen, np.zeros(4))]
    [0.7, 0.042, 0.042, 0.042]
    """
    G, b, far = A.T @ A, A.T @ (z + A @ theta), per_change(CELL_SD, changes)
    found = [_set_apart(G, b, part * far, far) for part in NEARER]
    return max(found, key=lambda each: each[0])[1]


def _set_apart(G, b, near, far):
    """Return the log evidence and standard deviations (P,): near, but for what is likelier far.

    G, b : as in `marginal`. One is set apart after another, the likeliest first, by what that adds
    to the evidence in closed form (Tipping and Faul 2003, fast marginal likelihood maximisation).
    """
    sd, further = near, far**2 - near**2
    total = marginal(G, b, np.diag(near**2)[None])[0]
    while True:
        M = np.eye(len(G)) + G * sd**2
        quality, sparsity = np.linalg.solve(M, b), np.diag(np.linalg.solve(M, G))
        grown = 1.0 + further * sparsity
        gain = APART + 0.5 * (further * quality**2 / grown - np.log(grown))
        gain[sd > near] = -np.inf
        k = int(gain.argmax())
        if gain[k] <= 0.0:
            return total, sd
        total, sd = total + gain[k], np.where(np.arange(len(sd)) == k, far, sd)
