"""Figures, drawn from arrays by name and from results; nothing is computed here.

>>> import numpy as np
>>> figure = eta_tradeoff(np.array([1e-3]), np.array([0.5]), np.array([0.01]), chosen=1e-3)
>>> figure.alt
'Misfit and departure of the gates from the theory against eta; 0.001 was used.'
"""

from ionlab.plot.case import ratio_rows
from ionlab.plot.compare import before_after, fits, gate_curves, ratios
from ionlab.plot.departures import departures
from ionlab.plot.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, STYLE, Drawing, styled
from ionlab.plot.lines import Lines, lines
from ionlab.plot.paper import eta_tradeoff, observables, scenarios
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
    "eta_tradeoff",
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
