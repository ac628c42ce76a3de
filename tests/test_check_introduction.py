"""Lesson 1's checks: the right answer, the untouched stub, typical mistakes.

Oracle: the model's list of states, and the norm of a vector.
"""

import numpy as np
import pytest

from ionlab import check

RIGHT = {
    "hidden_names": lambda cell: set(cell.state_names) - set(cell.observables),
    "rms_apart": lambda a, b: np.linalg.norm(a - b) / np.sqrt(len(a)),
}
STUBS = [(name, stub) for name in RIGHT for stub in (lambda *given: ..., ...)]
WRONG = [
    ("hidden_names", lambda cell: cell.observables, "these are the observables"),
    ("hidden_names", lambda cell: cell.state_names, "V and Ca_i can be measured"),
    ("hidden_names", lambda cell: cell.gate_names, "classic gates"),
    ("hidden_names", lambda cell: cell.state_names[3:], "Ca_SR"),
    ("hidden_names", lambda cell: len(cell.gate_names), "names are asked for"),
    ("hidden_names", lambda cell: cell.state_names[2:] * 2, "each once"),
    ("rms_apart", lambda a, b: np.mean(a - b), "signs cancel"),
    ("rms_apart", lambda a, b: np.mean(np.abs(a - b)), "absolute"),
    ("rms_apart", lambda a, b: np.mean((a - b) ** 2), "its root"),
    ("rms_apart", lambda a, b: np.sqrt(np.sum((a - b) ** 2)), "number of samples"),
    ("rms_apart", lambda a, b: np.max(np.abs(a - b)), "largest"),
    ("rms_apart", lambda a, b: 1.05 * np.sqrt(np.mean((a - b) ** 2)), "should give"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_is_correct(name):
    verdict = getattr(check, name)(RIGHT[name])
    assert (verdict.status, verdict.points) == ("correct", verdict.of), verdict


@pytest.mark.parametrize(("name", "stub"), STUBS)
def test_the_stub_was_not_attempted(name, stub):
    assert getattr(check, name)(stub).status == "not attempted yet"


@pytest.mark.parametrize(("name", "answer", "word"), WRONG)
def test_a_mistake_is_named(name, answer, word):
    verdict = getattr(check, name)(answer)
    assert (verdict.status, verdict.points) == ("not yet", 0)
    assert word in verdict.message
