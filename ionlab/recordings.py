"""A person's own recordings in: checked, 1 ms apart, in the units of the model.

`tables` reads sweeps as they were measured, `beats` finds what is in each; here they come to the
scale of the cell and get their stimuli.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ionlab import features
from ionlab.beats import find_beats, landmarks, to_levels
from ionlab.cells import Stimulus
from ionlab.errors import BadRecording, BadValue, known
from ionlab.simulate import Traces, pace
from ionlab.tables import Measured, column, read_csv, write_recording

__all__ = [
    "Measured",
    "Recording",
    "Sweep",
    "assemble",
    "columns_of",
    "from_traces",
    "read_recording",
    "write_recording",
]

LONGEST_ms = 2000.0  # slower than this, a cell rests and peaks alike


@dataclass(frozen=True)
class Sweep:
    """One stretch of one cell in the units of the model; samples are 1 ms apart.

    Attributes
    ----------
    name : of the sweep, or of its file in a folder.
    V_mV : (T,) membrane voltage.
    Ca_i_mM : (T,) intracellular calcium, or None.
    stimuli_ms : (B,) onsets of the stimuli in ms from the first sample.
    stimulus : amplitude and duration of this recording; `start_ms` is the phase of the onsets.
    cycle_length_ms : from one stimulus to the next.
    scaled : whether V comes from fluorescence.
    placed : whether the stimuli were placed at the upstrokes, for want of a stimulus channel.
    answer : how the cell answers them: "1:1", "2:1", "mixed" or "none".
    interval_ms : from sample to sample as measured, the median; simulated samples are 1 ms apart.
    drift_mV : how far the resting level moved before that was taken off; 0 if it did not.
    """

    name: str
    V_mV: np.ndarray
    Ca_i_mM: np.ndarray | None
    stimuli_ms: np.ndarray
    stimulus: Stimulus
    cycle_length_ms: float
    scaled: bool
    placed: bool
    answer: str
    interval_ms: float = 1.0
    drift_mV: float = 0.0

    @property
    def t_ms(self):
        """(T,) time from the first sample."""
        return np.arange(float(len(self.V_mV)))


@dataclass(frozen=True)
class Recording:
    """The sweeps of a file or folder, and what a reader of the results should know of them."""

    file: str
    sweeps: tuple[Sweep, ...]
    warnings: tuple[str, ...]


def read_recording(path, cell):
    """Read a CSV file, or a folder of them, as a recording of `cell`; return a `Recording`.

    Other rates are brought to 1 kHz; V in mV is otherwise left as it is. Fluorescence is scaled to
    the rest and peak of the cell's own steady beat at the cycle length of the sweep. Without the
    column stim_pA_pF a stimulus is placed where the upstroke fits the cell's. Raises
    `BadRecording`, or `UnknownName` for a column; what is merely doubtful becomes a warning.

    >>> from ionlab.cells import tentusscher2004
    >>> control = read_recording("data/recordings/control.csv", tentusscher2004)
    >>> [sweep.cycle_length_ms for sweep in control.sweeps]
    [350.0, 500.0, 800.0]
    """
    path = Path(path)
    if not path.exists():
        raise BadRecording(f"a recording is a CSV file or a folder of them; {path} does not exist.")
    if path.is_file():
        measured, warnings = read_csv(path, cell)
        return assemble(str(path), measured, cell, warnings)
    files = [f for f in path.iterdir() if f.suffix.lower() == ".csv" and f.name[0] != "."]
    if not files:
        raise BadRecording(f"a folder needs CSV files, one a beat; {path} has none.")
    measured, warnings = [], []
    for file in sorted(files, key=_natural):
        sweeps, said = read_csv(file, cell)
        single = len(sweeps) == 1
        measured += [
            replace(s, name=file.stem if single else f"{file.stem}/{s.name}") for s in sweeps
        ]
        warnings += said
    return assemble(str(path), measured, cell, warnings)


def _natural(path):
    """Sort key in which beat2 comes before beat10."""
    return [int(x) if x.isdigit() else x.lower() for x in re.split(r"(\d+)", path.name)]


# --- from the clock and scale of the measurement to those of the model -------------------


def assemble(file, measured, cell, warnings=()):
    """Return the `Recording` of `Measured` sweeps; `warnings` are those that arose before."""
    warnings = list(warnings)
    beats = [find_beats(sweep, warnings) for sweep in measured]
    lengths = [beat.cycle_length_ms for beat in beats]
    sweeps = []
    for sweep, beat, model in zip(measured, beats, _own_beats(cell, lengths), strict=True):
        V, scale = beat.signal, 1.0
        if sweep.fluorescent:
            scale = (model.peak - model.rest) / (beat.peak - beat.rest)
            V = model.rest + scale * (beat.signal - beat.rest)
        stimuli, stimulus = beat.stimuli_ms, beat.stimulus or cell.stimulus
        placed = stimuli is None
        if placed:
            stimuli = _fit_onsets(V, beat.upstrokes_ms, model)
            if sweep.cycle_length_ms:
                stimuli = _with_failed(stimuli, beat.cycle_length_ms)
        answer = features.capture(beat.t_ms, to_levels(beat.signal, beat.rest, beat.peak), stimuli)
        warnings += _unanswered(sweep.where, beat.cycle_length_ms, answer)
        sweeps.append(
            Sweep(
                name=sweep.name,
                V_mV=V,
                Ca_i_mM=beat.Ca_i_mM,
                stimuli_ms=stimuli,
                stimulus=replace(stimulus, start_ms=float(stimuli[0] % beat.cycle_length_ms)),
                cycle_length_ms=beat.cycle_length_ms,
                scaled=sweep.fluorescent,
                placed=placed,
                answer=answer,
                interval_ms=float(np.median(np.diff(sweep.t_ms))),
                drift_mV=scale * beat.drift,
            )
        )
    return Recording(file, tuple(sweeps), tuple(warnings))


def _unanswered(where, cycle_length_ms, answer):
    """Return the warning, if any, on how a sweep answers its stimuli."""
    if answer == "1:1":
        return []
    return [
        f"{where}: stimuli every {cycle_length_ms:g} ms are answered {answer}, not 1:1. "
        "Leave this sweep out, or pace more slowly."
    ]


def from_traces(traces: Traces, name, noise_mV=0.0, rng=None, observables=None):
    """Return simulated runs as a `Recording`, with stimuli known and white noise added to V.

    name : stands for the file; each run becomes a sweep named by its cycle length.
    rng : of the noise; seed 0 if None.
    observables : what was measured; those of the cell if None, ("V",) for the voltage alone.

    >>> from ionlab.cells import tentusscher2004
    >>> traces = pace(tentusscher2004, [500.0], duration_ms=2000.0, record_last_ms=1000.0)
    >>> sweep = from_traces(traces, "simulated", noise_mV=0.5).sweeps[0]
    >>> sweep.name, sweep.stimuli_ms.tolist(), sweep.answer
    ('500', [10.0, 510.0], '1:1')
    """
    if not np.allclose(np.diff(traces.t_ms), 1.0):
        raise BadValue("a recording has samples 1 ms apart. Try pace(..., sample_ms=1.0).")
    rng = np.random.default_rng(0) if rng is None else rng
    sweeps, warnings = [], []
    rows = zip(traces.check().cells, traces.cycle_lengths_ms, traces.stimuli_ms, strict=True)
    for k, (cell, length, stimuli) in enumerate(rows):
        seen = cell.observables if observables is None else observables
        for observable in seen:
            known("observable", observable, cell.observables)
        since = stimuli - traces.t_ms[0]
        inside = since[(since >= 0) & (since < len(traces.t_ms))]
        if not len(inside):
            raise BadValue(
                f"a recording holds one beat at least; {len(traces.t_ms)} ms at cycle length "
                f"{length:g} ms have no stimulus. Try a longer record_last_ms."
            )
        answer = features.capture(traces.t_ms, traces["V"][k], stimuli)
        warnings += _unanswered(f"{name}, sweep {length:g}", length, answer)
        sweeps.append(
            Sweep(
                name=f"{length:g}",
                V_mV=traces["V"][k] + rng.normal(0.0, noise_mV, len(traces.t_ms)),
                Ca_i_mM=traces["Ca_i"][k].copy() if "Ca_i" in seen else None,
                stimuli_ms=inside,
                stimulus=replace(cell.stimulus, start_ms=float(inside[0] % length)),
                cycle_length_ms=float(length),
                scaled=False,
                placed=False,
                answer=answer,
            )
        )
    return Recording(name, tuple(sweeps), tuple(warnings))


def columns_of(traces: Traces):
    """Return simulated runs as the columns of a file, name -> values, for `write_recording`.

    Columns are time_ms and every state; with several runs also sweep and cycle_length_ms; and
    stim_pA_pF if the stimuli start and end on samples, for it is held from one to the next.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> list(columns_of(pace(hodgkin_huxley1952, [50.0], 100.0, 100.0)))
    ['time_ms', 'V_mV', 'm', 'h', 'n']
    """
    N, T = len(traces), len(traces.t_ms)
    columns = {"time_ms": np.tile(traces.t_ms, N)}
    for state in traces.cells[0].states:
        columns[column(state)] = traces[state.name].ravel()
    if N > 1:
        columns["sweep"] = np.repeat(np.arange(1, N + 1), T)
        columns["cycle_length_ms"] = np.repeat(traces.cycle_lengths_ms, T)
    stimuli = [cell.stimulus for cell in traces.cells]
    step = traces.t_ms[1] - traces.t_ms[0] if T > 1 else 1.0
    edges = np.append(traces.stimuli_ms.ravel(), [s.duration_ms for s in stimuli])
    edges = edges[np.isfinite(edges)] / step
    if {cell.current_unit for cell in traces.cells} == {"pA/pF"} and np.allclose(
        edges, np.rint(edges), rtol=0.0, atol=1e-6
    ):
        I_stim = np.zeros((N, T))
        for row, onsets, stimulus in zip(I_stim, traces.stimuli_ms, stimuli, strict=True):
            since = traces.t_ms[:, None] - onsets
            on = (since > -0.5 * step) & (since < stimulus.duration_ms - 0.5 * step)
            row[on.any(1)] = stimulus.amplitude
        columns["stim_pA_pF"] = I_stim.ravel()
    return columns


class OwnBeat(NamedTuple):
    """The cell's own steady beat: its levels as `landmarks` sees them, and its upstroke."""

    rest: float
    peak: float
    after_ms: np.ndarray  # (K,) time from the onset of the stimulus
    upstroke_mV: np.ndarray  # (K,)


def _own_beats(cell, cycle_lengths_ms):
    """Return the `OwnBeat` of a cell at each cycle length; the upstroke is that of the longest."""
    shortest = np.ceil(cell.stimulus.duration_ms) + 1.0
    lengths, which = np.unique(
        np.clip(np.round(cycle_lengths_ms), shortest, LONGEST_ms), return_inverse=True
    )
    paced = pace(cell, lengths, record_last_ms=2.0 * lengths[-1])
    levels = [
        landmarks(V[-2 * int(length) :])[:2] for V, length in zip(paced["V"], lengths, strict=True)
    ]
    slow = max(lengths[-1], 500.0)  # no 2:1 block
    end = np.ceil(cell.stimulus.start_ms) + 10 * slow + 20.0
    close = pace(cell, [slow], duration_ms=end, record_last_ms=40.0, sample_ms=0.1)
    after = close.t_ms - (cell.stimulus.start_ms + 10 * slow)
    return [OwnBeat(*levels[k], after, close["V"][0]) for k in which]


def _fit_onsets(V_mV, upstrokes_ms, own):
    """Return the onsets (B,) in ms from which the cell's own upstroke fits those of the sweep.

    The five samples around each upstroke are compared with the simulated one, moved by steps of
    0.02 ms: samples 1 ms apart straddle an upstroke of 1 ms, and the crossing of a line between
    them is up to 0.3 ms off, this mostly less than 0.1 ms.
    """
    crossing = own.after_ms[np.argmax(own.upstroke_mV > 0.5 * (own.rest + own.peak))]
    shifts = np.arange(-1.5, 1.5, 0.02) - crossing  # (K,)
    near = np.rint(upstrokes_ms)[:, None].astype(int) + np.arange(-2, 3)
    near = np.clip(near, 0, len(V_mV) - 1)[:, None]  # (B, 1, 5)
    onsets = upstrokes_ms[:, None] + shifts  # (B, K)
    model_mV = np.interp(near - onsets[:, :, None], own.after_ms, own.upstroke_mV)
    misfit = ((V_mV[near] - model_mV) ** 2).sum(2)
    return onsets[np.arange(len(onsets)), misfit.argmin(1)]


def _with_failed(stimuli_ms, cycle_length_ms):
    """Return the stimuli with those added that no upstroke followed, as in 2:1 block."""
    every = [stimuli_ms[:1]]
    for a, b in zip(stimuli_ms[:-1], stimuli_ms[1:], strict=True):
        every.append(np.linspace(a, b, max(1, round((b - a) / cycle_length_ms)) + 1)[1:])
    return np.concatenate(every)
