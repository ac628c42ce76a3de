"""Lesson 1's checks: the right answer, the untouched stub, typical mistakes.

Oracle: the model's list of states, and the norm of a vector.
"""

import numpy as np
from exercises import judged

RIGHT = {
    "hidden_names": lambda cell: set(cell.state_names) - set(cell.observables),
    "rms_apart": lambda a, b: np.linalg.norm(a - b) / np.sqrt(len(a)),
}
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
TestAnswers = judged(RIGHT, WRONG)
