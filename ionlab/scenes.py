"""What Figures 2 to 4 of the paper show, as arrays for `ionlab.plot`.

>>> sorted(cycles(CELL, [500.0])["cycle length 500 ms"])
['Ca_i', 'V', 't_ms']
"""

from functools import lru_cache

import numpy as np

from ionlab import readout
from ionlab.cells import tentusscher2004 as CELL
from ionlab.perturb import PAPER
from ionlab.simulate import pace

FIGURE2_ms = (800.0, 550.0, 320.0)  # cycle lengths of its panels, from top to bottom
SHOWN_ms = 350.0  # cycle length of Figures 3 to 7
PACED_ms = 20_000.0  # before anything is shown, at least


def cycles(cell, cycle_lengths_ms=FIGURE2_ms, shown_ms=2000.0):
    """Return title -> {"t_ms", "V", "Ca_i"} at each cycle length: the panels of Fig. 2."""
    traces = pace(cell, cycle_lengths_ms, PACED_ms, shown_ms)
    t_ms = traces.t_ms - traces.t_ms[0]
    return {
        f"cycle length {length:g} ms": {
            "t_ms": t_ms,
            "V": traces["V"][k],
            "Ca_i": traces["Ca_i"][k],
        }
        for k, length in enumerate(traces.cycle_lengths_ms)
    }


def two_beats(cells, cycle_length_ms=SHOWN_ms):
    """Return `Traces` of cells over their last two cycles, from the start of a cycle.

    Time counts from there.
    """
    whole = np.ceil(PACED_ms / cycle_length_ms) * cycle_length_ms
    return pace(cells, [cycle_length_ms], whole, 2.0 * cycle_length_ms)


@lru_cache(maxsize=4)
def perturbed(cycle_length_ms=SHOWN_ms):
    """Return t_ms (T,) and title -> {"baseline", "perturbed"}: the panels of Fig. 3."""
    traces = two_beats([CELL, *(p.apply(CELL) for p in PAPER)], cycle_length_ms)
    panels = {
        p.title: {"baseline": traces["V"][0], "perturbed": V}
        for p, V in zip(PAPER, traces["V"][1:], strict=True)
    }
    return traces.t_ms - traces.t_ms[0], panels


def neural_odes(method, cycle_length_ms=SHOWN_ms):
    """Return t_ms (T,) and the panels of Fig. 4, of the networks that ship, at the paper's eta.

    method : one of `ionlab.readout.METHODS`.
    """
    odes = [readout.ode(readout.shipped(p.name, method).pair().treated) for p in PAPER]
    return beside(odes, cycle_length_ms)


def beside(odes, cycle_length_ms=SHOWN_ms):
    """Return t_ms (T,) and the panels of Fig. 3 with "neural ODE" in each; odes in their order."""
    t_ms, panels = perturbed(cycle_length_ms)
    made = [two_beats([ode], cycle_length_ms)["V"][0] for ode in odes]
    return t_ms, {
        title: {**V, "neural ODE": one}
        for (title, V), one in zip(panels.items(), made, strict=True)
    }
