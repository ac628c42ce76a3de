"""Pacing and clamping a cell: the fast Rush-Larsen kernel and SciPy's implicit solvers."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp
from tqdm import tqdm

from ionlab import features, kernel
from ionlab.cells import Cell
from ionlab.errors import BadValue, Diverged, known, positive

METHODS = ("rush-larsen", "BDF", "LSODA", "Radau")
CHUNK = 16  # runs between two steps of the progress bar


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
                f"{self.cells[k].name} at cycle length {self.cycle_lengths_ms[k]:g} ms left "
                f"+-{kernel.V_LIMIT_mV:g} mV after {self.last_good_ms[k]:g} ms. "
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
    lengths = np.array([positive("the cycle length (ms)", x, "Try 350.") for x in cycle_lengths_ms])
    positive("the duration (ms)", duration_ms, "Try 20000.")
    if not 0 < record_last_ms <= duration_ms:
        raise BadValue(
            f"record_last_ms must lie between 0 and duration_ms, got {record_last_ms:g} of "
            f"{duration_ms:g}. Try record_last_ms={duration_ms / 2:g}."
        )
    stimulus = cells[0].stimulus
    if lengths.min() <= stimulus.duration_ms:
        raise BadValue(
            f"the cycle length must exceed the stimulus of {stimulus.duration_ms:g} ms, "
            f"got {lengths.min():g} ms."
        )
    beats = int(np.ceil(duration_ms / lengths.min())) + 1
    onsets = stimulus.start_ms + lengths[:, None] * np.arange(beats)
    onsets[onsets > duration_ms] = np.inf
    runs_of = tuple(c for c in cells for _ in lengths)
    first = round((duration_ms - record_last_ms) / sample_ms)
    values, fine, good = integrate(
        runs_of,
        np.tile(onsets, (len(cells), 1)),
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
        stimuli_ms=np.tile(onsets, (len(cells), 1)),
        last_good_ms=good,
    )


def clamp(cell, held, sample_ms=1.0, stimuli_ms=None):
    """Run a cell with some states held to recordings; return `Traces`.

    held : state -> (N, T) values, one a sample; between samples they are joined by lines. With
        {"V": steps} this is the voltage clamp; with V and Ca_i it gives the hidden states along
        a recording. `cell` is one cell or N; `stimuli_ms` (N, B) are the onsets of the stimuli,
        whose current also carries ions.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> steps = np.full((1, 51), 0.0)
    >>> clamp(hodgkin_huxley1952, {"V": steps})["n"][0, -1].round(3)
    np.float64(0.891)
    """
    held = {name: np.atleast_2d(np.asarray(x, float)) for name, x in held.items()}
    n_runs, samples = next(iter(held.values())).shape
    cells = (cell,) * n_runs if isinstance(cell, Cell) else tuple(cell)
    onsets = np.full((n_runs, 1), np.inf) if stimuli_ms is None else np.asarray(stimuli_ms, float)
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


def integrate(cells, onsets, samples, sample_ms, first, method, rtol=1e-7, held=None):
    """Integrate one run a cell; return values, fine and last_good_ms of `Traces`."""
    known("method", method, METHODS)
    cell = cells[0]
    names = cell.state_names
    for name in held or {}:
        known("state", name, names)
    distinct = list(dict.fromkeys(map(id, cells)))
    by_id = {id(c): c for c in cells}
    seconds = {
        name
        for c in by_id.values()
        for kinetics in c.kinetics.values()
        for name in kinetics.inputs[1:]
    }
    if len(seconds) > 1:
        raise BadValue(f"kinetics may read one state besides V, got {sorted(seconds)}.")
    second = next(iter(seconds), None)
    low, high = cell.state(second).span if second else (0.0, 1.0)
    problem = _Problem(
        tables=np.stack([kernel.tabulate(by_id[k], second) for k in distinct]),
        grid=(names.index(second) if second else -1, low, (high - low) / (kernel.N_SECOND - 1)),
        layout=(
            np.array([names.index(n) for n in cell.gate_names], int),
            np.array([names.index(n) for n in cell.other_names], int),
        ),
        parameters=np.array(
            [tuple(p.value for p in by_id[k].parameters) for k in distinct],
            dtype=[(p.name, float) for p in cell.parameters],
        ),
        stimulus=np.array(
            [(by_id[k].stimulus.amplitude, by_id[k].stimulus.duration_ms) for k in distinct]
        ),
        dtype=np.dtype([(n, float) for n in names]),
    )
    cell_of = np.array([distinct.index(id(c)) for c in cells])
    start = np.array([[s.start for s in c.states] for c in cells])
    run, slope = kernel.compiled(cell.equations)
    if method != METHODS[0]:
        return _implicit(
            slope, problem, cell_of, start, onsets, samples, sample_ms, first, method, rtol
        )
    clamped = np.array([names.index(n) for n in held or {}], int)
    clamps = np.stack(list(held.values()), 1) if held else np.empty((len(cells), 0, samples))
    values = np.empty((len(cells), len(names), samples - first))
    fine = np.empty((len(cells), 2, samples - first))
    good = np.empty(len(cells))
    chunks = range(0, len(cells), CHUNK)
    for k in tqdm(chunks, desc="simulate", unit="chunk", delay=2.0, disable=len(chunks) < 2):
        rows = slice(k, k + CHUNK)
        good[rows] = run(
            start[rows],
            start[rows].view(problem.dtype)[:, 0],
            problem.parameters,
            problem.tables,
            cell_of[rows],
            problem.grid,
            problem.layout,
            problem.stimulus,
            onsets[rows],
            clamped,
            clamps[rows],
            sample_ms,
            first,
            values[rows],
            fine[rows],
        )
    return values, fine, good


@dataclass(frozen=True)
class _Problem:
    """What the compiled loops need to know of the distinct cells."""

    tables: np.ndarray
    grid: tuple
    layout: tuple
    parameters: np.ndarray
    stimulus: np.ndarray
    dtype: np.dtype


def _implicit(slope, problem, cell_of, start, onsets, t_all, first, method, rtol):
    """Integrate by one of SciPy's implicit solvers, piecewise between the edges of the stimuli."""
    end = t_all[-1]
    values = np.full((len(start), start.shape[1], len(t_all) - first), np.nan)
    good = np.full(len(start), end)
    for i in tqdm(range(len(start)), desc=method, unit="run", delay=2.0):
        cell = cell_of[i]
        amplitude, duration = problem.stimulus[cell]
        table, p = problem.tables[cell], problem.parameters[cell]

        def rhs(t, x, I_stim, table=table, p=p):
            out = np.empty_like(x)
            slope(x, x.view(problem.dtype), p, table, problem.grid, problem.layout, I_stim, out)
            return out

        live = onsets[i][np.isfinite(onsets[i])]
        edges = np.unique(np.clip(np.concatenate([[0.0, end], live, live + duration]), 0.0, end))
        x = start[i].copy()
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            on = ((live <= a + 1e-9) & (a < live + duration - 1e-9)).any()
            inside = np.flatnonzero((t_all >= a - 1e-9) & (t_all <= b + 1e-9))
            times = np.clip(t_all[inside], a, b)
            done = solve_ivp(
                rhs,
                (a, b),
                x,
                method=method,
                t_eval=np.unique(np.append(times, b)),
                rtol=rtol,
                atol=rtol * 1e-2,
                first_step=min(1e-3, b - a),
                args=(amplitude if on else 0.0,),
            )
            if done.status != 0 or not abs(done.y[0, -1]) < kernel.V_LIMIT_mV:
                good[i] = done.t[-1] if len(done.t) else a
                break
            keep = inside >= first
            values[i][:, inside[keep] - first] = done.y[:, : len(times)][:, keep]
            x = np.ascontiguousarray(done.y[:, -1])
    fine = np.stack([values[:, 0], np.full_like(values[:, 0], np.nan)], 1)
    return values, fine, good
