"""What is taken as noise in a recording: white noise, slow misses of the model, known doubts.

A slow miss is a stationary process of a size and a duration (Matern 3/2), which has two states that
follow from their last values (Hartikainen and Sarkka 2010, doi:10.1109/MLSP.2010.5589113). So a
Kalman filter whitens a recording in a time that grows with its length alone; the result is that of
the Cholesky factor of the covariance.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ionlab.maths import njit

SLOW_ms = (3.0, 15.0, 60.0)  # how long misses of the model last
LEAST = {"V": 1e-4, "Ca_i": 2e-4}  # of the range: the solver's own error
WIDEST = 0.3  # of the range
XATOL = 0.1  # of the logarithm of a size
ROUGH, ROUGH_LEAST = 3.0, 3e-4  # of the misses, and of the range


@dataclass(frozen=True)
class Block:
    """One observable of one sweep: its samples among the M of a recording, and their noise.

    Attributes
    ----------
    name, sweep : of the observable; number of the sweep.
    rows : slice of the M samples.
    t_ms : (T,) times.
    white : (T,) variance of white noise.
    known : (T, K) what else is known to be uncertain, one standard deviation of each a column:
        timing, offset, scale.
    range : of the observable.
    """

    name: str
    sweep: int
    rows: slice
    t_ms: np.ndarray
    white: np.ndarray
    known: np.ndarray
    range: float

    def whiten(self, share, slow_ms, x):
        """Whiten columns x (T, C) under slow misses; return them, and half the log determinant."""
        x = np.array(x, dtype=float, order="C")
        return x, _whiten(self.t_ms, self.white, self.known, share * self.range, slow_ms, x)


@dataclass(frozen=True)
class Noise:
    """The noise of a recording.

    misses : observable -> (size over its range, duration in ms) of the slow misses of the model.
    spread : for each block (T,) standard deviations that stand for all noise, or None.
    """

    blocks: tuple
    misses: dict
    spread: tuple | None = None

    def whiten(self, x):
        """Return x (M,) or (M, C) in units in which the noise is white with variance 1."""
        return self._whitened(x)[0]

    @property
    def log_det(self):
        """Half the logarithm of the determinant of the covariance."""
        return self._whitened(np.empty((self.blocks[-1].rows.stop, 0)))[1]

    def _whitened(self, x):
        table = np.asarray(x, float).reshape(len(x), -1)
        parts, log_det = [], 0.0
        for k, block in enumerate(self.blocks):
            rows = table[block.rows]
            if self.spread is None:
                rows, own = block.whiten(*self.misses[block.name], rows)
            else:
                rows, own = rows / self.spread[k][:, None], np.log(self.spread[k]).sum()
            parts.append(rows)
            log_det += own
        return np.concatenate(parts).reshape(np.shape(x)), log_det


def likeliest(blocks, residual, free, widest=None):
    """Return the `Noise` under which a residual (M,) of a fit is most likely.

    free (M, F) : how far the fit was free to move, one standard deviation of each way a column.
    What it took up of the misses, or would, is reckoned with, as in restricted maximum likelihood.
    widest : observable -> greatest size of misses over its range; `WIDEST` if None.
    """
    misses = {}
    for name in dict.fromkeys(b.name for b in blocks):
        own, most = [b for b in blocks if b.name == name], (widest or {}).get(name, WIDEST)
        tried = [_likeliest_size(own, residual, free, slow_ms, most) for slow_ms in SLOW_ms]
        misses[name] = max(tried)[1:]
    return Noise(tuple(blocks), misses)


def _likeliest_size(blocks, residual, free, slow_ms, widest):
    """Return the greatest log likelihood of misses that last slow_ms, their size, slow_ms."""

    def against(log_share):
        return -_likelihood(blocks, residual, free, np.exp(log_share), slow_ms)

    bounds = np.log([LEAST[blocks[0].name], widest])
    found = minimize_scalar(against, bounds=bounds, method="bounded", options={"xatol": XATOL})
    return -found.fun, float(np.exp(found.x)), slow_ms


def _likelihood(blocks, residual, free, share, slow_ms):
    """Log likelihood of the residual of a fit in some blocks, but for a constant."""
    total, taken, shared = 0.0, np.eye(free.shape[1]), np.zeros(free.shape[1])
    for block in blocks:
        x = np.concatenate([residual[block.rows, None], free[block.rows]], 1)
        x, log_det = block.whiten(share, slow_ms, x)
        total -= 0.5 * x[:, 0] @ x[:, 0] + log_det
        taken += x[:, 1:].T @ x[:, 1:]
        shared += x[:, 1:].T @ x[:, 0]
    fitted = shared @ np.linalg.solve(taken, shared)
    return total + 0.5 * fitted - 0.5 * np.linalg.slogdet(taken)[1]


def rough(blocks, residual):
    """Return `Noise` for a first approach: all samples alike, as large as the misses are."""
    size = {}
    for name in dict.fromkeys(b.name for b in blocks):
        rows = np.concatenate([residual[b.rows] / b.range for b in blocks if b.name == name])
        size[name] = ROUGH * max(np.sqrt(np.mean(rows**2)), ROUGH_LEAST)
    spread = tuple(np.sqrt((size[b.name] * b.range) ** 2 + b.white) for b in blocks)
    return Noise(tuple(blocks), {}, spread)


@njit(cache=True)
def _whiten(t_ms, white, known, size, slow_ms, x):
    """Whiten columns x (T, C) in place; return half the log determinant of the covariance.

    The state is the miss, its rate, and the K amounts of the known doubts; P is its covariance.
    """
    (T, K), C = known.shape, x.shape[1]
    D = K + 2
    a = np.sqrt(3.0) / slow_ms
    P, PH, H = np.eye(D), np.empty(D), np.empty(D)
    P[0, 0], P[1, 1] = size**2, (size * a) ** 2
    mean = np.zeros((D, C))
    H[0], H[1], log_det = 1.0, 0.0, 0.0
    for k in range(T):
        H[2:] = known[k]
        S = white[k]
        for i in range(D):
            PH[i] = 0.0
            for j in range(D):
                PH[i] += P[i, j] * H[j]
            S += H[i] * PH[i]
        log_det += 0.5 * np.log(S)
        scale = 1.0 / np.sqrt(S)
        for i in range(D):
            if H[i] != 0.0:
                for c in range(C):
                    x[k, c] -= H[i] * mean[i, c]
        for i in range(D):
            gain = PH[i] / S
            for c in range(C):
                mean[i, c] += gain * x[k, c]
            for j in range(D):
                P[i, j] -= gain * PH[j]
        for c in range(C):
            x[k, c] *= scale
        if k == T - 1:
            break
        dt = t_ms[k + 1] - t_ms[k]
        e = np.exp(-a * dt)
        F00, F01, F10, F11 = e * (1.0 + a * dt), e * dt, -e * a * a * dt, e * (1.0 - a * dt)
        for c in range(C):
            miss, rate = mean[0, c], mean[1, c]
            mean[0, c], mean[1, c] = F00 * miss + F01 * rate, F10 * miss + F11 * rate
        # what is known of the miss fades, and tends to what it was at first
        p00, p01, p11 = P[0, 0] - size**2, P[0, 1], P[1, 1] - (size * a) ** 2
        P[0, 0] = size**2 + F00 * F00 * p00 + 2.0 * F00 * F01 * p01 + F01 * F01 * p11
        P[1, 1] = (size * a) ** 2 + F10 * F10 * p00 + 2.0 * F10 * F11 * p01 + F11 * F11 * p11
        P[0, 1] = F00 * F10 * p00 + (F00 * F11 + F01 * F10) * p01 + F01 * F11 * p11
        P[1, 0] = P[0, 1]
        for j in range(2, D):
            miss, rate = P[0, j], P[1, j]
            P[0, j], P[1, j] = F00 * miss + F01 * rate, F10 * miss + F11 * rate
            P[j, 0], P[j, 1] = P[0, j], P[1, j]
    return log_det
