"""Lesson 6: what a first pass learned, as curves, gates and a neural ODE."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ionlab import cells, presets, simulate, store
from ionlab.dataset import Sequences
from ionlab.network import gate_path
from ionlab.neural_ode import learned
from ionlab.plot import BLUE, ORANGE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.train import ClampRecipe, PaperRecipe, train
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Training

CELL = cells.find("tentusscher2004")
LENGTHS_ms = (350.0, 500.0, 800.0)  # at which networks are judged
V_AXIS = np.linspace(-100.0, 50.0, 151)
SAMPLES_ms = 1000.0  # of each run that is trained on here
TAU_ms = (0.02, 2000.0)  # of the axis; what is beyond is drawn at its edge
RECIPES = (("the paper's", "paper"), ("pairs at constant voltage", "clamp"))


def neural_ode(fit):
    """Return the cell with the gates of a first pass."""
    return fit.cell.with_kinetics(learned(fit.n1, fit.cell))


def along(cell, traces):
    """Step the gates of a cell every sample along the V and Ca_i of runs; return (N, T, G).

    With the cell of the runs themselves: what samples 1 ms apart cost.
    """
    kinetics = cell.gates(cell.at(V=traces["V"], Ca_i=traces["Ca_i"])).values()
    h_inf, tau_ms = (np.stack(parts, -1) for parts in zip(*kinetics, strict=True))
    start = np.stack([traces[gate][:, 0] for gate in cell.gate_names], -1)
    step_ms = traces.t_ms[1] - traces.t_ms[0]
    return gate_path(*map(torch.as_tensor, (h_inf, -step_ms / tau_ms, start))).numpy()


@dataclass(frozen=True)
class _Judged:
    """All that is drawn of one network: see `_judge`."""

    name: str
    kinetics: dict
    gates: np.ndarray
    V_mV: np.ndarray
    apd_ms: np.ndarray


@cache
def _truth():
    traces = simulate.pace(CELL, LENGTHS_ms, record_last_ms=2000.0)
    rest = traces["Ca_i"].mean()
    return traces, rest, _judge("cell", CELL, traces, rest)


def _judge(name, cell, traces, Ca_i):
    """Curves over V at one Ca_i, the gates along true runs, and V of runs of its own."""
    own = simulate.pace(cell, LENGTHS_ms, record_last_ms=2000.0)
    at = cell.at(V=V_AXIS, Ca_i=np.full_like(V_AXIS, Ca_i))
    return _Judged(name, cell.gates(at), along(cell, traces), own["V"], own.apd_ms())


def _judge_fit(name, fit):
    traces, rest, _ = _truth()
    return _judge(name, neural_ode(fit), traces, rest)


@cache
def _shipped(recipe):
    if recipe == "paper":
        fit = store.load_fit(store.WEIGHTS / f"{CELL.name}-paper.safetensors", CELL)
    else:
        file = store.theory_file(CELL, presets.PAPER.clamp)
        fit = store.load_fit(store.WEIGHTS / file, CELL)
    return _judge_fit("shipped", fit)


def train_here(watch, recipe, runs, lam, width, **_):
    """Train with a small budget, as the controls say; return what is drawn of the network."""
    width = int(width)
    if recipe == "clamp":
        few = ClampRecipe(points=181, adam_steps=400, lbfgs_steps=600)
        fit = train(CELL, recipe=few, watch=watch, width=width)
    else:
        lengths = np.linspace(350.0, 800.0, int(runs))
        traces = simulate.pace(CELL, lengths, record_last_ms=SAMPLES_ms)
        few = PaperRecipe(epochs=1, learning_rate=1e-3, lam=lam)
        fit = train(CELL, Sequences.from_traces(traces), few, watch=watch, width=width)
    return _judge_fit("trained here", fit)


def learned_against_true(recipe, runs, lam, width, gate, cycle_length_ms, trained=None):
    """Return the picture of one gate, and of V as a neural ODE: cell, shipped, trained here."""
    traces, _, cell = _truth()
    k, run = CELL.gate_names.index(gate), LENGTHS_ms.index(cycle_length_ms)
    t_ms = traces.t_ms - traces.t_ms[0]
    true_V, true_h = traces["V"][run], traces[gate][run]
    curves, said = {}, []
    for kind, judged in (("cell", cell), ("shipped", _shipped(recipe)), ("trained", trained)):
        if judged is None:
            continue
        h = true_h if kind == "cell" else judged.gates[run, :, k]
        curves[f"h_inf {kind}"] = (V_AXIS, judged.kinetics[gate].h_inf)
        curves[f"tau {kind}"] = (V_AXIS, np.clip(judged.kinetics[gate].tau_ms, *TAU_ms))
        curves[f"gate {kind}"] = (t_ms, h)
        curves[f"V {kind}"] = (t_ms, judged.V_mV[run])
        if kind == "cell":
            said.append(f"Cell: APD90 {judged.apd_ms[run]:.1f} ms at {cycle_length_ms:g} ms.")
            continue
        off_h, off_V = (
            np.sqrt(np.mean((a - b) ** 2)) for a, b in ((h, true_h), (judged.V_mV[run], true_V))
        )
        apd = judged.apd_ms[run]
        fires = f"APD90 {apd:.1f} ms" if np.isfinite(apd) else "no action potential"
        said.append(
            f"{judged.name.capitalize()}: {fires}, V off by {off_V:.2f} mV, "
            f"{gate} along the true V off by {off_h:.4f} (RMSE)."
        )
    return Picture(curves, " ".join(said))


def first_pass():
    """Open the first pass: choose a recipe, see what was learned, train it here anew."""
    for _, recipe in RECIPES:  # now, so that no move has to wait for it
        _shipped(recipe)
    controls = {
        "What is shown": {
            "recipe": Choose("recipe", RECIPES, "paper", "How the network was trained"),
            "gate": Choose("gate", CELL.gate_names, "f", "Of the ten classic gates"),
            "cycle_length_ms": Choose(
                "cycle length",
                tuple((f"{x:g} ms", x) for x in LENGTHS_ms),
                500.0,
                "Of the two lower pictures",
            ),
        },
        "Training here": {
            "runs": Slide(
                "cycle lengths", "", 2.0, 16.0, 8.0, 1.0, "Of the paper's recipe: 350 to 800 ms"
            ),
            "lam": Slide(
                "lambda", "", -6.0, 0.0, 1e-4, 0.5, "Of the paper's recipe: Eq. 2.5.2", log=True
            ),
            "width": Slide("width of phi1", "units", 4.0, 60.0, 30.0, 2.0, "Of both recipes"),
        },
    }
    looks = {
        "cell": {"color": BLUE, "lw": 2.0},
        "shipped": {"color": RED, "ls": "--"},
        "trained": {"color": ORANGE, "ls": "-."},
    }
    names = {"cell": "cell", "shipped": "shipped", "trained": "trained here"}

    def panel(what, xlabel, ylabel, x, y, yscale="linear", legend=False):
        lines = (
            Curve(f"{what} {kind}", names[kind] if legend else "", look)
            for kind, look in looks.items()
        )
        return Panel(tuple(lines), xlabel, ylabel, x, y, yscale=yscale)

    volts, time = ("V (mV)", (-100.0, 50.0)), ("time (ms)", (0.0, 2000.0))
    panels = [
        panel("h_inf", volts[0], "steady state", volts[1], (-0.05, 1.05), legend=True),
        panel("tau", volts[0], "time constant (ms)", volts[1], TAU_ms, "log"),
        panel("gate", time[0], "the gate, true V", time[1], (-0.05, 1.05)),
        panel("V", time[0], "V of the neural ODE (mV)", time[1], (-95.0, 65.0)),
    ]
    training = Training("Train it here", "Takes some seconds; Stop keeps what there is", train_here)
    title = "What a first pass learned"
    return Explorer(
        controls, panels, learned_against_true, title, (800, 470), columns=2, training=training
    )
