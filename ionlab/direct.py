"""Without a network: the conductances that fit a recording best, by plain least squares.

The strong baseline of section 4, and its "standard optimization": the whole cell is paced and its
V, and Ca_i where recorded, compared with the beats. The gates are those of the theory, so a change
of a gate's own curve can only be taken for a change of conductances.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from ionlab.compare import usable
from ionlab.errors import BadValue, known, positive
from ionlab.integrate import METHODS, integrate
from ionlab.observed import Beats, UPSTROKE_ms, paced
from ionlab.recordings import Recording
from ionlab.settle import scaled

PACED_ms = 20_000.0  # before the beat that is compared; calcium and sodium need most of it
RANGE = (0.05, 20.0)  # of a factor
STEP = 0.02  # of the finite differences, in log factors
NEAR_ms = 3_000.0  # paced on from the paced state that the fit starts from, to come near
SOLVER = dict(ftol=1e-3, xtol=1e-3, max_nfev=12)
FAR = 1.0  # residual, over the range of the observable, where a trial diverged
LEVEL = 1.645  # standard errors to each side of a 90 % interval


@dataclass(frozen=True)
class DirectFit:
    """The conductances of a cell fitted to one recording.

    Attributes
    ----------
    names : of the C currents whose conductances were fitted.
    factors : (C,) conductances over those of the theory.
    errors : (C,) standard errors of the log factors, so relative ones, from the residuals taken
        as independent; where the model itself is off they are too small.
    rmse_mV : of V, mean beats against simulation.
    evaluations : number of cells that were paced, at all cycle lengths.
    seconds : that the fit took.
    """

    names: tuple[str, ...]
    factors: np.ndarray
    errors: np.ndarray
    rmse_mV: float
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class DirectPair:
    """Two fits, control and treated, and what changed between them."""

    control: DirectFit
    treated: DirectFit

    @property
    def ratios(self):
        """Current -> (ratio, low, high): conductance treated over control, 90 % interval."""
        log_ratio = np.log(self.treated.factors / self.control.factors)
        error = np.hypot(self.treated.errors, self.control.errors)
        rows = np.exp(log_ratio[:, None] + LEVEL * error[:, None] * np.array([0.0, -1.0, 1.0]))
        return {n: tuple(map(float, row)) for n, row in zip(self.control.names, rows, strict=True)}

    @property
    def first(self):
        """The current whose conductance changed most, on a log scale."""
        ratios = self.ratios
        return max(ratios, key=lambda name: abs(np.log(ratios[name][0])))


def fit_conductances(cell, recording, names=None, start=None, paced_ms=PACED_ms):
    """Fit the conductances of a cell to a recording; return a `DirectFit`.

    recording : a `Recording` (its sweeps that are 1:1 are used) or mean `Beats`.
    names : currents whose conductances are free; all of `cell.conductances` if None.
    start : (C,) factors to start from; ones if None.
    paced_ms : the simulation runs that long, from the cell's start, and as many beats as were
        recorded are averaged at its end. Calcium still drifts after 20 s, so a recorded cell that
        was paced for 20 s is not met by one paced for 6 s.

    Minimises the squared misses of V and Ca_i, each over its range, over log factors. All cells
    of a finite difference run at once. To come near, short runs go on from a paced state.

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> from ionlab import from_traces, pace
    >>> traces = pace(cell.perturbed(g_Kr=0.8), [500.0], 2000.0, 1000.0)
    >>> found = fit_conductances(cell, from_traces(traces, "test"), ["I_Kr"], paced_ms=2000.0)
    >>> found.factors.round(2)
    array([0.8])
    """
    began = time.perf_counter()
    positive("paced_ms", paced_ms, "Try 20000.")
    beats = _beats(cell, recording)
    names = tuple(beats.cell.conductances if names is None else names)
    for name in names:
        known("current", name, beats.cell.conductances)
    x = np.zeros(len(names)) if start is None else np.log(np.asarray(start, float))
    if x.shape != (len(names),) or not np.isfinite(x).all():
        raise BadValue(
            f"start needs {len(names)} positive factors, one for each of {', '.join(names)}, "
            f"got {start!r}. Leave it out to start from ones."
        )
    limits = np.log(RANGE)
    x = np.clip(x, limits[0] + STEP, limits[1] - STEP)
    near = paced(_scaled(beats.cell, names, np.exp(x)), beats.lengths, paced_ms)
    coarse = _Problem(beats, names, near, NEAR_ms, np.ones_like(beats.lengths))
    counts = np.array([len(V) for V, _ in beats.single])
    problem = _Problem(beats, names, [beats.cell] * len(counts), paced_ms, counts)
    for stage in (coarse, problem):
        result = least_squares(stage.residual, x, stage.jacobian, bounds=limits, **SOLVER)
        x = result.x
    return DirectFit(
        names=names,
        factors=np.exp(result.x),
        errors=problem.errors(result.fun, result.jac),
        rmse_mV=problem.rmse_mV(result.fun),
        evaluations=coarse.evaluations + problem.evaluations,
        seconds=time.perf_counter() - began,
    )


def fit_pair(cell, control, treated, names=None, paced_ms=PACED_ms):
    """Fit control, then treated from there; return a `DirectPair`.

    The control fit takes up what the theory misses of this cell; the ratios say what changed.
    """
    first = fit_conductances(cell, control, names, paced_ms=paced_ms)
    second = fit_conductances(cell, treated, names, first.factors, paced_ms)
    return DirectPair(first, second)


def _beats(cell, recording):
    """Return mean beats of what was given."""
    if isinstance(recording, Beats):
        return recording
    if isinstance(recording, Recording):
        return Beats.of(cell, usable(recording)[0])
    raise BadValue(
        f"conductances are fitted to a Recording or to Beats, got {type(recording).__name__}. "
        "Try ionlab.from_traces(traces, name) or ionlab.read_recording(path)."
    )


def _scaled(cell, names, factors):
    gains = dict(zip(names, factors, strict=True))
    return scaled(cell, [gains.get(name, 1.0) for name in cell.conductances])


class _Problem:
    """Misses (M,) of the observables over their ranges, and their derivatives by log factors."""

    def __init__(self, beats, names, cells, paced_ms, counts):
        """cells : (N,) to start from; counts (N,) beats that are averaged at the end."""
        self.beats, self.names, self.cells, self.counts = beats, names, cells, counts
        self.evaluations = 0
        span = int((counts * beats.lengths).max() + beats.lengths.max())
        self.samples = max(round(paced_ms), span)
        self.first = self.samples - span
        onsets = np.arange(self.samples // beats.lengths.min() + 1)
        onsets = beats.onset + beats.lengths[:, None] * onsets
        self.onsets = np.where(onsets < self.samples, onsets, np.inf).astype(float)
        seen = beats.seen.copy()
        if beats.placed:  # the timing of the upstroke is not known
            seen[:, beats.onset - 1 : beats.onset + round(UPSTROKE_ms)] = False
        observed = {"V": beats.V_mV, "Ca_i": beats.Ca_i_mM}
        self.observed = {name: x[seen] for name, x in observed.items() if x is not None}
        self.ranges = {name: np.ptp(x) for name, x in self.observed.items()}
        self.seen = seen

    def simulate(self, rows):
        """Misses (K, M) at K rows of log factors, in one call; `FAR` where a run diverged."""
        beats, N = self.beats, len(self.beats.lengths)
        cells = [_scaled(cell, self.names, np.exp(x)) for x in rows for cell in self.cells]
        onsets = np.tile(self.onsets, (len(rows), 1))
        values, _, _ = integrate(cells, onsets, self.samples, 1.0, self.first, METHODS[0])
        self.evaluations += len(rows)
        misses = []
        for name, seen in self.observed.items():
            x = values[:, beats.cell.state_names.index(name)].reshape(len(rows), N, -1)
            mean = np.zeros((len(rows), *self.seen.shape))
            for n, (length, count) in enumerate(zip(beats.lengths, self.counts, strict=True)):
                end = self.samples // length * length - self.first
                whole = x[:, n, end - count * length : end].reshape(len(rows), count, length)
                mean[:, n, :length] = whole.mean(1)
            misses.append((mean[:, self.seen] - seen) / self.ranges[name])
        return np.nan_to_num(np.concatenate(misses, -1), nan=FAR)

    def residual(self, x):
        """(M,), kept for the derivatives at the same place."""
        self.base = self.simulate([x])[0]
        self.at = x.copy()
        return self.base

    def jacobian(self, x):
        """(M, C), forward differences, all runs at once."""
        moved = self.simulate(x + STEP * np.eye(len(x)))
        base = self.base if np.array_equal(x, self.at) else self.simulate([x])[0]
        return (moved - base).T / STEP

    def errors(self, residual, jacobian):
        """Standard errors (C,) of log factors; V and Ca_i each with a spread of their own."""
        spread = np.concatenate(
            [
                np.full(len(part), np.sqrt(np.mean(part**2)))
                for part in np.split(residual, len(self.observed))
            ]
        )
        bread = np.linalg.pinv(jacobian.T @ jacobian)
        scores = jacobian * spread[:, None]
        return np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread))

    def rmse_mV(self, residual):
        V = np.split(residual, len(self.observed))[0]
        return float(self.ranges["V"] * np.sqrt(np.mean(V**2)))
