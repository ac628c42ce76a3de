"""Lesson 2's checks: the right answer, the untouched stub, typical mistakes.

Oracle: sections 2.1, 2.5 and 2.6 of the paper (what is frozen), and logarithms of ratios.
"""

import numpy as np
from exercises import judged

GATING = "gating layer"
RIGHT = {
    "trained_parts": {
        1: {"phi1", GATING, "N2"},
        2: {GATING},
        3: [GATING],
        4: set(),
        5: set(),
    },
    "changed_most": lambda control, treated: max(
        control, key=lambda name: np.log(treated[name] / control[name]) ** 2
    ),
}
WRONG = [
    ("trained_parts", {1: {GATING}, 2: {GATING}}, "keys 1 to 5"),
    ("trained_parts", RIGHT["trained_parts"] | {1: {GATING}}, "step 1"),
    ("trained_parts", RIGHT["trained_parts"] | {2: {GATING, "N2"}}, "N2 would learn"),
    ("trained_parts", RIGHT["trained_parts"] | {3: set()}, "give way"),
    ("trained_parts", RIGHT["trained_parts"] | {3: {"phi2"}}, "got phi2"),
    ("trained_parts", RIGHT["trained_parts"] | {5: {GATING}}, "only reads"),
    ("trained_parts", RIGHT["trained_parts"] | {4: ...}, "step 4 is still open"),
    ("changed_most", lambda x, y: max(x, key=lambda n: y[n] / x[n]), "halved"),
    ("changed_most", lambda x, y: max(x, key=lambda n: abs(np.log(y[n]))), "differs most from"),
    ("changed_most", lambda x, y: max(x, key=lambda n: abs(y[n] - x[n])), "can treble"),
    ("changed_most", lambda x, y: 3, "one of the names"),
]
TestAnswers = judged(RIGHT, WRONG)
