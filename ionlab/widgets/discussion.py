"""Lesson 13: what noise leaves of each current, two methods side by side, weights on the gates."""

import time
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ionlab import direct, perturb
from ionlab.cells import tentusscher2004 as CELL
from ionlab.compare import compare
from ionlab.neural_ode import learned
from ionlab.observed import Beats
from ionlab.plot import BLUE, GREY, ORANGE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.recordings import from_traces
from ionlab.retrain import MembraneRecipe, retrain
from ionlab.sensitivity import sensitivity
from ionlab.simulate import pace
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick, Training

LENGTHS_ms = (350.0, 500.0, 800.0)
CURRENTS = tuple(CELL.conductances)
SHIFTED = "xr2"  # the gate whose shift looks like a smaller I_Kr
LEVEL = 1.645  # standard errors to each side of a 90 % interval
WIDEST = 1.0  # of a drawn interval to each side: a factor of 2.7
BUTT = {"solid_capstyle": "butt"}  # a bar ends where its number is
CASES = {p.name: p for p in perturb.PAPER}


@lru_cache(maxsize=1)
def sensitivities():
    """Return the `Sensitivity` of the cell to its conductances and to a shift of xr2."""
    return sensitivity(CELL, LENGTHS_ms, [SHIFTED])


@lru_cache(maxsize=32)
def recording(name, sigma_mV, seen_Ca, seed, lengths_ms=LENGTHS_ms):
    """Return a simulated `Recording` of a case ("control", "long_qt", ...) with white noise."""
    cell = CASES[name].apply(CELL) if name in CASES else CELL
    return recorded(cell, name, sigma_mV, seen_Ca, seed, lengths_ms)


def recorded(cell, name, sigma_mV, seen_Ca, seed, lengths_ms=LENGTHS_ms):
    """Return a simulated `Recording` of a cell, 4 s a sweep, with white noise in V."""
    traces = pace(cell, lengths_ms, record_last_ms=4000.0)
    rng = np.random.default_rng(seed)
    clean = from_traces(traces, name)
    noisy = tuple(
        replace(
            sweep,
            V_mV=sweep.V_mV + sigma_mV * rng.normal(size=sweep.V_mV.shape),
            Ca_i_mM=sweep.Ca_i_mM if seen_Ca else None,
        )
        for sweep in clean.sweeps
    )
    return replace(clean, sweeps=noisy)


def forecast(sigma_mV, seen_Ca, beats, free_shift):
    """Return change -> standard error that noise leaves of its log ratio, control and treated."""
    found = sensitivities()
    names = found.names if free_shift else CURRENTS
    errors = found.select(names).errors(sigma_mV, 0.02 if seen_Ca else None, beats)
    return {name: np.sqrt(2.0) * errors[name] for name in names}


def _bars(low, high, offset):
    """Vertical bars at 0, 1, ... as one curve."""
    x = np.repeat(np.arange(len(low)) + offset, 3)
    return x, np.column_stack([low, high, np.full(len(low), np.nan)]).ravel()


def told(case, sigma_mV, seen_Ca, beats, free_shift, trained=None):
    """Return the picture of the forecast intervals and, once run, of both methods."""
    errors = forecast(sigma_mV, seen_Ca, beats, free_shift)
    half = np.minimum([LEVEL * errors[name] for name in CURRENTS], WIDEST)
    truth = np.ones(len(CURRENTS))
    truth[CURRENTS.index(CASES[case].current)] = next(iter(CASES[case].factors.values()))
    at = np.arange(len(CURRENTS))
    curves = {
        "truth": (at, truth),
        "forecast": _bars(truth * np.exp(-half), truth * np.exp(half), -0.2),
    }
    said = ", ".join(f"{n} {100 * np.expm1(LEVEL * errors[n]):.2g} %" for n in CURRENTS)
    readout = f"90 % intervals that noise leaves, to each side: {said}."
    if free_shift:
        readout += f" The shift of {SHIFTED}: {LEVEL * errors[f'shift of {SHIFTED}']:.2g} mV."
    for name, offset in (("network", 0.0), ("least squares", 0.2)):
        if trained:
            ratio, low, high = np.transpose([trained[name][c] for c in CURRENTS])
            curves[name] = (at + offset, ratio)
            curves[f"{name} bars"] = _bars(low, high, offset)
            found = trained[name][CASES[case].current][0]
            seconds = trained["seconds"][name]
            readout += f" The {name}: {CASES[case].current} {found:.3f} in {seconds:.0f} s."
    return Picture(curves, readout)


def both_methods(fit, seed):
    """Return what the button of `what_can_be_told` runs."""

    def run(watch, case, sigma_mV, seen_Ca, beats, free_shift):
        pair = [recording(n, sigma_mV, seen_Ca, seed + k) for k, n in enumerate(("control", case))]
        began = time.monotonic()
        found = compare(fit, *pair)
        network = {c.name: (c.ratio, c.low, c.high) for c in found.currents}
        between = time.monotonic()
        watch(1, 2, 0.0)
        squares = direct.fit_pair(CELL, *pair).ratios
        seconds = {"network": between - began, "least squares": time.monotonic() - between}
        return {"network": network, "least squares": squares, "seconds": seconds}

    return run


def what_can_be_told(fit, seed=0):
    """Open the forecast of what recordings can tell; a button runs both methods on them."""
    controls = {
        "case": Choose("what was changed", tuple((p.title, p.name) for p in perturb.PAPER),
                       "long_qt", "Of the treated cell"),
        "sigma_mV": Slide("noise of V", "mV", 0.1, 2.0, 0.5, 0.1, "White, standard deviation"),
        "seen_Ca": Tick("Ca_i is recorded, too", True, "With a noise of 2 % of its range"),
        "beats": Slide("beats a sweep", "", 1, 50, 8, 1, "That are averaged, in the forecast"),
        "free_shift": Tick(f"{SHIFTED} may have shifted", False, "One more unknown"),
    }  # fmt: skip
    looks = {
        "forecast": {"color": GREY, "lw": 5.0, **BUTT},
        "network": {"color": RED, "ls": "", "marker": "o"},
        "network bars": {"color": RED},
        "least squares": {"color": BLUE, "ls": "", "marker": "s"},
        "least squares bars": {"color": BLUE, "ls": "--"},
        "truth": {"color": "k", "ls": "", "marker": "_", "ms": 26},
    }
    curves = tuple(Curve(n, "" if n.endswith("bars") else n, look) for n, look in looks.items())
    panel = Panel(
        curves,
        "",
        "treated over control (log scale)",
        (-0.6, len(CURRENTS) - 0.4),
        (0.2, 4.0),
        yscale="log",
        xticks=dict(enumerate(CURRENTS)),
        yticks={y: f"{y:g}" for y in (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)},
    )
    training = Training(
        "Run both methods",
        "Simulates the two recordings, then the network and least squares: about 15 s",
        both_methods(fit, seed),
    )
    return Explorer(controls, [panel], told, "What recordings can tell", training=training)


# --- weights on the gates ----------------------------------------------------------------


def refit(fit, weight, favoured, eta, steps=150, watch=None):
    """Return how far each gate's h_inf moved, gates alone, with a weight on the favoured ones.

    Long QT without noise; the mean of abs(h_inf treated - h_inf control) from -85 to 30 mV, by
    gate, and the misfit of the treated (mV).
    """
    pair = [recording(name, 0.0, True, 0) for name in ("control", "long_qt")]
    beats = [Beats.of(CELL, r.sweeps) for r in pair]
    recipe = MembraneRecipe(affine=False, steps=steps)
    weights = dict.fromkeys(favoured, weight)
    refits = retrain(fit, beats, [eta], recipe=recipe, gate_weights=weights, watch=watch)
    V = np.linspace(-85.0, 30.0, 116)
    odes = [CELL.with_kinetics(learned(refits.network(d, 0), CELL)) for d in (0, 1)]
    before, after = (ode.gates(ode.at(V=V)) for ode in odes)
    moved = {g: float(np.abs(after[g].h_inf - before[g].h_inf).mean()) for g in CELL.gate_names}
    return moved, float(refits.misfit_mV[1, 0])


def favoured_gates(fit, known, favoured, eta):
    """Open how far the gates move as those of one current are favoured.

    known : weight -> what `refit` returned, to slide over; the button trains at other weights.
    """
    gates, weights = CELL.gate_names, sorted(known)

    def draw(weight, trained=None):
        nearest = min(weights, key=lambda w: abs(np.log(w / weight)))
        used, (moved, misfit) = trained if trained else (nearest, known[nearest])
        even = known[max(weights)][0]
        mine = [moved[g] for g in gates]
        curves = {
            "even": _bars(np.zeros(len(gates)), [even[g] for g in gates], -0.15),
            "mine": _bars(np.zeros(len(gates)), mine, 0.15),
        }
        part = sum(moved[g] for g in favoured) / sum(moved.values())
        return Picture(
            curves,
            f"Weight {used:.3g} on {' and '.join(favoured)}: they make {100 * part:.0f} % of all "
            f"that moved; xs moved by {moved['xs']:.4f}. Misfit {misfit:.4f} mV.",
        )

    def run(watch, weight):
        return weight, refit(fit, weight, favoured, eta, watch=watch)

    panel = Panel(
        (
            Curve("even", "equal weights", {"color": GREY, "lw": 7.0, **BUTT}),
            Curve("mine", "your weight", {"color": ORANGE, "lw": 7.0, **BUTT}),
        ),
        "",
        "mean shift of h_inf (1)",
        (-0.6, len(gates) - 0.4),
        (0.0, 0.06),
        xticks=dict(enumerate(gates)),
    )
    name = f"weight of {', '.join(favoured)}"
    controls = {
        "weight": Slide(name, "", -2.0, 0.0, 1.0, 0.1, "In the eta term; 1: none is favoured", True)
    }
    training = Training("Train it here", "At this very weight: a few seconds", run)
    return Explorer(controls, [panel], draw, "How far gates move", training=training)
