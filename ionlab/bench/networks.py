"""Measurements of the networks: both passes, and what is read from them."""

import numpy as np

from ionlab import compare, perturb, presets
from ionlab.bench.figure import Figure, timed
from ionlab.bench.solver import EDGE_ms
from ionlab.cells import tentusscher2004 as CELL
from ionlab.neural_ode import learned
from ionlab.observed import Beats
from ionlab.recordings import from_traces
from ionlab.retrain import retrain
from ionlab.simulate import pace
from ionlab.store import theory
from ionlab.train import train

NOISE_mV = 0.5


def first_pass():
    """The first pass, and its neural ODE against the cell at the paper's cycle lengths."""
    seconds, fit = timed(lambda: train(CELL, recipe=presets.PAPER.clamp))
    ode = CELL.with_kinetics(learned(fit.n1, CELL))
    lengths = np.array(presets.PAPER.cycle_lengths_ms)
    true = pace(CELL, lengths)
    blocked = [x for x, answer in zip(lengths, true.capture(), strict=True) if answer != "1:1"]
    kept = lengths > max(blocked, default=-np.inf) + EDGE_ms
    mine = pace(ode, lengths[kept])
    true = true.select(kept)
    rmse = np.sqrt(np.mean((mine["V"] - true["V"]) ** 2, axis=1))
    apd = abs(mine.apd_ms() - true.apd_ms())
    note = f"{kept.sum()} cycle lengths; left out, 2:1 or nearly: " + (
        f"{lengths[0]:g} to {lengths[~kept][-1]:g} ms" if (~kept).any() else "none"
    )
    return [
        Figure("first pass", seconds, 60.0, "s"),
        Figure("its neural ODE: V RMSE, worst", rmse.max(), 0.5, "mV", note=note),
        Figure("its neural ODE: APD90 off, worst", apd.max(), 1.0, "ms", note=note),
    ]


def _shipped():
    """Return the network of the first pass that ships."""
    return theory(CELL, presets.PAPER.clamp)


def _recordings(perturbation, seed):
    """Return control and treated: the fast kernel at three cycle lengths with 0.5 mV of noise."""
    rng = np.random.default_rng(seed)
    return [
        from_traces(pace(cell, presets.PAPER.beats_ms, record_last_ms=5000.0), name, NOISE_mV, rng)
        for name, cell in (("control", CELL), (perturbation.name, perturbation.apply(CELL)))
    ]


def retrained():
    """Second pass: 120 networks, (control, treated) x 3 perturbations x 20 values of eta."""
    fit = _shipped()
    datasets = [
        Beats.of(CELL, recording.sweeps)
        for seed, perturbation in enumerate(perturb.PAPER)
        for recording in _recordings(perturbation, seed)
    ]
    seconds, refits = timed(
        lambda: retrain(fit, datasets, presets.PAPER.eta, recipe=presets.PAPER.membrane)
    )
    return [
        Figure(f"{refits.misfit_mV.size} retrained networks, membrane decoder", seconds, 150.0, "s")
    ]


def attribution():
    """The paper's three cases: which current comes first, its ratio, the neural ODE of N_Y."""
    fit, figures = _shipped(), []
    for seed, perturbation in enumerate(perturb.PAPER):
        ((_, factor),) = perturbation.factors.items()
        found = compare(fit, *_recordings(perturbation, seed), recipe=presets.PAPER.membrane)
        names = [change.name for change in found.currents]
        change = found.currents[names.index(perturbation.current)]
        lengths = presets.PAPER.beats_ms
        apd = [pace(c, lengths).apd_ms() for c in (found.odes[1], perturbation.apply(CELL))]
        off = apd[0] - apd[1]
        what = f"{perturbation.name}, {perturbation.current}"
        also = f"{change.ratio:.2f} [{change.low:.2f}, {change.high:.2f}] for {factor:g}"
        called = f"called: {', '.join(found.changed) or 'none'}"
        each = ", ".join(f"{d:+.1f} at {x:g}" for x, d in zip(lengths, off, strict=True))
        figures += [
            Figure(f"{what}: rank", names.index(perturbation.current) + 1, 1, "", note=called),
            Figure(
                f"{what}: ratio off", abs(change.ratio - factor), max(0.1, 0.1 * factor), note=also
            ),
            Figure(f"{what}: neural ODE, APD90 off, worst", abs(off).max(), 5.0, "ms", note=each),
        ]
    return figures
