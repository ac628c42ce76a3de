"""Named perturbations of a cell, each with its source.

>>> from ionlab.cells import tentusscher2004
>>> LONG_QT.apply(tentusscher2004).parameter("g_Kr")
0.048
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ionlab.errors import known


@dataclass(frozen=True)
class Perturbation:
    """A change of a cell: factors of parameters, the current it acts on, and the source."""

    name: str
    title: str
    current: str
    factors: Mapping[str, float]
    source: str

    def apply(self, cell):
        """Return the perturbed cell."""
        return cell.perturbed(**self.factors)


TEXT = "Iravanian 2020, sections 3.1-3.3 (text)"
CODE = "Iravanian 2020, author's code; the text says 0.5"

LONG_QT = Perturbation("long_qt", "Long QT", "I_Kr", {"g_Kr": 0.5}, TEXT)
SHORT_QT = Perturbation("short_qt", "Short QT", "I_CaL", {"g_CaL": 0.5}, TEXT)
ITO = Perturbation("ito", "Increased I_to", "I_to", {"g_to": 3.0}, TEXT)
LONG_QT_CODE = Perturbation("long_qt_code", "Long QT (code)", "I_Kr", {"g_Kr": 0.25}, CODE)
SHORT_QT_CODE = Perturbation("short_qt_code", "Short QT (code)", "I_CaL", {"g_CaL": 0.25}, CODE)

PAPER = (LONG_QT, SHORT_QT, ITO)
PERTURBATIONS = {p.name: p for p in (*PAPER, LONG_QT_CODE, SHORT_QT_CODE)}


def find(name):
    """Return the perturbation of this name; an unknown name raises with the closest match."""
    return PERTURBATIONS[known("perturbation", name, PERTURBATIONS)]
