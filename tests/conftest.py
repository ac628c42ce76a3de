"""The one place for seeds, devices, their tolerances and the local data mirror."""

import os
import random
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SEED = 20201114

# Under pytest-xdist every worker gets its share of the cores. This must stand before
# numba or torch is imported, and the processes that tests start inherit it.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _workers > 1:
    _threads = str(max(1, (os.cpu_count() or 1) // _workers))
    os.environ.setdefault("OMP_NUM_THREADS", _threads)
    os.environ.setdefault("NUMBA_NUM_THREADS", _threads)


class Tolerance(NamedTuple):
    """How far the same arithmetic may differ: ``|a - b| <= atol + rtol * |b|``."""

    rtol: float
    atol: float


# float32 on the CPU; a GPU adds in another order and may use fused operations.
TOLERANCES = {"cpu": Tolerance(1e-5, 1e-6), "cuda": Tolerance(1e-4, 1e-5)}


@pytest.fixture(autouse=True)
def seeded():
    """Start every test from the same seed; torch only where the test has imported it."""
    random.seed(SEED)
    np.random.seed(SEED)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(SEED)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts every test from the same state."""
    return np.random.default_rng(SEED)


def _cuda_available() -> bool:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about a driver it cannot use
        return torch.cuda.is_available()


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request) -> str:
    """Each device in turn; ``cuda`` is skipped visibly where there is none."""
    if request.param == "cuda" and not _cuda_available():
        pytest.skip("no CUDA device on this machine")
    return request.param


@pytest.fixture
def tolerance(device) -> Tolerance:
    """The tolerance that belongs to the device under test."""
    return TOLERANCES[device]


@pytest.fixture(scope="session")
def ionlab_data() -> Path:
    """The local data mirror: ``IONLAB_DATA``, else ``shared/data`` beside the checkout."""
    if given := os.environ.get("IONLAB_DATA"):
        if not Path(given).is_dir():
            pytest.fail(f"IONLAB_DATA must name a folder, got {given!r}. Unset it to skip.")
        return Path(given).resolve()
    beside = ROOT.parent / "shared" / "data"
    if not beside.is_dir():
        pytest.skip("no local data mirror: set IONLAB_DATA to the folder that holds lei2017/")
    return beside
