"""Whole trajectories against recordings: what a changed cell would have shown, and what is noise.

A recording is compared with the cell paced as it was paced, so noise in V is never differentiated.
What the model misses of it is taken as noise of two kinds: white, and slow misses of the model.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist

from ionlab.changes import apply, starts
from ionlab.integrate import METHODS, integrate
from ionlab.observed import Beats, white_sigma

PACED_ms = 20_000.0
STEP = {"amount": 0.06, "shift": 1.0, "stretch": 0.08, "tau": 0.1, "start": 0.01}
EASE = 2.5  # longer steps before the beats that are compared
FAR = 10.0  # ranges of the observable: where a trial diverged
SLOW_ms = (3.0, 15.0, 60.0)  # how long misses of the model last
LEAST = {"V": 5e-4, "Ca_i": 5e-4}  # of the range: the solver's own error
THIN = 200  # samples of a sweep, about, in which the size of slow misses is estimated
WIDEST = 0.3  # of the range
ROUGH, ROUGH_LEAST = 3.0, 3e-4  # of the misses, and of the range
OFFSET_mV = 0.05  # of the electrode, from one recording to the next
SCALE = 0.05  # of fluorescence, whose rest and peak need not be those of the model


@dataclass(frozen=True)
class Block:
    """One observable of one sweep: its samples among the M of a recording, and their noise.

    Attributes
    ----------
    name, sweep : of the observable; number of the sweep.
    rows : slice of the M samples.
    t_ms : (T,) times.
    white : (T,) variance of white noise.
    known : (T, T) covariance of what else is known to be uncertain: timing, offset, scale.
    range : of the observable.
    """

    name: str
    sweep: int
    rows: slice
    t_ms: np.ndarray
    white: np.ndarray
    known: np.ndarray
    range: float


class Trajectories:
    """The mean beats of one recording as one vector (M,), and what changed cells would have shown.

    changes : the P ways in which the cell may differ from the theory; theta (P,) are their values.
    """

    def __init__(self, beats: Beats, changes, paced_ms=PACED_ms):
        self.beats, self.changes, self.evaluations, self.modes = beats, changes, 0, {}
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
        runs = [cell for cell in cells for _ in range(N)]
        onsets = np.tile(self.onsets, (len(cells), 1))
        ease = EASE if self.slow else 1.0
        values, _, _ = integrate(
            runs, onsets, self.samples, 1.0, first, METHODS[0], ease=ease, quiet=True
        )
        parts = []
        for block in self.blocks:
            n = block.sweep
            length, count = beats.lengths[n], counts[n]
            x = values[n::N, self.cell.state_names.index(block.name)]
            end = self.samples // length * length - first
            whole = x[:, end - count * length : end].reshape(len(cells), count, length).mean(1)
            x = whole[:, beats.seen[n, :length]]
            far = self.seen[block.rows] + FAR * block.range
            parts.append(np.where(np.isfinite(x), x, far))
        return np.concatenate(parts, 1)

    def linearised(self, theta, columns=None):
        """Return the prediction (M,) and its derivatives (M, C) by some or all of the changes."""
        columns = np.arange(len(theta)) if columns is None else np.asarray(columns, int)
        moved = np.tile(theta, (1 + len(columns), 1))
        moved[1 + np.arange(len(columns)), columns] += self.steps[columns]
        f = self.predict(moved, quick=True)
        return self.predict([theta])[0], (f[1:] - f[0]).T / self.steps[columns]

    def alike(self, other):
        """Whether another recording has the same samples, so that derivatives serve for both."""
        mine, theirs = ([(b.name, b.sweep, *b.t_ms) for b in x.blocks] for x in (self, other))
        return mine == theirs

    def rmse_mV(self, prediction):
        """RMS (mV) by which a prediction (M,) misses V."""
        rows = slice(0, max(b.rows.stop for b in self.blocks if b.name == self.observables[0]))
        return float(np.sqrt(np.mean((self.seen - prediction)[rows] ** 2)))

    def noise(self, residual=None):
        """Return the `Noise` under which a residual (M,) is most likely; the least if None."""
        kept = {}
        for name in self.observables:
            kept[name] = (LEAST[name], SLOW_ms[1])
            if residual is not None:
                kept[name] = max(
                    (self._likelihood(name, residual, slow_ms) for slow_ms in SLOW_ms),
                    key=lambda found: found[0],
                )[1:]
        return Noise(self, kept, [_factor(block, *kept[block.name]) for block in self.blocks])

    def _likelihood(self, name, residual, slow_ms):
        """Return the greatest log likelihood of a residual, and the share and slow_ms it is at."""
        shares = np.geomspace(LEAST[name], WIDEST, 16)
        total = np.zeros(len(shares))
        for block in self.blocks:
            if block.name == name:
                thin, L, vectors, values = self._modes(block, slow_ms)
                z = vectors.T @ solve_triangular(L, residual[block.rows][thin], lower=True)
                spread = 1.0 + shares[:, None] ** 2 * values
                total -= 0.5 * (np.log(spread) + z**2 / spread).sum(1)
        k = int(total.argmax())
        return total[k], float(shares[k]), slow_ms

    def _modes(self, block, slow_ms):
        """Slow misses seen through the other noise: rows, factor, eigenvectors and eigenvalues."""
        key = (block.rows.start, slow_ms)
        if key not in self.modes:
            thin = slice(None, None, max(1, len(block.t_ms) // THIN))
            L = cholesky(block.known[thin, thin] + np.diag(block.white[thin]), lower=True)
            slow = block.range**2 * _slow(block.t_ms[thin], slow_ms)
            inner = solve_triangular(L, solve_triangular(L, slow, lower=True).T, lower=True)
            values, vectors = np.linalg.eigh(inner)
            self.modes[key] = (thin, L, vectors, np.maximum(values, 0.0))
        return self.modes[key]

    def rough(self, residual):
        """Return `Noise` for a first approach: all samples alike, as large as the misses are."""
        sizes = []
        for name in self.observables:
            rows = np.concatenate(
                [residual[b.rows] / b.range for b in self.blocks if b.name == name]
            )
            sizes.append(max(np.sqrt(np.mean(rows**2)), ROUGH_LEAST))
        size = {n: ROUGH * x for n, x in zip(self.observables, sizes, strict=True)}
        factors = [np.sqrt((size[b.name] * b.range) ** 2 + b.white) for b in self.blocks]
        return Noise(self, {}, factors)


@dataclass(frozen=True)
class Noise:
    """The covariance of a recording, by the Cholesky factor of each block (or its diagonal).

    misses : observable -> (size over its range, duration in ms) of the slow misses of the model.
    """

    of: Trajectories
    misses: dict
    factors: list

    def whiten(self, x):
        """Return x (M,) or (M, C) in units in which the noise is white with variance 1."""
        parts = []
        for block, L in zip(self.of.blocks, self.factors, strict=True):
            rows = x[block.rows]
            parts.append(solve_triangular(L, rows, lower=True) if L.ndim == 2 else (rows.T / L).T)
        return np.concatenate(parts)

    @property
    def log_det(self):
        """Half the logarithm of the determinant of the covariance."""
        return sum(np.log(np.diag(L) if L.ndim == 2 else L).sum() for L in self.factors)


def _slow(t_ms, slow_ms):
    """Correlation (T, T) of misses that last slow_ms (Matern 3/2)."""
    far = np.sqrt(3.0) * cdist(t_ms[:, None], t_ms[:, None]) / slow_ms
    return (1.0 + far) * np.exp(-far)


def _factor(block, share, slow_ms):
    """Return the Cholesky factor of the covariance of a block."""
    slow = (share * block.range) ** 2 * _slow(block.t_ms, slow_ms)
    return cholesky(block.known + np.diag(block.white) + slow, lower=True)


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
    known = sum(np.outer(c, c) for c in columns)
    y = mean[seen]
    rows = slice(at, at + len(y))
    t = np.arange(float(length))[seen]
    return Block(name, k, rows, t, white[seen], known[np.ix_(seen, seen)], span), y
