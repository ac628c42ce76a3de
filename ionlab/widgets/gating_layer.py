"""Lesson 5: a gate at one voltage, stepped by the layer, beside the exact exponential."""

import numpy as np

from ionlab.plot import BLUE, GREY, ORANGE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.widgets.explorer import Explorer, Picture, Slide

END_ms = 40.0


def relaxation(h_start, h_inf, rho, dt_ms):
    """Return the picture of a gate that is stepped by Eq. 2.4.4, `rho` per ms, from `h_start`."""
    tau_ms = -1.0 / np.log(rho)
    t = np.linspace(0.0, END_ms, 201)
    steps = np.arange(0.0, END_ms + 1e-9, dt_ms)
    of_step = rho**dt_ms
    h = [h_start]
    for _ in steps[1:]:
        h.append(of_step * h[-1] + (1.0 - of_step) * h_inf)
    sizes = np.linspace(0.0, 10.0, 101)
    return Picture(
        {
            "exact": (t, h_inf + (h_start - h_inf) * np.exp(-t / tau_ms)),
            "layer": (steps, h),
            "h_inf": ([0.0, END_ms], [h_inf, h_inf]),
            "rho": (sizes, rho**sizes),
            "here": ([dt_ms], [of_step]),
        },
        f"tau = {tau_ms:.2f} ms. One step of {dt_ms:g} ms keeps rho = {of_step:.3f} of the "
        f"distance to h_inf; after {len(steps) - 1} steps h = {h[-1]:.3f}.",
    )


def one_gate():
    """Open a gate at constant voltage: start, steady state, rho and the step are yours."""
    controls = {
        "h_start": Slide("h at the start", "", 0.0, 1.0, 0.1, 0.01, "Where the gate starts"),
        "h_inf": Slide("steady state h_inf", "", 0.0, 1.0, 0.8, 0.01, "Where the gate ends"),
        "rho": Slide("rho for 1 ms", "", 0.01, 0.99, 0.8, 0.01, "What is left after 1 ms"),
        "dt_ms": Slide("step dt", "ms", 0.25, 10.0, 2.0, 0.25, "Length of a step of the layer"),
    }
    panels = [
        Panel(
            (
                Curve("h_inf", "h_inf", {"color": GREY, "ls": ":"}),
                Curve("exact", "exact exponential", {"color": BLUE, "lw": 2.0}),
                Curve("layer", "steps of the layer", {"color": RED, "ls": "", "marker": "o"}),
            ),
            "time (ms)",
            "gate h",
            (0.0, END_ms),
            (0.0, 1.0),
        ),
        Panel(
            (
                Curve("rho", "", {"color": ORANGE}),
                Curve("here", "", {"color": RED, "ls": "", "marker": "o"}),
            ),
            "step dt (ms)",
            "rho of the step",
            (0.0, 10.0),
            (0.0, 1.0),
        ),
    ]
    return Explorer(
        controls, panels, relaxation, "A gate at constant voltage", (800, 320), columns=2
    )
