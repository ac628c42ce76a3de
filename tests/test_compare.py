"""Oracles: simulated pairs whose changed current, factor and beats are known."""

from dataclasses import replace

import numpy as np
import pytest

from ionlab.cells import tentusscher2004
from ionlab.compare import ETAS, EtaChoice, compare, usable
from ionlab.errors import BadRecording
from ionlab.perturb import ITO, LONG_QT, SHORT_QT
from ionlab.presets import FAST
from ionlab.recordings import from_traces
from ionlab.simulate import pace
from ionlab.store import theory

CELL = tentusscher2004
LENGTHS_ms = (400.0, 800.0)
CASES = {
    "long_qt": (LONG_QT.apply(CELL), "I_Kr", 0.5, 0.1),
    "short_qt": (SHORT_QT.apply(CELL), "I_CaL", 0.5, 0.1),
    "ito": (ITO.apply(CELL), "I_to", 3.0, 0.3),
}


def recording(cell, name, seed, lengths_ms=LENGTHS_ms, noise_mV=0.5):
    traces = pace(cell, lengths_ms, record_last_ms=4000.0)
    return from_traces(traces, name, noise_mV, np.random.default_rng(seed))


@pytest.fixture(scope="session")
def fit():
    return theory(CELL, FAST.clamp)


@pytest.fixture(scope="session")
def control():
    return recording(CELL, "control", 1)


@pytest.fixture(scope="session")
def found(fit, control):
    """case -> its `Comparison`, by the fast preset, 0.5 mV of noise."""
    pairs = {name: recording(case[0], name, 2) for name, case in CASES.items()}
    pairs["null"] = recording(CELL, "null", 3)
    return {
        name: compare(fit, control, treated, recipe=FAST.membrane, device="cpu")
        for name, treated in pairs.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_the_current_that_changed_comes_first(found, name):
    """The table of the brief: first in order of evidence, ratio within 0.1, 0.1 and 0.3."""
    _, current, factor, near = CASES[name]
    first = found[name].currents[0]
    assert first.name == current and first.changed
    assert first.ratio == pytest.approx(factor, abs=near)
    assert first.low < first.ratio < first.high
    assert first.low - near < factor < first.high + near
    # half of I_CaL leaves I_Ks, small in this cell, so little to show that it may be called too
    assert set(found[name].changed) - {"I_Ks"} == {current}


def test_where_nothing_changed_nothing_is_called(found):
    null = found["null"]
    assert null.changed == () and not any(c.changed for c in null.currents)
    for c in null.currents:
        assert c.low - 0.05 < 1.0 < c.high + 0.05, c
        assert c.ratio == pytest.approx(1.0, abs=0.15 if c.name == "I_Ks" else 0.08)


def test_the_result_names_each_current_once_in_order_of_evidence(found):
    for comparison in found.values():
        assert {c.name for c in comparison.currents} == set(CELL.conductances)
        evidence = [c.evidence for c in comparison.currents]
        assert evidence == sorted(evidence, reverse=True) and len(evidence) == 6
        assert [g.name for g in comparison.gates] == list(CELL.gate_names)


def test_the_fits_follow_their_recordings(found):
    for name, comparison in found.items():
        assert (comparison.v_rmse_mV < 2.0).all(), (name, comparison.v_rmse_mV)
        assert comparison.warnings == ()
        for own, V, rmse in zip(
            comparison.beats, comparison.simulated_mV, comparison.v_rmse_mV, strict=True
        ):
            assert V.shape == own.V_mV.shape == (2, 800)
            error = (V - own.V_mV)[own.seen]
            assert rmse == pytest.approx(np.sqrt(np.mean(error**2)))


def test_the_neural_ode_of_the_treated_cell_has_its_duration(found):
    """Within 5 ms APD90 of the perturbed cell, at the recorded cycle lengths and one between."""
    lengths = [400.0, 500.0, 800.0]
    for name, (cell, *_) in CASES.items():
        apd = pace([cell, found[name].odes[1]], lengths, record_last_ms=2000.0).apd_ms()
        np.testing.assert_allclose(apd[3:], apd[:3], atol=5.0, err_msg=name)


def test_the_same_recordings_give_the_same_result(found, fit, control):
    again = compare(
        fit, control, recording(CASES["long_qt"][0], "long_qt", 2),
        recipe=FAST.membrane, device="cpu",
    )  # fmt: skip
    assert again.currents == found["long_qt"].currents
    assert again.gates == found["long_qt"].gates
    np.testing.assert_array_equal(again.v_rmse_mV, found["long_qt"].v_rmse_mV)


def test_eta_is_the_largest_at_which_both_networks_fit(found):
    """The discrepancy principle, by hand: within 10 % of the best fit, or of the noise."""
    for comparison in found.values():
        choice = comparison.choice
        assert isinstance(choice, EtaChoice) and tuple(choice.eta) == ETAS
        assert (choice.limit_mV >= 1.1 * choice.misfit_mV.min(1) * (1.0 - 1e-6)).all()
        fits = [
            eta
            for eta, both in zip(choice.eta, choice.misfit_mV.T, strict=True)
            if (both <= choice.limit_mV).all()
        ]
        if fits:
            assert choice.value == max(fits)
        else:
            assert choice.chosen == choice.misfit_mV.sum(0).argmin()


# --- sweeps that cannot be used ----------------------------------------------------------


def test_a_sweep_in_block_is_left_out_with_a_warning():
    mixed = recording(CELL, "cell.csv", 1, (300.0, 500.0))
    assert [s.answer for s in mixed.sweeps] == ["2:1", "1:1"]
    sweeps, warnings = usable(mixed)
    assert [s.name for s in sweeps] == ["500"]
    assert warnings == ["cell.csv: sweep 300 is 2:1, not 1:1, and was left out."]
    with pytest.raises(BadRecording, match=r"no sweep follows .* 1:1 \(300: 2:1\). Pace more"):
        usable(replace(mixed, sweeps=mixed.sweeps[:1]))


def test_what_was_left_out_stands_in_the_result(fit):
    """And a diverging neural ODE would: a value with a message, never a silent NaN."""
    recipe = replace(FAST.membrane, steps=3)
    mixed = recording(CELL, "cell.csv", 1, (300.0, 500.0))
    comparison = compare(fit, mixed, mixed, 1e-3, recipe, device="cpu")
    assert [b.names for b in comparison.beats] == [("500",), ("500",)]
    assert comparison.choice.eta.tolist() == [1e-3] and comparison.choice.value == 1e-3
    assert len([w for w in comparison.warnings if "sweep 300 is 2:1" in w]) == 2
    for c in comparison.currents:  # one recording against itself
        assert c.ratio == pytest.approx(1.0, abs=1e-6) and not c.changed
