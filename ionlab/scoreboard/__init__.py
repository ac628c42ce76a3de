"""Simulated pairs of recordings whose answer is known, and what each method says of them."""

from ionlab.scoreboard.drawn import random_pairs
from ionlab.scoreboard.pairs import KINDS, Imperfect, Pair, recordings
from ionlab.scoreboard.public import PAIRS

__all__ = ["KINDS", "PAIRS", "Imperfect", "Pair", "random_pairs", "recordings"]
