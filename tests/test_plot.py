"""Figures from made data. Oracle: what was given must be found again in the drawing."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ionlab import plot

UNITS = {"V": "mV", "Ca_i": "mM", "m": "1"}
T = np.arange(400.0)
V = -85 + 100 * np.exp(-T / 150)
Ca_i = 1e-3 * np.exp(-T / 100)


def lit(figure):
    """The axes that are drawn."""
    return [ax for ax in figure.axes if ax.axison]


def labels(figure):
    return {text for ax in lit(figure) for text in (ax.get_xlabel(), ax.get_ylabel()) if text}


def drawn(figure):
    """Draw it, and check what holds of every figure."""
    picture = Image.open(io.BytesIO(figure.png()))
    assert picture.size[0] == pytest.approx(144 * figure.get_figwidth(), abs=1)
    assert np.asarray(picture.convert("L")).std() > 5  # not empty
    bundle, shown = figure._repr_mimebundle_()
    assert shown["image/png"]["alt"] == figure.alt == bundle["text/plain"] != ""
    for ax in lit(figure):
        for text in (ax.get_xlabel(), ax.get_ylabel()):
            assert not text.startswith(("V ", "Ca_i ", "time", "tau", "I_")) or "(" in text
    return figure


def change(name, ratio, low, high, changed=False):
    return SimpleNamespace(name=name, ratio=ratio, low=low, high=high, changed=changed)


def test_fits_draw_recording_network_and_residual_of_every_sweep():
    sweeps = {f"sweep {k}": {"V": (V + k, V), "Ca_i": (Ca_i, 0.9 * Ca_i)} for k in range(4)}
    figure = drawn(plot.fits("Control", sweeps, UNITS, columns=3))
    assert len(lit(figure)) == 4 * 4
    assert {"V (mV)", "Ca_i (mM)", "residual\n(mV)", "residual\n(mM)"} < labels(figure)
    third = next(ax for ax in lit(figure) if ax.get_title() == "sweep 2")
    recorded, network = third.get_lines()
    assert np.array_equal(recorded.get_ydata(), V + 2) and recorded.get_linestyle() == "-"
    assert np.array_equal(network.get_ydata(), V) and network.get_linestyle() == "--"
    residuals = [line.get_ydata() for ax in lit(figure) for line in ax.get_lines()]
    assert any(len(r) == len(T) and np.allclose(r, 2.0) for r in residuals)


def test_fits_survive_a_neural_ode_that_diverged():
    figure = drawn(plot.fits("Control", {"1": {"V": (V, np.full_like(V, np.nan))}}, UNITS))
    assert len(lit(figure)) == 2


def test_ratios_mark_what_changed_and_what_leaves_the_axis():
    changes = [
        change("I_Kr", 0.5, 0.45, 0.55, True),
        change("I_to", 1.1, 1.0, 1.2),
        change("I_Ks", 0.7, 1e-38, 1e37),
        change("I_K1", np.nan, np.nan, np.nan),
    ]
    figure = drawn(plot.ratios(changes, "Changed: I_Kr", ["I_Ks"]))
    (ax,) = figure.axes
    assert ax.get_xscale() == "log" and 1.0 in ax.get_xticks()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["I_Kr", "I_to", "I_Ks", "I_K1"]
    assert [t.get_weight() for t in ax.get_yticklabels()] == ["bold"] + 3 * ["normal"]
    texts = [t.get_text() for t in ax.texts]
    assert texts == ["0.50 (0.45 to 0.55)", "1.10 (1.00 to 1.20)", *2 * ["cannot be decided"]]
    assert sorted(line.get_marker() for line in ax.get_lines()).count("<") == 1
    low, high = ax.get_xlim()
    assert low < 0.45 and high > 1.2 and high / low < 1000
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_before_after_magnifies_a_spike_only():
    spike = -200 * np.exp(-(((T - 12) / 1.5) ** 2))
    pairs = {"I_Na": (spike, 0.9 * spike), "I_Kr": (V / 100, V / 200), "V": (V, V + 1)}
    units = {"I_Na": "pA/pF", "I_Kr": "pA/pF", "V": "mV"}
    figure = drawn(plot.before_after((T, T), pairs, units, "Currents"))
    na, kr, v = lit(figure)
    assert na.get_title() == "I_Na, magnified in time" and kr.get_title() == "I_Kr"
    assert 0 <= na.get_xlim()[0] < 12 < na.get_xlim()[1] < 30 and kr.get_xlim()[1] > 390
    assert {ax.get_ylabel() for ax in (na, kr, v)} == {"I_Na (pA/pF)", "I_Kr (pA/pF)", "V (mV)"}
    control, treated = kr.get_lines()
    assert (control.get_color(), treated.get_color()) == (plot.BLUE, plot.RED)


def test_before_after_leaves_no_empty_panel():
    names = ["I_Na", "I_CaL", "I_Kr", "I_K1"]
    pairs = {name: (V / 100, V / 200) for name in names}
    figure = drawn(plot.before_after(T, pairs, dict.fromkeys(names, "pA/pF"), "Currents"))
    assert [ax.get_title() for ax in lit(figure)] == names


def test_before_after_takes_one_time_for_both_and_nothing_but_nan():
    nothing = np.full_like(T, np.nan)
    drawn(plot.before_after(T, {"I_Kr": (nothing, nothing)}, {"I_Kr": "pA/pF"}, "Currents"))


@pytest.mark.parametrize("count", [3, 10])
def test_gate_curves_shade_what_was_seen(count):
    grid = np.linspace(-100, 50, 50)
    h = 1 / (1 + np.exp(-grid / 8))
    kinds = {"theory": (h, 1 + h), "control": (h, 2 + h), "treated": (h, 1000 * h)}
    figure = drawn(plot.gate_curves(grid, {f"g{k}": kinds for k in range(count)}, (-80, 20), "G"))
    assert len(lit(figure)) == 2 * count
    assert {"V (mV)", "h_inf", "tau (ms)"} == labels(figure)
    for ax in lit(figure):
        theory, control, treated = ax.get_lines()
        assert theory.get_linestyle() == ":" and treated.get_linestyle() == "--"
        box = ax.patches[0].get_extents().transformed(ax.transData.inverted())
        assert (box.x0, box.x1) == pytest.approx((-80, 20))


def test_an_identified_gate_stands_out():
    grid = np.linspace(-100, 50, 50)
    h = 1 / (1 + np.exp(-grid / 8))
    three = {name: (h, 1 + h) for name in ("theory", "control", "treated")}
    gates = {"f": three | {"identified": (0.9 * h, 1 + h)}, "d": three}
    figure = drawn(plot.gate_curves(grid, gates, (-80, 20), "G"))
    f, d = (ax for ax in lit(figure) if ax.get_title())
    assert np.array_equal(f.get_lines()[3].get_ydata(), 0.9 * h) and len(d.get_lines()) == 3
    assert f.title.get_weight() == "bold" and d.title.get_weight() == "normal"


def test_the_choice_of_eta_shows_misfits_limits_and_what_was_chosen():
    eta, misfit, limit = np.array([1e-4, 1e-3]), np.array([[0.1, 0.2], [0.3, 0.4]]), (0.15, 0.45)
    figure = drawn(plot.eta_choice(eta, misfit, np.array(limit), 1))
    chosen, control, accepted, treated, accepted_too = figure.axes[0].get_lines()
    assert list(chosen.get_xdata()) == [1e-3, 1e-3]
    assert np.array_equal([control.get_ydata(), treated.get_ydata()], misfit)
    assert (accepted.get_ydata()[0], accepted_too.get_ydata()[0]) == limit
    assert "chosen: 0.001" in figure.alt


def test_observables_have_an_axis_each():
    panels = {f"{x} ms": {"t_ms": T, "V": V, "Ca_i": Ca_i} for x in (800, 550, 320)}
    figure = drawn(plot.observables(panels, UNITS))
    assert len(figure.axes) == 6
    assert {"V (mV)", "Ca_i (mM)", "time (ms)"} == labels(figure)
    assert [ax.get_title() for ax in figure.axes[:3]] == list(panels)


def test_scenarios_with_and_without_the_network():
    two = {name: {"baseline": V, "perturbed": V + 3} for name in "ABC"}
    three = {name: {**traces, "neural ODE": V + 2} for name, traces in two.items()}
    for panels, colours in (
        (two, [plot.BLUE, plot.RED]),
        (three, [plot.BLUE, plot.RED, plot.GREEN]),
    ):
        figure = drawn(plot.scenarios(T, panels, UNITS, "Scenarios"))
        assert len(figure.axes) == 3
        for ax in figure.axes:
            assert [line.get_color() for line in ax.get_lines()] == colours
            assert ax.get_ylabel() == "V (mV)"


def test_departures_are_a_bar_for_each_gate_and_network():
    rows = {"eta 0.001": np.array([0.2, 0.05, 0.0]), "eta 0.01": np.array([0.02, 0.03, 0.01])}
    figure = drawn(plot.departures(("m", "xr1", "s"), rows, "Drift"))
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["m", "xr1", "s"]
    assert ax.get_ylabel() == "mean departure (1)"
    for bars, (name, heights) in zip(ax.containers, rows.items(), strict=True):
        assert bars.get_label() == name
        assert [bar.get_height() for bar in bars] == heights.tolist()
        centres = [bar.get_x() + 0.5 * bar.get_width() for bar in bars]
        assert np.round(centres).tolist() == [0, 1, 2]  # each by its own gate
    assert "eta 0.001: m 0.2; eta 0.01: xr1 0.03" in figure.alt


def test_drawing_leaves_the_style_of_others_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot.departures(("m",), {"eta 0.01": np.array([0.1])}, "Drift")
    assert dict(matplotlib.rcParams) == before
