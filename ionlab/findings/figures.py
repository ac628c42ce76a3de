"""What was found, as figures."""

from dataclasses import replace

import numpy as np

from ionlab import plot
from ionlab.changes import GATING, Change, apply
from ionlab.currents import currents
from ionlab.findings.words import listed, undecided
from ionlab.identify import tied
from ionlab.observed import hidden_states

GRID_mV = np.linspace(-100.0, 50.0, 301)  # of the gate curves


def fit_figures(found):
    """Return a figure each for control and treated: recording, fitted model, residual.

    Samples that are not compared, as those of a spike of the stimulus, are left out of the model.
    """
    figures = []
    for which, side, f in zip(("Control", "Treated"), found.sides, found.predictions, strict=True):
        own, sweeps = side.beats, {}
        for block in side.blocks:
            k, length = block.sweep, own.lengths[block.sweep]
            recorded = {"V": own.V_mV, "Ca_i": own.Ca_i_mM}[block.name][k, :length]
            model = np.full(length, np.nan)
            model[block.t_ms.astype(int)] = f[block.rows]
            pairs = sweeps.setdefault(f"sweep {own.names[k]}\n{length} ms", {})
            pairs[block.name] = (recorded, model)
        title = f"{which}: recorded beats, and the fitted model"
        figures.append(plot.fits(title, sweeps, own.cell.units, 3 if len(sweeps) < 7 else 4))
    return figures


def interval_figure(found):
    """Return the ratios of all currents with their intervals; those that changed in amount bold."""
    best = found.explanations[0].changes if found.fits else ()
    amounts = [c.target for c in best if c.kind == "amount"]
    moved = dict.fromkeys(f"{c.current} (gate {c.target})" for c in best if c.kind in GATING)
    parts = [f"Changed in amount: {listed(amounts)}" if amounts else "No amount changed"]
    title = "; ".join([*parts, *([f"in gating: {listed(list(moved))}"] if moved else [])])
    if not found.fits:
        title = "The model cannot fit the control: nothing can be said"
    elif found.kind == "no change":
        title = "No change is supported"
    elif found.kind == "undecidable":
        title = "Not decidable: one of the explanations above"
    changes = [replace(c, changed=c.changed and c.name in amounts) for c in found.currents]
    return plot.ratios(changes, title, undecided(found))


def gate_figure(found):
    """Return the gate curves of theory, control and treated, and the change that was identified.

    That is drawn on the control's network: where it meets the treated one, both say the same.
    """
    comparison = found.comparison
    theory = replace(comparison.beats[0].cell, kinetics={})
    cells = dict(zip(("theory", "control", "treated"), (theory, *comparison.odes), strict=True))
    curves = {name: cell.gates(cell.at(V=GRID_mV)) for name, cell in cells.items()}
    gates = {g: {name: curves[name][g] for name in cells} for g in theory.gate_names}
    for gate, moves in _moved_gates(found).items():
        moved = apply(cells["control"], moves)
        gates[gate]["identified"] = moved.gates(moved.at(V=GRID_mV))[gate]
    V = np.concatenate([own.V_mV[own.seen] for own in comparison.beats])
    return plot.gate_curves(
        GRID_mV, gates, (V.min(), V.max()), "Gates; shaded: voltages that were recorded"
    )


def _moved_gates(found):
    """Return gate -> {Change: value}, each from the most probable explanation that moves it."""
    gates = {}
    for e in tied(found.explanations) if found.fits and found.kind != "no change" else ():
        own = {}
        for c in e.changes:
            if c.kind in GATING:
                value = c.value if c.kind == "shift" else float(np.log(c.value))
                own.setdefault(c.target, {})[Change(c.kind, c.target)] = value
        gates = own | gates
    return gates


def eta_figure(found):
    """Return the misfit of the networks at each eta, with what is accepted and what was chosen."""
    choice = found.eta
    return plot.eta_choice(choice.eta, choice.misfit_mV, choice.limit_mV, choice.chosen)


def current_figure(found):
    """Return the currents of each network along a beat of its own recording.

    Of all pairs of sweeps, the two whose cycle lengths are nearest are drawn.
    """
    comparison = found.comparison
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
