"""Lesson 7: retrained networks at any eta: what they fit, how far they drift, and where."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ionlab import readout
from ionlab.cells import tentusscher2004 as CELL
from ionlab.plot import BLUE, GREY, RED
from ionlab.plot.live import Curve, Panel
from ionlab.readout import Pair
from ionlab.retrain import MembraneRecipe, retrain
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Training

V_mV = np.linspace(-100.0, 50.0, 151)
SHOWN_ms = 500.0  # cycle length of the beat along which currents are drawn
STEPS = 100  # of a retraining at the press of a button
METHODS = ("membrane", "no-upstroke", "published")


@dataclass(frozen=True)
class Retrained:
    """What the button trained: networks for one perturbation and one eta, gates alone."""

    perturbation: str
    eta: float
    pair: Pair
    misfit_mV: np.ndarray
    drift: np.ndarray


@cache
def _theory(method):
    """h_inf and tau (V, G) of the network of the first pass."""
    fit = readout.shipped("long_qt", method).fit
    return readout.curves(readout.Network(fit.n1, np.ones(len(CELL.conductances))), V_mV)


@cache
def _networks(perturbation, method, k):
    """The shipped pair of eta number k: curves and currents of both, ratios."""
    case = readout.shipped(perturbation, method)
    return _read(case.pair(case.eta[k]))


def _read(pair):
    networks = (pair.control, pair.treated)
    along = (pair.along_control, pair.along_treated)
    curves = [readout.curves(network, V_mV) for network in networks]
    currents = [readout.currents(n, a) for n, a in zip(networks, along, strict=True)]
    return curves, currents, along, readout.ratios(pair)


def retrain_here(watch, perturbation, eta, **_):
    """Retrain the gates alone on one cycle length, control and treated; return `Retrained`."""
    case = readout.shipped(perturbation)
    recipe = MembraneRecipe(steps=STEPS, affine=False)
    cells = (case.cell, case.treated)
    beats = [readout.recorded(cell, (SHOWN_ms,)) for cell in cells]
    refits = retrain(case.fit, beats, [eta], recipe=recipe, watch=watch)
    pair = readout.pair(refits, eta, *(readout.along(cell) for cell in cells))
    return Retrained(perturbation, eta, pair, refits.misfit_mV[:, 0], refits.drift[:, 0])


def traded(perturbation, method, eta, gate, current, trained=None):
    """Return the picture of the networks of one perturbation by one method at one eta."""
    case = readout.shipped(perturbation, method)
    rows = list(case.rows)
    misfit, drift = case.refits.misfit_mV[rows], case.refits.drift[rows]
    best = misfit.min(1)
    k = readout.nearest(case.eta, eta)
    here = np.stack([drift[:, k], misfit[:, k]])
    used, source = float(case.eta[k]), "shipped"
    if trained is not None and (trained.perturbation, trained.eta) == (perturbation, eta):
        here = np.stack([trained.drift, trained.misfit_mV])
        used, source = eta, "retrained here, gates alone"
        curves, currents, along, ratios = _read(trained.pair)
    else:
        curves, currents, along, ratios = _networks(perturbation, method, k)
    theory = _theory(method)[gate]
    pictures = {
        "fit control": (drift[0], misfit[0] / best[0]),
        "fit treated": (drift[1], misfit[1] / best[1]),
        "here": (here[0], here[1] / best),
        "h theory": (V_mV, theory.h_inf),
        "tau theory": (V_mV, theory.tau_ms),
    }
    for who, gates, I, a in zip(("control", "treated"), curves, currents, along, strict=True):
        sweep = a.beats.names.index(f"{SHOWN_ms:g}")
        inside = a.inside[sweep]
        pictures[f"h {who}"] = (V_mV, gates[gate].h_inf)
        pictures[f"tau {who}"] = (V_mV, gates[gate].tau_ms)
        drawn = I[current][sweep][inside]
        pictures[f"I {who}"] = (a.t_ms[inside], drawn)
    peak = np.abs(pictures["I control"][1]).max()
    for who in ("control", "treated"):
        t_ms, drawn = pictures[f"I {who}"]
        pictures[f"I {who}"] = (t_ms, drawn / peak)
    said = ", ".join(f"{name} {x:.2f}" for name, x in ratios.items())
    return Picture(
        pictures,
        f"{case.perturbation.title}, eta {used:g} ({source}): misfit {here[1, 0]:.2g} mV (control) "
        f"and {here[1, 1]:.2g} mV (treated), drift {here[0, 0]:.2g} and {here[0, 1]:.2g}. "
        f"Area of currents, treated over control: {said}.",
    )


def eta_explorer():
    """Open the retrained networks: perturbation, method, eta, a gate and a current are yours."""
    for k in range(len(readout.shipped("long_qt").eta)):
        _networks("long_qt", "membrane", k)  # so that eta moves at once
    controls = {
        "perturbation": Choose(
            "recording",
            tuple((p.title, name) for name, p in readout.CASES.items()),
            "long_qt",
            "What was done to the cell that the networks were retrained on",
        ),
        "method": Choose(
            "decoder",
            tuple((readout.METHODS[name], name) for name in METHODS),
            "membrane",
            "What turns gates into V in the second pass",
        ),
        "eta": Slide(
            "eta", "", -4.0, -2.0, 1e-3, 0.02, "Shipped: the nearest; here: any", log=True
        ),
        "gate": Choose("gate", CELL.gate_names, "xr2", "Whose curves are drawn"),
        "current": Choose(
            "current", tuple(CELL.conductances), "I_Kr", "Drawn along the beat at 500 ms"
        ),
    }
    both = {"control": {"color": BLUE}, "treated": {"color": RED, "ls": "--"}}
    dotted = {"color": "0.1", "ls": ":", "lw": 1.8}
    volts = ("V (mV)", (V_mV[0], V_mV[-1]))

    def pair(kind, labelled=False, **more):
        return tuple(
            Curve(f"{kind} {who}", who if labelled else "", {**look, **more})
            for who, look in both.items()
        )

    diamond = {"color": GREY, "ls": "", "marker": "D", "ms": 9, "alpha": 0.8}
    here = Curve("here", "this eta", diamond)
    panels = [
        Panel(
            (*pair("fit", True, marker="o", ms=3), here),
            "mean departure of the gates (1)",
            "misfit over its lowest",
            (1e-4, 0.2),
            (0.8, 10.0),
            "What eta trades",
            "log",
            "log",
        ),
        Panel(
            pair("I"),
            "time (ms)",
            "I over peak of control",
            (0.0, SHOWN_ms),
            (-1.25, 1.75),
            "The current along the beat",
        ),
        Panel(
            (Curve("h theory", "theory", dotted), *pair("h", True)),
            volts[0],
            "h_inf",
            volts[1],
            (-0.02, 1.02),
            "The gate: steady state",
        ),
        Panel(
            (Curve("tau theory", "", dotted), *pair("tau")),
            volts[0],
            "tau (ms)",
            volts[1],
            (0.01, 3000.0),
            "The gate: time constant",
            yscale="log",
        ),
    ]
    training = Training("Retrain it here", f"{STEPS} steps at this eta, gates alone", retrain_here)
    return Explorer(
        controls, panels, traded, "Retrained networks", (800, 560), columns=2, training=training
    )
