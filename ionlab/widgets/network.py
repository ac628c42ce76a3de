"""Lesson 4: what the two networks of Figure 1 see, and layers with a memory side by side."""

from functools import cache

import numba
import numpy as np
import torch
from torch.nn import functional as F

from ionlab import cells, simulate, store
from ionlab.network import as_inputs, gate_path, one_thread
from ionlab.plot import BLUE, GREEN, GREY, PURPLE, RED
from ionlab.plot.live import Curve, Panel
from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick

LENGTHS_ms = tuple(float(x) for x in range(350, 801, 50))
BEATS = 5  # that N2 runs through from an empty memory; the last one is drawn
LAYERS = {
    "no memory": {"color": PURPLE, "ls": ":", "lw": 1.6},
    "LSTM": {"color": GREEN, "ls": "-.", "lw": 1.6},
    "gating layer": {"color": RED, "ls": "--", "lw": 1.6},
}


@cache
def _beats():
    """The networks trained by the paper's recipe, and one beat of the cell at each cycle length."""
    cell = cells.find("tentusscher2004")
    fit = store.load_fit(store.WEIGHTS / f"{cell.name}-paper.safetensors", cell)
    traces = simulate.pace(cell, LENGTHS_ms, record_last_ms=2000.0)
    beats = {}
    for k, length in enumerate(LENGTHS_ms):
        first = int(-traces.t_ms[0] % length)  # cycles begin at multiples of their length
        beats[length] = traces.values[k][:, first : first + int(length)].T
    mean = np.mean(np.concatenate(list(beats.values())), 0)
    return cell, fit, beats, mean


@numba.njit(cache=True)
def _lstm(z, W, b, keep):
    """Outputs (T, R) of the LSTM of `ionlab.network.N2` along inputs z (T, 4 R).

    Without `keep` the memory is emptied before every sample.
    """
    samples, width = z.shape[0], z.shape[1] // 4
    out, carry = np.zeros(width, z.dtype), np.zeros(width, z.dtype)
    path = np.empty((samples, width), z.dtype)
    for t in range(samples):
        if not keep:
            out[:], carry[:] = 0.0, 0.0
        a = z[t] + out @ W + b
        for r in range(width):
            write, forget, read = a[r], a[width + r], a[2 * width + r]
            carry[r] = carry[r] / (1.0 + np.exp(-forget)) + np.tanh(a[3 * width + r]) / (
                1.0 + np.exp(-write)
            )
            out[r] = np.tanh(carry[r]) / (1.0 + np.exp(-read))
        path[t] = out
    return path


def both_networks(fit, beat, mean, n1_sees, n2_sees, gates_seen=True, memory=True):
    """Run N1 and N2 along one beat, (T, S) of states, over and over; return what they predict.

    n1_sees, n2_sees : observables that the network reads; the others are held at their mean (S,).
    gates_seen, memory : whether N2 reads the gates that N1 predicts, and keeps its LSTM's memory.

    Returns the gates (T, G) and the other states (T, R) one sample later, in physical units.
    """
    names, norm = list(fit.cell.state_names), fit.normaliser
    ranges = [
        (norm.low[at], norm.high[at] - norm.low[at])
        for at in ([names.index(n) for n in group] for group in _groups(fit.cell))
    ]
    (low_o, span_o), (low_h, span_h), (low_y, span_y) = ranges

    def observed(seen):
        return np.stack(
            [
                beat[:, k] if name in seen else np.full(len(beat), mean[k])
                for name, k in ((n, names.index(n)) for n in fit.cell.observables)
            ],
            -1,
        )

    with torch.no_grad(), one_thread():
        columns = dict(zip(fit.n1.inputs, observed(n1_sees).T, strict=True))
        h_inf, log_rho = fit.n1.kinetics(as_inputs(fit.n1, columns))
        h = gate_path(h_inf, log_rho)[0].roll(-1, 0)  # entry t: the gates at t + 1
        held = torch.as_tensor(
            (mean[[names.index(g) for g in fit.cell.gate_names]] - low_h) / span_h
        )
        normal = (h.numpy() - low_h) / span_h
        seen = torch.as_tensor(normal).float() if gates_seen else held.float().expand_as(h)
        x = torch.as_tensor((observed(n2_sees) - low_o) / span_o, dtype=torch.float32)
        z = torch.cat([x, seen], -1)[None]
        for dense in fit.n2.phi2:
            z = F.relu(dense(z))
        z = fit.n2.into(z)[0].repeat(BEATS, 1).numpy()
        W, b = fit.n2.back.W[0].numpy(), fit.n2.back.b[0, 0].numpy()
        out = torch.as_tensor(_lstm(z, W, b, memory)[-len(beat) :])
        y = torch.sigmoid(fit.n2.phi3(out[None]))[0]
    return h.numpy(), low_y + span_y * y.numpy()


def _groups(cell):
    return cell.observables, cell.gate_names, cell.other_names


def seen_by_the_networks(
    cycle_length_ms, gate, other, n1_V, n1_Ca, n2_V, n2_Ca, n2_gates, n2_memory
):
    """Return the picture of one gate and one other state along a beat, true and predicted."""
    cell, fit, beats, mean = _beats()
    beat, names = beats[cycle_length_ms], list(cell.state_names)
    ticked = [[n for n, on in zip(cell.observables, pair, strict=True) if on]
              for pair in ((n1_V, n1_Ca), (n2_V, n2_Ca))]  # fmt: skip
    gates, rest = both_networks(fit, beat, mean, *ticked, n2_gates, n2_memory)
    later = np.roll(beat, -1, 0)
    true_h = later[:, [names.index(g) for g in cell.gate_names]]
    g, o = cell.gate_names.index(gate), cell.other_names.index(other)
    true_o, made_o = later[:, names.index(other)], rest[:, o]
    t_ms = np.arange(len(beat)) + 1.0
    off = np.sqrt(np.mean((made_o - true_o) ** 2))
    copied = np.sqrt(np.mean((beat[:, names.index(other)] - true_o) ** 2))
    unit = cell.units[other]
    unit = "" if unit == "1" else f" {unit}"
    span = np.ptp(true_o) or 1.0
    return Picture(
        {
            "true gate": (t_ms, true_h[:, g]),
            "N1": (t_ms, gates[:, g]),
            "true other": (t_ms, (true_o - true_o.min()) / span),
            "N2": (t_ms, (made_o - true_o.min()) / span),
        },
        f"N1: {gate} is off by {np.sqrt(np.mean((gates[:, g] - true_h[:, g]) ** 2)):.3f} (RMSE), "
        f"all ten gates by {np.sqrt(np.mean((gates - true_h) ** 2)):.3f}. "
        f"N2: {other} is off by {off:.3g}{unit}; to say that it stays as it was 1 ms ago "
        f"is off by {copied:.3g}{unit}.",
    )


def two_networks():
    """Open Figure 1: blind N1 or N2 to an input, and see which prediction suffers."""
    cell, *_ = _beats()
    controls = {
        "Beat and states": {
            "cycle_length_ms": Slide(
                "cycle length", "ms", LENGTHS_ms[0], LENGTHS_ms[-1], 500.0, 50.0, "Of the pacing"
            ),
            "gate": Choose("gate (N1)", cell.gate_names, "f", "Of the ten that N1 predicts"),
            "other": Choose(
                "other state (N2)", cell.other_names, "V", "Of the seven that N2 predicts"
            ),
        },
        "What the networks see": {
            "n1_V": Tick("N1 reads V", True, "Else phi1 gets the mean V"),
            "n1_Ca": Tick("N1 reads Ca_i", True, "Else phi1 gets the mean Ca_i"),
            "n2_V": Tick("N2 reads V (bypass)", True, "Else phi2 gets the mean V"),
            "n2_Ca": Tick("N2 reads Ca_i (bypass)", True, "Else phi2 gets the mean Ca_i"),
            "n2_gates": Tick("N2 reads the gates of N1", True, "Else phi2 gets the mean gates"),
            "n2_memory": Tick(
                "N2 keeps its memory", True, "Else the LSTM is emptied before every sample"
            ),
        },
    }
    looks = {"color": BLUE, "lw": 2.0}, {"color": RED, "ls": "--", "lw": 1.6}
    panels = [
        Panel(
            (Curve(f"true {what}", "cell", looks[0]), Curve(net, net, looks[1])),
            "time in the beat (ms)",
            ylabel,
            (0.0, LENGTHS_ms[-1]),
            (-0.05, 1.05),
        )
        for what, net, ylabel in (
            ("gate", "N1", "the gate"),
            ("other", "N2", "the other state, 0 to 1 of its range"),
        )
    ]
    title = "What N1 and N2 predict along a beat"
    return Explorer(controls, panels, seen_by_the_networks, title, (800, 320), columns=2)


def layers_side_by_side(t_ms, V_mV, true, made, gates, cycle_lengths_ms):
    """Open the gates that layers with and without memory make of V, beside the true ones.

    t_ms (T,), V_mV (N, T), true (N, T, G), made : layer -> (N, T, G), for N cycle lengths.
    """

    def draw(run, gate, **shown):
        g = gates.index(gate)
        curves = {
            "path cell": (t_ms, true[run, :, g]),
            "loop cell": (V_mV[run], true[run, :, g]),
        }
        said = []
        for layer, values in made.items():
            if shown[layer]:
                curves[f"path {layer}"] = (t_ms, values[run, :, g])
                curves[f"loop {layer}"] = (V_mV[run], values[run, :, g])
                rmse = np.sqrt(np.mean((values[run, :, g] - true[run, :, g]) ** 2))
                said.append(f"{layer} {rmse:.3f}")
        off = ", ".join(said) or "no layer is shown"
        return Picture(curves, f"Gate {gate} at {cycle_lengths_ms[run]:g} ms. RMSE: {off}.")

    lengths = tuple((f"{x:g} ms", k) for k, x in enumerate(cycle_lengths_ms))
    controls = {
        "run": Choose("cycle length", lengths, 0, "Of validation: never trained on"),
        "gate": Choose("gate", tuple(gates), "f", "Of the ten that are predicted from V"),
        **{layer: Tick(layer, True, "Show what this one makes of V") for layer in made},
    }
    span = {"path": ("time (ms)", (t_ms[0], t_ms[-1])), "loop": ("V (mV)", (-100.0, 50.0))}
    panels = [
        Panel(
            (
                Curve(f"{kind} cell", "cell" if kind == "path" else "", {"color": GREY, "lw": 2.4}),
                *(
                    Curve(f"{kind} {layer}", layer if kind == "path" else "", LAYERS[layer])
                    for layer in made
                ),
            ),
            xlabel,
            "the gate",
            limits,
            (-0.05, 1.25 if kind == "path" else 1.05),
        )
        for kind, (xlabel, limits) in span.items()
    ]
    title = "Gates predicted from the voltage, with and without memory"
    return Explorer(controls, panels, draw, title, (800, 320), columns=2)
