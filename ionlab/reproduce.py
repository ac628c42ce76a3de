"""The paper, from nothing: both passes, neural ODEs, Figures 2 to 7 and a table.

Two branches run side by side: the membrane decoder here, the paper's own recipe in a second
process. What each gives is read out the same way.
"""

import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from ionlab import plot, presets, readout, scenes, store
from ionlab.files import replacing
from ionlab.network import device_of
from ionlab.neural_ode import learned
from ionlab.perturb import PAPER
from ionlab.readout import PAPER_ETA
from ionlab.stages import (  # the data and weights behind everything here
    CELL,
    CELLS,
    LESSON_ETA,
    UPSTROKE,
    decoder_stage,
    membrane_stage,
    published_branch,
    published_stage,
    ship,
    theory_stage,
)

METHODS = ("published", "no-upstroke", "membrane")  # rows of the table, per perturbation
SAID = {  # what the paper reports in sections 3.1 to 3.3
    "long_qt": "I_Kr and I_Ks reduced",
    "short_qt": "I_Kr and I_Ks increased",
    "ito": "I_to increased; other K currents, I_CaL and I_Na changed too",
}


def run(out, preset="paper", seed=0, device="auto", weights=None):
    """Reproduce the paper into a folder; return the path of `metrics.json`.

    Writes figures 2 to 7 (PNG), `metrics.json`, `table.csv` and, under `stages`, what a later run
    with the same settings reads instead of computing. `preset` is "fast" or "paper". `weights`
    names a folder for the weights that the lessons need.
    """
    settings, out, began = presets.find(preset), Path(out), time.time()
    device_of(device)
    stages = out / "stages"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as second_process:
        published = second_process.submit(published_branch, stages, preset, seed, device)
        fit = theory_stage(stages, settings, seed, device)
        for perturbation in PAPER:
            membrane_stage(stages, settings, seed, device, perturbation.name)
        published.result()
    first, n2_stage = published_stage(stages, settings, seed, device)
    cases, pairs = [], {}
    for perturbation in PAPER:
        for method in METHODS:
            pair = _pair(stages, settings, seed, device, perturbation.name, method, fit, first)
            pairs[perturbation.name, method] = pair
            cases.append(_case(pair, perturbation, method))
        table = membrane_stage(stages, settings, seed, device, perturbation.name)
        cases[-1] |= _intervals(table)
    _figures(out, pairs)
    gate_rmse = dict(zip(CELL.gate_names, n2_stage["validation"].round(4).tolist(), strict=True))
    metrics = {
        "preset": preset,
        "seed": seed,
        "cell": CELL.name,
        "networks_retrained": {
            "membrane": 2 * len(PAPER) * len(settings.eta),
            "n2": len(UPSTROKE) * len(CELLS) * len(LESSON_ETA),
        },
        "first_pass": {
            "clamp": readout.agreement(CELL, CELL.with_kinetics(learned(fit.n1, CELL))),
            "paper": {
                **readout.agreement(CELL, CELL.with_kinetics(learned(first.n1, CELL))),
                "gate_rmse": gate_rmse,
            },
        },
        "cases": cases,
        "seconds": round(time.time() - began, 1),
    }
    table = _table(cases)
    with replacing(out / "table.csv") as aside:
        table.to_csv(aside, index=False)
    with replacing(out / "metrics.json") as aside:
        aside.write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if weights:
        ship(Path(weights), stages, settings, seed, device)
    print(table.to_string(index=False))
    return out / "metrics.json"


def _pair(stages, settings, seed, device, name, method, fit, first):
    """Return the `Pair` of one method at the paper's eta for this perturbation."""
    if method == "membrane":
        arrays = membrane_stage(stages, settings, seed, device, name)
        refits, rows = store.refits_of(arrays, fit), (0, 1)
    else:
        arrays = decoder_stage(stages, settings, seed, device, method)
        refits, rows = store.refits_of(arrays, first), (0, list(CELLS).index(name))
    along = (readout.along(CELLS[c], settings.beats_ms) for c in ("control", name))
    return readout.pair(refits, PAPER_ETA[name], *along, rows)


def _case(pair, perturbation, method):
    """Read out one perturbation by one method."""
    ratio = readout.ratios(pair)
    return {
        "perturbation": perturbation.name,
        "current": perturbation.current,
        "factor": next(iter(perturbation.factors.values())),
        "method": readout.METHODS[method],
        "eta": pair.eta,
        "first": max(ratio, key=lambda name: abs(np.log(ratio[name]))),
        "ratio": ratio,
        "area_ratio": readout.ratios(pair, same=False),
        "neural_ode": readout.agreement(CELLS[perturbation.name], readout.ode(pair.treated)),
        "neural_ode_of_control": readout.agreement(CELL, readout.ode(pair.control)),
        "paper_says": SAID[perturbation.name],
    }


def _intervals(arrays):
    """Return the ratios of the gains with intervals, and the current ranked first by evidence."""
    names = list(CELL.conductances)
    intervals = {
        name: [round(float(arrays[field][c]), 4) for field in ("ratio", "low", "high")]
        for c, name in enumerate(names)
    }
    return {"first": names[int(arrays["evidence"].argmax())], "interval": intervals}


def _table(cases):
    """One row a case, beside what the paper reports."""
    rows = []
    for case in cases:
        apd = [
            "-" if row["apd90_ms"] is None else f"{row['apd90_ms'] - row['apd90_of_cell_ms']:+.1f}"
            for row in case["neural_ode"].values()
        ]
        rows.append(
            {
                "case": case["perturbation"],
                "truth": f"{case['current']} x {case['factor']:g}",
                "the paper says": case["paper_says"],
                "decoder": case["method"],
                "eta": case["eta"],
                "ranked first": case["first"],
                **{name: round(x, 2) for name, x in case["ratio"].items()},
                "APD90 error at 350, 500, 800 ms": ", ".join(apd),
            }
        )
    return pd.DataFrame(rows)


def _figures(out, pairs):
    """Draw Figures 2 to 7."""
    drawn = {"figure2": plot.observables(scenes.cycles(CELL), CELL.units)}
    title = f"Membrane voltage at cycle length {scenes.SHOWN_ms:g} ms"
    drawn["figure3"] = plot.scenarios(*scenes.perturbed(), CELL.units, title)
    units = {**dict.fromkeys(CELL.current_names, CELL.current_unit), "V": "mV"}
    for method in METHODS:
        label = readout.METHODS[method]
        mark = "" if method == "membrane" else f"_{method}"
        odes = [readout.ode(pairs[p.name, method].treated) for p in PAPER]
        drawn[f"figure4{mark}"] = plot.scenarios(
            *scenes.beside(odes), CELL.units, f"Neural ODEs ({label})"
        )
        if method == "no-upstroke":  # its currents differ little from those as published
            continue
        for number, p in enumerate(PAPER, start=5):
            pair = pairs[p.name, method]
            title = f"{p.title}: currents of the networks ({label}, eta {pair.eta:g})"
            t_ms, traces = readout.flows(pair, scenes.SHOWN_ms)
            drawn[f"figure{number}{mark}"] = plot.before_after(t_ms, traces, units, title)
    for name, figure in drawn.items():
        with replacing(out / f"{name}.png") as aside:
            figure.savefig(aside, dpi=150)
