"""What retrained networks mean: neural ODEs, gates, currents along recordings, their ratios.

>>> case = shipped("long_qt")
>>> pair = case.pair(1e-3)
>>> ratio = ratios(pair)
>>> min(ratio, key=ratio.get)
'I_Kr'
"""

from ionlab.readout.beats import Along, BEATS_ms, along, recorded
from ionlab.readout.library import CASES, METHODS, PAPER_ETA, SHIPPED, Case, file_of, shipped
from ionlab.readout.networks import (
    Network,
    Pair,
    agreement,
    areas,
    currents,
    curves,
    flows,
    gates,
    nearest,
    ode,
    pair,
    ratios,
    table,
)

__all__ = [
    "BEATS_ms",
    "CASES",
    "METHODS",
    "PAPER_ETA",
    "SHIPPED",
    "Along",
    "Case",
    "Network",
    "Pair",
    "agreement",
    "along",
    "areas",
    "currents",
    "curves",
    "file_of",
    "flows",
    "gates",
    "nearest",
    "ode",
    "pair",
    "ratios",
    "recorded",
    "shipped",
    "table",
]
