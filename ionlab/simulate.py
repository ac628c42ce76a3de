"""Pacing and clamping a cell; the runs come back as `Traces`."""

from dataclasses import dataclass, replace

import numpy as np

from ionlab import features, kernel
from ionlab.cells import Cell
from ionlab.errors import BadValue, Diverged, known, positive
from ionlab.integrate import METHODS, integrate


@dataclass(frozen=True)
class Traces:
    """Simulated runs: N runs of S states at T samples.

    Attributes
    ----------
    cells : the cell of each run, length N.
    cycle_lengths_ms : (N,) pacing cycle lengths.
    t_ms : (T,) sample times.
    values : (N, S, T) states in the units of the cell; NaN from where a run diverged.
    fine : (N, 2, T) between samples: the highest V since the sample before, and the time at
        which V crossed -20 mV upwards (NaN if it did not).
    stimuli_ms : (N, B) onsets of the stimuli, padded with infinity.
    last_good_ms : (N,) the last time at which the run was sound; the end if it never diverged.
    """

    cells: tuple[Cell, ...]
    cycle_lengths_ms: np.ndarray
    t_ms: np.ndarray
    values: np.ndarray
    fine: np.ndarray
    stimuli_ms: np.ndarray
    last_good_ms: np.ndarray

    def __getitem__(self, state):
        """Return one state by name, shape (N, T)."""
        names = self.cells[0].state_names
        return self.values[:, names.index(known("state", state, names))]

    def __len__(self):
        return len(self.values)

    def select(self, rows):
        """Return the runs of these indices, or where a mask (N,) holds."""
        rows = np.arange(len(self))[rows]
        return replace(
            self,
            cells=tuple(self.cells[k] for k in rows),
            cycle_lengths_ms=self.cycle_lengths_ms[rows],
            values=self.values[rows],
            fine=self.fine[rows],
            stimuli_ms=self.stimuli_ms[rows],
            last_good_ms=self.last_good_ms[rows],
        )

    @property
    def diverged(self):
        """(N,) whether a run left the range of membrane voltages; see `last_good_ms`."""
        return self.last_good_ms < self.t_ms[-1]

    def check(self):
        """Return the traces if all runs are sound; raise `Diverged` with the last good time."""
        for k in np.flatnonzero(self.diverged):
            raise Diverged(
                f"{self.cells[k].name} at cycle length {self.cycle_lengths_ms[k]:g} ms diverged "
                f"(left +-{kernel.V_LIMIT_mV:g} mV) after {self.last_good_ms[k]:g} ms. "
                "Check the factors and kinetics that the cell was given."
            )
        return self

    def apd_ms(self, fraction=0.9):
        """Return the duration (ms) of the last complete action potential of each run, (N,)."""
        durations = [
            features.apd_ms(self.t_ms, V, fraction, fine)
            for V, fine in zip(self["V"], self.fine, strict=True)
        ]
        return np.array([d[-1] if len(d) else np.nan for d in durations])

    def capture(self):
        """Return how each run answers its stimuli: "1:1", "2:1", "mixed" or "none"."""
        pairs = zip(self["V"], self.stimuli_ms, strict=True)
        return [features.capture(self.t_ms, V, stimuli) for V, stimuli in pairs]


def pace(
    cell,
    cycle_lengths_ms,
    duration_ms=20_000.0,
    record_last_ms=10_000.0,
    sample_ms=1.0,
    method="rush-larsen",
    rtol=1e-7,
):
    """Pace a cell, or each of several, at each cycle length; return `Traces`.

    The runs stand in the order of the cells, then of the cycle lengths. `method` is
    "rush-larsen", the fast kernel, or one of SciPy's implicit solvers ("BDF", "LSODA",
    "Radau") with relative tolerance `rtol`. `sample_ms` must divide both durations.

    >>> from ionlab.cells import tentusscher2004
    >>> traces = pace(tentusscher2004, [500.0], duration_ms=1000.0, record_last_ms=500.0)
    >>> traces["V"].shape, traces.capture()
    ((1, 500), ['1:1'])
    """
    cells = (cell,) if isinstance(cell, Cell) else tuple(cell)
    lengths = np.array(
        [
            positive("the cycle length (ms)", x, "Try 350.")
            for x in np.atleast_1d(cycle_lengths_ms).tolist()
        ]
    )
    if not (cells and len(lengths)):
        raise BadValue("pace needs at least one cell and one cycle length. Try [350].")
    positive("the duration (ms)", duration_ms, "Try 20000.")
    positive("sample_ms", sample_ms, "Try 1.")
    positive("rtol", rtol, "Try 1e-7.")
    if not 0 < record_last_ms <= duration_ms:
        raise BadValue(
            f"record_last_ms must lie between 0 and duration_ms, got {record_last_ms:g} of "
            f"{duration_ms:g}. Try record_last_ms={duration_ms / 2:g}."
        )
    for name, value in (("duration_ms", duration_ms), ("record_last_ms", record_last_ms)):
        if abs(value / sample_ms - round(value / sample_ms)) > 1e-6:
            raise BadValue(
                f"{name} must be a multiple of sample_ms = {sample_ms:g}, got {value:g}. "
                f"Try {max(1, round(value / sample_ms)) * sample_ms:g}."
            )
    for c in cells:
        if lengths.min() <= c.stimulus.duration_ms:
            raise BadValue(
                f"the cycle length must exceed the stimulus of {c.stimulus.duration_ms:g} ms, "
                f"got {lengths.min():g} ms. Try 350."
            )
    beats = int(np.ceil(duration_ms / lengths.min())) + 1
    runs_of = tuple(c for c in cells for _ in lengths)
    starts = np.array([c.stimulus.start_ms for c in runs_of])
    onsets = starts[:, None] + np.tile(lengths, len(cells))[:, None] * np.arange(beats)
    onsets[onsets > duration_ms] = np.inf
    first = round((duration_ms - record_last_ms) / sample_ms)
    values, fine, good = integrate(
        runs_of,
        onsets,
        samples=round(duration_ms / sample_ms),
        sample_ms=sample_ms,
        first=first,
        method=method,
        rtol=rtol,
    )
    return Traces(
        cells=runs_of,
        cycle_lengths_ms=np.tile(lengths, len(cells)),
        t_ms=sample_ms * np.arange(first, first + values.shape[2]),
        values=values,
        fine=fine,
        stimuli_ms=onsets,
        last_good_ms=good,
    )


def clamp(cell, held, sample_ms=1.0, stimuli_ms=None):
    """Run a cell with some states held to recordings; return `Traces`.

    held : state -> (N, T) values, one a sample; between samples they are joined by lines, and
        NaN lets the state go. With {"V": steps} this is the voltage clamp; with V and Ca_i it
        gives the hidden states along a recording. `cell` is one cell or N; `stimuli_ms` (N, B)
        are the onsets of the stimuli, whose current also carries ions.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> steps = np.full((1, 51), 0.0)
    >>> clamp(hodgkin_huxley1952, {"V": steps})["n"][0, -1].round(3)
    np.float64(0.909)
    """
    positive("sample_ms", sample_ms, "Try 1.")
    held = {name: np.atleast_2d(np.asarray(x, float)) for name, x in held.items()}
    shapes = {x.shape for x in held.values()}
    if len(shapes) != 1 or np.isnan([x[:, 0] for x in held.values()]).any():
        raise BadValue(
            "clamp needs one or more states held to values of one shape (runs, samples), the first "
            f"not NaN, got {', '.join(f'{name} {x.shape}' for name, x in held.items()) or 'none'}. "
            "Check for recordings of unequal length."
        )
    n_runs, samples = shapes.pop()
    cells = (cell,) * n_runs if isinstance(cell, Cell) else tuple(cell)
    onsets = np.full((n_runs, 1), np.inf) if stimuli_ms is None else np.atleast_2d(stimuli_ms)
    if len(cells) != n_runs or len(onsets) != n_runs:
        raise BadValue(
            f"clamp needs one cell and one row of stimuli for each of {n_runs} runs, "
            f"got {len(cells)} and {len(onsets)}. Give one cell for all, or a row for each."
        )
    onsets = np.sort(onsets.astype(float), axis=1)
    values, fine, good = integrate(
        cells, onsets, samples=samples, sample_ms=sample_ms, first=0, method=METHODS[0], held=held
    )
    return Traces(
        cells=cells,
        cycle_lengths_ms=np.full(n_runs, np.nan),
        t_ms=sample_ms * np.arange(samples),
        values=values,
        fine=fine,
        stimuli_ms=onsets,
        last_good_ms=good,
    )
