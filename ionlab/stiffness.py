"""Why the neural ODE wants an implicit solver (section 2.7): explicit steps, and what limits them.

The explicit methods take steps of one fixed length, so that a reader can see them fail; to
simulate, use `ionlab.simulate.pace`.
"""

from dataclasses import dataclass

import numba
import numpy as np

from ionlab import gate_tables, kernel
from ionlab.errors import BadValue, known, positive
from ionlab.integrate import Problem
from ionlab.kernel import V_LIMIT_mV

EXPLICIT = ("euler", "rush-larsen")


@dataclass(frozen=True)
class Steps:
    """A run in steps of one length.

    Attributes
    ----------
    t_ms, V_mV : (T,) times and voltages of all steps; NaN from where the run blew up.
    last_good_ms : the last time at which the run was sound.
    """

    t_ms: np.ndarray
    V_mV: np.ndarray
    last_good_ms: float

    @property
    def diverged(self):
        """Whether the run left the range of membrane voltages."""
        return self.last_good_ms < self.t_ms[-1]


@numba.njit(error_model="numpy")
def _march(slope, x, s, p, table, grid, layout, amplitude, first, last, exponential, dt, V):
    """March the states x (S,) through len(V) - 1 steps; return the number of sound ones."""
    gate_at, other_at = layout
    rates, out = np.empty(table.shape[2]), np.empty(len(x))
    V[0] = x[0]
    for k in range(1, len(V)):
        slope(x, s, p, table, grid, layout, amplitude if first <= k - 1 < last else 0.0, out)
        if exponential:
            second = x[grid[0]] if grid[0] >= 0 else 0.0
            gate_tables.look_up_smooth(table, x[0], second, grid[1], grid[2], rates)
            for a in range(len(gate_at)):
                at, tau = gate_at[a], rates[len(gate_at) + a]
                x[at] = kernel.rush_larsen_step(x[at], rates[a], tau, dt)
            for a in range(len(other_at)):
                x[other_at[a]] += dt * out[other_at[a]]
        else:
            for a in range(len(x)):
                x[a] += dt * out[a]
        if not abs(x[0]) < V_LIMIT_mV:
            return k - 1
        V[k] = x[0]
    return len(V) - 1


def explicit(cell, dt_ms, duration_ms, method="euler"):
    """Integrate a cell from its start states, with one stimulus, in steps of dt_ms; return `Steps`.

    method : "euler", u(t + dt) = u(t) + dt f(u, t); or "rush-larsen", which is the same but takes
        classic gates by `kernel.rush_larsen_step` (Eq. 2.2.8), as the gating layer does.

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> explicit(cell, 0.1, 5.0).diverged, explicit(cell, 0.1, 5.0, "rush-larsen").diverged
    (True, False)
    """
    known("method", method, EXPLICIT)
    dt_ms = positive("dt_ms", dt_ms, "Try 0.01.")
    steps = round(positive("the duration (ms)", duration_ms, "Try 50.") / dt_ms)
    if steps < 1:
        raise BadValue(f"dt_ms must not exceed duration_ms = {duration_ms:g}, got {dt_ms:g}.")
    x, problem, loops = *_states(cell), kernel.compiled(cell)
    stimulus = cell.stimulus
    edges = (stimulus.start_ms, stimulus.start_ms + stimulus.duration_ms)
    first, last = (round(edge / dt_ms) for edge in edges)
    V = np.full(steps + 1, np.nan)
    sound = _march(
        loops.slope,
        x,
        x.view(problem.dtype),
        problem.parameters,
        problem.tables[0],
        problem.grid,
        problem.layout,
        stimulus.amplitude,
        first,
        max(last, first + 1),
        method == "rush-larsen",
        dt_ms,
        V,
    )
    return Steps(dt_ms * np.arange(steps + 1), V, sound * dt_ms)


def eigenvalues(cell, states):
    """Return the eigenvalues (T, S) of the Jacobian (1/ms, complex) along states (S, T).

    A mode of eigenvalue lambda fades as exp(lambda t). Euler's method follows it only while
    abs(1 + lambda dt) <= 1, so for a real one while dt <= 2 / abs(lambda).

    >>> from ionlab.cells import tentusscher2004 as cell
    >>> start = np.array([[state.start] for state in cell.states])
    >>> bool(eigenvalues(cell, start).real.min() < -500)  # m at rest: tau below 2 us
    True
    """
    x, problem = _states(cell)
    loops = kernel.compiled(cell)
    jacobians = np.empty((states.shape[1], len(x), len(x)))
    for k, column in enumerate(states.T):
        x[:] = column
        loops.jacobian(
            x,
            x.view(problem.dtype),
            problem.parameters,
            problem.tables[0],
            problem.grid,
            problem.layout,
            0.0,
            jacobians[k],
        )
    return np.linalg.eigvals(jacobians)


def _states(cell):
    """The start states (S,) in memory of their own, and the `Problem` of one cell."""
    return np.array([state.start for state in cell.states]), Problem.of((cell,))
