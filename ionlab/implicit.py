"""The implicit reference: SciPy's stiff solvers on the compiled right-hand side of any cell."""

import warnings

import numpy as np
from scipy.integrate import BDF, LSODA, Radau

from ionlab.features import UPSTROKE_mV
from ionlab.kernel import V_LIMIT_mV

SOLVERS = {"BDF": BDF, "LSODA": LSODA, "Radau": Radau}
FIRST_STEP_ms = 1e-3  # after each edge of a stimulus
MAX_STEPS = 20_000  # from one sample to the next; beyond it the solver is stuck


def integrate(loops, problem, run, start, onsets, t_ms, values, fine, method, rtol):
    """Integrate one run from one edge of its stimuli (B,) to the next; return the last good time.

    The last samples of t_ms (T,) go to values (S, last) and fine (2, last), as in `kernel`.
    """
    x = np.empty_like(start)
    cell = problem.cell_of[run]
    amplitude, duration = problem.stimulus[cell]
    table = problem.tables[problem.table_of[cell]]
    known = (x.view(problem.dtype), problem.parameters[cell : cell + 1], table)
    known += (problem.grid, problem.layout)
    I_stim = 0.0

    def slope(t, y):
        x[:] = y
        out = np.empty_like(x)
        loops.slope(x, *known, I_stim, out)
        return out

    def jacobian(t, y):
        x[:] = y
        out = np.empty((len(x), len(x)))
        loops.jacobian(x, *known, I_stim, out)
        if not np.isfinite(out).all():
            raise FloatingPointError("the Jacobian is not finite")
        return out

    end = t_ms[-1]
    states = np.full((len(x), len(t_ms)), np.nan)
    states[:, 0] = start
    steps_ms, steps_mV = [0.0], [start[0]]
    on = onsets[onsets < end]
    edges = np.unique(np.clip([0.0, *on, *(on + duration), end], 0.0, end))
    done, y, at_sample = 1, start, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # LSODA's own words for a failed step
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            middle = 0.5 * (a + b)
            I_stim = amplitude if ((on < middle) & (middle < on + duration)).any() else 0.0
            first_step = min(FIRST_STEP_ms, b - a)
            try:
                solver = SOLVERS[method](
                    slope, a, y, b, rtol=rtol, atol=1e-2 * rtol, jac=jacobian, first_step=first_step
                )
                while solver.status == "running" and len(steps_ms) - at_sample < MAX_STEPS:
                    solver.step()
                    if solver.status == "failed" or not abs(solver.y[0]) < V_LIMIT_mV:
                        break
                    steps_ms.append(solver.t)
                    steps_mV.append(solver.y[0])
                    if done < len(t_ms) and t_ms[done] <= solver.t:
                        due = np.searchsorted(t_ms, solver.t, side="right")
                        states[:, done:due] = solver.dense_output()(t_ms[done:due])
                        done, at_sample = due, len(steps_ms)
            except FloatingPointError:
                break
            if steps_ms[-1] < b:
                break
            y = solver.y.copy()
    values[:] = states[:, -values.shape[1] :]
    fine[:] = _between(t_ms, states[0], np.array(steps_ms), np.array(steps_mV))[:, -fine.shape[1] :]
    return t_ms[done - 1]


def _between(t_ms, V, steps_ms, steps_mV):
    """Return what happens between samples, (2, T): highest V, upward crossing of -20 mV."""
    peaks = np.fmax(V, np.append(V[:1], V[:-1]))
    after = np.minimum(np.searchsorted(t_ms, steps_ms), len(t_ms) - 1)
    np.fmax.at(peaks, after, steps_mV)
    peaks[np.isnan(V)] = np.nan
    crossings = np.full_like(V, np.nan)
    k = np.flatnonzero((steps_mV[:-1] < UPSTROKE_mV) & (steps_mV[1:] >= UPSTROKE_mV))
    part = (UPSTROKE_mV - steps_mV[k]) / (steps_mV[k + 1] - steps_mV[k])
    crossings[after[k + 1]] = steps_ms[k] + part * (steps_ms[k + 1] - steps_ms[k])
    return np.stack([peaks, crossings])
