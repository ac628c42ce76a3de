"""What the second pass sees of a recording: its mean beats, and the hidden states along them."""

from dataclasses import dataclass, replace

import numpy as np

from ionlab.cells import Cell
from ionlab.errors import BadRecording
from ionlab.simulate import clamp, pace

SETTLE_BEATS = 3  # beats under clamp before the hidden states are read


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
    V_mV, Ca_i_mM : (N, T) mean beats; Ca_i_mM is None without a calcium channel.
    """

    cell: Cell
    names: tuple[str, ...]
    lengths: np.ndarray
    single: tuple
    V_mV: np.ndarray
    Ca_i_mM: np.ndarray | None

    @property
    def mask(self):
        """(N, T) where there are data, not padding."""
        return np.arange(self.V_mV.shape[1]) < self.lengths[:, None]

    @property
    def onset(self):
        """Sample at which the stimulus starts."""
        return round(self.cell.stimulus.start_ms)

    @classmethod
    def of(cls, cell, sweeps):
        """Cut sweeps (`ionlab.recordings.Sweep`) into beats; one cut off at an end is left out."""
        cell = replace(cell, stimulus=replace(sweeps[0].stimulus, start_ms=cell.stimulus.start_ms))
        has_Ca = all(sweep.Ca_i_mM is not None for sweep in sweeps)
        single = []
        for sweep in sweeps:
            length = round(sweep.cycle_length_ms)
            starts = sweep.stimuli_ms - cell.stimulus.start_ms
            traces = (sweep.V_mV, sweep.Ca_i_mM if has_Ca else None)
            single.append(tuple(_cut(trace, starts, length) for trace in traces))
        lengths = np.array([V.shape[1] for V, _ in single])
        names = tuple(sweep.name for sweep in sweeps)
        return cls(cell, names, lengths, tuple(single), *_means(single, lengths.max()))

    def resampled(self, rng):
        """Return the beats with each sweep's drawn with replacement: one bootstrap replicate."""
        drawn = []
        for V, Ca in self.single:
            rows = rng.integers(len(V), size=len(V))
            drawn.append((V[rows], None if Ca is None else Ca[rows]))
        V_mV, Ca_i_mM = _means(drawn, self.V_mV.shape[1])
        return replace(self, V_mV=V_mV, Ca_i_mM=Ca_i_mM)


def _cut(trace, starts, length):
    """Cut a trace (T,) into beats (B, length); a sweep of one beat is taken as periodic."""
    if trace is None:
        return None
    if not len(starts):
        raise BadRecording("a sweep without a stimulus or an upstroke holds no beat.")
    whole = starts[(starts >= -0.5) & (starts + length <= len(trace) + 0.5)]
    t, at = np.arange(len(trace)), np.arange(length)
    if len(whole):
        return np.stack([np.interp(start + at, t, trace) for start in whole])
    return np.interp((starts[0] + at) % len(trace), t, trace)[None]


def _means(single, samples):
    """Mean V and Ca_i (or None), (N, samples), padded with the last value."""

    def padded(which):
        rows = [pair[which].mean(0) for pair in single]
        return np.stack([np.pad(row, (0, samples - len(row)), mode="edge") for row in rows])

    return padded(0), None if single[0][1] is None else padded(1)


def paced(cell, cycle_lengths_ms, duration_ms=20_000.0):
    """Return one cell per cycle length that starts in its paced state, at the start of a cycle."""
    cells = []
    for length in cycle_lengths_ms:
        whole = length * max(1, round(duration_ms / length))
        traces = pace(cell, [length], whole + 1.0, 1.0).check()
        last = dict(zip(cell.state_names, traces.values[0, :, -1], strict=True))
        cells.append(cell.with_start(**last))
    return cells


def hidden_states(beats, cells=None):
    """Return state -> (N, T): all states of the model clamped to the mean beats' V and Ca_i.

    cells : the model of each sweep, started as it should; the paced theory if None.
    """
    cells = cells or paced(beats.cell, beats.lengths)
    runs, samples = SETTLE_BEATS + 1, beats.V_mV.shape[1]
    rows = []
    for k, (cell, length) in enumerate(zip(cells, beats.lengths, strict=True)):
        held = {"V": np.tile(beats.V_mV[k, :length], runs)}
        if beats.Ca_i_mM is not None:
            held["Ca_i"] = np.tile(beats.Ca_i_mM[k, :length], runs)
        stimuli = beats.onset + length * np.arange(runs)
        last = clamp(cell, held, stimuli_ms=stimuli[None]).check().values[0, :, -length:]
        rows.append(np.pad(last, ((0, 0), (0, samples - length)), mode="edge"))
    return dict(zip(beats.cell.state_names, np.stack(rows, 1), strict=True))
