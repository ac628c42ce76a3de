"""Runs of cells of one model through the fast Rush-Larsen kernel or SciPy's implicit solvers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numba
import numpy as np
from tqdm import tqdm

from ionlab import gate_tables, implicit, kernel
from ionlab.errors import BadValue, known
from ionlab.lanes import WIDTH

METHODS = ("rush-larsen", *implicit.SOLVERS)


def integrate(
    cells, onsets, samples, sample_ms, first, method, rtol=1e-7, held=None, ease=1.0, quiet=False
):
    """Integrate one run a cell; return values, fine and last_good_ms of `simulate.Traces`.

    onsets : (N, B) of the stimuli, rising; infinity where there is none.
    samples, first : how many there are from time 0, and the first that is kept.
    held : state -> (N, samples) values that it is clamped to; NaN lets it go.
    ease : with the fast kernel, how much longer its steps are before `first`. At 2.5 it takes
        half the time and the slow ions come out within 0.002 mM after 20 s.
    quiet : without a progress bar, for one of many calls.
    """
    known("method", method, METHODS)
    names = cells[0].state_names
    held = {known("state", name, names): x for name, x in (held or {}).items()}
    problem = Problem.of(cells)
    loops = kernel.compiled(cells[0])
    start = np.array([[s.start for s in c.states] for c in cells])
    values = np.empty((len(cells), len(names), samples - first))
    fine = np.empty((len(cells), 2, samples - first))
    good = np.empty(len(cells))
    if method != METHODS[0]:
        t_ms = sample_ms * np.arange(samples)
        for i in tqdm(range(len(cells)), desc=method, unit="run", delay=2.0):
            good[i] = implicit.integrate(
                loops, problem, i, start[i], onsets[i], t_ms, values[i], fine[i], method, rtol
            )
        return values, fine, good
    clamped = np.array([names.index(n) for n in held], int)
    clamps = np.stack(list(held.values()), 1) if held else np.empty((len(cells), 0, samples))
    parameters = problem.parameters.view(float).reshape(len(problem.parameters), -1)

    def run(rows):
        loops.run(
            start[rows], parameters, problem.tables, problem.table_of, problem.cell_of[rows],
            problem.grid, problem.layout, problem.bends, problem.stimulus, onsets[rows], clamped,
            clamps[rows], sample_ms, first, ease, values[rows], fine[rows], good[rows],
        )  # fmt: skip

    threads = numba.get_num_threads()
    abreast = min(max(-(-len(cells) // threads), WIDTH // 2), WIDTH)
    groups = [slice(k, k + abreast) for k in range(0, len(cells), abreast)]
    with ThreadPoolExecutor(threads) as pool, closing(pool.map(run, groups)) as done:
        quiet = quiet or len(groups) <= threads
        for _ in tqdm(done, "simulate", len(groups), delay=2.0, disable=quiet):
            pass
    return values, fine, good


@dataclass(frozen=True)
class Problem:
    """What the loops need to know of the cells of N runs, K of them distinct.

    Attributes
    ----------
    cell_of : (N,) which of the distinct cells a run is of.
    tables, table_of : (., second, V, 2 G) gates, see `gate_tables.tabulate`; (K,) whose is which.
    grid : index of the second state or -1, its lowest value, its step.
    layout : indices of the gates, of the other states.
    bends : how far each of the other states may bend in a step that is longer than usual.
    parameters : (K,) records.
    stimulus : (K, 2) amplitude and duration.
    dtype : the states as a record.
    """

    cell_of: np.ndarray
    tables: np.ndarray
    table_of: np.ndarray
    grid: tuple
    layout: tuple
    bends: np.ndarray
    parameters: np.ndarray
    stimulus: np.ndarray
    dtype: np.dtype

    @classmethod
    def of(cls, cells):
        """Describe cells of one model: they share currents, derivatives and names."""
        places = {}  # the cells hold the arrays and functions that make them, so by identity
        for cell in cells:
            places.setdefault(id(cell), (len(places), cell))
        distinct = [cell for _, cell in places.values()]
        cell, names = cells[0], cells[0].state_names
        for other in distinct:
            equations = other.equations.currents, other.equations.derivatives
            if equations != (cell.equations.currents, cell.equations.derivatives):
                raise BadValue(
                    f"cells that run together must be of one model, got {cell.name} and "
                    f"{other.name}. Run them one after the other."
                )
        kinetics = [k for c in distinct for k in c.kinetics.values()]
        read = {n for k in (*kinetics, cell.equations) for n in getattr(k, "inputs", ())}
        seconds = sorted(read - {names[0]})
        if len(seconds) > 1:
            raise BadValue(f"kinetics may read one state besides {names[0]}, got {seconds}.")
        second = seconds[0] if seconds else None
        low, high = cell.state(second).span if second else (0.0, 1.0)
        rows = gate_tables.N_SECOND - 1
        keys = [gate_tables.same_table(c) for c in distinct]
        tabled = dict(zip(keys, distinct, strict=True))
        return cls(
            cell_of=np.array([places[id(c)][0] for c in cells]),
            tables=np.stack([gate_tables.tabulate(c, second) for c in tabled.values()]),
            table_of=np.array([list(tabled).index(key) for key in keys]),
            grid=(names.index(second) if second else -1, low, (high - low) / rows),
            layout=(
                np.array([names.index(n) for n in cell.gate_names], int),
                np.array([names.index(n) for n in cell.other_names], int),
            ),
            bends=np.array(
                [kernel.BEND_mV]
                + [kernel.BEND * _extent(cell.state(n)) for n in cell.other_names[1:]]
            ),
            parameters=np.array(
                [tuple(p.value for p in c.parameters) for c in distinct],
                dtype=[(p.name, float) for p in cell.parameters],
            ),
            stimulus=np.array([(c.stimulus.amplitude, c.stimulus.duration_ms) for c in distinct]),
            dtype=np.dtype([(n, float) for n in names]),
        )


def _extent(state):
    """Return over how much a state moves: its span, but no more than ten times its start."""
    return min(np.ptp(state.span), 10.0 * abs(state.start) or np.inf)
