"""Learn how a neural network finds the hidden state of a heart cell.

The pipeline, one line a stage; names are imported when they are first used:

>>> from ionlab import Sequences, cells, currents, learned, pace, retrain, train
>>> traces = pace(cells.hodgkin_huxley1952, [20.0], duration_ms=200.0, record_last_ms=100.0)
>>> traces["V"].shape
(1, 100)
"""

import os
import sys
from importlib import import_module
from types import ModuleType

# Threads that wait by spinning starve every other kernel on the machine, up to twentyfold here.
# Read when the OpenMP library of torch or numba is loaded, hence before anything else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PUBLIC = {
    "Beats": "observed",
    "Sequences": "dataset",
    "__version__": "cli",
    "clamp": "simulate",
    "compare": "compare",
    "currents": "currents",
    "from_arrays": "recordings",
    "from_traces": "recordings",
    "identify": "identify",
    "learned": "neural_ode",
    "pace": "simulate",
    "read_recording": "recordings",
    "retrain": "retrain",
    "train": "train",
}
MODULES = ("cells", "perturb", "plot", "presets", "store")

__all__ = sorted([*PUBLIC, *MODULES])


def __getattr__(name):
    if name in MODULES:
        return import_module(f"ionlab.{name}")
    if name in PUBLIC:
        value = getattr(import_module(f"ionlab.{PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'ionlab' has no attribute {name!r}")


def __dir__():
    return __all__


class _Package(ModuleType):
    """`ionlab.train` is the function, as the list above says, whoever imported the module first."""

    def __setattr__(self, name, value):
        if name in PUBLIC and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
