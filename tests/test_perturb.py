"""The perturbations of Iravanian 2020, sections 3.1-3.3, and their effect on the cell."""

import pytest

from ionlab.cells import tentusscher2004
from ionlab.errors import UnknownName
from ionlab.perturb import ITO, LONG_QT, PAPER, PERTURBATIONS, SHORT_QT, find
from ionlab.simulate import pace


@pytest.mark.parametrize(
    ("name", "parameter", "factor"),
    [
        ("long_qt", "g_Kr", 0.5),
        ("short_qt", "g_CaL", 0.5),
        ("ito", "g_to", 3.0),
        ("long_qt_code", "g_Kr", 0.25),
        ("short_qt_code", "g_CaL", 0.25),
    ],
)
def test_a_perturbation_changes_one_parameter_by_the_factor_of_the_paper(name, parameter, factor):
    cell, perturbation = tentusscher2004, find(name)
    assert perturbation.name == name and "Iravanian 2020" in perturbation.source
    assert cell.conductances[perturbation.current] == parameter
    changed = perturbation.apply(cell)
    for p in cell.parameters:
        wanted = p.value * (factor if p.name == parameter else 1.0)
        assert changed.parameter(p.name) == pytest.approx(wanted, rel=1e-12), p.name


def test_the_paper_has_three_and_each_is_found_by_name():
    assert (LONG_QT, SHORT_QT, ITO) == PAPER
    assert all(find(name) is p for name, p in PERTURBATIONS.items())
    with pytest.raises(UnknownName, match='Did you mean "long_qt"'):
        find("longqt")


def test_they_do_what_their_titles_say():
    cells = [tentusscher2004, LONG_QT.apply(tentusscher2004), SHORT_QT.apply(tentusscher2004)]
    base, long, short = pace(cells, [500.0], 5000.0, 1000.0).apd_ms()
    assert long > base + 10.0 and short < base - 30.0
