"""Oracles: Myokit's own evaluation of the file, the cells that ship, and numbers worked by hand."""

import math
import multiprocessing
import time
from pathlib import Path
from types import SimpleNamespace

import myokit
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ionlab import cells
from ionlab.cells import imported
from ionlab.cli import main
from ionlab.errors import BadModel, BadValue, Diverged, UnknownName
from ionlab.simulate import clamp, pace

DATA = Path(__file__).parent / "data"
FILES = {  # classic gates and states, by hand from the papers
    "hodgkin_huxley1952": (3, 4),
    "beeler_reuter1977": (6, 8),
    "luo_rudy1991": (6, 8),
    "tentusscher2004": (10, 17),
    "ohara_rudy2011": (28, 41),
}

SMALL = """[[model]]
membrane.V = -80
gate.x = 0.1

[engine]
time = 0 [ms] in [ms] bind time
pace = 0 bind pace

[membrane]
dot(V) = -(leak.I_L + gate.I_x + stimulus.I)
    in [mV]

[stimulus]
I = engine.pace * -30 [A/F]
    in [A/F]

[leak]
g = 0.1 [mS/uF]
    in [mS/uF]
E = -80 [mV]
    in [mV]
I_L = g * (membrane.V - E)
    in [A/F]

[gate]
use membrane.V
g = 0.2 [mS/uF]
    in [mS/uF]
I_x = g * x * V
    in [A/F]
dot(x) = (inf - x) / tau
    inf = 1 / (1 + exp(-(V + 20) / 5))
    tau = 5
"""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IONLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def files(cache, tmp_path_factory):
    """Name -> path of the model files: those of the tests, and the example of Myokit."""
    example = tmp_path_factory.mktemp("models") / "luo_rudy1991.mmt"
    myokit.save(str(example), *myokit.load("example"))
    return {**{name: DATA / f"{name}.mmt" for name in FILES}, "luo_rudy1991": example}


@pytest.fixture
def write(tmp_path):
    """Write a model file, SMALL with some of its text replaced; return its path."""

    def written(name="small.mmt", **changes):
        text = SMALL
        for before, after in changes.pop("replace", {}).items():
            assert before in text
            text = text.replace(before, after)
        (tmp_path / name).write_text(text + changes.pop("more", ""), encoding="utf-8")
        return tmp_path / name

    return written


every_file = pytest.mark.parametrize("name", FILES)


# --- what is found -----------------------------------------------------------------------


@every_file
def test_the_classic_gates_of_published_models(files, name):
    cell = cells.from_file(files[name])
    gates, states = FILES[name]
    assert (len(cell.gate_names), len(cell.state_names)) == (gates, states)
    assert sorted(cell.gate_names + cell.other_names) == sorted(cell.state_names)
    assert imported.notes(cell)[0] == f"{gates} of {states} states are classic gates."


@every_file
def test_the_right_hand_side_is_that_of_myokit(files, name):
    """Myokit evaluates the file's own equations, in the file's units."""
    cell = cells.from_file(files[name])
    model = myokit.load_model(str(files[name]))
    V = next(s for s in model.states() if s.name() in ("V", "v", "Em"))
    per_mV = 1e-3 if str(V.unit()) == "[V]" else 1.0  # beeler_reuter1977.mmt is in V, s and M
    order = [V, *(s for s in model.states() if s is not V)]
    rng = np.random.default_rng(3)
    for V_mV in rng.uniform(-110.0, 60.0, 12):
        values = {
            s: per_mV * V_mV if s is V else s.initial_value(as_float=True) * rng.uniform(0.6, 1.2)
            for s in model.states()
        }
        values |= {s: x + 0.05 for s, x in values.items() if x == 0}
        wanted = dict(
            zip(
                model.states(),
                model.evaluate_derivatives(list(values.values()), ignore_errors=True),
                strict=True,
            )
        )
        units = {s: _per_unit(s, V, per_mV) for s in order}
        at = {n: values[s] / units[s] for n, s in zip(cell.state_names, order, strict=True)}
        found = cell.derivatives(cell.at(**at))
        for n, s in zip(cell.state_names, order, strict=True):
            assert found[n] == pytest.approx(wanted[s] * per_mV / units[s], rel=1e-10, abs=1e-14)


def _per_unit(state, V, per_mV):
    """The file's units in one of ionlab's; where V is in V, calcium is in M and time in s."""
    return per_mV if state is V or str(state.unit()) == "[M]" else 1.0


@every_file
def test_charge_is_conserved_and_currents_scale(files, name):
    cell = cells.from_file(files[name])
    s = cell.at(V=-21.0, **{g: 0.4 for g in cell.gate_names})
    I = cell.equations.currents(s, cell.p)
    assert cell.derivatives(s, -20.0)["V"] == pytest.approx(20.0 - sum(I), rel=1e-10)
    scaled = {**cell.conductances, **cell.pumps}
    assert set(scaled) == set(cell.current_names) and len(set(scaled.values())) == len(scaled)
    for current, parameter in scaled.items():
        half = cell.perturbed(**{parameter: 0.5})
        found = getattr(half.equations.currents(s, half.p), current)
        assert found == pytest.approx(getattr(I, current) / 2, rel=1e-12)


@every_file
def test_numpy_and_torch_agree(files, name):
    cell = cells.from_file(files[name])
    rng = np.random.default_rng(1)
    states = {x: v * rng.uniform(0.7, 1.1, 6) + 0.01 * (v == 0) for x, v in cell.start.items()}
    states["V"] = np.array([-90.0, -47.13, -40.0, -20.0, 0.0, 30.0])  # with the gaps of rates
    wanted = cell.derivatives(SimpleNamespace(**states), -3.0)
    tensors = {x: torch.from_numpy(v).requires_grad_() for x, v in states.items()}
    found = cell.derivatives(SimpleNamespace(**tensors), -3.0)
    for x in cell.state_names:
        close = dict(rtol=1e-9, atol=1e-13, err_msg=x)
        np.testing.assert_allclose(found[x].detach(), wanted[x], **close)
    sum(x.sum() for x in found.values()).backward()
    assert all(torch.isfinite(x.grad).all() for x in tensors.values() if x.grad is not None)


@pytest.mark.parametrize("name", ["hodgkin_huxley1952", "tentusscher2004"])
def test_an_imported_cell_runs_as_the_one_that_ships(files, name):
    """Within 0.01 mV, after 20 beats; the stimulus of the shipped cell."""
    ours, theirs = cells.from_file(files[name]), cells.find(name)
    assert ours.stimulus == theirs.stimulus
    times = dict(duration_ms=8000.0, record_last_ms=2000.0)
    V = [pace(cell, [400.0], **times)["V"] for cell in (ours, theirs)]
    off = np.abs(V[0] - V[1])
    assert off.max() < 0.01


@pytest.mark.parametrize(
    "name", ["hodgkin_huxley1952", "beeler_reuter1977", "tentusscher2004", "ohara_rudy2011"]
)
def test_an_imported_cell_has_the_equations_of_the_one_that_ships(files, name):
    """Two people's writing of one paper; `Na_i` here is `nai` or `Nai` there."""
    ours, theirs = cells.from_file(files[name]), cells.find(name)
    known = {x.lower().replace("_", ""): x for x in theirs.state_names}
    there = {x: known[x.lower().replace("_", "")] for x in ours.state_names}
    assert {there[gate] for gate in ours.gate_names} == set(theirs.gate_names)
    rng = np.random.default_rng(5)
    for V in rng.uniform(-100.0, 50.0, 8):
        at = {x: s * rng.uniform(0.6, 1.4) + 0.01 * (s == 0) for x, s in ours.start.items()}
        at = {**at, "V": V}
        wanted = theirs.derivatives(theirs.at(**{there[x]: v for x, v in at.items()}), -5.0)
        found = ours.derivatives(ours.at(**at), -5.0)
        for x, slope in found.items():
            assert slope == pytest.approx(wanted[there[x]], rel=1e-10, abs=1e-14), x


def test_units_are_brought_to_mV_ms_and_mM(files):
    cell = cells.from_file(files["beeler_reuter1977"])
    assert (cell.units["V"], cell.units["Ca_i"]) == ("mV", "mM")
    assert cell.start["V"] == pytest.approx(-84.622) and cell.start["Ca_i"] == pytest.approx(2e-4)
    assert cell.observables == ("V", "Ca_i") and cell.state_names[0] == "V"
    # alpha and beta of x1 at 0 mV, Beeler and Reuter 1977, table 1
    a = 0.0005 * np.exp(0.083 * 50) / (np.exp(0.057 * 50) + 1)
    b = 0.0013 * np.exp(-0.06 * 20) / (np.exp(-0.04 * 20) + 1)
    assert cell.gates(cell.at(V=0.0))["x1"] == pytest.approx((a / (a + b), 1 / (a + b)))
    # a pulse of 25 for 2 ms written as a function of time in s, inward in the file
    assert cell.stimulus == cells.Stimulus(-25.0, 2.0, 10.0)


@pytest.mark.parametrize("name", ["luo_rudy1991", "beeler_reuter1977", "ohara_rudy2011"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_cellml_gives_the_same_cell(files, name, version, tmp_path):
    """Exported by Myokit: without labels, with other components and its own stimulus."""
    path = tmp_path / "model.cellml"
    model, protocol, _ = myokit.load(str(files[name]))
    myokit.formats.exporter("cellml").model(str(path), model, protocol, version=version)
    ours, theirs = cells.from_file(path), cells.from_file(files[name])
    assert set(ours.gate_names) == set(theirs.gate_names)
    assert ours.stimulus == theirs.stimulus
    s = theirs.at(V=-30.0, **{g: 0.3 for g in theirs.gate_names})
    wanted, found = (c.derivatives(c.at(**vars(s))) for c in (theirs, ours))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


# --- how it is kept ----------------------------------------------------------------------


def test_a_second_time_comes_from_the_cache(files, monkeypatch, capsys):
    """Without Myokit, under the same name, with the same functions; in another process, too."""
    first = cells.from_file(files["ohara_rudy2011"])
    capsys.readouterr()
    monkeypatch.setattr(imported, "_translated", None)
    assert cells.from_file(files["ohara_rudy2011"]) is first is cells.find(first.name)
    assert capsys.readouterr().err == ""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_gates_of, (first,)) == first.gate_names


def _gates_of(cell):
    return cell.gate_names


def test_cells_of_one_file_name_are_not_confused(write, tmp_path):
    one = cells.from_file(write())
    two = cells.from_file(write(replace={"g = 0.2": "g = 0.3"}))
    assert one.name != two.name
    assert (one.parameter("gate_g"), two.parameter("gate_g")) == (0.2, 0.3)
    assert cells.find(one.name) is one and cells.find(two.name) is two
    assert cells.find(str(tmp_path / "small.mmt")) is two
    with pytest.raises(UnknownName):
        cells.find("../../secret")


def test_names_that_join_to_the_same_are_told_apart(write):
    """a.b_c and a_b.c, and a state whose name is a word of Python."""
    more = "\n[a]\nb_c = 3 * gate.x\ndot(lambda) = a_b.c - b_c\n[a_b]\nc = 5 * gate.x\n"
    start = {"gate.x = 0.1\n": "gate.x = 0.1\na.lambda = 0.5\n"}
    cell = cells.from_file(write(replace=start, more=more))
    assert cell.state_names == ("V", "x", "a_lambda")
    assert cell.derivatives(cell.at(x=0.25))["a_lambda"] == pytest.approx(2 * 0.25)


def test_the_title_of_a_model_is_text(write):
    title = 'A "cell" \\ """ + open("x", "w")'
    cell = cells.from_file(write(replace={"[[model]]\n": f"[[model]]\nname: {title}\n"}))
    assert cell.title == title


def test_names_are_short_where_that_is_clear(write):
    cell = cells.from_file(write())
    assert cell.state_names == ("V", "x") and cell.current_names == ("I_L", "I_x")
    assert {p.name for p in cell.parameters} == {"leak_g", "gate_g", "E", "tau"}
    assert cell.conductances == {"I_L": "leak_g", "I_x": "gate_g"}
    assert (cell.current_unit, cell.stimulus.amplitude) == ("pA/pF", -30.0)
    with pytest.raises(UnknownName, match='Did you mean "leak_g"'):
        cell.perturbed(leakg=0.5)


def test_what_is_no_gate_is_said_by_name_and_line(write, capsys):
    """A Markov chain stays plain states; so does what is not linear, and what needs two inputs."""
    more = """
[markov]
dot(O) = 0.1 * C - 0.2 * O
dot(C) = 0.2 * O - 0.1 * C
dot(q) = 0.1 * (1 - q) * q
dot(z) = (1 / (1 + Ca_ss / 1e-3) - z) / 3
dot(w) = (1 / (1 + Ca_sr) - w) / 3
dot(y) = if(membrane.V > 0, 1 - y, (0.5 - y) / 2)
dot(Ca_ss) = -0.1 * (Ca_ss - 2e-4 [mM])
    in [mM]
dot(Ca_sr) = -0.1 * (Ca_sr - 2e-1 [mM])
    in [mM]
"""
    start = "gate.x = 0.1\n" + "".join(
        f"markov.{name} = {x}\n"
        for name, x in dict(O=0.2, C=0.8, q=0.5, z=0.5, w=0.5, y=0.5, Ca_ss=1e-4, Ca_sr=1).items()
    )
    cell = cells.from_file(write(replace={"gate.x = 0.1\n": start}, more=more))
    assert cell.gate_names == ("x", "z", "y") and cell.equations.inputs == ("V", "Ca_ss")
    said = capsys.readouterr().err
    assert "markov.O (line 44) is no classic gate: it depends on markov.C." in said
    assert "markov.q (line 46) is no classic gate: it is not linear in itself." in said
    assert "markov.w (line 48) is no classic gate: it depends on markov.Ca_sr, where" in said
    # h_inf of y is 1, then 1/2; of z, 1 / 1.2 at 0.2 uM: the kernel reads tables over Ca_ss
    held = clamp(cell, {"V": np.full((1, 101), 10.0), "Ca_ss": np.full((1, 101), 2e-4)})
    assert held["y"][0, -1] == pytest.approx(1.0, abs=1e-4)
    assert held["z"][0, -1] == pytest.approx(1 / 1.2, abs=5e-4)
    assert held["O"][0, -1] == pytest.approx(1 / 3, abs=1e-3)


def test_a_gate_is_told_by_its_equation(write):
    """It may start anywhere, and h_inf, a sum of curves, may pass 1 by a little."""
    inf = "inf = 1 / (1 + exp(-(V + 20) / 5))"
    changes = {"gate.x = 0.1": "gate.x = -2.5", inf: f"{inf} + 0.01 / (1 + exp(-V))"}
    assert cells.from_file(write(replace=changes)).gate_names == ("x",)
    changes[inf] = f"{inf} + 0.1 / (1 + exp(-V))"
    assert cells.from_file(write(replace=changes)).gate_names == ()


def test_a_branch_that_constants_rule_out_may_divide_by_zero(write):
    """A dose of zero, to a power, below a fraction: the file's own `if` keeps it away."""
    tau = "tau = 5 + faster * V\n    faster = if(dose > 0, 1 / (1 + 2 / dose^1.7), 0)\n    dose = 0"
    path = write(replace={"tau = 5": tau})
    cell = cells.from_file(path)
    assert cell.gates(cell.at(V=10.0))["x"].tau_ms == 5.0
    held = clamp(cell, {"V": np.full((1, 21), -20.0)})
    assert held["x"][0, -1] == pytest.approx(0.5 - 0.4 * math.exp(-20 / 5), abs=1e-4)


def test_a_constant_that_divides_by_zero_has_its_limit(write, capsys):
    """10 / (1 + 9 / dose^0.5) without a dose: 0, as simulators in C have it."""
    tau = "tau = 5 + effect\n    effect = 10 / (1 + 9 / dose^0.5)\n    dose = 0"
    cell = cells.from_file(write(replace={"tau = 5": tau}))
    assert cell.gates(cell.at(V=10.0))["x"].tau_ms == 5.0
    assert "effect (line 34) divides by zero and is kept at 0." in capsys.readouterr().err


def test_a_tau_that_is_negative_far_above_any_peak_is_one(write):
    """1 / rate - 0.05 ms, below zero from 95 mV: fits of published files do so."""
    cell = cells.from_file(write(replace={"tau = 5": "tau = 5 / (V + 200) * 59 - 1"}))
    assert cell.gates(cell.at(V=95.1))["x"].tau_ms < 0 and cell.gate_names == ("x",)


def test_gates_follow_a_concentration_over_decades(write):
    """As calcium of a cleft rises, from 0.2 uM to 1 mM: h_inf is 1 / (1 + (Ca / K)^2)."""
    more = """
[cleft]
dot(z) = (1 / (1 + (Ca / 0.05 [mM])^2) - z) / 3
dot(Ca) = -0.1 * (Ca - 2e-4 [mM])
    in [mM]
"""
    start = {"gate.x = 0.1\n": "gate.x = 0.1\ncleft.z = 1\ncleft.Ca = 2e-4\n"}
    cell = cells.from_file(write(replace=start, more=more))
    levels = np.geomspace(2e-4, 1.0, 40)
    held = clamp(cell, {"V": np.zeros((40, 101)), "Ca_i": np.tile(levels[:, None], 101)})
    np.testing.assert_allclose(held["z"][:, -1], 1 / (1 + (levels / 0.05) ** 2), atol=2e-3)


def test_every_function_of_a_model_file(write):
    """In NumPy and compiled, against the standard library."""
    tau = """tau = asin(u) + acos(u) * tan(u) + atan(V) + ceil(V / 7) + V // 7 + V % 7 + c
    u = V / 200
    c = 100 + log(V + 200, 3) + log10(V + 200) + abs(V) + floor(V / 9) + sin(u) + cos(u)"""
    cell = cells.from_file(write(replace={"tau = 5": tau}))
    V, u = -33.0, -33.0 / 200
    wanted = math.asin(u) + math.acos(u) * math.tan(u) + math.atan(V) + math.ceil(V / 7) + V // 7
    wanted += V % 7 + 100 + math.log(V + 200, 3) + math.log10(V + 200) + abs(V) + V // 9
    wanted += math.sin(u) + math.cos(u)
    assert cell.gates(cell.at(V=V))["x"].tau_ms == pytest.approx(wanted, rel=1e-13)


def test_gaps_are_stepped_over(write):
    """x / (exp(x) - 1) in any dress: its limit, in NumPy without a warning and when compiled."""
    tau = {
        "tau = 5": """tau = 1 / (a / b)
    a = V + 40
    b = 1 - exp(-a / 10)""",
        "I_x = g * x * V": "I_x = g * x * ghk * 2\nu = V * 2 / 25.0\nghk = 50 * u / (exp(u) - 1)",
    }
    cell = cells.from_file(write(replace=tau))
    for V in (-40.0, -40.00001, -39.9999):
        assert cell.gates(cell.at(V=V))["x"].tau_ms == pytest.approx(0.1, rel=1e-4)
    I_x = cell.equations.currents(cell.at(V=0.0, x=0.5), cell.p).I_x
    assert I_x == pytest.approx(0.2 * 0.5 * 2 * 50, rel=1e-4)
    held = clamp(cell, {"V": np.array([[-40.0, -40.0, 0.0, 0.0]])})
    assert np.isfinite(held.values).all()


def test_gaps_are_found_through_names_and_factors(write):
    """u / (1 - 2 exp(-u / 25) / 2) with each part in a variable of its own; its limit is 25."""
    product = "I_x = g * x * top * over\ntop = V - 50\nover = 1 / (1 - e / 2)"
    changes = {"I_x = g * x * V": f"{product}\ne = 2 * exp(-top / 25)"}
    cell = cells.from_file(write(replace=changes))
    I_x = cell.equations.currents(cell.at(V=50.0, x=0.5), cell.p).I_x
    assert I_x == pytest.approx(0.2 * 0.5 * 25, rel=1e-4)


def test_names_that_are_asked_for(write):
    ask = {"    in [mV]\n": "", "membrane.V": "membrane.potential", "dot(V)": "dot(potential)"}
    ask |= {"use membrane.potential": "use membrane.potential as V"}
    path = write(replace={**ask})
    with pytest.raises(BadModel, match="no state is in mV.*membrane.potential, gate.x"):
        cells.from_file(path)
    assert cells.from_file(path, voltage="membrane.potential").state_names == ("V", "x")
    with pytest.raises(UnknownName, match='Did you mean "potential"'):
        cells.from_file(path, voltage="potental")
    with pytest.raises(UnknownName, match="for the stimulus"):
        cells.from_file(path, voltage="potential", stimulus="stim")
    with pytest.raises(BadModel, match="must be a term of dV/dt"):
        cells.from_file(path, voltage="potential", stimulus="leak.E")
    with pytest.raises(UnknownName, match="for the calcium"):
        cells.from_file(path, voltage="potential", calcium="Cai")


SWITCHED = """
[clamp]
use membrane.V as V_ode
on = 0
held = if(engine.time > 100 [ms], 0 [mV], -80 [mV])
V = if(on == 1, held, V_ode)
"""


def test_a_protocol_that_is_switched_off_is_left_out(write):
    """A voltage clamp that constants of the file rule out, of V and of dV/dt; the gates read V."""
    sum_ = "-(leak.I_L + gate.I_x + stimulus.I)"
    changes = {sum_: f"if(clamp.on == 1, 0 [mV/ms], {sum_})", "use membrane.V": "use clamp.V"}
    cell = cells.from_file(write(replace=changes, more=SWITCHED))
    assert cell.current_names == ("I_L", "I_x") and cell.gate_names == ("x",)
    assert cell.gates(cell.at(V=-20.0))["x"].h_inf == pytest.approx(0.5)
    del changes[sum_]
    with pytest.raises(BadModel, match="gate.I_x, stimulus.I depend on time"):
        cells.from_file(write(replace=changes, more=SWITCHED.replace("on = 0", "on = 1")))


def test_a_constant_current_stays(write):
    """Iapp of a neuron is no pulse: dV/dt is -(-30 + g (V + 80)) at x = 0, at any time."""
    cell = cells.from_file(write(replace={"engine.pace * -30 [A/F]": "Iapp\n    Iapp = -30 [A/F]"}))
    assert cell.stimulus.amplitude == 0.0
    assert cell.derivatives(cell.at(V=-70.0, x=0.0))["V"] == pytest.approx(30.0 - 0.1 * 10.0)


def test_a_stimulus_that_is_switched_off(write):
    pulse = "if(engine.time > 10 and engine.time < 12, height, 0)\n    height = 0"
    path = write(replace={"engine.pace * -30 [A/F]": pulse})
    assert cells.from_file(path).stimulus.amplitude == 0.0


def test_a_file_that_is_silent_on_time_is_silent_on_rates(write):
    """Currents in uA/cm^2 add up to dV/dt, for 1 uF/cm^2; with time in ms they cannot."""
    area = {"[A/F]": "[uA/cm^2]", "[mS/uF]": "[mS/cm^2]"}
    with pytest.raises(BadModel, match=r"membrane.V \(line 10\).*--any-units"):
        cells.from_file(write(replace=area))
    silent = {**area, "time = 0 [ms] in [ms] bind time": "time = 0 bind time"}
    assert cells.from_file(write(replace=silent)).current_unit == "uA/cm^2"


def test_units_that_differ_by_a_factor_are_told_and_taken_as_written(write, capsys):
    """E in V beside V in mV: simulators subtract the numbers, and so do the published results."""
    cell = cells.from_file(write(replace={"E = -80 [mV]\n    in [mV]": "E = -80 [V]\n    in [V]"}))
    assert (
        "of leak.I_L (line 22), membrane.V - leak.E mixes [mV] and [V]" in capsys.readouterr().err
    )
    I_L = cell.equations.currents(cell.at(V=-70.0), cell.p).I_L
    assert I_L == pytest.approx(0.1 * 10.0)


def test_the_protocol_of_the_file_gives_the_stimulus(write):
    protocol = "\n[[protocol]]\n# Level Start Length Period Multiplier\n2 100 3 800 0\n"
    assert cells.from_file(write(more=protocol)).stimulus == cells.Stimulus(-60.0, 3.0, 10.0)


def test_a_cell_without_a_stimulus_and_one_with_the_other_sign(write):
    none = write(replace={" + stimulus.I)": ")"})
    assert cells.from_file(none).stimulus.amplitude == 0.0
    other = {" + stimulus.I)": ") + stimulus.I", "pace * -30": "pace * 30"}
    assert cells.from_file(write(replace=other)).stimulus.amplitude == -30.0


# --- what published files do -------------------------------------------------------------

CELLML = """<?xml version="1.0" encoding="utf-8"?>
<model name="buffer" xmlns="http://www.cellml.org/cellml/1.0#"
  xmlns:cellml="http://www.cellml.org/cellml/1.0#">
<units name="ms"><unit units="second" prefix="milli"/></units>
<units name="mV"><unit units="volt" prefix="milli"/></units>
<component name="c">
<variable name="t" units="ms"/>
<variable name="V" units="mV" initial_value="-80"/>
<variable name="i" units="dimensionless"/>
<variable name="Ca" units="dimensionless" initial_value="0.2"/>
<variable name="B" units="dimensionless" initial_value="0.01"/>
<math xmlns="http://www.w3.org/1998/Math/MathML">
<apply><eq/><ci>i</ci><apply><plus/><ci>V</ci><cn cellml:units="mV">60</cn></apply></apply>
<apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>V</ci></apply>
  <apply><minus/><ci>i</ci></apply></apply>
<apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>Ca</ci></apply>
  <apply><minus/><apply><diff/><bvar><ci>t</ci></bvar><ci>B</ci></apply></apply></apply>
<apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>B</ci></apply>
  <apply><times/><cn cellml:units="dimensionless">0.5</cn><ci>Ca</ci></apply></apply>
</math></component></model>
"""


def test_a_derivative_that_is_read_before_it_is_declared(tmp_path):
    """What binds to a buffer is taken from the calcium: dCa/dt = -dB/dt = -0.5 Ca."""
    path = tmp_path / "buffer.cellml"
    path.write_text(CELLML, encoding="utf-8")
    cell = cells.from_file(path)
    slope = cell.derivatives(cell.at(Ca_i=0.3, B=0.9))
    assert (slope["Ca_i"], slope["B"]) == pytest.approx((-0.15, 0.15))


SCALES = """
[k]
use membrane.V, const.K_o
g_part = 9 [1]
g_rest = 1 [1]
I_part = leak.g * g_part / (g_part + g_rest) * (V - 60)
I_rest = leak.g * g_rest / (g_part + g_rest) * (V - 10)
g_twice = 0.3
I_twice = g_twice * g_twice * (V + 85)
k_max = 1.3
I_NaK = K_o / (K_o + 1) * k_max * (1 - 0.1 * const.AF) / (1 + exp(-V / 25))
I_K1 = leak.g * gate.x * (V - 26 * log(K_o / 140))
P_Ca = 0.4
I_Ca = P_Ca * gate.x * (V - 50)
I_CaK = 0.1 * P_Ca * gate.x * (V + 80)

[const]
K_o = 5.4
AF = 0
"""


def test_a_parameter_scales_its_current_and_no_other_otherwise(write):
    """Doubled, its current doubles, and what else changes doubles, too, as I_CaK with I_Ca."""
    names = "I_part I_rest I_twice I_NaK I_K1 I_CaK I_Ca"
    sums = " + ".join(f"k.{name}" for name in names.split())
    path = write(replace={"-(leak.I_L": f"-({sums} + leak.I_L"}, more=SCALES)
    cell = cells.from_file(path, check_units=False)
    scales = {**cell.conductances, **cell.pumps}
    assert scales["I_Ca"] == "P_Ca" and cell.pumps == {"I_NaK": "k_max"}
    assert set(scales) == set(cell.current_names) >= set(names.split())
    s = cell.at(V=-30.0, x=0.4)
    before = cell.equations.currents(s, cell.p)._asdict()
    for current, parameter in scales.items():
        twice = cell.perturbed(**{parameter: 2.0})
        after = twice.equations.currents(s, twice.p)._asdict()
        ratios = {name: after[name] / before[name] for name in before}
        assert ratios[current] == pytest.approx(2.0)
        assert set(np.round(list(ratios.values()), 9)) <= {1.0, 2.0}
        assert parameter in ("P_Ca",) or list(ratios.values()).count(1.0) == len(ratios) - 1


@pytest.mark.parametrize("name", ["i_Na_K", "i_p_Ca", "ICaP", "i_Na_Ca", "INCX"])
def test_pumps_are_told_by_their_names(write, name):
    path = write(replace={"I_x": name})
    assert set(cells.from_file(path).pumps) == {name}


def test_a_channel_that_sodium_opens_is_no_pump_and_what_ignores_V_is_one(write):
    path = write(replace={"I_x": "I_KNa", "g * (membrane.V - E)": "g * gate.x"})
    cell = cells.from_file(path, check_units=False)
    assert set(cell.conductances) == {"I_KNa"} and set(cell.pumps) == {"I_L"}


RELEASE = """
[release]
use membrane.V
dot(flux) = (inf - flux) / 4 [ms]
    in [mM/ms]
    inf = gate.x * 1e-4 [mM/ms] / (1 + exp(-(V + 10 [mV]) / 5 [mV]))
        in [mM/ms]
"""


def test_a_start_that_is_rounding_costs_no_time(write, tmp_path):
    """A flux that starts at -1e-24 is no classic gate, and runs as the one that starts at zero."""
    seconds, V = [], []
    for k, start in enumerate(("0", "-1e-24", "-2e-40")):
        name = {"gate.x = 0.1\n": f"gate.x = 0.1\nrelease.flux = {start}\n"}
        name["+ gate.I_x"] = "+ gate.I_x * (1 + release.flux / 1 [mM/ms])"
        cell = cells.from_file(write(f"flux{k}.mmt", replace=name, more=RELEASE), check_units=False)
        assert "flux" in cell.other_names
        pace(cell, [500.0], 500.0, 100.0)  # compiles
        began = time.process_time()
        V.append(pace(cell, [500.0], 10_000.0, 500.0)["V"])
        seconds.append(time.process_time() - began)
    assert max(seconds) < 20.0 * seconds[0]
    np.testing.assert_allclose(V[1:], [V[0], V[0]], atol=0.01)


def test_what_is_not_found_is_noted(write, capsys):
    """No calcium though some states may be it, and no protocol though there is a stimulus."""
    more = "\n[ca]\ndot(Ca1) = 0 [mM/ms]\n    in [mM]\ntotal = Ca1 * 2\n"
    path = write(replace={"gate.x = 0.1\n": "gate.x = 0.1\nca.Ca1 = 1e-4\n"}, more=more)
    cell = cells.from_file(path)
    said = capsys.readouterr().err
    assert "no state is known as the calcium" in said and "--calcium NAME: ca.Ca1" in said
    assert "no pacing protocol; the stimulus is taken to be stimulus.I at level 1" in said
    assert cell.observables == ("V",)
    assert cells.from_file(path, calcium="ca.Ca1").observables == ("V", "Ca_i")
    with pytest.raises(BadModel, match="calcium must be a state, and ca.total follows"):
        cells.from_file(path, calcium="ca.total")


def test_the_calcium_of_the_cytosol_is_told_from_that_of_a_cleft(write):
    more = "\n[ca]\ndot(Ca_c) = 0\ndot(Ca_i) = 0\n"
    start = {"gate.x = 0.1\n": "gate.x = 0.1\nca.Ca_c = 1.8\nca.Ca_i = 1e-4\n"}
    assert cells.from_file(write(replace=start, more=more)).state("Ca_i").start == 1e-4


# --- what cannot be read -----------------------------------------------------------------

LOOP = {"tau = 5": "tau = 1 + other\n    other = tau"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (LOOP, "[Cc]yclical.*tau"),
        ({"tau = 5": "tau = bessel(V)"}, r"line 33: Unknown function.*bessel\(\)"),
        ({"tau = 5": "tau = 5 + "}, "line 33"),
        ({"tau = 5": "tau = nothing"}, "line 33.*nothing"),
        ({"tau = 5": "tau = 5 + sin(engine.time)"}, r"only the stimulus.*engine.time \(line 6\)"),
        ({"engine.pace * -30 [A/F]": "30 * sin(engine.time)"}, "pulses of one height"),
        ({"in [ms] bind time": "in [m] bind time"}, "time must be in a unit of time"),
        ({"E = -80 [mV]\n    in [mV]": "E = -80 [mM]\n    in [mM]"}, r"leak.I_L \(.*mixes"),
        ({"g * (membrane.V - E)\n    in [A/F]": "g * (membrane.V - E)\n    in [nA]"}, "I_L.*nA"),
        ({"gate.x = 0.1": "gate.x = 0.1\nleak.W = 0", "[leak]": "[leak]\ndot(W) = 0\n    in [V]"},
         'membrane.V, leak.W may be it.*voltage="membrane.V"'),
        ({"    in [mV]\n\n[stim": "\n[stim", "membrane.V": "membrane.u", "dot(V)": "dot(u)",
          "use membrane.u": "use membrane.u as V", "E = -80 [mV]\n    in [mV]": "E = -80"},
         "no state is in mV"),
        ({"-(leak.I_L + gate.I_x + stimulus.I)": "-0.1 * V"}, "sum of named currents"),
        ({"E = -80 [mV]": "E = -80 [mV] / zero\n    zero = 0"}, "division|zero"),
        ({"[[model]]": "[[protocol]]\n[[model]]"}, "line|model"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(write, changes, words):
    with pytest.raises(BadModel, match=f"(?s)small.mmt.*({words})"):
        cells.from_file(write(replace=changes))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.txt", b"", "ends in .mmt or .cellml"),
        ("model.mmt", b"\xff\xfe\x00", "not a text file"),
        ("model.mmt", b"", "holds no model|Unexpected"),
        ("model.mmt", b"time_ms,V_mV\n0,-86\n", "line 1"),
        ("model.mmt", b"[[model]]\n[engine]\ntime = 0 bind time\n", "states with derivatives"),
        ("model.cellml", b"<model", "Unable to parse XML"),
        ("model.cellml", b"<html></html>", "not a CellML document"),
    ],
)
def test_a_file_that_is_no_model(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadModel, match=f"(?s){name}.*({words})"):
        cells.from_file(tmp_path / name)


def test_a_cache_that_cannot_be_written_to(write, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IONLAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadValue, match="cannot be written to.*IONLAB_CACHE"):
        cells.from_file(write())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadModel, match="cannot be read .No such file"):
        cells.from_file(tmp_path / "model.mmt")


def test_without_myokit_the_extra_is_named(write, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "myokit", None)
    for name in ("reading", "source", "algebra"):
        monkeypatch.delitem(__import__("sys").modules, f"ionlab.cells.imported.{name}", False)
    with pytest.raises(BadModel, match=r"pip install 'ionlab\[import\]'"):
        cells.from_file(write(more="\n# another file\n"))


def test_a_fast_rate_between_plain_states_is_stepped_through(write):
    """60/ms between two states of a channel, as Markov models have; against LSODA."""
    more = """
[channel]
dot(O) = 60 [1/ms] * (C - O) + 0.02 [1/ms] * gate.x * (1 - C)
dot(C) = 60 [1/ms] * (O - C) - 0.05 [1/ms] * C
"""
    start = {"gate.x = 0.1\n": "gate.x = 0.1\nchannel.O = 0.2\nchannel.C = 0.4\n"}
    start["I_x = g * x * V"] = "I_x = g * x * channel.O * V"
    cell = cells.from_file(write(replace=start, more=more))
    assert {"O", "C"} <= set(cell.other_names)
    found, exact = (pace(cell, [300.0], 600.0, 300.0, method=m) for m in ("rush-larsen", "LSODA"))
    for name in ("V", "O", "C"):
        span = np.ptp(exact[name])
        np.testing.assert_allclose(found[name], exact[name], atol=0.01 * span, err_msg=name)


def test_a_stimulus_may_take_V_beyond_100_mV(write):
    """As models whose stimulus is one of 2 ms do: h_inf at 130 mV is that of 130 mV."""
    cell = cells.from_file(write(replace={"(V + 20) / 5": "(V - 130) / 5"}))
    held = clamp(cell, {"V": np.full((1, 201), 130.0)})
    assert held["x"][0, -1] == pytest.approx(0.5, abs=1e-3)


def test_a_model_that_diverges_says_when(write):
    path = write(replace={"I_x = g * x * V": "I_x = -0.2 * x * V^2"})
    with pytest.raises(Diverged, match="small_.* diverged .* after"):
        pace(cells.from_file(path), [500.0], duration_ms=1000.0, record_last_ms=1000.0).check()


# --- the command line --------------------------------------------------------------------


def test_import_names_what_a_file_does_not_say(write, tmp_path):
    """The name that it prints is a cell, here the one of Python's `voltage=`."""
    bare = {"    in [mV]\n\n[stim": "\n[stim", "membrane.V": "membrane.u", "dot(V)": "dot(u)"}
    bare |= {"use membrane.u": "use membrane.u as V", "E = -80 [mV]\n    in [mV]": "E = -80"}
    path, out = write(replace=bare), tmp_path / "trace.csv"
    refused = CliRunner().invoke(main, ["simulate", "--cell", str(path), "--out", str(out)])
    assert refused.exit_code == 2 and "ionlab import small.mmt --voltage NAME" in refused.stderr
    named = CliRunner().invoke(main, ["import", str(path), "--voltage", "membrane.u"])
    assert named.stdout.strip() == cells.from_file(path, voltage="membrane.u").name
    command = ["simulate", "--cell", named.stdout.strip(), "--duration", "100", "--out", str(out)]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert out.read_text().startswith("time_ms,V_mV,x,stim_pA_pF\n0,-80,0.1,")


def test_simulate_takes_a_file(write, tmp_path):
    out = tmp_path / "trace.csv"
    options = ["--duration", "200", "--cycle-length", "100", "--scale", "leak_g=0.5"]
    command = ["simulate", "--cell", str(write()), *options, "--out", str(out)]
    run = CliRunner().invoke(main, command)
    assert run.exit_code == 0, run.output
    assert out.read_text().startswith("time_ms,V_mV,x,stim_pA_pF\n0,-80,0.1,")
    command[2] = str(tmp_path / "none.mmt")
    run = CliRunner().invoke(main, command)
    assert run.exit_code == 2 and "cannot be read" in run.output
