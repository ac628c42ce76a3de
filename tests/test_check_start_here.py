"""Lesson 0's checks: the right answer, the untouched stub, typical mistakes.

Oracle: 60,000 ms in a minute; an interval that holds 1 or does not.
"""

from exercises import judged

RIGHT = {
    "beats_per_minute": lambda cycle_length_ms: 60.0 / (cycle_length_ms / 1000.0),
    "supported_change": lambda low, high: (low - 1.0) * (high - 1.0) > 0,
}
WRONG = [
    ("beats_per_minute", lambda x: 60.0 / x, "in ms"),
    ("beats_per_minute", lambda x: x / 60_000.0, "upside down"),
    ("beats_per_minute", lambda x: 1000.0 / x, "in a second"),
    ("beats_per_minute", lambda x: 1.05 * 60_000.0 / x, "should give 171.4"),
    ("supported_change", lambda low, high: low <= 1 <= high, "other way round"),
    ("supported_change", lambda low, high: high < 1, "above 1"),
    ("supported_change", lambda low, high: low > 1, "below 1"),
    ("supported_change", lambda low, high: True, "holds 1"),
    ("supported_change", lambda low, high: "yes", "True or False"),
]
TestAnswers = judged(RIGHT, WRONG)
