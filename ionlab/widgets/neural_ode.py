"""Lesson 8: the upstroke and the plateau after it, by any solver and step, and its error."""

import time
from functools import cache

import numpy as np

from ionlab import presets, store
from ionlab.cells import tentusscher2004 as CELL
from ionlab.neural_ode import learned
from ionlab.observed import paced
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.simulate import pace
from ionlab.stiffness import EXPLICIT, explicit
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide

SHOWN_ms, SAMPLE_ms, CYCLE_ms = 150.0, 0.5, 500
IMPLICIT = ("LSODA", "BDF", "Radau")
TOLERANCES = tuple(10.0**k for k in range(-6, -1))
REFERENCE = 1e-9  # relative tolerance of the reference, by LSODA
DRAWN_mV = (-110.0, 90.0)  # what is further out is drawn at the edge
DRAWN_ERROR_mV = (1e-6, 300.0)


@cache
def equations(which):
    """The published cell ("cell") or its neural ODE ("ode"), paced at 500 ms, before a stimulus."""
    cell = paced(CELL, [CYCLE_ms])[0]
    if which == "cell":
        return cell
    file = store.WEIGHTS / store.theory_file(CELL, presets.PAPER.clamp)
    return cell.with_kinetics(learned(store.load_fit(file, CELL).n1, CELL))


@cache
def reference(which):
    """(T,) times and voltages by LSODA at a tolerance that leaves no error to be seen."""
    return _implicit(which, "LSODA", REFERENCE)[:2]


@cache
def solved(which, solver, setting):
    """Return times, voltages (T,), NaN where the run blew up, and the time it took (ms).

    setting : the step (ms) of an explicit solver, the relative tolerance of an implicit one.
    """
    if solver in IMPLICIT:
        return _implicit(which, solver, setting)
    cell, began = equations(which), time.perf_counter()
    run = explicit(cell, setting, SHOWN_ms, solver)
    took_ms = 1e3 * (time.perf_counter() - began)
    t = np.arange(0.0, SHOWN_ms, SAMPLE_ms)
    V = np.interp(t, run.t_ms, np.nan_to_num(run.V_mV))
    V[t > run.last_good_ms] = np.nan
    return t, V, took_ms


def _implicit(which, solver, rtol):
    cell, began = equations(which), time.perf_counter()
    run = pace(cell, [CYCLE_ms], SHOWN_ms, SHOWN_ms, SAMPLE_ms, solver, rtol)
    return run.t_ms, run["V"][0], 1e3 * (time.perf_counter() - began)


def compared(which, solver, dt_ms, tolerance):
    """Return the picture of one solver against the reference."""
    at = TOLERANCES[int(np.abs(np.log(np.array(TOLERANCES) / tolerance)).argmin())]
    (t, truth), (_, V, took_ms) = (
        reference(which),
        solved(which, solver, dt_ms if solver in EXPLICIT else at),
    )
    error = np.clip(np.abs(V - truth), *DRAWN_ERROR_mV)
    lost = t[np.isnan(V)]
    how = f"dt = {dt_ms:.4g} ms" if solver in EXPLICIT else f"relative tolerance {at:g}"
    if len(lost):
        said = f"it BLEW UP before {max(lost[0], SAMPLE_ms):g} ms"
    else:
        said = (
            f"error {np.sqrt(np.mean((V - truth) ** 2)):.2g} mV RMS, {error.max():.2g} mV at most"
        )
    name = "Euler" if solver == "euler" else "Rush-Larsen" if solver == "rush-larsen" else solver
    return Picture(
        {"truth": (t, truth), "V": (t, np.clip(V, *DRAWN_mV)), "error": (t, error)},
        f"{name}, {how}: {said}; {SHOWN_ms:g} ms of the cell took {took_ms:.1f} ms here.",
    )


def solvers():
    """Open the solvers: equations, solver, step and tolerance are yours."""
    for solver in IMPLICIT:
        for rtol in TOLERANCES:
            solved("ode", solver, rtol)  # so that no move has to wait for one
    explicit(CELL, 0.1, 1.0)  # compiles
    controls = {
        "which": Choose(
            "equations",
            (("neural ODE", "ode"), ("cell as published", "cell")),
            "ode",
            "Whose gates: those of the network, or the published ones",
        ),
        "solver": Choose(
            "solver",
            (
                ("Euler (explicit)", "euler"),
                ("Rush-Larsen (explicit)", "rush-larsen"),
                *((f"{name} (implicit)", name) for name in IMPLICIT),
            ),
            "rush-larsen",
            "Explicit solvers use the step, implicit ones the tolerance",
        ),
        "dt_ms": Slide("step dt", "ms", -2.6, 0.0, 0.05, 0.05, "Of the explicit solvers", log=True),
        "tolerance": Slide(
            "tolerance", "", -6.0, -2.0, 1e-3, 1.0, "Relative, of the implicit solvers", log=True
        ),
    }
    time_ms = (0.0, SHOWN_ms)
    panels = [
        Panel(
            (
                Curve("truth", "reference", {"color": BLUE, "lw": 2.4}),
                Curve("V", "this solver", {"color": RED, "ls": "--"}),
            ),
            "time (ms)",
            "V (mV)",
            time_ms,
            DRAWN_mV,
        ),
        Panel(
            (Curve("error", "", {"color": GREY}),),
            "time (ms)",
            "abs(error) (mV)",
            time_ms,
            DRAWN_ERROR_mV,
            yscale="log",
        ),
    ]
    return Explorer(controls, panels, compared, "One beat by one solver", (800, 320), columns=2)
