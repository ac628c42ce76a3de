"""The computations behind the paper's figures, each stored under a key made of its settings.

A stage that finds its file reads it, so a run that was killed goes on where it stopped.
"""

from dataclasses import asdict, replace

import numpy as np

from ionlab import store
from ionlab.cells import tentusscher2004 as CELL
from ionlab.compare import current_changes
from ionlab.dataset import Sequences
from ionlab.perturb import PAPER
from ionlab.presets import find
from ionlab.readout import CASES, SHIPPED, file_of, recorded
from ionlab.retrain import retrain
from ionlab.simulate import pace
from ionlab.train import train

CELLS = {"control": CELL, **{p.name: p.apply(CELL) for p in PAPER}}
FACTORS = {p.name: dict(p.factors) for p in PAPER}
LESSON_ETA = (1e-4, 3e-4, 1e-3, 1.5e-3, 2e-3)  # with N2, and where only lessons look
UPSTROKE = {"published": True, "no-upstroke": False}  # variants of the paper's second pass


def theory_stage(stages, preset, seed, device):
    """First pass by the clamp recipe -> `Fit`."""
    arrays = store.cached(
        stages,
        "first-pass-clamp",
        {"cell": CELL.name, "seed": seed, "recipe": asdict(preset.clamp)},
        lambda: store.arrays_of(train(CELL, recipe=preset.clamp, seed=seed, device=device)),
    )
    return store.fit_of(arrays, CELL, "tanh", ("V",), preset.clamp, seed)


def membrane_stage(stages, preset, seed, device, name, eta=None, factor=None, affine=True):
    """Second pass on control and one perturbed data set -> arrays.

    eta : values; those of the preset if None. factor : of the conductance; the paper's if None.
    """
    perturbation = _strength(name, factor)
    eta, recipe = eta or preset.eta, replace(preset.membrane, affine=affine)

    def compute():
        fit = theory_stage(stages, preset, seed, device)
        datasets = [recorded(c, preset.beats_ms) for c in (CELL, perturbation.apply(CELL))]
        refits = retrain(fit, datasets, eta, recipe=recipe, device=device)
        order = list(CELL.conductances)
        changes = sorted(current_changes(refits.settled), key=lambda c: order.index(c.name))
        return {
            **store.arrays_of_refits(refits),
            **{
                field: np.array([getattr(change, field) for change in changes])
                for field in ("ratio", "low", "high", "evidence")
            },
        }

    settings = {
        "cell": CELL.name,
        "factors": dict(perturbation.factors),
        "beats_ms": preset.beats_ms,
        "seed": seed,
        "eta": eta,
        "clamp": asdict(preset.clamp),
        "recipe": asdict(recipe),
    }
    file = file_of("second-pass", name, "membrane" if affine else "no-affine", factor)
    return store.cached(stages, file.removesuffix(".safetensors"), settings, compute)


def _strength(name, factor):
    """Return a perturbation of the paper with this factor, the paper's own if None."""
    base = CASES[name]
    return base if factor is None else replace(base, factors=dict.fromkeys(base.factors, factor))


def published_stage(stages, preset, seed, device):
    """First pass by the paper's recipe -> `Fit` with N2."""

    def compute():
        samples = preset.paper_samples
        traces = pace(CELL, preset.cycle_lengths_ms, record_last_ms=float(samples))
        sequences = Sequences.from_traces(traces, n_validation=preset.n_validation, seed=seed)
        fit = train(CELL, sequences, preset.paper, seed, device)
        rmse = np.array([fit.validation[gate] for gate in CELL.gate_names])
        return {**store.arrays_of(fit), "validation": rmse}

    settings = _published_settings(preset, seed)
    arrays = store.cached(stages, "first-pass-paper", settings, compute)
    return store.fit_of(arrays, CELL, "relu", CELL.observables, preset.paper, seed), arrays


def decoder_stage(stages, preset, seed, device, variant):
    """Second pass with N2 on all four conditions, the paper's values of eta -> arrays."""
    eta, recipe = LESSON_ETA, replace(preset.decoder, upstroke=UPSTROKE[variant])

    def compute():
        fit, _ = published_stage(stages, preset, seed, device)
        data = []
        slow = preset.cycle_lengths_ms[len(preset.cycle_lengths_ms) // 6 :: 4]  # off the block
        for cell in CELLS.values():
            traces = pace(cell, slow, record_last_ms=float(preset.decoder_samples))
            data.append(Sequences.from_traces(traces, fit.normaliser).columns(CELL.observables))
        refits = retrain(fit, data, eta, decoder="n2", recipe=recipe, device=device)
        return store.arrays_of_refits(refits)

    settings = {
        "first": _published_settings(preset, seed),
        "factors": FACTORS,
        "eta": eta,
        "recipe": asdict(recipe),
        "samples": preset.decoder_samples,
    }
    return store.cached(stages, f"second-pass-n2-{variant}", settings, compute)


def published_branch(stages, preset_name, seed, device):
    """Everything by the paper's own recipe, for a process of its own; it leaves its stages."""
    for variant in UPSTROKE:
        decoder_stage(stages, find(preset_name), seed, device, variant)


def ship(folder, stages, preset, seed, device):
    """Write the weights that the lessons need to a folder: first passes and second passes.

    Other strengths, and gates without gains, are retrained here: the figures do not need them.
    """
    fit = theory_stage(stages, preset, seed, device)
    published, _ = published_stage(stages, preset, seed, device)
    store.save_fit(folder / f"{CELL.name}-paper.safetensors", published)
    for method in ("membrane", "no-affine"):
        for name, factors in SHIPPED[method].items():
            for factor in factors:
                figures = method == "membrane" and factor in FACTORS[name].values()
                arrays = (
                    membrane_stage(stages, preset, seed, device, name)
                    if figures
                    else membrane_stage(
                        stages, preset, seed, device, name, LESSON_ETA, factor, method == "membrane"
                    )
                )
                file = folder / file_of(CELL.name, name, method, factor)
                store.save_refits(file, store.refits_of(arrays, fit), fit)
    for variant in UPSTROKE:
        arrays = decoder_stage(stages, preset, seed, device, variant)
        refits = store.refits_of(arrays, published)
        store.save_refits(folder / f"{CELL.name}-n2-{variant}.safetensors", refits, published)


def _published_settings(preset, seed):
    return {
        "cell": CELL.name,
        "seed": seed,
        "recipe": asdict(preset.paper),
        "cycle_lengths_ms": preset.cycle_lengths_ms,
        "n_validation": preset.n_validation,
        "samples": preset.paper_samples,
    }
