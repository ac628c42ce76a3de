"""The compiled inner loops: adaptive Rush-Larsen for many runs at once, and the right-hand side.

Classic gates enter as tables of h_inf and tau over voltage (and one concentration, if a gate
depends on it), so that holding a gate or giving it other kinetics never compiles anything. Currents
and all other derivatives are the cell's own equations, compiled into the loop.
"""

import hashlib
import inspect
from functools import cache, lru_cache, partial
from types import FunctionType, SimpleNamespace
from typing import NamedTuple

import numba
import numpy as np

from ionlab import maths
from ionlab.errors import BadValue
from ionlab.features import UPSTROKE_mV

V_MIN_mV, V_MAX_mV, V_STEP_mV = -150.0, 100.0, 0.1
V_GRID_mV = np.linspace(V_MIN_mV, V_MAX_mV, round((V_MAX_mV - V_MIN_mV) / V_STEP_mV) + 1)
DT_MIN_ms, DT_MAX_ms, DV_STEP_mV = 0.01, 0.2, 0.5  # dt = DV_STEP / abs(dV/dt), within bounds
N_SECOND = 41  # rows of a table over a second state
V_LIMIT_mV = 300.0  # beyond it a run has diverged

# A division by zero gives an infinity, as in NumPy; a run that meets one is reported as diverged.
njit = partial(numba.njit, error_model="numpy")

# The equations of one cell take the places of these in a copy of the loops below.
currents = derivatives = slope = None


@njit(inline="always")
def rush_larsen_step(h, h_inf, tau_ms, dt_ms):
    """h(t + dt) = h_inf + (h(t) - h_inf) exp(-dt/tau)   (Eq. 2.2.8)"""
    return h_inf + (h - h_inf) * np.exp(-dt_ms / tau_ms)


@njit
def look_up(table, V, second, lowest, step, out):
    """Interpolate one cell's table (second, V, 2 G), linearly, into out (2 G)."""
    n_second, n_V, n_out = table.shape
    x = min(max((V - V_MIN_mV) / V_STEP_mV, 0.0), n_V - 1.000001)
    k = int(x)
    w = x - k
    for g in range(n_out):
        out[g] = (1.0 - w) * table[0, k, g] + w * table[0, k + 1, g]
    if n_second > 1:
        y = min(max((second - lowest) / step, 0.0), n_second - 1.000001)
        q = int(y)
        v = y - q
        for g in range(n_out):
            below = (1.0 - w) * table[q, k, g] + w * table[q, k + 1, g]
            above = (1.0 - w) * table[q + 1, k, g] + w * table[q + 1, k + 1, g]
            out[g] = (1.0 - v) * below + v * above


@njit
def look_up_smooth(table, V, second, lowest, step, out):
    """As `look_up`, by monotone cubics in V, for solvers that need a continuous Jacobian.

    The slope at a point of the table is the harmonic mean of those on both sides, or zero at an
    extremum (Fritsch and Butland 1984, doi:10.1137/0905021), so that no tau gets below zero.
    """
    n_second, n_V, n_out = table.shape
    x = min(max((V - V_MIN_mV) / V_STEP_mV, 1.0), n_V - 2.000001)
    k = int(x)
    w = x - k
    y = min(max((second - lowest) / step, 0.0), n_second - 1.000001) if n_second > 1 else 0.0
    q = int(y)
    out[:] = 0.0
    for row in range(q, min(q + 2, n_second)):
        part = 1.0 - abs(y - row)
        for g in range(n_out):
            before = table[row, k, g] - table[row, k - 1, g]
            here = table[row, k + 1, g] - table[row, k, g]
            after = table[row, k + 2, g] - table[row, k + 1, g]
            left = 2.0 * before * here / (before + here) if before * here > 0.0 else 0.0
            right = 2.0 * here * after / (here + after) if here * after > 0.0 else 0.0
            bend = w * (3.0 * here - 2.0 * left - right + w * (left + right - 2.0 * here))
            out[g] += part * (table[row, k, g] + w * (left + bend))


def _run(
    u, s, p, tables, table_of, cell_of, grid, layout, stimulus, starts, clamped, clamps, ms, first,
    ease, out, fine,
):  # fmt: skip
    """Integrate N runs by the adaptive Rush-Larsen method; return the last good time of each.

    u (N, S) start states, changed in place; s the same memory as records; p (K,) parameter
    records; tables (., second, V, 2 G), of which cell k reads table_of[k]; grid (second state or
    -1, its lowest value, its step); layout (G indices of gates, the rest of the others); stimulus
    (amplitude, duration) of each cell (K, 2); starts (N, B) onsets in ms; clamped (C,) states that
    follow clamps (N, C, T), where NaN lets them go; ms the sample interval; samples from `first` on
    go to out (N, S, T - first); before it, steps are `ease` times as long. What happens between
    samples goes to fine (N, 2, T - first): the highest V since the sample before, and the time at
    which V crossed UPSTROKE_mV upwards, or NaN.
    """
    gate_at, other_at = layout
    second_at, lowest, step = grid
    n_gates, n_samples = len(gate_at), first + out.shape[2]
    good = np.full(len(u), (n_samples - 1) * ms)
    for i in numba.prange(len(u)):
        x, cell = u[i], cell_of[i]
        table = tables[table_of[cell]]
        amplitude, duration = stimulus[cell]
        rates = np.empty(tables.shape[3])
        change = np.empty(len(other_at))
        x0 = np.empty(len(x))
        following = np.empty(len(clamped))
        beat = 0
        second = 0.0
        peak, crossing = x[0], np.nan
        for k in range(n_samples):
            for c in range(len(clamped)):
                now, ahead = clamps[i, c, k], clamps[i, c, min(k + 1, n_samples - 1)]
                if np.isfinite(now):
                    x[clamped[c]] = now
                following[c] = (ahead - now) / ms
            if k >= first:
                for a in range(len(x)):
                    out[i, a, k - first] = x[a]
                fine[i, 0, k - first] = peak
                fine[i, 1, k - first] = crossing
            peak, crossing = x[0], np.nan
            if k == n_samples - 1:
                break
            t, end = k * ms, (k + 1) * ms
            longer = ease if k < first else 1.0
            while t < end - 1e-9:
                while beat < starts.shape[1] and t >= starts[i, beat] + duration - 1e-9:
                    beat += 1
                I_stim, edge = 0.0, end
                if beat < starts.shape[1]:
                    if t >= starts[i, beat] - 1e-9:
                        I_stim, edge = amplitude, min(end, starts[i, beat] + duration)
                    else:
                        edge = min(end, starts[i, beat])
                # exponential midpoint rule: rates at t take x halfway, rates there all the way
                x0[:] = x
                dt = 0.0
                for stage in range(2):
                    if second_at >= 0:
                        second = x[second_at]
                    look_up(table, x[0], second, lowest, step, rates)
                    d = derivatives(s[i], p[cell], currents(s[i], p[cell]), I_stim)
                    for a in range(len(other_at)):
                        change[a] = d[a]
                        for c in range(len(clamped)):
                            if clamped[c] == other_at[a] and np.isfinite(following[c]):
                                change[a] = following[c]
                    if stage == 0:
                        dt = DV_STEP_mV / (abs(change[0]) + 1e-12)
                        dt = min(longer * min(max(dt, DT_MIN_ms), DT_MAX_ms), edge - t)
                    part = 0.5 * dt if stage == 0 else dt
                    for a in range(n_gates):
                        at = gate_at[a]
                        x[at] = rush_larsen_step(x0[at], rates[a], rates[n_gates + a], part)
                        for c in range(len(clamped)):
                            if clamped[c] == at and np.isfinite(following[c]):
                                x[at] = x0[at] + part * following[c]
                    for a in range(len(other_at)):
                        x[other_at[a]] = x0[other_at[a]] + part * change[a]
                if x0[0] < UPSTROKE_mV <= x[0]:
                    crossing = t + dt * (UPSTROKE_mV - x0[0]) / (x[0] - x0[0])
                peak = max(peak, x[0])
                t += dt
            sound = abs(x[0]) < V_LIMIT_mV
            for a in range(len(x)):
                sound &= np.isfinite(x[a])
            if not sound:
                good[i] = k * ms
                out[i, :, max(k + 1 - first, 0) :] = np.nan
                fine[i, :, max(k + 1 - first, 0) :] = np.nan
                break
    return good


def _slope(x, s, p, table, grid, layout, I_stim, out):
    """Right-hand side of one run: derivatives at the states x (S,), records s, into out (S,)."""
    gate_at, other_at = layout
    rates = np.empty(table.shape[2])
    second = x[grid[0]] if grid[0] >= 0 else 0.0
    look_up_smooth(table, x[0], second, grid[1], grid[2], rates)
    d = derivatives(s[0], p[0], currents(s[0], p[0]), I_stim)
    for a in range(len(gate_at)):
        out[gate_at[a]] = (rates[a] - x[gate_at[a]]) / rates[len(gate_at) + a]
    for a in range(len(other_at)):
        out[other_at[a]] = d[a]


def _jacobian(x, s, p, table, grid, layout, I_stim, out):
    """Derivatives of the right-hand side by the states, (S, S), by forward differences."""
    here, ahead = np.empty(len(x)), np.empty(len(x))
    slope(x, s, p, table, grid, layout, I_stim, here)
    for a in range(len(x)):
        before = x[a]
        x[a] += 1.5e-8 * max(abs(before), 1e-3)
        slope(x, s, p, table, grid, layout, I_stim, ahead)
        out[:, a] = (ahead - here) / (x[a] - before)
        x[a] = before


class Loops(NamedTuple):
    """The compiled loops of one cell."""

    run: object
    slope: object
    jacobian: object


@cache
def compiled(equations):
    """Return `Loops` with the equations of one cell compiled in, cached on disk by content.

    numba keeps compiled code under a function's file and qualified name, so each cell gets a copy
    of the loops under names that hold a digest of all that comes from other files.
    """
    parts = (equations.currents, equations.derivatives, maths)
    source = "".join(map(inspect.getsource, parts)) + str(UPSTROKE_mV)
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    names = {
        **globals(),
        "currents": njit(equations.currents),
        "derivatives": njit(equations.derivatives),
    }

    def compile_copy(loop, **options):
        copy = FunctionType(loop.__code__, names, loop.__name__)
        copy.__qualname__ = f"{loop.__name__}_{digest}"
        copy.__module__ = __name__
        return njit(cache=True, **options)(copy)

    names["slope"] = compile_copy(_slope)
    return Loops(compile_copy(_run, parallel=True), names["slope"], compile_copy(_jacobian))


def same_table(cell):
    """Return a key that is equal for cells whose gates, and so whose tables, are the same.

    Cells differ mostly in conductances, which the gates do not read.
    """
    read = {}

    class Recorder:
        def __getattr__(self, name):
            return read.setdefault(name, cell.parameter(name))

    cell.equations.gates(cell.at(), Recorder())
    return cell.equations.gates, tuple(read.items()), frozenset(cell.kinetics.items())


def tabulate(cell, second=None):
    """Return the table (second, V, 2 G) of a cell's gates: h_inf of each, then tau of each.

    The first dimension has one row, or `N_SECOND` over the span of the state named `second`.
    """
    values = np.linspace(*cell.state(second).span, N_SECOND) if second else [None]
    table = []
    for value in values:
        s = _grid(cell.state_names[0], second, value)
        published = cell.equations.gates(s, cell.p)
        gates = [
            _kinetics(cell.kinetics[gate], cell.state_names[0], second, value)
            if gate in cell.kinetics
            else published[gate]
            for gate in published
        ]
        columns = [k.h_inf for k in gates] + [k.tau_ms for k in gates]
        table.append([np.broadcast_to(x, V_GRID_mV.shape) for x in columns])
    return np.ascontiguousarray(np.array(table, float).transpose(0, 2, 1))


def _grid(voltage, second, value):
    """The grid of voltages as states; the one named `second` has one value."""
    s = SimpleNamespace(**{voltage: V_GRID_mV})
    if second:
        setattr(s, second, np.full_like(V_GRID_mV, value))
    return s


@lru_cache(maxsize=256)
def _kinetics(kinetics, voltage, second, value):
    """Kinetics on the grid, kept: cells that are compared differ in one gate at a time."""
    s = _grid(voltage, second, value)
    try:
        return kinetics(s)
    except AttributeError as error:
        if error.obj is not s:
            raise
        raise BadValue(
            f"kinetics must name the states that they read in `inputs`; these name "
            f'{", ".join(vars(s))} and read {error.name}. Add "{error.name}" to their inputs.'
        ) from error
