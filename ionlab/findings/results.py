"""What was found, as a file."""

import json
from pathlib import Path

import numpy as np

from ionlab.files import replacing
from ionlab.findings.words import answer, warnings

INTERVAL = ("value", "low", "high")


def results(found, settings, control, treated):
    """Return the content of results.json."""
    choice = found.eta
    sides = {
        which: {"file": recording.file, "sweeps": len(side.beats.names), "v_rmse_mV": number(error)}
        for which, recording, side, error in zip(
            ("control", "treated"), (control, treated), found.sides, found.v_rmse_mV, strict=True
        )
    }
    return {
        "cell": settings.cell,
        "preset": settings.preset,
        "seed": settings.seed,
        "favour": settings.favour,
        "sentence": answer(found),
        "kind": found.kind,
        "fits": found.fits,
        **sides,
        "currents": _rows(found.currents, ("name",), ("ratio", "low", "high")),
        "changed": list(found.changed),
        "explanations": [
            {
                "changes": _rows(e.changes, ("kind", "target", "current"), INTERVAL),
                "probability": number(e.probability),
                "log_evidence": number(e.log_evidence),
                "v_rmse_mV": number(e.rmse_mV),
            }
            for e in found.explanations
        ],
        "gates": _rows(found.comparison.gates, ("name",), ("shift_mV", "tau_ratio", "difference")),
        "eta": {
            "value": choice.value,
            "from": "given" if settings.eta else "the data",
            "tried": list(map(float, choice.eta)),
            **{
                which: {"misfit_mV": list(map(number, misfit)), "limit_mV": number(limit)}
                for which, misfit, limit in zip(
                    sides, choice.misfit_mV, choice.limit_mV, strict=True
                )
            },
        },
        "warnings": warnings(found, control, treated),
    }


def _rows(items, words, numbers):
    return [
        {w: getattr(x, w) for w in words} | {n: number(getattr(x, n)) for n in numbers}
        for x in items
    ]


def number(x):
    """Return four digits; None for what is not a number.

    >>> number(1 / 3)
    0.3333
    """
    return float(f"{x:.4g}") if np.isfinite(x) else None


def write(folder, content):
    """Write results.json into a folder, whole or not at all."""
    with replacing(Path(folder) / "results.json") as aside:
        aside.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
