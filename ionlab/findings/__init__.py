"""What the report says, shows and writes of two recordings: sentences, tables, figures, results.

`sentence` and `ratio_figure` are of the networks alone (a `Comparison`), for lessons; all else is
of an `Identification`.
"""

from ionlab.findings.figures import (
    current_figure,
    eta_figure,
    fit_figures,
    gate_figure,
    interval_figure,
)
from ionlab.findings.networks import decidable, ratio_figure, sentence, undecided
from ionlab.findings.results import results, write
from ionlab.findings.tables import explanation_table, gate_table, made_with, recorded
from ionlab.findings.words import answer, bullets, eta_rule, judgement, listed, warnings

__all__ = [
    "answer",
    "bullets",
    "current_figure",
    "decidable",
    "eta_figure",
    "eta_rule",
    "explanation_table",
    "fit_figures",
    "gate_figure",
    "gate_table",
    "interval_figure",
    "judgement",
    "listed",
    "made_with",
    "ratio_figure",
    "recorded",
    "results",
    "sentence",
    "undecided",
    "warnings",
    "write",
]
