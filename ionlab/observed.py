"""What the second pass sees of a recording: its mean beats, and the hidden states along them."""

from dataclasses import dataclass, replace

import numpy as np

from ionlab.cells import Cell
from ionlab.errors import BadRecording
from ionlab.simulate import clamp, pace

SETTLE_BEATS = 3  # beats under clamp before the hidden states are read
FREE_ms, FINE_ms = 2.0, 0.1  # the upstroke: how long the model runs free, and its samples
TIMING_ms = {"on samples": 0.002, "between samples": 0.05, "placed": 0.15}
UPSTROKE_ms = 3.0  # after the onset: what tells of the current that makes the upstroke


@dataclass(frozen=True)
class Beats:
    """The beats of N sweeps, each laid on its stimulus and averaged; padded to T samples of 1 ms.

    Averaging B beats divides white noise by sqrt(B). The mean beat is taken as periodic: the cell
    was paced long enough to repeat itself.

    Attributes
    ----------
    cell : the theory, with the stimulus of the recording.
    names, lengths : of the sweeps; lengths (N,) of a beat in samples, which is its cycle length.
    single : for each sweep V and Ca_i (or None) of every beat, (B, length).
    upstrokes : for each sweep the samples within `UPSTROKE_ms` of an onset: times since, and V.
    placed : whether stimuli were placed at the upstrokes, so that their timing tells nothing.
    timing_ms : standard error of the onsets: on the samples, between them, or placed.
    scaled : whether V is scaled fluorescence, whose upstroke is that of the dye and the camera.
    seen : (N, T) where there are data, not padding or what a cut sweep lacks of its beat.
    V_mV, Ca_i_mM : (N, T) mean beats; Ca_i_mM is None without a calcium channel.
    """

    cell: Cell
    names: tuple[str, ...]
    lengths: np.ndarray
    single: tuple
    upstrokes: tuple
    placed: bool
    timing_ms: float
    scaled: bool
    seen: np.ndarray
    V_mV: np.ndarray
    Ca_i_mM: np.ndarray | None

    @property
    def sigma_mV(self):
        """(N,) standard deviation of white noise in the mean beats."""
        return np.array([white_sigma(V) / np.sqrt(len(V)) for V, _ in self.single])

    @property
    def onset(self):
        """Sample at which the stimulus starts."""
        return round(self.cell.stimulus.start_ms)

    @classmethod
    def of(cls, cell, sweeps):
        """Cut sweeps (`ionlab.recordings.Sweep`) into beats; one cut off at an end is left out."""
        cell = replace(cell, stimulus=replace(sweeps[0].stimulus, start_ms=cell.stimulus.start_ms))
        has_Ca = all(sweep.Ca_i_mM is not None for sweep in sweeps)
        single, seen = [], []
        for sweep in sweeps:
            length = round(sweep.cycle_length_ms)
            starts = sweep.stimuli_ms - cell.stimulus.start_ms
            traces = (sweep.V_mV, sweep.Ca_i_mM if has_Ca else None)
            single.append(tuple(_cut(trace, starts, length) for trace in traces))
            seen.append((starts[0] + np.arange(length)) % length < len(sweep.V_mV))
        lengths = np.array([len(row) for row in seen])
        seen = np.stack([np.pad(row, (0, lengths.max() - len(row))) for row in seen])
        return cls(
            cell,
            tuple(sweep.name for sweep in sweeps),
            lengths,
            tuple(single),
            tuple(_after_onsets(sweep) for sweep in sweeps),
            any(sweep.placed for sweep in sweeps),
            max(_timing_ms(sweep) for sweep in sweeps),
            any(sweep.scaled for sweep in sweeps),
            seen,
            *_means(single, lengths.max()),
        )


def white_sigma(single):
    """Return the standard deviation of white noise in beats (B, T), from third differences.

    These take out what is smooth; the median does not see the upstroke.
    """
    return np.median(np.abs(np.diff(single, 3, axis=1))) / 0.6745 / np.sqrt(20.0)


def _timing_ms(sweep):
    """Return the standard error of the onsets of a sweep, see `TIMING_ms`."""
    if sweep.placed:
        return TIMING_ms["placed"]
    whole = sweep.interval_ms == 1.0 and np.allclose(sweep.stimuli_ms, np.rint(sweep.stimuli_ms))
    return TIMING_ms["on samples" if whole else "between samples"]


def _cut(trace, starts, length):
    """Cut a trace (T,) into beats (B, length).

    A sweep without one whole beat is taken as periodic; what is missing of it is joined by a line.
    """
    if trace is None:
        return None
    if not len(starts):
        raise BadRecording("a sweep without a stimulus or an upstroke holds no beat.")
    whole = starts[(starts >= -0.5) & (starts + length <= len(trace) + 0.5)]
    t, at = np.arange(len(trace)), np.arange(length)
    if len(whole):
        return np.stack([np.interp(start + at, t, trace) for start in whole])
    known = min(len(trace), length)
    return np.interp(starts[0] + at, t[:known], trace[:known], period=length)[None]


def _after_onsets(sweep):
    """Return times (M,) since the onset and V (M,) of the samples in every upstroke of a sweep."""
    since = np.arange(len(sweep.V_mV)) - sweep.stimuli_ms[:, None]
    rows, at = np.nonzero((since > 0.0) & (since <= UPSTROKE_ms))
    return since[rows, at], sweep.V_mV[at]


def _means(single, samples):
    """Mean V and Ca_i (or None), (N, samples), padded with the last value."""

    def padded(which):
        rows = [pair[which].mean(0) for pair in single]
        return np.stack([np.pad(row, (0, samples - len(row)), mode="edge") for row in rows])

    return padded(0), None if single[0][1] is None else padded(1)


def paced(cell, cycle_lengths_ms, duration_ms=20_000.0):
    """Return one cell per cycle length that starts in its paced state, at the start of a cycle."""
    longest = int(max(cycle_lengths_ms))
    whole = int(np.ceil(duration_ms / longest)) * longest
    traces = pace(cell, cycle_lengths_ms, float(whole), float(longest)).check()
    cells = []
    for length, values in zip(cycle_lengths_ms, traces.values, strict=True):
        start = (whole - 1) // length * length - (whole - longest)  # of the last cycle
        cells.append(cell.with_start(**dict(zip(cell.state_names, values[:, start], strict=True))))
    return cells


@dataclass(frozen=True)
class Hidden:
    """All states of the model along mean beats, on a grid that is finer in the upstroke.

    Samples 1 ms apart miss the peak and the timing of the upstroke, which the gates feel for many
    ms. So the voltage is let go from 1 ms before to `FREE_ms` after the onset of the stimulus:
    there the model fires by itself.

    Attributes
    ----------
    values : state -> (N, T).
    t_ms, dt_ms : (T,) times and the steps to the next ones.
    inside : (N, T) where there are data, not padding.
    """

    values: dict
    t_ms: np.ndarray
    dt_ms: np.ndarray
    inside: np.ndarray


def hidden_states(beats, cells=None):
    """Return the `Hidden` states of the model clamped to the mean beats' V and Ca_i.

    cells : the model of each sweep, started as it should; the paced theory if None.
    """
    cells = cells or paced(beats.cell, beats.lengths)
    fine, free, onset = round(1.0 / FINE_ms), round(FREE_ms / FINE_ms), beats.onset
    samples, before = beats.V_mV.shape[1], onset - 1
    at = np.concatenate(
        [
            fine * np.arange(onset),
            fine * onset + np.arange(free),
            fine * np.arange(onset + round(FREE_ms), samples),
        ]
    )
    rows = []
    for k, (cell, length) in enumerate(zip(cells, beats.lengths, strict=True)):
        t = np.arange(fine * length) / fine
        V = np.interp(t, np.arange(length), beats.V_mV[k, :length], period=length)
        V[fine * before + 1 : fine * onset + free] = np.nan
        held = {"V": np.tile(V, SETTLE_BEATS + 1)}
        if beats.Ca_i_mM is not None:
            Ca_i = np.interp(t, np.arange(length), beats.Ca_i_mM[k, :length], period=length)
            held["Ca_i"] = np.tile(Ca_i, SETTLE_BEATS + 1)
        stimuli = onset + length * np.arange(SETTLE_BEATS + 1)
        last = clamp(cell, held, FINE_ms, stimuli[None]).check().values[0, :, -fine * length :]
        rows.append(last[:, np.minimum(at, fine * length - 1)])
    t_ms = at / fine
    return Hidden(
        values=dict(zip(beats.cell.state_names, np.stack(rows, 1), strict=True)),
        t_ms=t_ms,
        dt_ms=np.append(np.diff(t_ms), 1.0),
        inside=t_ms < beats.lengths[:, None],
    )


def upstroke_response(beats, cells, duration_ms):
    """Return V (K, N, duration_ms / FINE_ms + 1) of K variants of the model after the onset.

    cells : K lists of one cell a sweep, started at rest; each fires by itself.
    """
    n = round(duration_ms / FINE_ms) + 1
    flat = [cell for row in cells for cell in row]
    V = np.full((len(flat), n), np.nan)
    rest_mV = beats.V_mV[:, beats.onset - 1]  # an onset may fall between samples
    V[:, 0] = np.tile(rest_mV, len(cells))
    traces = clamp(flat, {"V": V}, FINE_ms, np.zeros((len(flat), 1)))
    return traces["V"].reshape(len(cells), len(beats.lengths), n)
