"""Two groups of cells that are not the same ones, one beat of each, as in drug screens on wells.

What differs between two groups differs between the cells of a group, too. So each group becomes one
typical beat, whose uncertainty is how much the wells scatter; the model's miss of the control is
carried over to the treated, and all is judged again with the wells drawn anew (bootstrap).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import toeplitz
from scipy.ndimage import uniform_filter1d

from ionlab.changes import amounts
from ionlab.compare import usable
from ionlab.descent import control_at, damped
from ionlab.errors import BadRecording
from ionlab.evidence import TRUST, limited, per_change
from ionlab.nearness import CELL_SD
from ionlab.noise import likeliest
from ionlab.observed import Beats
from ionlab.recordings import Recording
from ionlab.trajectory import PACED_ms, Trajectories

FEWEST = 3  # wells of a group that tell how much they scatter
UPSTROKE_ms = 15.0  # after the onset: the dye, the camera and the wells blur it
SMOOTH, PLATEAU_ms, REPOLARISED = 15, (10, 60), 0.6  # how the duration of a beat is read
SHARED, REST_ms = 4, 60  # patterns of the scatter that are kept as such; how long the rest lasts
EXPLAINED = 0.999  # of the largest pattern: smaller ones are white noise
MISS_ms = 30.0  # a miss of the model lasts, so that samples of one such stretch tell the same
LEAST = 0.003  # of the range: no model is better
STEPS, GAINED = 40, 0.002  # of the fit to the control, and the gain in log evidence that ends it
RESAMPLES = 200


@dataclass(frozen=True)
class Pooled:
    """Two groups of wells, control and treated, each as one typical beat.

    Attributes
    ----------
    recordings : two `Recording`s of one sweep, the typical beat.
    wells_mV : for each group the beats (W, T) of its wells, laid on their upstrokes, each group as
        long as all of its wells were recorded.
    onset : sample at which the stimulus stands.
    covariance : of V from well to well, within the groups, over the longer of both.
    """

    recordings: tuple[Recording, Recording]
    wells_mV: tuple
    onset: int
    covariance: np.ndarray


def pool(control, treated, cell):
    """Return two recordings of wells, a sweep each, as `Pooled` groups.

    Raises `BadRecording` for fewer than three wells in a group.
    """
    groups, lengths = [], []
    for recording in (control, treated):
        sweeps, _ = usable(recording)
        if len(sweeps) < FEWEST:
            raise BadRecording(
                f"{recording.file}: a group needs {FEWEST} wells, got {len(sweeps)}: their scatter "
                "tells what is a change. Add wells, or compare recordings of one cell."
            )
        beats = [Beats.of(cell, [sweep]) for sweep in sweeps]
        ends = [int(b.seen[0].argmin()) or b.seen.shape[1] for b in beats]
        length = round(np.median([sweep.cycle_length_ms for sweep in sweeps]))
        groups.append(np.stack([b.V_mV[0, : min(*ends, length)] for b in beats]))
        lengths.append(length)
    groups, onset = tuple(groups), beats[0].onset
    recordings = tuple(
        Recording(
            recording.file,
            (_typical_sweep(recording, typical(V, onset), onset, length),),
            recording.warnings,
        )
        for recording, V, length in zip((control, treated), groups, lengths, strict=True)
    )
    return Pooled(recordings, groups, onset, scatter(groups))


def _typical_sweep(recording, V_mV, onset, length):
    """Return the sweep of a typical beat (T,), in the place of those of a recording."""
    first = recording.sweeps[0]
    return replace(
        first,
        name=f"typical beat of {len(recording.sweeps)} wells",
        V_mV=V_mV,
        Ca_i_mM=None,
        stimuli_ms=np.array([float(onset)]),
        stimulus=replace(first.stimulus, start_ms=float(onset)),
        cycle_length_ms=float(length),
    )


def durations_ms(V_mV, onset):
    """Return how long (W,) it takes beats (W, T) from the onset to be 60 % repolarised."""
    smooth = uniform_filter1d(V_mV, SMOOTH, axis=1, mode="nearest")
    peak = smooth[:, onset + PLATEAU_ms[0] : onset + PLATEAU_ms[1]].max(1)
    rest = np.median(V_mV[:, -V_mV.shape[1] // 6 :], 1)
    level = peak - REPOLARISED * (peak - rest)
    late = smooth[:, onset + PLATEAU_ms[0] :] < level[:, None]
    return PLATEAU_ms[0] + late.argmax(1).astype(float)


def typical(V_mV, onset):
    """Return the typical beat (T,) of wells (W, T), the mean of all stretched to one duration.

    A plain mean of beats of different durations repolarises more slowly than any of them.

    >>> t = np.arange(400.0)
    >>> V = np.stack([np.where(t < end, 0.0, -80.0) for end in (150, 250)])
    >>> beat = typical(V, 10)
    >>> (beat > -40).sum(), ((beat > -79) & (beat < -1)).sum() < 20
    (np.int64(200), np.True_)
    """
    since = np.arange(V_mV.shape[1]) - float(onset)
    lasts = durations_ms(V_mV, onset)
    stretched = [
        np.interp(np.where(since > 0, since * d / lasts.mean(), since), since, V)
        for V, d in zip(V_mV, lasts, strict=True)
    ]
    return np.mean(stretched, 0)


def scatter(groups):
    """Return the covariance of V from well to well, within groups of beats (W, T).

    Beats of a group that was recorded for less long are taken to stay where they ended.

    The few patterns in which wells differ most are kept; what is left is taken as stationary noise.
    """
    longest = max(V.shape[1] for V in groups)
    away = [np.pad(V, ((0, 0), (0, longest - V.shape[1])), mode="edge") for V in groups]
    away = np.concatenate([V - V.mean(0) for V in away])
    free, T = len(away) - len(groups), away.shape[1]
    shared = min(SHARED, free - 1)
    U, s, rows = np.linalg.svd(away, full_matrices=False)
    patterns = s[:shared, None] * rows[:shared]
    rest = away - U[:, :shared] @ patterns
    lags = min(REST_ms, T)
    alike = [(rest[:, : T - k] * rest[:, k:]).sum() / T for k in range(lags)]
    alike = np.array(alike) * np.linspace(1.0, 0.0, lags) / (free - shared)
    return patterns.T @ patterns / free + toeplitz(np.append(alike, np.zeros(T - lags)))


def trajectories(pooled, cell, changes, paced_ms=PACED_ms):
    """Return the `Trajectories` of both groups; the scatter of their wells is known noise."""
    sides = []
    for recording, V in zip(pooled.recordings, pooled.wells_mV, strict=True):
        beats = Beats.of(cell, recording.sweeps)
        seen = beats.seen.copy()
        seen[:, : pooled.onset + round(UPSTROKE_ms)] = False
        # each well was scaled by itself, so their scatter holds what is wrong with the scale
        side = Trajectories(replace(beats, seen=seen, scaled=False), changes, paced_ms)
        at = side.blocks[0].t_ms.astype(int)
        patterns, rest = _patterns(pooled.covariance[np.ix_(at, at)] / len(V))
        block = side.blocks[0]
        known = np.concatenate([block.known, patterns], 1)
        side.blocks = [replace(block, known=known, white=block.white + rest)]
        sides.append(side)
    return tuple(sides)


def _patterns(covariance):
    """Return the patterns (T, K) that make up a covariance (T, T), and the variance (T,) left."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > (1.0 - EXPLAINED) * values.max()
    patterns = vectors[:, kept] * np.sqrt(values[kept])
    return patterns, np.maximum(np.diag(covariance) - (patterns**2).sum(1), 0.0)


def carried(x, control, treated):
    """Return rows x (M, ...) of the control at the samples of the treated.

    Later than the control was recorded, they stay as they were last.
    """
    before, after = (side.blocks[0].t_ms for side in (control, treated))
    return x[np.clip(np.searchsorted(before, after), 0, len(before) - 1)]


def fit_far(side, tick=lambda: None):
    """Return the `Control` of a recording from which the model is far: all changes free.

    Where no cell of the model fits, a likelihood of many samples is sure of a wrong one. So a
    stretch of `MISS_ms` counts as one sample, whose noise is the miss itself; the prior, which
    draws to the theory, then has a say. The covariance is that of the full noise.
    """
    changes, y = side.changes, side.seen
    sd, trust = per_change(CELL_SD, changes), per_change(TRUST, changes)
    count, least = len(y) / MISS_ms, (LEAST * side.blocks[0].range) ** 2

    def cost(f, theta):
        return 0.5 * count * np.log(np.mean((y - f) ** 2) + least) + 0.5 * np.sum((theta / sd) ** 2)

    theta = np.zeros(len(changes))
    for _ in range(STEPS):
        tick()
        f, J = side.linearised(theta)
        variance = MISS_ms * (np.mean((y - f) ** 2) + least)
        precision = J.T @ J / variance + np.diag(sd**-2)
        slope = J.T @ (y - f) / variance - theta / sd**2
        trials = limited(changes, theta + damped(precision, slope, trust))
        costs = [cost(x, t) for x, t in zip(side.predict(trials), trials, strict=True)]
        gained, best = cost(f, theta) - min(costs), int(np.argmin(costs))
        if gained > 0:
            theta = trials[best]
        if gained < GAINED:
            break
    f, J = side.linearised(theta)
    noise = likeliest(side.blocks, y - f, J * sd)
    return control_at(side, theta, f, J, noise, sd, best=True)


def by_chance(pooled, base):
    """Return the variance (P,) by which the changes of two groups of wells differ by chance.

    As if the conductances of wells scattered independently and equally, as much as the patterns of
    the wells' scatter tell. Without it, a change that moves V in a way in which few wells happened
    to differ would seem certain.
    """
    columns = amounts(base.changes)
    at = base.noise.blocks[0].t_ms.astype(int)
    patterns = np.linalg.eigvalsh(pooled.covariance[np.ix_(at, at)])[-SHARED:].sum()
    of_one = patterns / np.sum(base.derivatives[:, columns] ** 2)
    variance = np.zeros(len(base.changes))
    variance[columns] = of_one * sum(1.0 / len(V) for V in pooled.wells_mV)
    return variance


@dataclass(frozen=True)
class Resampled:
    """Explanations of groups whose wells were drawn anew, with replacement.

    best : (R) the set of changes that explains each best. values : for each set asked, (R, s).
    """

    best: tuple
    values: dict


def resample(pooled, base, found, sides, resamples=RESAMPLES, seed=0):
    """Return `Resampled`: wells of both groups drawn anew and judged near the best fit.

    base : the `Control`. found : of `search.explain`. sides : the `Trajectories` of both groups, as
    they were explained. No cell is simulated: beats and control move linearly, and so does each
    explanation near its own fit.
    """
    rng, evidence = np.random.default_rng(seed), found.evidence
    fits, noise = found.hypotheses, found.noise
    near = [(noise.whiten(h.derivatives), sides[1].seen - h.prediction, h.theta) for h in fits]
    follow = base.covariance @ base.noise.whiten(base.derivatives).T  # of theta_X, per noise
    beats = [typical(V, pooled.onset) for V in pooled.wells_mV]
    used = [side.blocks[0].t_ms.astype(int) for side in sides]
    best, values = [], {h.changes: [] for h in fits}
    for _ in range(resamples):
        x, y = (
            (typical(V[rng.integers(len(V), size=len(V))], pooled.onset) - beat)[at]
            for V, beat, at in zip(pooled.wells_mV, beats, used, strict=True)
        )
        theta = follow @ base.noise.whiten(x)
        control = replace(evidence.control, mean=base.mean + theta)
        moved = evidence.about(control)
        left = y - carried(x - base.derivatives @ theta, *sides)
        likely = []
        for h, (A, residual, at) in zip(fits, near, strict=True):
            z = noise.whiten(residual + left)
            likely.append(moved.linear(A, z, at, [h.changes])[0])
            values[h.changes].append(moved.posterior(A, z, at, h.changes).values)
        best.append(fits[int(np.argmax(likely))].changes)
    return Resampled(tuple(best), {S: np.array(v) for S, v in values.items()})
