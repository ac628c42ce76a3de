"""What the report says, shows and writes of a comparison: sentences, tables, figures, results."""

import html
import json
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from ionlab import plot
from ionlab.compare import POOR_FIT_mV
from ionlab.currents import currents
from ionlab.network import device_of
from ionlab.observed import hidden_states
from ionlab.simulate import pace
from ionlab.store import replacing

WIDE = 4.0  # an interval whose ends differ by more than this factor decides nothing
GOOD_FIT_mV = 1.0
LOST = 0.8  # a model that misses by this much of what a recording varies does not follow it
GRID_mV = np.linspace(-100.0, 50.0, 301)  # of the gate curves
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# --- in words ----------------------------------------------------------------------------


def decidable(comparison):
    """Return whether both neural ODEs follow their recordings at all: else nothing is called."""
    varies = np.array([own.V_mV[own.seen].std() for own in comparison.beats])
    return bool((comparison.v_rmse_mV <= LOST * varies).all())  # False for NaN


def undecided(comparison):
    """Return the names of currents that the recordings hardly show: nothing can be said."""
    return [c.name for c in comparison.currents if not (c.changed or c.high <= WIDE * c.low)]


def sentence(comparison):
    """Return the answer in one sentence or two."""
    changed = [c for c in comparison.currents if c.changed]
    misses = " and ".join(
        f"{error:.1f} mV" if np.isfinite(error) else "an unknown amount"
        for error in comparison.v_rmse_mV
    )
    if not decidable(comparison):
        text = f"Not decidable: the model misses the recordings by {misses} (RMS)."
        hints = listed([f"{c.name} {_interval(c)}" for c in changed])
        return f"{text} What stands out, {hints}, is a hint at most." if changed else text
    open_ = undecided(comparison)
    parts = [
        f"{c.name} fell to {_interval(c)} of its control value"
        if c.ratio < 1
        else f"{c.name} rose to {_interval(c)} times its control value"
        for c in changed
    ] or ["No change of a current is supported"]
    if open_:
        parts.append(f"{listed(open_)} cannot be decided")
    count = len(comparison.currents)
    if changed and len(changed) + len(open_) < count:
        parts.append(f"no other of the {WORDS[count]} currents changed")
    answer = "; ".join(parts) + "."
    if (comparison.v_rmse_mV > POOR_FIT_mV).any():
        answer += f" The model misses the recordings by {misses} (RMS): read this with doubt."
    return answer


def _interval(c):
    return f"{c.ratio:.2f} ({c.low:.2f} to {c.high:.2f})"


def listed(words):
    """Return "a", "a and b" or "a, b and c"."""
    *most, last = words or [""]
    return f"{', '.join(most)} and {last}" if most else last


def judgement(comparison):
    """Say how near the neural ODEs come to the recordings, a paragraph for both."""
    said = []
    for which, beats, error in zip(
        ("control", "treated"), comparison.beats, comparison.v_rmse_mV, strict=True
    ):
        if not error <= POOR_FIT_mV:
            word = "poor: the answer stands on weak ground"
        else:
            word = "good" if error <= GOOD_FIT_mV else "fair"
        spreads = [V.std(0, ddof=1).mean() for V, _ in beats.single if len(V) > 1]
        by = f"{error:.2f} mV" if np.isfinite(error) else "an unknown amount (it diverged)"
        text = f"The neural ODE of the {which} misses its mean beats by {by} (RMS): {word}."
        if spreads:
            text += f" The beats of a sweep differ among themselves by {np.mean(spreads):.2f} mV."
        said.append(text)
    return "\n\n".join(said)


def warnings(comparison, control, treated):
    """Return all warnings, each once."""
    return list(dict.fromkeys([*control.warnings, *treated.warnings, *comparison.warnings]))


def bullets(lines, first, otherwise=""):
    """Return a line and a list as HTML, or another line if the list is empty."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<p>{first}</p><ul>{items}</ul>" if items else f"<p>{otherwise}</p>"


def recorded(control, treated):
    """Return a table of the sweeps."""
    rows = [
        {
            "recording": which,
            "sweep": s.name,
            "cycle length (ms)": f"{s.cycle_length_ms:.4g}",
            "recorded (s)": f"{len(s.V_mV) / 1000:.1f}",
            "beats": len(s.stimuli_ms),
            "V": "from fluorescence" if s.scaled else "measured",
            "Ca_i": "no" if s.Ca_i_mM is None else "yes",
            "stimuli": "placed at the upstrokes" if s.placed else "recorded",
            "answered": s.answer,
        }
        for which, recording in (("control", control), ("treated", treated))
        for s in recording.sweeps
    ]
    return pd.DataFrame(rows)


def gate_table(comparison):
    """Return a table of the gates: treated against control."""
    rows = [
        {
            "gate": g.name,
            "shift of h_inf (mV)": f"{round(g.shift_mV, 1) + 0.0:+.1f}",
            "ratio of tau": f"{g.tau_ratio:.2f}",
            "mean difference of h_inf": f"{g.difference:.3f}",
        }
        for g in comparison.gates
    ]
    return pd.DataFrame(rows)


def made_with(settings, started_s, ionlab_version):
    """Return a table of what was used; `started_s` is the clock (`time.monotonic`) at the start."""
    rows = {
        "cell": settings.cell,
        "preset": settings.preset,
        "eta": f"{settings.eta:g}",
        "seed": settings.seed,
        "device": str(device_of(settings.device)),
        "ionlab": ionlab_version,
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy", "numba")},
        "run time (s)": f"{time.monotonic() - started_s:.0f}",
    }
    return pd.DataFrame({"setting": rows.keys(), "value": rows.values()})


# --- in figures --------------------------------------------------------------------------


def fit_figures(comparison):
    """Return a figure each for control and treated: recording, neural ODE, residual."""
    figures = []
    for d, which in enumerate(("Control", "Treated")):
        own, sweeps = comparison.beats[d], {}
        for k, (name, length) in enumerate(zip(own.names, own.lengths, strict=True)):
            pairs = {"V": (own.V_mV[k, :length], comparison.simulated_mV[d][k, :length])}
            if own.Ca_i_mM is not None:
                pairs["Ca_i"] = (own.Ca_i_mM[k, :length], _calcium(comparison.odes[d], length))
            sweeps[f"sweep {name}\n{length} ms"] = pairs
        title = f"{which}: recorded beats, and the neural ODE"
        figures.append(plot.fits(title, sweeps, own.cell.units, 3 if len(sweeps) < 7 else 4))
    return figures


def _calcium(ode, length):
    """Ca_i (T,) of the paced neural ODE, as `compare.along` does it for V."""
    whole = length * max(2, round(20_000 / length))
    return pace(ode, [float(length)], whole, float(length))["Ca_i"][0]


def current_figure(comparison):
    """Return the currents of each network along a beat of its own recording.

    Of all pairs of sweeps, the two whose cycle lengths are nearest are drawn.
    """
    x, y = (own.lengths for own in comparison.beats)
    nearest = np.unravel_index(np.abs(x[:, None] - y).argmin(), (len(x), len(y)))
    times, traces = [], []
    for d, k in enumerate(nearest):
        own, ode = comparison.beats[d], comparison.odes[d]
        length = own.lengths[k]
        one = replace(
            own,
            names=own.names[k : k + 1],
            lengths=own.lengths[k : k + 1],
            V_mV=own.V_mV[k : k + 1, :length],
            Ca_i_mM=None if own.Ca_i_mM is None else own.Ca_i_mM[k : k + 1, :length],
        )
        settled = comparison.refits.settled.hidden[d].values
        start = {name: values[k, 0] for name, values in settled.items()}
        hidden = hidden_states(one, [ode.with_start(**start)])
        along = currents(ode, hidden.values)
        times.append(hidden.t_ms)
        traces.append({name: along[name][0] for name in ode.conductances})
    cell = comparison.beats[0].cell
    lengths = " and ".join(
        dict.fromkeys(f"{n[k]} ms" for n, k in zip((x, y), nearest, strict=True))
    )
    return plot.before_after(
        tuple(times),
        {name: (traces[0][name], traces[1][name]) for name in cell.conductances},
        dict.fromkeys(cell.conductances, cell.current_unit),
        f"Currents along one recorded beat, cycle length {lengths}",
    )


def ratio_figure(comparison):
    """Return the ratios of all currents with their intervals."""
    changes = comparison.currents
    changed = [c.name for c in changes if c.changed]
    title = f"Changed: {listed(changed)}" if changed else "No change is supported"
    if not decidable(comparison):
        title = "Not decidable: the model misses the recordings"
        changes = [replace(c, changed=False) for c in changes]
    return plot.ratios(changes, title, undecided(comparison))


def gate_figure(comparison):
    """Return the gate curves of theory, control and treated."""
    names = ("theory", "control", "treated")
    theory = replace(comparison.beats[0].cell, kinetics={})
    gates = {
        name: cell.gates(cell.at(V=GRID_mV))
        for name, cell in zip(names, (theory, *comparison.odes), strict=True)
    }
    V = np.concatenate([own.V_mV[own.seen] for own in comparison.beats])
    return plot.gate_curves(
        GRID_mV,
        {g: {name: gates[name][g] for name in names} for g in theory.gate_names},
        (V.min(), V.max()),
        "Gates; shaded: voltages that were recorded",
    )


# --- as a file ---------------------------------------------------------------------------


def results(comparison, settings, control, treated):
    """Return the content of results.json."""
    sides = {
        which: {"file": recording.file, "sweeps": len(own.names), "v_rmse_mV": _number(error)}
        for which, recording, own, error in zip(
            ("control", "treated"),
            (control, treated),
            comparison.beats,
            comparison.v_rmse_mV,
            strict=True,
        )
    }
    return {
        "cell": settings.cell,
        "preset": settings.preset,
        "seed": settings.seed,
        "eta": settings.eta,
        "sentence": sentence(comparison),
        **sides,
        "currents": [
            {"name": c.name, **{k: _number(getattr(c, k)) for k in ("ratio", "low", "high")}}
            for c in comparison.currents
        ],
        "changed": list(comparison.changed) if decidable(comparison) else [],
        "gates": [
            {
                "name": g.name,
                **{k: _number(getattr(g, k)) for k in ("shift_mV", "tau_ratio", "difference")},
            }
            for g in comparison.gates
        ],
        "warnings": warnings(comparison, control, treated),
    }


def _number(x):
    """Four digits; None for what is not a number."""
    return float(f"{x:.4g}") if np.isfinite(x) else None


def write(folder, content):
    """Write results.json into a folder, whole or not at all."""
    with replacing(Path(folder) / "results.json") as aside:
        aside.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
