"""Lesson 12's checks. Oracle: the maximum of the product, and the root that undoes the power."""

import numpy as np
from exercises import judged

RIGHT = {
    "highest_factor": lambda r, s: 1 / np.max(r * s),
    "gate_scale": lambda factor, power: factor ** (1 / power),
}
WRONG = [
    ("highest_factor", lambda r, s: 1 / (r.max() * s.max()), "at the same time"),
    ("highest_factor", lambda r, s: np.max(r * s), "highest product"),
    ("highest_factor", lambda r, s: 1 / r.max(), "one gate alone"),
    ("highest_factor", lambda r, s: 1 / np.mean(r * s), "the peak decides"),
    ("highest_factor", lambda r, s: 1.05 / np.max(r * s), "got"),
    ("gate_scale", lambda factor, power: factor, "27 times"),
    ("gate_scale", lambda factor, power: factor / power, "take a root"),
    ("gate_scale", lambda factor, power: factor**power, "other way round"),
    ("gate_scale", lambda factor, power: 1.05 * factor ** (1 / power), "got"),
]
TestAnswers = judged(RIGHT, WRONG)
