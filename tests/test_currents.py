"""Oracles: the paper's formulas by hand at one state, and the slope of the simulated voltage."""

import numpy as np
import pytest

from ionlab.cells import CELLS, hodgkin_huxley1952, tentusscher2004
from ionlab.currents import area, currents
from ionlab.simulate import pace

# RT/F = 26.713761 mV; ten Tusscher 2004, appendix, at the state below
AT = dict(V=10.0, Ca_i=0.0004, Na_i=11.6, K_i=138.3, m=0.9, h=0.2, j=0.3, d=0.8, f=0.7, fCa=0.9)
AT |= dict(xr1=0.4, xr2=0.3, xs=0.2, r=0.6, s=0.5)


def by_hand():
    RT_F = 8314.472 * 310.0 / 96485.3415
    V, e = 10.0, np.exp
    E_Na = RT_F * np.log(140.0 / 11.6)
    E_K = RT_F * np.log(5.4 / 138.3)
    E_Ks = RT_F * np.log((5.4 + 0.03 * 140.0) / (138.3 + 0.03 * 11.6))
    E_Ca = RT_F / 2.0 * np.log(2.0 / 0.0004)
    a = 0.1 / (1 + e(0.06 * (V - E_K - 200)))
    b = (3 * e(0.0002 * (V - E_K + 100)) + e(0.1 * (V - E_K - 10))) / (1 + e(-0.5 * (V - E_K)))
    F, RT, z = 96485.3415, 8314.472 * 310.0, e(2 * V / RT_F)
    forward = e(0.35 * V / RT_F) * 11.6**3 * 2.0
    back = e(-0.65 * V / RT_F) * 140.0**3 * 0.0004 * 2.5
    below = (87.5**3 + 140.0**3) * (1.38 + 2.0) * (1 + 0.1 * e(-0.65 * V / RT_F))
    gate = 1 + 0.1245 * e(-0.1 * V / RT_F) + 0.0353 * e(-V / RT_F)
    return {
        "I_Na": 14.838 * 0.9**3 * 0.2 * 0.3 * (V - E_Na),
        "I_CaL": 0.000175 * 0.8 * 0.7 * 0.9 * 4 * V * F**2 / RT * (0.0004 * z - 0.682) / (z - 1),
        "I_to": 0.294 * 0.6 * 0.5 * (V - E_K),
        "I_Kr": 0.096 * 0.4 * 0.3 * (V - E_K),
        "I_Ks": 0.062 * 0.2**2 * (V - E_Ks),
        "I_K1": 5.405 * a / (a + b) * (V - E_K),
        "I_NaCa": 1000.0 * (forward - back) / below,
        "I_NaK": 1.362 * 5.4 / 6.4 * 11.6 / 51.6 / gate,
        "I_pCa": 0.825 * 0.0004 / 0.0009,
        "I_pK": 0.0146 * (V - E_K) / (1 + e((25 - V) / 5.98)),
        "I_bNa": 0.00029 * (V - E_Na),
        "I_bCa": 0.000592 * (V - E_Ca),
    }


def test_all_twelve_currents_by_hand():
    cell = tentusscher2004
    states = {name: np.full((1, 3), AT.get(name, start)) for name, start in cell.start.items()}
    found = currents(cell, states)
    assert set(found) == set(cell.current_names) and len(found) == 12
    for name, wanted in by_hand().items():
        assert found[name].shape == (1, 3)
        assert found[name][0] == pytest.approx(wanted, rel=1e-9), name


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_currents_sum_to_the_slope_of_the_voltage(cell):
    """-C dV/dt = sum of currents + stimulus, by central differences of samples 0.02 ms apart."""
    length = 30.0 if cell is hodgkin_huxley1952 else 400.0
    traces = pace(cell, [length], length, length, sample_ms=0.02)
    t, V = traces.t_ms, traces["V"][0]
    total = sum(currents(cell, traces).values())[0]
    stimulus = cell.stimulus
    since = t - stimulus.start_ms
    total = total + np.where((since >= 0) & (since < stimulus.duration_ms), stimulus.amplitude, 0)
    slope = np.gradient(V, t)
    edge = (abs(since) < 0.05) | (abs(since - stimulus.duration_ms) < 0.05)
    edge |= abs(t - t[V.argmax()]) < 0.3  # one step goes round the peak
    near = ~edge & (abs(slope) < 30.0)  # in the upstroke the difference is not the slope
    late_by_a_sample = 0.02 * abs(np.gradient(slope, t))
    assert (abs(slope + total) < 0.6 + 0.02 * abs(slope) + late_by_a_sample)[near].all()
    late = since > 20.0 if length > 100.0 else since > 5.0
    error = np.sqrt(np.mean((slope + total)[late] ** 2)) / np.sqrt(np.mean(slope[late] ** 2))
    assert error < 0.02


def test_area_is_the_charge_moved():
    t = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(area(t, np.array([[2.0, -2.0, 4.0], [0.0, 0.0, 1.0]])), [8.0, 1.0])
