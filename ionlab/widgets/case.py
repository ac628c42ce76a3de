"""Lessons 10 to 12: one perturbed cell, and what each second pass makes of it, at every eta.

>>> explorer = case_explorer("long_qt")
>>> explorer["decoder"].value = "published"  # N2, as the paper has it
"""

import numpy as np

from ionlab import readout
from ionlab.cells import tentusscher2004 as CELL
from ionlab.errors import known
from ionlab.features import apd_ms
from ionlab.plot import BLUE, GREEN, GREY, ORANGE, PURPLE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick, Training
from ionlab.widgets.found import (
    against_eta,
    beats_of,
    chosen,
    decoders,
    made,
    neural_ode,
    ratios,
    train_here,
    true,
)

NAMES = tuple(CELL.conductances)
STRENGTHS = {  # those that ship, and some that are trained here
    "long_qt": (0.25, 0.4, 0.5, 0.75, 1.0),
    "short_qt": (0.25, 0.4, 0.5, 0.75, 1.0),
    "ito": (1.0, 2.0, 2.5, 3.0),
}


# --- the picture ----------------------------------------------------------------------------


def case(name, decoder, strength, eta, current, same, trained=None):
    """Return the picture of one perturbation: V, a current, the ratio of each, the role of eta.

    decoder : one of `decoders(name)`; strength : factor of the conductance; current : to draw.
    same : both networks along the treated beat, so that only what they learned differs.
    trained : the `Found` that the button made, or None.
    """
    known("current", current, NAMES)
    changed = readout.CASES[name].current
    control, treated, _ = beats_of(name, strength)
    row = control.beats.names.index(treated.beats.names[0])  # the shortest that is 1:1 in both
    length = int(treated.beats.lengths[0])
    V = treated.beats.V_mV[0, :length]
    curves = {
        "control V": (np.arange(length), control.beats.V_mV[row, :length]),
        "treated V": (np.arange(length), V),
        "true I": _inside(treated.t_ms, true(name, strength)[current], treated.inside[0], current),
        "one": ([-0.5, len(NAMES) - 0.5], [1.0, 1.0]),
        "truth": ([NAMES.index(changed)], [strength]),
        "truth of eta": ([1e-4, 2e-3], [strength, strength]),
    }
    title, said = readout.METHODS[decoder], f"{changed} is x {strength:g} in truth."
    found = chosen(name, decoder, strength, eta, trained)
    if found is None:
        return Picture(curves, f"{said} No such network ships for {title}: train it here.")
    for which, recording in (("control", "treated" if same else "control"), ("treated", "treated")):
        along, k = (treated, 0) if recording == "treated" else (control, row)
        I = made(found, which, recording)[current][k]
        curves[f"{which} I"] = _inside(along.t_ms, I, along.inside[k], current)
    drawn = np.concatenate([curves[label][1] for label in ("control I", "treated I")])
    room = 1.25 * np.append(curves["true I"][1], 0.0)  # keeps the axes still while eta moves
    low, high = (_round_up(end([end(drawn), end(room)])) for end in (np.min, np.max))
    curves["frame"] = ([0.0, 0.0], [low, high])
    ratio, V_ode = ratios(found, same), neural_ode(found)
    curves["neural ODE"] = (np.arange(length), V_ode)
    curves["ratio"] = _bars([ratio[one] for one in NAMES])
    curves["eta"] = against_eta(name, decoder, strength, same)
    curves["here"] = ([found.pair.eta], [ratio[changed]])
    most = max(ratio, key=lambda one: abs(np.log(ratio[one])))
    miss = np.sqrt(np.mean((V_ode - V) ** 2))
    return Picture(
        curves,
        f"{said} {title}, eta {found.pair.eta:g}"
        f"{' (trained here)' if found is trained else ''}: "
        f"{changed} x {ratio[changed]:.2f}; changed most: {most}, x {ratio[most]:.2f}. "
        f"Neural ODE at {length} ms: APD90 {_apd(V_ode)}, the cell {_apd(V)}; "
        f"V differs by {miss:.1f} mV (RMS).",
    )


def _apd(V_mV):
    durations = apd_ms(np.arange(float(len(V_mV))), V_mV)
    return f"{durations[0]:.0f} ms" if len(durations) else "none"


def _inside(t_ms, I, inside, current):
    """The beat; of the two currents that are over early, their part of it."""
    end = {"I_Na": 16.0, "I_to": 40.0}.get(current, np.inf)
    kept = inside & (t_ms <= end)
    return t_ms[kept], I[kept]


def _round_up(I):
    """The next number with 1, 2, 3, 5 or 7 as its first digit and no other."""
    if I == 0.0:
        return 0.0
    unit = 10.0 ** np.floor(np.log10(abs(I)))
    return np.sign(I) * unit * next(d for d in (1, 2, 3, 5, 7, 10) if abs(I) <= d * unit * 1.001)


def _bars(heights):
    """A bar from 1 for each, as one line with gaps."""
    x = np.repeat(np.arange(float(len(heights))), 3)
    y = np.array([(1.0, height, np.nan) for height in heights]).ravel()
    return x, y


# --- the widget -----------------------------------------------------------------------------


def panels(name):
    """Return the four panels of the picture."""
    changed = readout.CASES[name].current
    ticks = {0.25: "1/4", 0.5: "1/2", 1.0: "1", 2.0: "2", 4.0: "4"}
    thin = {"color": GREY, "lw": 1.0, "ls": ":"}
    return (
        Panel(
            (
                Curve("control V", "control cell", {"color": BLUE}),
                Curve("treated V", "treated cell", {"color": RED}),
                Curve("neural ODE", "its neural ODE", {"color": GREEN, "ls": "--", "lw": 1.8}),
            ),
            "time (ms)",
            "V (mV)",
            x=(0.0, 350.0),
            y=(-90.0, 50.0),
        ),
        Panel(
            (
                Curve("control I", "control network", {"color": BLUE, "ls": "--"}),
                Curve("treated I", "treated network", {"color": RED, "ls": "--"}),
                Curve("true I", "treated cell", {"color": "0.2", "lw": 1.0}),
                Curve("frame", "", {"ls": ""}),
            ),
            "time (ms)",
            f"the current you chose ({CELL.current_unit})",
            x=(0.0, 16.0),
            y=(-1e-3, 1e-3),
        ),
        Panel(
            (
                Curve("one", "", thin),
                Curve("ratio", "networks", {"color": PURPLE, "lw": 9.0, "solid_capstyle": "butt"}),
                Curve(
                    "truth",
                    "truth (others: 1)",
                    {"color": ORANGE, "ls": "", "marker": "_", "ms": 26, "mew": 3.5},
                ),
            ),
            "",
            "area, treated over control",
            x=(-0.5, len(NAMES) - 0.5),
            y=(0.25, 4.0),
            yscale="log",
            xticks=dict(enumerate(NAMES)),
            yticks=ticks,
        ),
        Panel(
            (
                Curve("truth of eta", "truth", {"color": ORANGE, "lw": 2.5}),
                Curve("eta", "networks", {"color": PURPLE, "marker": ".", "lw": 1.0}),
                Curve("here", "", {"color": PURPLE, "ls": "", "marker": "o", "ms": 9}),
            ),
            "eta",
            f"{changed}, treated over control",
            x=(8e-5, 2.5e-3),
            y=(0.25, 4.0),
            xscale="log",
            yscale="log",
            yticks=ticks,
        ),
    )


def case_explorer(name):
    """Look at "long_qt", "short_qt" or "ito" by every decoder, eta and strength; train others."""
    known("perturbation", name, readout.CASES)
    perturbation = readout.CASES[name]
    (parameter, strength), *_ = perturbation.factors.items()
    controls = {
        "decoder": Choose(
            "decoder",
            tuple((readout.METHODS[m], m) for m in decoders(name)),
            "membrane",
            "What turns gates into the next voltage in the second pass",
        ),
        "eta": Slide(
            "eta",
            "",
            1e-4,
            2e-3,
            readout.PAPER_ETA[name],
            1e-4,
            "Weight of the departure of the gates from the theory; the nearest that ships is shown",
        ),
        "strength": Choose(
            f"{parameter} times",
            tuple((_strength_said(name, x), x) for x in STRENGTHS[name]),
            strength,
            "Factor of the conductance in the treated cell",
        ),
        "current": Choose("current", NAMES, perturbation.current, "Which current to draw"),
        "same": Tick(
            "both networks along the treated beat",
            True,
            "Off: each along its own beat, as the paper draws it",
        ),
    }

    def draw(**values):
        return case(name, **values)

    def run(watch, **values):
        return train_here(name, watch, **values)

    first = {control: spec.value for control, spec in controls.items()}
    for eta in readout.shipped(name).eta:  # read once, so that the slider need not wait
        draw(**first | {"eta": float(eta)})
    return Explorer(
        controls,
        panels(name),
        draw,
        f"{perturbation.title}: cells, networks and their currents",
        (900, 560),
        columns=2,
        training=Training(
            "Train it here",
            "Retrain on recordings of this strength, at this eta: 5 to 10 s",
            run,
        ),
    )


def _strength_said(name, strength):
    ships = strength in readout.SHIPPED["membrane"][name]
    return f"{strength:g}{'' if ships else ' (to train)'}"
