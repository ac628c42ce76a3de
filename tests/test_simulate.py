"""Oracles: CVODE traces (see data/README.md), closed forms, SciPy on NumPy's right-hand side."""

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.signal import find_peaks

from ionlab import gate_tables, kernel, lanes
from ionlab.cells import (
    CELLS,
    Kinetics,
    Stimulus,
    hodgkin_huxley1952,
    tentusscher2004,
    tentusscher2004_endo,
    tentusscher2004_epi,
)
from ionlab.errors import BadValue, Diverged, UnknownName
from ionlab.simulate import METHODS, clamp, pace

DATA = Path(__file__).parent / "data"
CONDITIONS = {
    "baseline": tentusscher2004,
    "gKr_x0.5": tentusscher2004.perturbed(g_Kr=0.5),
    "gCaL_x0.5": tentusscher2004.perturbed(g_CaL=0.5),
    "gto_x3": tentusscher2004.perturbed(g_to=3.0),
    "gKr_x0.25": tentusscher2004.perturbed(g_Kr=0.25),
    "gCaL_x0.25": tentusscher2004.perturbed(g_CaL=0.25),
}
STORED_ms = (350, 445, 800)
IMPLICIT = METHODS[1:]

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
every_method = pytest.mark.parametrize("method", METHODS)


def table(name):
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def same(a, b):
    """All of two `Traces` that depends on the numbers, but for what rounding does to steps."""
    for name in ("values", "fine", "last_good_ms", "t_ms"):
        close = dict(rtol=1e-4, atol=1e-6, equal_nan=True, err_msg=name)
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), **close)


# --- CVODE -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored():
    """(condition, cycle length, CVODE's traces, ours: one run, its row)."""
    names = list(CONDITIONS)[:4]
    cells = [CONDITIONS[name] for name in names]
    traces = pace(cells, STORED_ms, duration_ms=20_001.0, record_last_ms=10_001.0)
    oracle = np.load(DATA / "tentusscher2004.npz")
    cases = [(name, length) for name in names for length in STORED_ms]
    return oracle, [(*case, traces.select([k])) for k, case in enumerate(cases)]


def test_voltage_and_calcium_are_those_of_cvode(stored):
    oracle, cases = stored
    for name, length, traces in cases:
        t = traces.t_ms[:-1]
        np.testing.assert_array_equal(t, oracle["t"])
        phase = (t - 10.0) % length
        far = (phase > 5.0) & (phase < length - 5.0)
        dV = abs(traces["V"][0, :-1] - oracle[f"{name}|{length}|V"])
        Ca_i = oracle[f"{name}|{length}|Cai"]
        dCa = abs(traces["Ca_i"][0, :-1] - Ca_i) / np.ptp(Ca_i)
        assert dV[far].max() < 0.5, (name, length)  # the brief asks for 1 mV
        assert dV.max() < 1.0, (name, length)
        assert dCa.max() < 0.01, (name, length)


def test_every_state_is_that_of_cvode_at_20_s(stored):
    oracle, cases = stored
    names = [str(n).split(".")[1] for n in oracle["state_names"]]
    rename = {"Cai": "Ca_i", "CaSR": "Ca_SR", "Nai": "Na_i", "Ki": "K_i"}
    for name, length, traces in cases:
        wanted = dict(zip(names, oracle[f"{name}|{length}|state20000"], strict=True))
        for state, value in wanted.items():
            state = rename.get(state, state)
            span = np.ptp(traces[state])
            if state in ("Na_i", "K_i"):  # they hardly move in a beat: relative to 20 s of drift
                span = max(span, abs(value - tentusscher2004.start[state]))
            assert abs(traces[state][0, -1] - value) < 0.02 * span, (name, length, state)


def test_durations_are_those_of_cvode(stored):
    rows = {(r["cond"], int(r["CL_ms"])): r for r in table("tentusscher2004_table.csv")}
    for name, length, traces in stored[1]:
        row = rows[name, length]
        assert traces.apd_ms()[0] == pytest.approx(float(row["APD90_last_ms"]), abs=0.5)
        assert traces.apd_ms(0.5)[0] == pytest.approx(float(row["APD50_last_ms"]), abs=0.5)
        last_beat = traces.fine[0, 0, -length:]
        assert last_beat.max() == pytest.approx(float(row["V_peak_mV"]), abs=0.5)


def test_capture_is_that_of_cvode_outside_the_unstable_edge():
    rows = table("capture_map_tentusscher2004.csv")
    for name, cell in CONDITIONS.items():
        patterns = {int(r["CL_ms"]): r["pattern"] for r in rows if r["cond"] == name}
        blocked = [length for length, pattern in patterns.items() if pattern != "1:1"]
        edge = max(blocked, default=0)  # 310 ms at baseline is irregular, with 315 above it
        chosen = [x for x in (300, 305, 320, 330, 340, 350, 365, 400, 600) if abs(x - edge) > 7.5]
        traces = pace(cell, chosen, duration_ms=19_000.0, record_last_ms=10_000.0)
        found = dict(zip(chosen, traces.capture(), strict=True))
        assert found == {length: patterns[length] for length in chosen}, name


# --- closed forms ------------------------------------------------------------------------


@every_cell
def test_gates_at_constant_voltage_are_exponentials(cell):
    """Oracle: h_inf + (h0 - h_inf) exp(-t/tau); the table is 0.1 mV wide, so V lies between."""
    steps = np.array([-93.33, -66.66, -37.77, -12.34, 8.88, 41.05])
    start = {gate: 0.4 for gate in cell.gate_names}
    traces = clamp(cell.with_start(**start), {"V": np.repeat(steps[:, None], 60, 1)})
    np.testing.assert_array_equal(traces["V"], np.repeat(steps[:, None], 60, 1))
    for gate, (h_inf, tau_ms) in cell.gates(cell.at(V=steps[:, None])).items():
        wanted = h_inf + (0.4 - h_inf) * np.exp(-traces.t_ms / tau_ms)
        np.testing.assert_allclose(traces[gate], wanted, atol=2e-5, err_msg=gate)


def test_one_step_of_rush_larsen_is_its_docstring():
    step = kernel.rush_larsen_step
    assert step(0.2, 0.8, 5.0, 5.0) == pytest.approx(0.8 - 0.6 / np.e, rel=1e-12)
    assert step(0.2, 0.8, 5.0, 0.0) == pytest.approx(0.2, rel=1e-12)
    assert step(0.2, 0.8, 1e-3, 1.0) == pytest.approx(0.8, rel=1e-12)


def test_a_held_state_is_a_line_between_samples(rng):
    """Gates and concentrations can be held too, alone or with V."""
    held = {"V": -60.0 + 30.0 * rng.random((2, 40)), "Ca_i": 1e-4 + 1e-3 * rng.random((2, 40))}
    held["m"] = rng.random((2, 40))
    traces = clamp(tentusscher2004, held)
    for name, x in held.items():
        np.testing.assert_array_equal(traces[name], x)

    ramp = {"V": np.linspace(-60.0, 20.0, 81)[None]}
    cell = tentusscher2004.with_kinetics(
        {"r": lambda s: Kinetics(s.V / 100.0 + 0.6, 0.0 * s.V + 2.0)}
    )
    traces = clamp(cell, ramp)
    t, r = traces.t_ms, traces["r"][0]
    wanted = (t - 2.0) / 100.0 + 0.02 * np.exp(-t / 2.0)  # r' = (t/100 - r)/2 in closed form
    np.testing.assert_allclose(r, wanted, atol=2e-5)


def test_a_held_gate_drives_the_rest():
    """With m held at 1 the sodium current at -85 mV is all there is to h and j: V rises."""
    closed, opened = (np.full((1, 5), x) for x in (0.0, 1.0))
    assert clamp(tentusscher2004, {"m": closed})["V"][0, -1] < -80.0
    assert clamp(tentusscher2004, {"m": opened})["V"].max() > 0.0


def test_charge_of_the_stimulus(rng):
    """V clamped: K_i takes up the stimulus, -I C_m / (V_c F) per ms."""
    steps = {"V": np.full((2, 30), -85.0)}
    traces = clamp(tentusscher2004, steps, stimuli_ms=[[10.3, np.inf], [np.inf, np.inf]])
    gain = traces["K_i"][0] - traces["K_i"][1]
    per_ms = 52.0 * 0.185 / (0.016404 * 96485.3415)
    wanted = per_ms * np.clip(traces.t_ms - 10.3, 0.0, 1.0)
    np.testing.assert_allclose(gain, wanted, atol=1e-3 * per_ms)


@every_method
@pytest.mark.parametrize("sample_ms", [1.0, 0.25])
def test_the_stimulus_comes_when_it_should(method, sample_ms):
    """Without any conductance V is the integral of the stimulus, edges between samples too."""
    bare = hodgkin_huxley1952.perturbed(g_Na=0.0, g_K=0.0, g_L=0.0)
    cell = replace(bare, stimulus=Stimulus(amplitude=-2.0, duration_ms=1.3, start_ms=5.35))
    traces = pace(cell, [20.7], 60.0, 60.0, sample_ms=sample_ms, method=method)
    onsets = 5.35 + 20.7 * np.arange(3)
    np.testing.assert_allclose(traces.stimuli_ms[0, :3], onsets)
    np.testing.assert_allclose(traces.t_ms, sample_ms * np.arange(round(60 / sample_ms)))
    on = np.clip(traces.t_ms[:, None] - onsets, 0.0, 1.3).sum(1)
    np.testing.assert_allclose(traces["V"][0], -65.0 + 2.0 * on, atol=1e-5)


def test_cells_with_stimuli_of_their_own():
    late = replace(hodgkin_huxley1952, stimulus=Stimulus(-20.0, 1.0, 30.0))
    traces = pace([hodgkin_huxley1952, late], [100.0], 60.0, 60.0)
    assert traces.stimuli_ms[:, 0].tolist() == [10.0, 30.0]
    assert 18.0 < traces.t_ms[traces["V"][1].argmax()] - traces.t_ms[traces["V"][0].argmax()] < 22.0


# --- three executions of the same equations ----------------------------------------------


@every_cell
def test_compiled_slope_is_that_of_numpy_and_of_torch(cell, rng):
    problem_of = kernel.compiled(cell)
    names = cell.state_names
    records = np.dtype([(n, float) for n in names])
    p = np.array(
        [tuple(p.value for p in cell.parameters)], [(p.name, float) for p in cell.parameters]
    )
    layout = tuple(
        np.array([names.index(n) for n in kind], int)
        for kind in (cell.gate_names, cell.other_names)
    )
    known = (p, gate_tables.tabulate(cell), (-1, 0.0, 1.0), layout)
    for V in [-91.03, -73.27, -52.22, -33.81, 12.46, 38.88]:
        s = {
            state.name: V if state.unit == "mV" else state.start * rng.uniform(0.5, 1.4)
            for state in cell.states
        }
        s.update({gate: rng.uniform(0.0, 1.0) for gate in cell.gate_names})
        x = np.array([s[n] for n in names])
        out, jacobian = np.empty(len(x)), np.empty((len(x), len(x)))
        problem_of.slope(x, x.view(records), *known, -7.0, out)
        wanted = cell.derivatives(SimpleNamespace(**s), -7.0)
        for name, found in zip(names, out, strict=True):
            assert found == pytest.approx(wanted[name], rel=1e-6, abs=1e-12), (V, name)

        problem_of.jacobian(x, x.view(records), *known, -7.0, jacobian)

        def by_torch(x):
            slopes = cell.derivatives(SimpleNamespace(**dict(zip(names, x, strict=True))), -7.0)
            return torch.stack([slopes[n] for n in names])

        exact = torch.autograd.functional.jacobian(by_torch, torch.from_numpy(x)).numpy()
        scale = abs(exact).max(axis=1, keepdims=True) + 1e-12
        np.testing.assert_allclose(jacobian / scale, exact / scale, atol=2e-3)


@pytest.mark.parametrize("smooth", [False, True])
def test_the_look_up_of_gates(smooth):
    """Between the points of the table, within h'' (0.1 mV)^2 / 8; at its ends it stays flat."""
    cell, grid = tentusscher2004, (-1, 0.0, 1.0)
    values = gate_tables.tabulate(cell)

    def look_up(V):
        if smooth:
            out = np.empty(20)
            gate_tables.look_up_smooth(values, V, 0.0, 0.0, 1.0, out)
            return out
        out, of, x = np.empty((20, lanes.WIDTH)), np.zeros(2, int), np.full((1, 2), V)
        gate_tables.look_up(values[None], of, x, 2, grid, out)
        np.testing.assert_array_equal(out[:, 0], out[:, 1])
        return out[:, 0]

    for V in np.linspace(-149.0, 99.0, 173) + 0.047:
        gates = cell.gates(cell.at(V=V)).values()
        wanted = [k.h_inf for k in gates] + [k.tau_ms for k in gates]
        near = abs(V + 40.0) < 0.3  # h and j change their form at -40 mV
        np.testing.assert_allclose(look_up(V), wanted, rtol=0.2 if near else 1e-4, atol=1e-6)
    for V, end in ((-500.0, values[0, 0]), (500.0, values[0, -1])):
        np.testing.assert_allclose(look_up(V), end, rtol=3e-2)


def test_a_run_that_diverges_takes_no_other_along():
    cells = [tentusscher2004, tentusscher2004.perturbed(g_CaL=1e6), tentusscher2004]
    traces = pace(cells, [500.0], 400.0, 400.0)
    alone = pace(tentusscher2004, [500.0], 400.0, 400.0)
    np.testing.assert_allclose(traces["V"][[0, 2]], np.repeat(alone["V"], 2, 0), rtol=1e-7)
    assert np.isnan(traces["V"][1, -1]) and traces.last_good_ms[1] < 400.0


def numpy_reference(cell, end_ms, **options):
    """The states at whole ms, by SciPy on `cell.derivatives`, cut at the edges of one stimulus."""
    names, start = cell.state_names, cell.stimulus.start_ms

    def slope(t, x, I_stim):
        d = cell.derivatives(SimpleNamespace(**dict(zip(names, x, strict=True))), I_stim)
        return np.array([float(d[n]) for n in names])

    x, parts = np.array([cell.start[n] for n in names]), []
    for a, b, I_stim in (
        (0, start, 0.0),
        (start, start + 1, cell.stimulus.amplitude),
        (start + 1, end_ms, 0.0),
    ):
        done = solve_ivp(
            slope, (a, b), x, method="LSODA", t_eval=np.arange(a, b + 1.0), rtol=1e-8, atol=1e-10,
            args=(I_stim,), **options,
        )  # fmt: skip
        parts.append(done.y[:, :-1])
        x = done.y[:, -1]
    return dict(zip(names, np.concatenate(parts, 1), strict=True))


class CalciumGate:
    """A gate that reads a concentration besides the voltage: inactivation by calcium."""

    inputs = ("V", "Ca_i")

    def __call__(self, s):
        h_inf = 1.0 / (1.0 + (s.Ca_i / 0.0004) ** 2) / (1.0 + np.exp((s.V + 20.0) / 7.0))
        return Kinetics(h_inf, 10.0 + 20.0 / (1.0 + s.Ca_i / 0.0002) + 0.0 * s.V)


def test_gates_at_constant_voltage_and_calcium_are_exponentials(rng):
    """Oracle: the formula. Rows over Ca_i are a sixth apart; lines between miss it."""
    held = {"V": rng.uniform(-90.0, 40.0, 200), "Ca_i": np.exp(rng.uniform(-10.0, -6.3, 200))}
    cell = tentusscher2004.with_start(f=0.4).with_kinetics({"f": CalciumGate()})
    runs = clamp(cell, {name: np.repeat(x[:, None], 40, 1) for name, x in held.items()})
    h_inf, tau_ms = CalciumGate()(SimpleNamespace(**{n: x[:, None] for n, x in held.items()}))
    wanted = h_inf + (0.4 - h_inf) * np.exp(-runs.t_ms / tau_ms)
    np.testing.assert_allclose(runs["f"], wanted, atol=1e-4)


@pytest.mark.parametrize("cell", [
    hodgkin_huxley1952,
    tentusscher2004_endo,
    tentusscher2004.with_kinetics({"f": CalciumGate()}),
], ids=["hodgkin_huxley1952", "tentusscher2004_endo", "calcium gate"])  # fmt: skip
def test_every_method_is_scipy_on_the_right_hand_side_of_numpy(cell):
    end = 60.0 if cell is hodgkin_huxley1952 else 300.0
    wanted = numpy_reference(cell, end)
    for method in METHODS:
        traces = pace(cell, [1000.0], end, end, method=method)
        delay_ms = 0.2 if method == "rush-larsen" else 0.05
        near = 5e-3 if cell.kinetics or method == "rush-larsen" else 1e-4  # rows over Ca_i
        for name in cell.state_names:
            x = wanted[name]
            error = abs(traces[name][0] - x)
            late = delay_ms * abs(np.gradient(x))
            late = np.maximum(late, np.maximum(np.roll(late, 1), np.roll(late, -1)))
            assert (error <= near * np.ptp(x) + late + 1e-9).all(), (method, name)


# --- implicit solvers --------------------------------------------------------------------


@pytest.mark.parametrize("method", IMPLICIT)
def test_implicit_solvers_agree_with_the_kernel(method):
    fast = pace(tentusscher2004, [350.0], 1000.0, 700.0)
    slow = pace(tentusscher2004, [350.0], 1000.0, 700.0, method=method)
    np.testing.assert_array_equal(fast.t_ms, slow.t_ms)
    np.testing.assert_allclose(slow["V"], fast["V"], atol=0.5)
    np.testing.assert_allclose(slow.apd_ms(), fast.apd_ms(), atol=0.1)
    np.testing.assert_allclose(slow.fine[:, 0], fast.fine[:, 0], atol=0.5)
    np.testing.assert_array_equal(np.isnan(slow.fine[:, 1]), np.isnan(fast.fine[:, 1]))
    np.testing.assert_allclose(slow.fine[:, 1], fast.fine[:, 1], atol=0.01)
    assert slow.capture() == fast.capture() == ["1:1"]
    assert not slow.diverged.any()


# --- Hodgkin and Huxley ------------------------------------------------------------------


def test_the_axon_rests_at_minus_65_mV():
    quiet = replace(hodgkin_huxley1952, stimulus=Stimulus(0.0, 1.0, 10.0))
    V = pace(quiet, [1000.0], 500.0, 500.0)["V"]
    assert abs(V + 65.0).max() < 0.1


def test_the_axon_fires_all_or_none():
    """A spike reaches about +40 mV whatever the stimulus, or there is none (Figs. 12, 17)."""

    def peak(amplitude):
        cell = replace(hodgkin_huxley1952, stimulus=Stimulus(-amplitude, 0.2, 10.0))
        return pace(cell, [1000.0], 50.0, 50.0, sample_ms=0.1)["V"].max()

    peaks = np.array([peak(a) for a in (10.0, 20.0, 30.0, 40.0, 60.0, 80.0)])
    assert ((peaks < -50.0) | (peaks > 30.0)).all()
    assert peaks[0] < -50.0 and (peaks[3:] > 38.0).all() and (peaks[3:] < 46.0).all()
    assert (np.diff(peaks) > 0).all()


def test_the_axon_fires_again_and_again_under_a_constant_current():
    """10 uA/cm^2: about 70 spikes a second, as published for these equations at 6.3 degrees."""
    cell = replace(hodgkin_huxley1952, stimulus=Stimulus(-10.0, 300.0, 0.0))
    V = pace(cell, [1000.0], 300.0, 300.0, sample_ms=0.1)["V"][0]
    spikes = find_peaks(V, height=0.0)[0]
    assert np.diff(spikes)[3:].mean() * 0.1 == pytest.approx(14.6, abs=0.4)


# --- variants and changed cells ----------------------------------------------------------


def test_the_epicardial_action_potential_is_shorter_than_that_of_the_M_cell():
    cells = [tentusscher2004, tentusscher2004_epi, tentusscher2004_endo]
    M, epi, endo = pace(cells, [1000.0], 10_000.0, 2000.0).apd_ms()
    assert M > epi + 30.0  # g_Ks is a quarter
    assert abs(epi - endo) < 15.0


def test_without_m_there_is_no_upstroke():
    axon = pace(hodgkin_huxley1952.with_gate("m", 0.0), [50.0], 200.0, 200.0)
    assert axon.capture() == ["none"]
    assert np.isnan(axon.apd_ms()).all()
    assert (axon["m"] == 0.0).all() and axon["V"].max() < -40.0
    # the heart cell is left with the stimulus and the slow rise that calcium alone can make
    cells = [tentusscher2004, tentusscher2004.with_gate("m", 0.0)]
    V = pace(cells, [500.0], 400.0, 400.0, sample_ms=0.1)["V"]
    assert np.diff(V[0]).max() / 0.1 > 200.0  # V/s
    assert np.diff(V[1, 111:]).max() / 0.1 < 10.0


def test_a_slider_compiles_nothing():
    before = pace(tentusscher2004, [500.0], 100.0, 100.0)
    loops = kernel.compiled(tentusscher2004)
    counts = [len(loop.signatures) for loop in loops]
    for cell in (
        tentusscher2004.with_gate("h", 0.3),
        tentusscher2004.with_kinetics({"f": CalciumGate()}),
        tentusscher2004.perturbed(g_Kr=0.3).with_start(V=-80.0),
    ):
        assert not np.array_equal(pace(cell, [500.0], 100.0, 100.0)["V"], before["V"])
        clamp(cell, {"V": before["V"], "Ca_i": before["Ca_i"]})
    pace([tentusscher2004] * 2, [500.0, 600.0], 120.0, 100.0, sample_ms=0.5)
    assert kernel.compiled(cell) is loops
    assert [len(loop.signatures) for loop in loops] == counts
    assert counts[0] == 1


# --- runs are independent and repeatable -------------------------------------------------


def test_many_at_once_are_each_alone():
    """Each lane has its own cell, time, steps and samples."""
    cells = [
        tentusscher2004,
        tentusscher2004_epi,
        tentusscher2004.with_kinetics({"f": lambda s: Kinetics(s.V * 0 + 0.7, s.V * 0 + 30.0)}),
    ]
    lengths = [300.0, 350.5, 400.0, 500.0, 600.0, 700.0]  # 18 runs: more than one chunk
    together = pace(cells, lengths, 1500.0, 800.0)
    same(together, pace(cells, lengths, 1500.0, 800.0))
    k = 0
    for cell in cells:
        for length in lengths:
            assert together.cells[k] is cell and together.cycle_lengths_ms[k] == length
            same(together.select([k]), pace(cell, [length], 1500.0, 800.0))
            k += 1


def test_the_recorded_part_is_the_end_of_the_whole():
    whole = pace(tentusscher2004, [350.0], 1000.0, 1000.0)
    part = pace(tentusscher2004, [350.0], 1000.0, 400.0)
    np.testing.assert_array_equal(part["V"], whole["V"][:, 600:])
    np.testing.assert_array_equal(part.t_ms, whole.t_ms[600:])
    np.testing.assert_array_equal(part.fine, whole.fine[:, :, 600:])


@pytest.mark.parametrize("sample_ms", [0.25, 2.0, 5.0])
def test_what_is_sampled_does_not_depend_on_how_often(sample_ms):
    """Nor does it before and after a sample, but that the highest V between is looked up there."""
    usual = pace(tentusscher2004, [350.0], 1000.0, 1000.0)
    other = pace(tentusscher2004, [350.0], 1000.0, 1000.0, sample_ms=sample_ms)
    at = other.t_ms[other.t_ms % 1.0 == 0.0]
    ours = other.values[:, :, other.t_ms % 1.0 == 0.0]
    np.testing.assert_array_equal(ours, usual.values[:, :, at.astype(int)])
    crossings = (each.fine[0, 1][np.isfinite(each.fine[0, 1])] for each in (usual, other))
    np.testing.assert_array_equal(*crossings)
    assert other.fine[0, 0].max() == pytest.approx(usual.fine[0, 0].max(), abs=0.01)


# --- divergence is a value ---------------------------------------------------------------


def unstable(s):
    """Kinetics that no network should learn: the gate grows without bound above -40 mV."""
    high = s.V > -40.0
    return Kinetics(np.where(high, 2.0, 0.0), np.where(high, -3.0, 1.0))


@every_method
def test_a_diverging_run_says_when(method):
    cell = tentusscher2004.with_kinetics({"d": unstable})
    traces = pace([tentusscher2004, cell], [400.0], 300.0, 300.0, method=method)
    assert traces.diverged.tolist() == [False, True]
    assert traces.last_good_ms[0] == 299.0
    good = traces.last_good_ms[1]
    assert 10.0 <= good < 100.0
    late = traces.t_ms > good
    assert np.isfinite(traces.values[0]).all() and np.isfinite(traces.values[1][:, ~late]).all()
    assert np.isnan(traces.values[1][:, late]).all()
    assert np.isnan(traces.fine[1][:, late]).all()
    assert traces.select([0]).check()
    with pytest.raises(Diverged, match=f"400 ms diverged .* after {good:g} ms"):
        traces.check()


@every_method
def test_a_division_by_zero_raises_nothing(method):
    """tau = 0: Rush-Larsen follows h_inf at once; for the others the slope is infinite."""
    at_once = {"r": lambda s: Kinetics(0.0 * s.V + 0.3, abs(0.0 * s.V))}
    traces = pace(tentusscher2004.with_kinetics(at_once), [400.0], 20.0, 20.0, method=method)
    if method == "rush-larsen":
        assert traces["r"][:, 1:] == pytest.approx(0.3)
    else:
        assert traces.diverged.all() and traces.last_good_ms[0] == 0.0


def test_a_clamped_run_diverges_too():
    """V is held, so the state that leaves all bounds is another one."""
    cell = tentusscher2004.with_kinetics({"d": unstable})
    traces = clamp(cell, {"V": np.full((1, 4000), 0.0)})
    assert traces.diverged.all() and np.isnan(traces["d"][0, -1])


# --- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cycle_lengths_ms": [-1.0]}, "cycle length .* must be positive, got -1"),
        ({"cycle_lengths_ms": [350.0, float("nan")]}, "cycle length .* must be positive, got"),
        ({"cycle_lengths_ms": ["fast"]}, "cycle length .* must be positive, got"),
        ({"cycle_lengths_ms": []}, "at least one cell and one cycle length"),
        ({"cell": []}, "at least one cell and one cycle length"),
        ({"cycle_lengths_ms": [0.5]}, "must exceed the stimulus of 1 ms, got 0.5"),
        ({"duration_ms": 0.0}, "duration .* must be positive"),
        ({"record_last_ms": 3000.0}, "between 0 and duration_ms, got 3000 of 1000"),
        ({"record_last_ms": 0.0}, "between 0 and duration_ms"),
        ({"sample_ms": -1.0}, "sample_ms must be positive"),
        ({"sample_ms": 0.3}, "multiple of sample_ms = 0.3, got 1000"),
        ({"rtol": 0.0}, "rtol must be positive"),
        ({"cell": [tentusscher2004, hodgkin_huxley1952]}, "must be of one model"),
        ({"cell": tentusscher2004.with_kinetics(
            {"f": CalciumGate(), "d": type("", (CalciumGate,), {"inputs": ("V", "Na_i")})()}
        )}, "one state besides V, got"),
        ({"cell": tentusscher2004.with_kinetics({"f": lambda s: CalciumGate()(s)})}, "read Ca_i"),
    ],
)  # fmt: skip
def test_pace_refuses(change, says):
    given = {"cell": tentusscher2004, "cycle_lengths_ms": [350.0], "duration_ms": 1000.0}
    with pytest.raises(BadValue, match=says):
        pace(**{**given, "record_last_ms": 500.0, **change})


def test_unknown_names_suggest_the_closest():
    with pytest.raises(UnknownName, match='unknown method "bdf". Did you mean "BDF"'):
        pace(tentusscher2004, [350.0], 10.0, 10.0, method="bdf")
    with pytest.raises(UnknownName, match='unknown state "Cai". Did you mean "Ca_i"'):
        pace(tentusscher2004, 350.0, 10.0, 10.0)["Cai"]
    with pytest.raises(UnknownName, match='unknown state "v". Did you mean "V"'):
        clamp(tentusscher2004, {"v": np.zeros((1, 3))})


@pytest.mark.parametrize(
    ("held", "options", "says"),
    [
        ({}, {}, "one or more states"),
        ({"V": np.zeros((1, 3)), "Ca_i": np.ones((1, 4))}, {}, "one shape"),
        ({"V": np.array([[np.nan, 0.0]])}, {}, "first not NaN"),
        ({"V": np.zeros((2, 3))}, {"stimuli_ms": [[10.0]]}, "row of stimuli for each of 2 runs"),
        ({"V": np.zeros((1, 3))}, {"sample_ms": 0.0}, "sample_ms must be positive"),
    ],
)
def test_clamp_refuses(held, options, says):
    with pytest.raises(BadValue, match=says):
        clamp(tentusscher2004, held, **options)


def test_nan_lets_a_held_state_go():
    """As long as V is held it is the clamp; then it is the cell at the states it has by then."""
    steps = np.full((1, 60), np.nan)
    steps[0, :21] = -20.0
    traces = clamp(tentusscher2004, {"V": steps})
    held = clamp(tentusscher2004, {"V": np.full((1, 21), -20.0)})
    np.testing.assert_array_equal(traces.values[:, :, :21], held.values)
    cell = tentusscher2004.with_start(**{n: traces[n][0, 20] for n in tentusscher2004.state_names})
    quiet = replace(cell, stimulus=Stimulus(0.0, 1.0, 10.0))
    free = pace(quiet, [1000.0], 40.0, 40.0)
    np.testing.assert_allclose(traces["V"][0, 20:], free["V"][0], atol=0.2)
