"""Networks and results on disk: written to the side, moved into place, checked when read."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ionlab.dataset import Normaliser
from ionlab.errors import BadWeights
from ionlab.files import cache_folder, replacing
from ionlab.network import N1, N2
from ionlab.retrain import Refits
from ionlab.train import Fit, train

WEIGHTS = Path(__file__).resolve().parents[1] / "data" / "weights"  # shipped with the project
FORMAT = "ionlab network 1"
REFITS_FORMAT = "ionlab retrained networks 1"
REFITS = ("gains", "eta", "misfit_mV", "drift")  # what is stored of `Refits` beside the networks


def cached(folder, name, settings, compute):
    """Return arrays by name: those stored in `folder` under these settings, or computed now.

    The key is a digest of `settings` (JSON), so a changed setting computes anew, and a run that
    was killed goes on where it stopped.
    """
    path = Path(folder) / f"{name}-{_key({'format': [FORMAT, *REFITS], **settings})}.safetensors"
    if path.exists():
        return _read(path)[0]
    arrays = {k: np.ascontiguousarray(v) for k, v in compute().items()}
    with replacing(path) as aside:
        save_file(arrays, aside, {"settings": json.dumps(settings, sort_keys=True)})
    return arrays


def _key(settings):
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _read(path):
    """Return the arrays and metadata of a safetensors file; a broken one is a `BadWeights`."""
    try:
        with safe_open(path, "numpy") as file:
            return {k: file.get_tensor(k) for k in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise BadWeights(f"{path} does not exist.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise BadWeights(
            f"{path} is not a sound weights file ({error}). Delete it, and it is made anew."
        ) from error


def arrays_of(fit):
    """Return the arrays of a `Fit`, for `save_fit` and `cached`."""
    nets = {"n1": fit.n1, **({"n2": fit.n2} if fit.n2 is not None else {})}
    arrays = {
        f"{name}.{key}": value.detach().cpu().numpy()
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    if fit.normaliser is not None:
        arrays |= {"normaliser.low": fit.normaliser.low, "normaliser.high": fit.normaliser.high}
    arrays["losses"] = np.asarray(fit.losses[:: max(1, len(fit.losses) // 500)], np.float32)
    return arrays


def fit_of(arrays, cell, activation, inputs, recipe=None, seed=0, source="memory"):
    """Return the `Fit` that `arrays_of` took apart; `BadWeights` where shapes do not agree."""
    try:
        if not len(inputs) == len(arrays["n1.low"]) == len(arrays["n1.high"]):
            raise KeyError(f"ranges that are not those of {len(inputs)} inputs")
        normaliser = gate_range = None
        if "normaliser.low" in arrays:
            normaliser = Normaliser(arrays["normaliser.low"], arrays["normaliser.high"])
            gate_range = normaliser.range_of(cell, cell.gate_names)
        n1 = N1(
            cell.name,
            cell.gate_names,
            inputs,
            arrays["n1.low"],
            arrays["n1.high"],
            activation,
            width=arrays["n1.phi1.0.W"].shape[-1],
            gate_range=gate_range,
        )
        nets = {"n1": n1}
        if any(key.startswith("n2.") for key in arrays):
            sizes = len(inputs), len(cell.gate_names), len(cell.other_names)
            nets["n2"] = N2(*sizes, width=arrays["n2.phi2.0.W"].shape[-1])
        for name, net in nets.items():
            state = {
                key.removeprefix(f"{name}."): torch.as_tensor(value)
                for key, value in arrays.items()
                if key.startswith(f"{name}.")
            }
            net.load_state_dict(state)
    except (KeyError, RuntimeError, IndexError) as error:
        raise BadWeights(
            f"{source}: the weights are not those of a network for {cell.name} with gates "
            f"{', '.join(cell.gate_names)} ({str(error).splitlines()[0]})."
        ) from error
    return Fit(
        cell, n1, nets.get("n2"), normaliser, recipe, seed, arrays.get("losses", np.array([])), {}
    )


def save_fit(path, fit):
    """Write a trained network with the names it belongs to (safetensors)."""
    metadata = {
        "format": FORMAT,
        "cell": fit.cell.name,
        "gates": json.dumps(fit.n1.gates),
        "inputs": json.dumps(fit.n1.inputs),
        "activation": fit.n1.settings["activation"],
        "seed": str(fit.seed),
        "recipe": json.dumps([type(fit.recipe).__name__, asdict(fit.recipe)]),
        "validation": json.dumps(fit.validation),
    }
    with replacing(path) as aside:
        save_file(arrays_of(fit), aside, metadata)


def load_fit(path, cell):
    """Read a network for `cell`; `BadWeights` if the file is corrupt or of another cell."""
    arrays, metadata = _read(path)
    if metadata.get("format") != FORMAT:
        raise BadWeights(f'{path} is not a file of "{FORMAT}"; it says {metadata.get("format")!r}.')
    if metadata["cell"] != cell.name:
        raise BadWeights(
            f"{path} holds a network for the cell {metadata['cell']}, not for {cell.name}. "
            "Train one for this cell, or name the other."
        )
    inputs, activation = json.loads(metadata["inputs"]), metadata["activation"]
    fit = fit_of(arrays, cell, activation, inputs, seed=int(metadata["seed"]), source=path)
    return replace(fit, validation=json.loads(metadata["validation"]))


def arrays_of_refits(refits):
    """Return the gating layers, gains, eta, misfit and drift of `Refits` as arrays."""
    gating = {key: value.cpu().numpy() for key, value in refits.n1.gating.state_dict().items()}
    return {**gating, **{name: np.asarray(getattr(refits, name)) for name in REFITS}}


def refits_of(arrays, fit):
    """Return the `Refits` of `fit` that `arrays_of_refits` took apart."""
    n1 = fit.n1.stacked(len(arrays["inf.W"]))
    state = {key: torch.as_tensor(arrays[key]) for key in n1.gating.state_dict()}
    n1.gating.load_state_dict(state)
    return Refits(n1, **{name: arrays[name] for name in REFITS})


def save_refits(path, refits, fit):
    """Write retrained networks with the cell and gates they belong to (safetensors)."""
    metadata = {"format": REFITS_FORMAT, "cell": fit.cell.name, "gates": json.dumps(fit.n1.gates)}
    with replacing(path) as aside:
        save_file(arrays_of_refits(refits), aside, metadata)


def load_refits(path, fit):
    """Read networks that were retrained from `fit`; `BadWeights` if they were not."""
    arrays, metadata = _read(path)
    if metadata.get("format") != REFITS_FORMAT or metadata["cell"] != fit.cell.name:
        raise BadWeights(
            f'{path} is not a file of "{REFITS_FORMAT}" for {fit.cell.name}; '
            f"it says {metadata.get('format')!r} and {metadata.get('cell')!r}."
        )
    try:
        return refits_of(arrays, fit)
    except (KeyError, RuntimeError) as error:
        raise BadWeights(
            f"{path}: not the gating layers of this network ({str(error).splitlines()[0]})."
        ) from error


def theory_file(cell, recipe, seed=0):
    """Return the name of the file that holds the network of a first pass."""
    settings = {"cell": cell.name, "seed": seed, "recipe": asdict(recipe)}
    return f"{cell.name}-{_key(settings)}.safetensors"


def theory(cell, recipe, seed=0, device="auto"):
    """Return the network of the first pass for a published cell: shipped, stored, or trained now.

    Prints which. What is trained is stored in the user's cache folder, under its settings.
    """
    name = theory_file(cell, recipe, seed)
    stored = cache_folder() / name
    for path, where in ((WEIGHTS / name, "shipped weights"), (stored, "stored weights")):
        if path.exists():
            print(f"first pass: {where}, {name}")
            return load_fit(path, cell)
    print(f"first pass: training {cell.name}, seed {seed}")
    fit = train(cell, recipe=recipe, seed=seed, device=device)
    save_fit(stored, fit)
    return fit
