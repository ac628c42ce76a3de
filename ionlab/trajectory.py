"""Whole trajectories against recordings: what a changed cell would have shown.

A recording is compared with the cell paced as it was paced, so noise in V is never differentiated.
"""

import numpy as np

from ionlab.changes import apply, starts
from ionlab.integrate import METHODS, integrate
from ionlab.noise import LEAST, Block
from ionlab.observed import Beats, white_sigma

PACED_ms = 20_000.0
STEP = {"amount": 0.006, "shift": 0.1, "stretch": 0.008, "tau": 0.01, "start": 0.001}
EASE, EASE_QUICK = 2.5, 3.5  # longer steps before the beats that are compared
FAR = 10.0  # ranges of the observable: where a trial diverged
OFFSET_mV = 0.05  # of the electrode, from one recording to the next
SCALE = 0.05  # of fluorescence, whose rest and peak need not be those of the model


class Trajectories:
    """The mean beats of one recording as one vector (M,), and what changed cells would have shown.

    changes : the P ways in which the cell may differ from the theory; theta (P,) are their values.
    """

    def __init__(self, beats: Beats, changes, paced_ms=PACED_ms):
        self.beats, self.changes, self.evaluations = beats, changes, 0
        self.steps = np.array([STEP[change.kind] for change in changes])
        self.cell = beats.cell
        self.slow = bool(starts(self.cell))  # an axon has no slow ions, nor bears longer steps
        self.counts = np.array([len(V) for V, _ in beats.single])
        span = int((self.counts * beats.lengths).max() + beats.lengths.max())
        self.samples = max(round(paced_ms), span)
        onsets = np.arange(self.samples // beats.lengths.min() + 1)
        onsets = beats.onset + beats.lengths[:, None] * onsets
        self.onsets = np.where(onsets < self.samples, onsets, np.inf).astype(float)
        self.observables = ["V"] if beats.Ca_i_mM is None else ["V", "Ca_i"]
        self.blocks, seen, at = [], [], 0
        for name in self.observables:
            for k in range(len(beats.lengths)):
                block, y = _block(beats, name, k, at)
                self.blocks.append(block)
                seen.append(y)
                at = block.rows.stop
        self.seen = np.concatenate(seen)

    def predict(self, thetas, quick=False):
        """Return (K, M): what K cells, each paced at every cycle length, would have shown.

        quick : the last beat stands for all of its sweep, which does for derivatives.
        """
        beats, N = self.beats, len(self.beats.lengths)
        cells = [apply(self.cell, dict(zip(self.changes, x, strict=True))) for x in thetas]
        self.evaluations += len(cells)
        counts = np.ones_like(self.counts) if quick else self.counts
        first = self.samples - int((counts * beats.lengths).max() + beats.lengths.max())
        # those of one cycle length next to each other: they take equally long
        runs, onsets = N * cells, np.repeat(self.onsets, len(cells), 0)
        ease = (EASE_QUICK if quick else EASE) if self.slow else 1.0
        values, _, _ = integrate(
            runs, onsets, self.samples, 1.0, first, METHODS[0], ease=ease, quiet=True
        )
        parts = []
        for block in self.blocks:
            n = block.sweep
            length, count = beats.lengths[n], counts[n]
            own = slice(n * len(cells), (n + 1) * len(cells))
            x = values[own, self.cell.state_names.index(block.name)]
            end = self.samples // length * length - first
            whole = x[:, end - count * length : end].reshape(len(cells), count, length).mean(1)
            x = whole[:, beats.seen[n, :length]]
            far = self.seen[block.rows] + FAR * block.range
            parts.append(np.where(np.isfinite(x), x, far))
        return np.concatenate(parts, 1)

    def linearised(self, theta, columns=None):
        """Return the prediction (M,) and its derivatives (M, C) by some or all of the changes."""
        columns = range(len(theta)) if columns is None else columns
        return self.predict([theta])[0], self.slopes([theta], [columns])[0]

    def slopes(self, thetas, columns):
        """Return for each theta the derivatives (M, C) by its `columns`, by central differences.

        Those to one side are too coarse to follow a valley of equally good cells.
        """
        rows = [(theta, k) for theta, own in zip(thetas, columns, strict=True) for k in own]
        if not rows:
            return [np.empty((len(self.seen), 0)) for _ in thetas]
        at, which = np.array([theta for theta, _ in rows]), [k for _, k in rows]
        step = np.zeros_like(at)
        step[np.arange(len(rows)), which] = self.steps[which]
        ahead, behind = np.split(self.predict([*(at + step), *(at - step)], quick=True), 2)
        found = (ahead - behind) / (2.0 * self.steps[which])[:, None]
        return [own.T for own in np.split(found, np.cumsum([len(own) for own in columns])[:-1])]

    def alike(self, blocks):
        """Whether those of another recording have the same samples: derivatives serve for both."""
        mine, theirs = ([(b.name, b.sweep, *b.t_ms) for b in x] for x in (self.blocks, blocks))
        return mine == theirs

    def rmse_mV(self, prediction):
        """RMS (mV) by which a prediction (M,) misses V."""
        rows = slice(0, max(b.rows.stop for b in self.blocks if b.name == self.observables[0]))
        return float(np.sqrt(np.mean((self.seen - prediction)[rows] ** 2)))


def _block(beats, name, k, at):
    """Return the `Block` of an observable in sweep k, whose samples start at `at`, and them."""
    length = beats.lengths[k]
    seen = beats.seen[k, :length]
    which = 0 if name == "V" else 1
    single = beats.single[k][which]
    mean = (beats.V_mV if which == 0 else beats.Ca_i_mM)[k, :length]
    span = np.ptp(mean)
    rate = np.gradient(mean)
    steep = np.maximum(
        np.abs(np.append(np.diff(mean), 0.0)), np.abs(np.diff(mean, prepend=mean[0]))
    )
    jitter = beats.timing_ms
    white = (
        white_sigma(single) ** 2 / len(single) + (LEAST[name] * span) ** 2 + (jitter * steep) ** 2
    )
    columns = [jitter * rate]
    if name == "V":
        columns.append(np.full(length, OFFSET_mV))
        if beats.scaled:
            columns += [np.full(length, SCALE * span), SCALE * (mean - mean[0])]
    y = mean[seen]
    rows = slice(at, at + len(y))
    t = np.arange(float(length))[seen]
    return Block(name, k, rows, t, white[seen], np.stack(columns, 1)[seen], span), y
