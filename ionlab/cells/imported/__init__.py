"""Model files of Myokit (.mmt) and CellML (.cellml) as ordinary cells.

A file is translated once into a module of plain functions over `ionlab.maths`, as a person would
write it, and kept in the cache folder under the digest of its content. From then on neither Myokit
nor a compiler is needed; the kernel's compiled code is cached as for every cell.
"""

import hashlib
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np

from ionlab.errors import BadModel
from ionlab.files import cache_folder, replacing

SUFFIXES = (".mmt", ".cellml")
NOT_A_NAME, NAME = r"\W", r"\w+_[0-9a-f]{8}"
VERSION = "7"  # of the translation; a new one translates every file anew
EXTRA = (
    "model files are read with Myokit, which is not installed. "
    "Install it with: pip install 'ionlab[import]'"
)


def from_file(path, voltage=None, calcium=None, stimulus=None, check_units=True):
    """Return the `Cell` of a Myokit (.mmt) or CellML (.cellml) file.

    States, parameters, membrane currents and classic gates are found from the file's equations,
    labels and units. Voltage comes in mV, time in ms, concentrations in mM, currents per
    capacitance: dV/dt = -(sum of currents + stimulus). The cell is named after the file and the
    digest of its content, so that no two are confused, and `cells.find` knows it from then on.

    voltage, calcium, stimulus : names of variables ("membrane.V"), where the file does not say.
    check_units : refuse a file whose units disagree in kind, as mV and mM; False takes its numbers
        as written. Where they differ by a factor, the numbers are taken as written in any case.

    Raises `BadModel` for a file that is no model, is broken, or says what cannot be expressed.

    Examples
    --------
    >>> import myokit, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "lr1991.mmt"
    >>> myokit.save(str(path), *myokit.load("example"))
    >>> cell = from_file(path)
    >>> cell.gate_names, cell.conductances["INa"], cell.units["Ca_i"]
    (('m', 'h', 'j', 'd', 'f', 'x'), 'gNa', 'mM')
    """
    path = Path(path)
    asked = dict(voltage=voltage, calcium=calcium, stimulus=stimulus, check_units=check_units)
    text = _text(path)
    digest = hashlib.sha256(repr((VERSION, asked, text)).encode()).hexdigest()
    name = f"{re.sub(NOT_A_NAME, '_', path.stem)}_{digest[:8]}"
    return stored(name) or _translated(path, text, name, **asked)


def stored(name):
    """Return the cell of this name that was translated before, or None."""
    return _module(name).CELL if re.fullmatch(NAME, name) and _file(name).exists() else None


def notes(cell):
    """Return what was found in the file of an imported cell: the classic gates, and why not."""
    return _module(cell.name).NOTES


def _file(name):
    return cache_folder() / "cells" / f"{name}.py"


def _module(name):
    """Import a translated cell, as part of this package, so that other processes find it, too."""
    folder = str(_file(name).parent)
    if folder not in __path__:
        __path__.append(folder)
    return importlib.import_module(f"{__name__}.{name}")


def _text(path):
    """Return what stands in a model file; `BadModel` if it is none or cannot be read."""
    if path.suffix not in SUFFIXES:
        raise BadModel(f"{path}: a model file ends in {' or '.join(SUFFIXES)}. Export it as one.")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadModel(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise BadModel(f"{path}: is not a text file. Name a Myokit or CellML model.") from error


def _translated(path, text, name, stimulus, **asked):
    """Translate a file, try what came out, keep it, say what was found, and return the cell."""
    try:
        from ionlab.cells.imported.reading import NOT_A_NUMBER, read
        from ionlab.cells.imported.source import module
    except ModuleNotFoundError as error:
        if error.name != "myokit":
            raise
        raise BadModel(f"{path}: {EXTRA}") from error
    reading = read(path, text, **asked)
    with replacing(_file(name), "Name another in the variable IONLAB_CACHE.") as aside:
        try:
            aside.write_text(module(reading, name, stimulus), encoding="utf-8")
            spec = importlib.util.spec_from_file_location(name, aside)
            trial = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(trial)
            _try(path, trial.CELL)
        except NOT_A_NUMBER as error:
            raise BadModel(
                f"{path}: cannot be evaluated at its start values ({error}). Look for a constant "
                "or a start value that is zero."
            ) from error
    importlib.invalidate_caches()
    for note in trial.NOTES:
        print(f"{path.name}: {note}", file=sys.stderr)
    return stored(name)


def _try(path, cell):
    """Raise `BadModel` where gates, currents or derivatives are not finite at some voltage."""
    V = np.append(np.arange(-120.0, 80.0, 1.0), cell.start["V"])
    s = cell.at(**{name: np.full_like(V, x) for name, x in cell.start.items()})
    s.V = V
    with np.errstate(all="ignore"):
        tried = {f"the time constant of {g}": k.tau_ms for g, k in cell.gates(s).items()}
        tried |= {f"h_inf of {g}": k.h_inf for g, k in cell.gates(s).items()}
        tried |= cell.equations.currents(s, cell.p)._asdict()
        tried |= {f"d{x}/dt": slope for x, slope in cell.derivatives(s).items()}
    for what, values in tried.items():
        bad = ~np.isfinite(np.broadcast_to(values, V.shape))
        if bad.any():
            raise BadModel(
                f"{path}: {what} is not finite at V = {V[bad][-1]:g} mV and the start values of "
                "the others. Look for a division by zero or the logarithm of a negative number."
            )


__path__.append(str(cache_folder() / "cells"))

__all__ = ["SUFFIXES", "from_file", "notes", "stored"]
