"""The ionic models that ship with ionlab, by name (author and year).

>>> find("tentusscher2004").name
'tentusscher2004'
"""

from ionlab.cells.beeler_reuter1977 import FIBRE as beeler_reuter1977
from ionlab.cells.cell import Cell, Equations, Held, Kinetics, Parameter, State, Stimulus
from ionlab.cells.hodgkin_huxley1952 import AXON as hodgkin_huxley1952
from ionlab.cells.imported import SUFFIXES, from_file, stored
from ionlab.cells.luo_rudy1991 import CELL as luo_rudy1991
from ionlab.cells.ohara_rudy2011 import ENDO as ohara_rudy2011
from ionlab.cells.ohara_rudy2011 import EPI as ohara_rudy2011_epi
from ionlab.cells.ohara_rudy2011 import M as ohara_rudy2011_m
from ionlab.cells.tentusscher2004 import ENDO as tentusscher2004_endo
from ionlab.cells.tentusscher2004 import EPI as tentusscher2004_epi
from ionlab.cells.tentusscher2004 import M as tentusscher2004
from ionlab.errors import known

CELLS = {
    cell.name: cell
    for cell in (
        tentusscher2004,
        tentusscher2004_epi,
        tentusscher2004_endo,
        hodgkin_huxley1952,
        beeler_reuter1977,
        luo_rudy1991,
        ohara_rudy2011,
        ohara_rudy2011_epi,
        ohara_rudy2011_m,
    )
}


def find(name):
    """Return the cell of this name, of a model file, or one that was imported before.

    An unknown name raises with the closest match.
    """
    if str(name).endswith(SUFFIXES):
        return from_file(name)
    return CELLS.get(name) or stored(str(name)) or CELLS[known("cell", name, CELLS)]


__all__ = [
    "CELLS",
    "SUFFIXES",
    "Cell",
    "Equations",
    "Held",
    "Kinetics",
    "Parameter",
    "State",
    "Stimulus",
    "beeler_reuter1977",
    "find",
    "from_file",
    "hodgkin_huxley1952",
    "luo_rudy1991",
    "ohara_rudy2011",
    "ohara_rudy2011_epi",
    "ohara_rudy2011_m",
    "tentusscher2004",
    "tentusscher2004_endo",
    "tentusscher2004_epi",
]
