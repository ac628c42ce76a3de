"""Classic gates as tables of h_inf and tau over voltage, and over one more state where one is read.

So holding a gate or giving it other kinetics never compiles anything.
"""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
from scipy.interpolate import PchipInterpolator

from ionlab.cells.cell import Kinetics, Moved
from ionlab.errors import BadValue
from ionlab.lanes import WIDTH
from ionlab.maths import log, njit, sqrt

V_MIN_mV, V_MAX_mV, V_STEP_mV = -150.0, 150.0, 0.1
V_GRID_mV = np.linspace(V_MIN_mV, V_MAX_mV, round((V_MAX_mV - V_MIN_mV) / V_STEP_mV) + 1)
_READ = {}  # equations -> names of the parameters that their gates read
N_SECOND = 61  # rows of a table over a second state
# They lie as concentrations do, a step apart close to the lowest and each a sixth above the one
# before further up, so that they resolve a rest of 0.1 uM and a cleft of 1 mM alike.
CROWDED = 1e4
CROWDING = np.arcsinh(CROWDED)


def row_values(low, high):
    """Return the values (N_SECOND,) of a second state from low to high that have a row each."""
    return low + (high - low) * np.sinh(np.linspace(0.0, CROWDING, N_SECOND)) / CROWDED


@njit(inline="always")
def row_of(value, lowest, step, n_second):
    """Return where a value lies among the rows, from 0; `step` is their mean distance."""
    part = CROWDED * (value - lowest) / (step * (n_second - 1))
    part = part if part > 0.0 else 0.0
    row = (n_second - 1) / CROWDING * log(part + sqrt(part * part + 1.0))  # arsinh
    return row if row < n_second - 1.000001 else n_second - 1.000001


def same_table(cell):
    """Return a key that is equal for cells whose gates, and so whose tables, are the same.

    Cells differ mostly in conductances, which the gates do not read.
    """
    return cell.equations, _read(cell), frozenset(cell.kinetics.items())


def _read(cell):
    """Return the parameters that the gates of a cell read, as pairs (name, value)."""
    if cell.equations not in _READ:
        names = {}

        class Recorder:
            def __getattr__(self, name):
                return names.setdefault(name, cell.parameter(name))

        cell.equations.gates(cell.at(), Recorder())
        _READ[cell.equations] = frozenset(names)
    names = _READ[cell.equations]
    return tuple((p.name, p.value) for p in cell.parameters if p.name in names)


def tabulate(cell, second=None):
    """Return the table (second, V, 2 G) of a cell's gates: h_inf of each, then tau of each.

    The first dimension has one row, or `N_SECOND` over the span of the state named `second`.
    """
    voltage, read = cell.state_names[0], _read(cell)
    values = row_values(*cell.state(second).span) if second else [None]
    table = []
    for value in values:
        place = voltage, second, value
        gates = {**_published(cell.equations, read, *place)}
        gates |= {gate: _kinetics(own, *place) for gate, own in cell.kinetics.items()}
        table.append([k.h_inf for k in gates.values()] + [k.tau_ms for k in gates.values()])
    return np.ascontiguousarray(np.array(table, float).transpose(0, 2, 1))


def _grid(voltage, second, value):
    """The grid of voltages as states; the one named `second` has one value."""
    s = SimpleNamespace(**{voltage: V_GRID_mV})
    if second:
        setattr(s, second, np.full_like(V_GRID_mV, value))
    return s


def _rows(kinetics):
    """Return `Kinetics` whose numbers, if they do not depend on V, are as many as V."""
    return Kinetics(*(np.broadcast_to(x, V_GRID_mV.shape) for x in kinetics))


@lru_cache(maxsize=256)
def _published(equations, read, voltage, second, value):
    """Gates on the grid by their equations: gate -> `Kinetics`."""
    gates = equations.gates(_grid(voltage, second, value), SimpleNamespace(**dict(read)))
    return {gate: _rows(k) for gate, k in gates.items()}


def _kinetics(kinetics, voltage, second, value):
    """Kinetics of one gate on the grid; where it was moved, by the curve that it had before."""
    if not isinstance(kinetics, Moved):
        return _tabulated(kinetics, voltage, second, value)
    before = _kinetics(kinetics.before, voltage, second, value)
    h_inf = before.h_inf
    if kinetics.shift_mV or kinetics.stretch != 1.0:
        at = np.clip(kinetics.origin_mV(V_GRID_mV), V_MIN_mV, V_MAX_mV)
        h_inf = _curve(kinetics.before, voltage, second, value)(at)
    return Kinetics(h_inf, kinetics.slower * before.tau_ms)


@lru_cache(maxsize=256)
def _curve(kinetics, voltage, second, value):
    """h_inf of a gate as a smooth function of V, kept: cells that are compared move the same."""
    return PchipInterpolator(V_GRID_mV, _kinetics(kinetics, voltage, second, value).h_inf)


@lru_cache(maxsize=1024)
def _tabulated(kinetics, voltage, second, value):
    """Kinetics on the grid, kept: cells that are compared differ in one gate at a time."""
    s = _grid(voltage, second, value)
    try:
        return _rows(kinetics(s))
    except AttributeError as error:
        if error.obj is not s:
            raise
        raise BadValue(
            f"kinetics must name the states that they read in `inputs`; these name "
            f'{", ".join(vars(s))} and read {error.name}. Add "{error.name}" to their inputs.'
        ) from error


@njit(inline="always")
def monotone(before, here, after, w):
    """Return how far a monotone cubic rises over part w of an interval, from the rises on the way.

    before, here, after : over the interval before this one, all of this, and the one after, all
    of one length. The slope between two is their harmonic mean, or zero at an extremum (Fritsch
    and Butland 1984, doi:10.1137/0905021), so that no tau gets below zero.
    """
    left = 2.0 * before * here / (before + here) if before * here > 0.0 else 0.0
    right = 2.0 * here * after / (here + after) if here * after > 0.0 else 0.0
    return w * (left + w * (3.0 * here - 2.0 * left - right + w * (left + right - 2.0 * here)))


@njit
def look_up(tables, of, x, n, grid, out):
    """Interpolate in tables (., second, V, 2 G) for n lanes of states x; into out.

    Linearly in V, and by monotone cubics in the second state, whose rows are far apart. Lane i
    reads tables[of[i]]; out holds 2 G values a lane. grid is the index of the second state or -1,
    its lowest value, its mean step.
    """
    _, n_second, n_V, n_out = tables.shape
    second_at, lowest, step = grid
    flat = tables.reshape(tables.size)
    at_row = np.empty((4, WIDTH), np.int64)  # the rows about a value; at an edge one stands twice
    w, v = np.empty(WIDTH), np.zeros(WIDTH)
    for i in range(n):  # what is not a number reads the lowest row
        at = (x[0, i] - V_MIN_mV) / V_STEP_mV
        at = at if at > 0.0 else 0.0
        at = at if at < n_V - 1.000001 else n_V - 1.000001
        k = int(at)
        w[i] = at - k
        at_row[1, i] = (of[i] * n_second * n_V + k) * n_out
    if n_second == 1:
        for g in range(n_out):
            for i in range(n):
                k = at_row[1, i] + g
                out[g, i] = flat[k] + w[i] * (flat[k + n_out] - flat[k])
        return
    for i in range(n):
        at = row_of(x[second_at, i], lowest, step, n_second)
        q = int(at)
        v[i] = at - q
        first = at_row[1, i]
        for r in range(4):
            at_row[r, i] = first + min(max(q + r - 1, 0), n_second - 1) * n_V * n_out
    rows = np.empty((4, WIDTH))
    for g in range(n_out):
        for r in range(4):
            for i in range(n):
                k = at_row[r, i] + g
                rows[r, i] = flat[k] + w[i] * (flat[k + n_out] - flat[k])
        for i in range(n):
            here = rows[2, i] - rows[1, i]
            before = rows[1, i] - rows[0, i] if at_row[0, i] < at_row[1, i] else here
            after = rows[3, i] - rows[2, i] if at_row[2, i] < at_row[3, i] else here
            out[g, i] = rows[1, i] + monotone(before, here, after, v[i])


@njit
def look_up_smooth(table, V, second, lowest, step, out):
    """As `look_up`, by monotone cubics in V, too, for solvers that need a continuous Jacobian."""
    n_second, n_V, n_out = table.shape
    x = min(max((V - V_MIN_mV) / V_STEP_mV, 1.0), n_V - 2.000001)
    k = int(x)
    w = x - k
    y = row_of(second, lowest, step, n_second) if n_second > 1 else 0.0
    q = int(y)
    rows = np.empty(4)
    for g in range(n_out):
        for r in range(4):
            row = table[min(max(q + r - 1, 0), n_second - 1), k - 1 : k + 3, g]
            rise = monotone(row[1] - row[0], row[2] - row[1], row[3] - row[2], w)
            rows[r] = row[1] + rise
        here = rows[2] - rows[1]
        before = rows[1] - rows[0] if q > 0 else here
        after = rows[3] - rows[2] if q + 2 < n_second else here
        out[g] = rows[1] + monotone(before, here, after, y - q)
