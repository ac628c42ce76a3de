"""Figures, drawn from arrays by name and from results; nothing is computed here.

>>> import numpy as np
>>> departures(("m", "h"), {"eta 0.01": np.array([0.1, 0.0])}, "Drift").alt
'Drift: mean departure from the theory, largest for eta 0.01: m 0.1.'
"""

from ionlab.plot.case import ratio_rows
from ionlab.plot.compare import before_after, eta_choice, fits, gate_curves, ratios
from ionlab.plot.departures import departures
from ionlab.plot.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, STYLE, Drawing, styled
from ionlab.plot.lines import Lines, lines
from ionlab.plot.paper import observables, scenarios
from ionlab.plot.schematic import network_schematic

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "RED",
    "STYLE",
    "Drawing",
    "Lines",
    "before_after",
    "departures",
    "eta_choice",
    "fits",
    "gate_curves",
    "lines",
    "network_schematic",
    "observables",
    "ratio_rows",
    "ratios",
    "scenarios",
    "styled",
]
