"""The compiled inner loops: adaptive Rush-Larsen for many runs at once, and the right-hand side.

Currents and derivatives are the cell's own equations, compiled into the loops; classic gates enter
as `gate_tables`. Runs go side by side in `lanes`, each at its own time with its own step.
"""

import hashlib
import inspect
from collections import namedtuple
from functools import cache
from types import FunctionType
from typing import NamedTuple

import numpy as np

from ionlab import gate_tables, lanes, maths
from ionlab.features import UPSTROKE_mV
from ionlab.gate_tables import look_up, look_up_smooth
from ionlab.lanes import WIDTH, write
from ionlab.maths import exp, njit

DT_MIN_ms, DT_MAX_ms, DV_STEP_mV = 0.01, 0.3, 0.25  # dt = DV_STEP / abs(dV/dt), within bounds
DT_HELD_ms = 0.1  # at most, where states are held or V is all but the gates,
FINER = 5.0  # and where it is, which is cheap, the other two are so much smaller
DT_QUIET_ms = 8.0  # and longer, while by its bend V goes this straight, and the rest in spans:
BEND_mV, BEND = 7e-5, 2e-3
# Other states than V and the gates take explicit steps, which a fast rate makes unstable. That rate
# is how fast they turn over how fast they move, or STILL of their bends a ms: rate * dt is kept
# below STABLE, and a bend below HARD times its own, by steps that grow by GROWTH at most; a step of
# more than twice that is taken anew.
STABLE, HARD, GROWTH, STILL, DT_LEAST_ms = 0.7, 2.0, 1.2, 0.01, 0.001
V_LIMIT_mV = 300.0  # beyond it a run has diverged
SOON_ms = 1e-9  # times nearer than this are the same

# The equations of one cell, and what is made of them, stand for these in a copy of the loops below.
currents = derivatives = states = parameters = differentiate = slope = None


@njit(inline="always")
def rush_larsen_step(h, h_inf, tau_ms, dt_ms):
    """h(t + dt) = h_inf + (h(t) - h_inf) exp(-dt/tau)   (Eq. 2.2.8)"""
    return h_inf + (h - h_inf) * exp(-dt_ms / tau_ms)


@njit
def relax(x, x0, rates, part, n, gate_at):
    """Take the gates of n lanes from x0 to x over part (n,) ms, by the same rates all along."""
    for a in range(len(gate_at)):
        to, h_inf, tau_ms = gate_at[a], rates[a], rates[len(gate_at) + a]
        for i in range(n):
            x[to, i] = rush_larsen_step(x0[to, i], h_inf[i], tau_ms[i], part[i])


@njit
def march(x, x0, change, part, n, other_at):
    """Take the other states along by their derivatives."""
    for a in range(len(other_at)):
        to = other_at[a]
        for i in range(n):
            x[to, i] = x0[to, i] + part[i] * change[a, i]


@njit
def read_off(x, x0, earlier, change, rates, i, dt, back, layout, out):
    """States (S,) of lane i, `back` ms before the end of its step of dt ms from x0 to x; into out.

    The gates as in `relax`; the others by the parabola through both ends with the slope at x0.
    """
    gate_at, other_at = layout
    if back < SOON_ms:
        for a in range(len(out)):
            out[a] = x[a, i]
        return
    part = dt - back
    for a in range(len(gate_at)):
        h_inf, tau_ms = rates[a, i], rates[len(gate_at) + a, i]
        out[gate_at[a]] = rush_larsen_step(x0[gate_at[a], i], h_inf, tau_ms, part)
    for a in range(len(other_at)):
        slope = earlier[a, i] + part / dt * (change[a, i] - earlier[a, i])
        out[other_at[a]] = x0[other_at[a], i] + part * slope


@njit
def hold(x, x0, following, part, n, clamped):
    """Take what is held along by its own slope; NaN lets it go."""
    for c in range(len(clamped)):
        to = clamped[c]
        for i in range(n):
            if np.isfinite(following[c, i]):
                x[to, i] = x0[to, i] + part[i] * following[c, i]


def _differentiate(x, p, I_stim, n, change):
    """Derivatives of what is not a classic gate, by the cell's own equations, of n lanes."""
    for i in range(n):
        s, q = states(x, i), parameters(p, i)
        write(change, i, derivatives(s, q, currents(s, q), I_stim[i]))


def _run(
    start, p, tables, table_of, cell_of, grid, layout, bends, stimulus, starts, clamped, clamps, ms,
    first, ease, out, fine, good,
):  # fmt: skip
    """Integrate as many runs as there are lanes, or fewer, by the adaptive Rush-Larsen method.

    start (N, S) states; p (K, P) parameters; tables (., second, V, 2 G), of which cell k reads
    table_of[k]; grid as for `look_up`; layout (indices of gates, of the others); bends of the
    others that a step longer than DT_MAX allows, or BEND of how far they have gone; stimulus
    (amplitude, duration) of each cell (K, 2); starts (N, B) onsets in ms; clamped (C,) states that
    follow clamps (N, C, T), where NaN lets them go; ms the sample interval; samples from `first` on
    go to out (N, S, T - first); before it, steps are `ease` times as long; the last good time of
    each goes to good (N,). Steps end at the edges of stimuli and, where states are held, at
    samples; else samples are read off within them. What happens between samples goes to fine
    (N, 2, T - first): the highest V since the sample before, and the time at which V crossed
    UPSTROKE_mV upwards, or NaN.
    """
    n, S = start.shape
    n_samples = first + out.shape[2]
    x, x0, own = np.empty((S, WIDTH)), np.empty((S, WIDTH)), np.empty((p.shape[1], WIDTH))
    rates, change = np.empty((tables.shape[3], WIDTH)), np.empty((S, WIDTH))
    earlier, bend, reach = np.empty((S, WIDTH)), np.zeros(WIDTH), np.full(WIDTH, DT_MAX_ms)
    # what is held need not go straight; where V is all but the gates, it tells too little of them
    alone = len(bends) == 1
    finer = FINER if alone else 1.0
    short = len(clamped) > 0 or alone
    usual, longest = DT_HELD_ms if short else DT_MAX_ms, DT_HELD_ms if short else DT_QUIET_ms
    following = np.full((len(clamped), WIDTH), np.nan)
    of, beat, due = np.empty(WIDTH, np.int64), np.zeros(WIDTH, np.int64), np.zeros(WIDTH, np.int64)
    t, room = np.zeros(WIDTH), np.zeros(WIDTH)
    dt, part, I_stim = np.zeros(WIDTH), np.zeros(WIDTH), np.zeros(WIDTH)
    turned, moved, limit = np.zeros(WIDTH), np.zeros(WIDTH), np.full(WIDTH, DT_MAX_ms)
    begun, bound = np.empty((len(bends), WIDTH)), np.empty((len(bends), WIDTH))
    explicit = np.ones(len(bends))  # but V, which DV_STEP bounds, and what is held
    explicit[0] = 0.0
    for a in range(len(bends)):
        for c in range(len(clamped)):
            if layout[1][a] == clamped[c]:
                explicit[a] = 0.0
    now, peak, crossing = np.empty(S), np.empty(WIDTH), np.full(WIDTH, np.nan)
    for i in range(n):
        for a in range(S):
            x[a, i] = start[i, a]
        for a in range(p.shape[1]):
            own[a, i] = p[cell_of[i], a]
        for a in range(len(bends)):
            begun[a, i], bound[a, i] = start[i, layout[1][a]], bends[a]
        of[i] = table_of[cell_of[i]]
        peak[i], good[i] = x[0, i], (n_samples - 1) * ms
    running = n
    while True:
        for i in range(n):
            if due[i] == n_samples:
                continue
            if t[i] >= due[i] * ms - SOON_ms:  # a sample is due
                sound = abs(x[0, i]) < V_LIMIT_mV
                for a in range(S):
                    sound &= np.isfinite(x[a, i])
                if not sound and due[i] > 0:
                    good[i] = (due[i] - 1) * ms
                    out[i, :, max(due[i] - first, 0) :] = np.nan
                    fine[i, :, max(due[i] - first, 0) :] = np.nan
                    due[i] = n_samples
                while due[i] < n_samples and t[i] >= due[i] * ms - SOON_ms:
                    k, at = due[i], due[i] * ms
                    for c in range(len(clamped)):
                        held, ahead = clamps[i, c, k], clamps[i, c, min(k + 1, n_samples - 1)]
                        if np.isfinite(held):
                            x[clamped[c], i] = held
                        following[c, i] = (ahead - held) / ms
                    due[i] += 1
                    if k < first - 1:
                        continue
                    read_off(x, x0, earlier, change, rates, i, dt[i], t[i] - at, layout, now)
                    crossed = crossing[i] <= at + SOON_ms
                    if k >= first:
                        for a in range(S):
                            out[i, a, k - first] = now[a]
                        fine[i, 0, k - first] = max(peak[i], now[0])
                        fine[i, 1, k - first] = crossing[i] if crossed else np.nan
                    peak[i], crossing[i] = now[0], np.nan if crossed else crossing[i]
                if due[i] == n_samples:  # at rest until the others are through
                    running -= 1
                    room[i] = 0.0
                    for a in range(S):
                        x[a, i] = start[i, a]
                    continue
            peak[i] = max(peak[i], x[0, i])
            amplitude, duration = stimulus[cell_of[i]]
            while beat[i] < starts.shape[1] and t[i] >= starts[i, beat[i]] + duration - SOON_ms:
                beat[i] += 1
            I_stim[i], edge = 0.0, due[i] * ms if len(clamped) else np.inf
            if beat[i] < starts.shape[1]:
                on = starts[i, beat[i]]
                if t[i] >= on - SOON_ms:
                    I_stim[i], on = amplitude, on + duration
                edge = min(edge, on)
            room[i] = edge - t[i]
        if running == 0:
            return
        # exponential midpoint rule: derivatives at t take the others halfway; the rates there take
        # the gates halfway and all the way; the derivatives there take the others all the way
        for a in range(S):
            for i in range(n):
                x0[a, i] = x[a, i]
        for a in range(1, len(bends)):
            for i in range(n):
                gone = abs(x0[layout[1][a], i] - begun[a, i])
                bound[a, i] = max(bound[a, i], BEND * gone)
        differentiate(x, own, I_stim, n, earlier)
        for i in range(n):
            slope_mV = earlier[0, i]
            for c in range(len(clamped)):
                if clamped[c] == 0 and np.isfinite(following[c, i]):
                    slope_mV = following[c, i]
            step = DV_STEP_mV / finer / (abs(slope_mV) + 1e-12)
            longer = ease if due[i] < first else 1.0
            straight = min(step, longer * reach[i], longest)
            step = step if step > DT_MIN_ms / finer else DT_MIN_ms / finer
            step = step if step < usual else usual
            step = max(longer * step, straight)
            step = step if step < limit[i] else limit[i]
            dt[i] = step if step < room[i] else room[i]
            part[i], bend[i], turned[i], moved[i] = 0.5 * dt[i], 0.0, 0.0, STILL
        march(x, x0, earlier, part, n, layout[1])
        hold(x, x0, following, part, n, clamped)
        look_up(tables, of, x, n, grid, rates)
        relax(x, x0, rates, part, n, layout[0])
        hold(x, x0, following, part, n, clamped)
        differentiate(x, own, I_stim, n, change)
        for a in range(len(bends)):
            for i in range(n):
                turn = abs(change[a, i] - earlier[a, i]) / bound[a, i]
                bend[i] = max(bend[i], turn)
                turned[i] = max(turned[i], explicit[a] * turn)
                moved[i] = max(moved[i], explicit[a] * abs(earlier[a, i]) / bound[a, i])
        march(x, x0, change, dt, n, layout[1])
        relax(x, x0, rates, dt, n, layout[0])
        hold(x, x0, following, dt, n, clamped)
        for i in range(n):
            if dt[i] > 0.0:
                most = GROWTH * max(limit[i], dt[i])
                stable = STABLE * part[i] * moved[i] / (turned[i] + 1e-12)
                stable = min(stable, np.sqrt(HARD * dt[i] / (turned[i] + 1e-12)))
                limit[i] = max(stable if stable < most else most, DT_LEAST_ms)
            if dt[i] > 2.0 * limit[i]:  # back, and anew
                dt[i] = 0.0
                for a in range(S):
                    x[a, i] = x0[a, i]
            if x0[0, i] < UPSTROKE_mV <= x[0, i]:
                crossing[i] = t[i] + dt[i] * (UPSTROKE_mV - x0[0, i]) / (x[0, i] - x0[0, i])
            t[i] += dt[i]
            if dt[i] >= DT_MIN_ms:  # in a shorter one, the bend is lost in rounding
                reach[i] = np.sqrt(dt[i] / (bend[i] + 1e-12))


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


def _called(function):
    """Yield a function and, in turn, those of its own module that it calls."""
    yield function
    for name in function.__code__.co_names:
        other = function.__globals__.get(name)
        if inspect.isfunction(other) and other.__module__ == function.__module__:
            yield from _called(other)


def compiled(cell):
    """Return `Loops` with the equations of a cell compiled in, cached on disk by content."""
    return _compiled(cell.equations, cell.state_names, tuple(p.name for p in cell.parameters))


@cache
def _compiled(equations, state_names, parameter_names):
    """numba keeps compiled code under a function's file and qualified name.

    So each cell gets a copy of the loops under names that hold a digest of all that comes from
    other files, and of what they are called: compiled code imports them by name.
    """
    parts = (*_called(equations.currents), *_called(equations.derivatives))
    parts += (maths, lanes, gate_tables)
    source = "".join(map(inspect.getsource, parts))
    source += f"{UPSTROKE_mV} {state_names} {parameter_names} {equations.currents.__module__}"
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    names = {
        **globals(),
        "currents": njit(equations.currents, forceinline=True),
        "derivatives": njit(equations.derivatives, forceinline=True),
        "states": lanes.reader(namedtuple("States", state_names)),
        "parameters": lanes.reader(namedtuple("Parameters", parameter_names)),
    }

    def compile_copy(loop, **options):
        copy = FunctionType(loop.__code__, names, loop.__name__)
        copy.__qualname__ = f"{loop.__name__}_{digest}"
        copy.__module__ = __name__
        return njit(cache=True, **options)(copy)

    names["differentiate"] = compile_copy(_differentiate)
    names["slope"] = compile_copy(_slope)
    return Loops(compile_copy(_run, nogil=True), names["slope"], compile_copy(_jacobian))
