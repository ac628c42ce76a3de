"""What Figures 2 to 4 show. Oracles: an implicit solver, counted beats, a cell beside itself."""

import numpy as np
import pytest

from ionlab import scenes
from ionlab.cells import tentusscher2004 as CELL
from ionlab.features import apd_ms
from ionlab.perturb import PAPER
from ionlab.simulate import pace

CELLS = [p.apply(CELL) for p in PAPER]


def test_a_panel_of_figure_2_has_all_beats_of_two_seconds():
    panels = scenes.cycles(CELL)
    assert list(panels) == [f"cycle length {x} ms" for x in (800, 550, 320)]
    for (title, panel), length in zip(panels.items(), scenes.FIGURE2_ms, strict=True):
        assert panel["t_ms"][0] == 0.0 and len(panel["t_ms"]) == len(panel["Ca_i"]) == 2000
        upstrokes = np.sum((panel["V"][:-1] < -20.0) & (panel["V"][1:] >= -20.0))
        assert upstrokes == pytest.approx(2000.0 / length, abs=1.0), title


def test_two_beats_begin_with_a_cycle_and_are_alike():
    traces = scenes.two_beats([CELL], 500.0)
    V = traces["V"][0]
    assert len(V) == 1000 and traces.t_ms[0] % 500.0 == 0.0
    assert (V[: int(CELL.stimulus.start_ms) + 1] < -80.0).all()
    np.testing.assert_allclose(V[500:], V[:500], atol=0.5)


def test_figure_3_is_that_of_an_implicit_solver():
    t_ms, panels = scenes.perturbed()
    true = pace([CELL, *CELLS], [350.0], 58 * 350.0, 700.0, method="LSODA", rtol=1e-6)
    wanted = true.apd_ms()
    assert wanted[0] == pytest.approx(276.86, abs=0.2)  # CVODE
    assert list(panels) == [p.title for p in PAPER]
    for panel, apd in zip(panels.values(), wanted[1:], strict=True):
        assert apd_ms(t_ms, panel["baseline"])[0] == pytest.approx(wanted[0], abs=1.0)
        assert apd_ms(t_ms, panel["perturbed"])[0] == pytest.approx(apd, abs=1.0)


def test_in_figure_4_a_cell_lies_upon_itself():
    t_ms, panels = scenes.beside(CELLS)
    for panel in panels.values():
        assert list(panel) == ["baseline", "perturbed", "neural ODE"]
        np.testing.assert_array_equal(panel["neural ODE"], panel["perturbed"])
        assert len(t_ms) == len(panel["neural ODE"]) == 700
    assert "neural ODE" not in scenes.perturbed()[1]["Long QT"]


def test_the_networks_that_ship_lie_near_their_cells():
    _, panels = scenes.neural_odes("membrane", 500.0)
    for title, panel in panels.items():
        miss = {
            name: np.sqrt(np.mean((panel["neural ODE"] - panel[name]) ** 2))
            for name in ("baseline", "perturbed")
        }
        assert miss["perturbed"] < 3.0 and 2.0 * miss["perturbed"] < miss["baseline"], title
