"""The checks of lesson 9. The oracles are `features.capture`, the cell's gates, sets of numbers."""

import numpy as np
import pytest
from exercises import judged

from ionlab import features
from ionlab.cells import tentusscher2004 as cell
from ionlab.check.results import ANSWERED, GATES


def capture(answered):
    if all(answered):
        return "1:1"
    if not any(answered):
        return "none"
    return "2:1" if all(answered[2:] == answered[:-2]) else "mixed"


def split(runs, n_validation, seed):
    order = np.random.default_rng(seed).permutation(runs)
    return order[n_validation:], order[:n_validation]


def halves(answered):
    """The mistake of counting: half of the stimuli is taken for 2:1."""
    return {1.0: "1:1", 0.5: "2:1", 0.6: "2:1", 0.0: "none"}.get(np.mean(answered), "mixed")


def shared(runs, n_validation, seed):
    rng = np.random.default_rng(seed)
    return rng.choice(runs, runs - n_validation), rng.choice(runs, n_validation, replace=False)


RIGHT = {"capture_of": capture, "split_of_runs": split, "gates_of_currents": GATES}
WRONG = [
    ("capture_of", halves, "half of the stimuli"),
    (
        "capture_of",
        lambda a: "1:1" if all(a) else "2:1" if any(a) else "none",
        "half of the stimuli",
    ),
    (
        "capture_of",
        lambda a: "1:1" if all(a) else "2:1" if a[0] and not a[1] else "none",
        "begin with",
    ),
    ("split_of_runs", lambda n, k, seed: (np.arange(n - k), np.arange(n - k, n)), "in a row"),
    ("split_of_runs", shared, "in one only"),
    ("split_of_runs", lambda n, k, seed: split(n, k, None), "same seed"),
    ("split_of_runs", lambda n, k, seed: split(n, k, 0), "use the seed"),
    ("split_of_runs", lambda n, k, seed: split(n, k, seed)[::-1], "leave"),
    ("gates_of_currents", {**GATES, "I_CaL": {"d", "f", "fCa"}}, "calcium"),
    ("gates_of_currents", {**GATES, "I_K1": {"K1"}}, "no state"),
    ("gates_of_currents", {**GATES, "I_Kr": {"xr1"}}, "2 classic gate"),
    ("gates_of_currents", {"I_Na": {"m"}}, "the currents are"),
]
TestAnswers = judged(RIGHT, WRONG)


def test_the_key_of_the_gates_is_the_cells():
    assert set().union(*GATES.values()) == set(cell.gate_names)
    assert list(GATES) == list(cell.conductances)


@pytest.mark.parametrize(("answered", "wanted"), ANSWERED.items())
def test_the_key_of_capture_is_the_librarys(answered, wanted):
    stimuli = 100.0 * np.arange(len(answered))
    t = np.arange(100.0 * len(answered))
    V = np.full(len(t), -85.0)
    for at, yes in zip(stimuli, answered, strict=True):
        V[(t > at + 2) & (t < at + 40)] = 20.0 if yes else -85.0
    assert features.capture(t, V, stimuli) == wanted
