"""A person's own recordings in: checked, 1 ms apart, in the units of the model.

`tables` reads sweeps as they were measured, `beats` finds what is in each; here they come to the
scale of the cell and get their stimuli.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ionlab import features
from ionlab.beats import find_beats, to_levels
from ionlab.cells import Stimulus
from ionlab.errors import BadRecording, BadValue, known
from ionlab.onsets import own_beats, place, refine, with_failed
from ionlab.simulate import Traces
from ionlab.tables import Measured, column, measure, read_csv, write_recording

__all__ = [
    "Measured",
    "Recording",
    "Sweep",
    "assemble",
    "columns_of",
    "from_arrays",
    "from_traces",
    "read_recording",
    "write_recording",
]

EARLY_ms = 3.0  # an artefact may lift V over the crossing so long before its stimulus is due


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


def from_arrays(columns, cell, name="arrays"):
    """Return arrays as a `Recording`; they pass the checks of a file.

    columns : those of a file, name -> values (M,); a single value holds for all samples. Several
        sweeps stand one after another, told apart by the column sweep.
    name : stands for the file in what is said.

    Any reader of another format comes in this way:

    >>> from ionlab.cells import tentusscher2004
    >>> t = np.arange(0.0, 1000.0, 0.1)  # 10 kHz
    >>> since = t % 500 - 50
    >>> V = -85 + 110 * np.clip(since / 2, 0, 1) * np.exp(-((np.maximum(since, 0) / 150) ** 4))
    >>> columns = {"time_ms": t, "V_mV": V, "cycle_length_ms": 500.0}
    >>> sweep = from_arrays(columns, tentusscher2004).sweeps[0]
    >>> len(sweep.V_mV), round(sweep.interval_ms, 3), sweep.answer
    (1000, 0.1, '1:1')
    """
    lengths = {key: np.shape(values) for key, values in columns.items() if np.ndim(values)}
    if len(set(lengths.values())) != 1 or any(len(shape) > 1 for shape in lengths.values()):
        got = ", ".join(f"{key} {shape}" for key, shape in lengths.items()) or "no array"
        raise BadValue(
            f"columns of a recording have one length each, (M,), got {got}. Put sweeps one after "
            "another, and name them in the column sweep."
        )
    measured, warnings = measure(pd.DataFrame(columns), name, cell, lambda row: f"sample {row}")
    return assemble(name, measured, cell, warnings)


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
    for sweep, beat, model in zip(measured, beats, own_beats(cell, lengths), strict=True):
        V, scale = beat.signal, 1.0
        fine = (beat.measured_ms, beat.measured)
        if sweep.fluorescent:  # light is noisy and slow, so samples closer than 1 ms do not help
            scale = (model.peak - model.rest) / (beat.peak - beat.rest)
            V = model.rest + scale * (beat.signal - beat.rest)
            fine = (beat.t_ms, V)
        stimuli, stimulus = beat.stimuli_ms, beat.stimulus or cell.stimulus
        placed = stimuli is None
        if placed:
            stimuli = place(*fine, beat.upstrokes_ms, model)
            if sweep.cycle_length_ms:
                stimuli = with_failed(stimuli, beat.cycle_length_ms)
        elif not sweep.fluorescent:
            stimuli = refine(stimuli, stimulus, beat, cell, model)
        levels = to_levels(beat.signal, beat.rest, beat.peak)
        answer = features.capture(beat.t_ms, levels, stimuli - EARLY_ms)
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
    >>> from ionlab.simulate import pace
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
    >>> from ionlab.simulate import pace
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
