"""Oracles: one network alone against the stack, the theory, and Eq. 2.6.2 written out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ionlab.cells import Kinetics, tentusscher2004
from ionlab.dataset import Sequences
from ionlab.errors import BadValue, UnknownName
from ionlab.membrane import features_of
from ionlab.neural_ode import learned
from ionlab.observed import Beats, hidden_states
from ionlab.presets import PAPER
from ionlab.recordings import from_traces
from ionlab.retrain import DecoderRecipe, MembraneRecipe, retrain
from ionlab.simulate import pace
from ionlab.store import theory
from ionlab.train import PaperRecipe, train

CELL = tentusscher2004
QUICK = MembraneRecipe(steps=100)
ETA = [1e-4, 1e-3, 1e-2]


def beats_of(cell, lengths_ms=(500.0,), noise_mV=0.0, seed=0):
    traces = pace(cell, lengths_ms, record_last_ms=2000.0)
    rng = np.random.default_rng(seed)
    return Beats.of(CELL, from_traces(traces, "test", noise_mV, rng).sweeps)


def shifted(gate, by_mV):
    """The cell with the steady state of one gate moved along the voltage."""

    def kinetics(s):
        there = SimpleNamespace(**{**vars(s), "V": s.V - by_mV})
        here = CELL.equations.gates(s, CELL.p)[gate]
        return Kinetics(CELL.equations.gates(there, CELL.p)[gate].h_inf, here.tau_ms)

    return CELL.with_kinetics({gate: kinetics})


@pytest.fixture(scope="module")
def fit():
    return theory(CELL, PAPER.clamp)


@pytest.fixture(scope="module")
def datasets():
    """Control and long QT, noise-free."""
    return [beats_of(CELL), beats_of(CELL.perturbed(g_Kr=0.5))]


@pytest.fixture(scope="module")
def refits(fit, datasets):
    return retrain(fit, datasets, ETA, recipe=QUICK, device="cpu")


def gating(n1):
    return torch.cat([w.detach().flatten() for w in n1.gating.parameters()])


# --- the membrane decoder ----------------------------------------------------------------


def test_a_stack_trains_as_each_alone_and_every_run_alike(fit, datasets, refits):
    for d, k in ((1, 2), (0, 0)):
        alone = retrain(fit, datasets[d : d + 1], ETA[k : k + 1], recipe=QUICK, device="cpu")
        torch.testing.assert_close(
            gating(refits.network(d, k)), gating(alone.network(0, 0)), rtol=1e-2, atol=2e-3
        )  # rounding differs in other company, and Adam makes much of little
        np.testing.assert_allclose(refits.gains[d, k], alone.gains[0, 0], rtol=1e-3)
        assert refits.misfit_mV[d, k] == pytest.approx(alone.misfit_mV[0, 0], rel=0.02)
        assert refits.drift[d, k] == pytest.approx(alone.drift[0, 0], rel=0.02)
    again = retrain(fit, datasets[:1], ETA[:1], recipe=QUICK, device="cpu")
    torch.testing.assert_close(gating(again.n1), gating(alone.n1), rtol=0, atol=0)
    assert abs(gating(refits.network(0, 0)) - gating(refits.network(1, 0))).max() > 1e-4


def test_only_the_gating_layer_changes(fit, refits):
    before, after = fit.n1.state_dict(), refits.n1.state_dict()
    assert before.keys() == after.keys()
    for name in before:
        if name.startswith("gating."):
            assert after[name].shape[0] == 6
            assert (after[name] != before[name]).flatten(1).any(1).all(), name
        else:
            assert torch.equal(after[name], before[name]), name
    assert refits.gains.shape == (2, 3, 6) and (refits.gains != 1.0).any((0, 1)).all()


def test_a_larger_eta_keeps_the_gates_closer_and_fits_less(refits):
    assert refits.eta.tolist() == ETA
    assert (np.diff(refits.drift, axis=1) < 0).all(), refits.drift
    assert (np.diff(refits.misfit_mV, axis=1) > 0).all(), refits.misfit_mV
    assert (refits.drift[:, 0] > 2.0 * refits.drift[:, 2]).all()


def test_half_the_conductance_is_found_as_a_gain(refits):
    gains = dict(zip(CELL.conductances, refits.gains[1, 1], strict=True))
    for name, gain in gains.items():
        limit = 0.1 if name == "I_Ks" else 0.05
        assert gain == pytest.approx(0.5 if name == "I_Kr" else 1.0, rel=limit), name


def test_misfit_and_drift_are_what_they_say(fit, refits):
    """From the settled decoder, the weights and the gains, in NumPy."""
    membrane = refits.settled.membrane
    features = features_of(fit.n1, membrane)
    gains = torch.tensor(refits.gains, dtype=torch.float32)
    with torch.no_grad():
        gates = membrane.gates(refits.n1, features)
        residual = membrane.residual(membrane.dV(gates, gains)).numpy()
    inside = membrane.inside.numpy()[:, 0]
    away = abs(gates - refits.settled.gates).numpy().mean(-1)
    for d in (0, 1):
        scored = membrane.scored.numpy()[d, 0]
        for k in range(3):
            rms = np.sqrt(np.mean(residual[d, k][scored] ** 2))
            assert refits.misfit_mV[d, k] == pytest.approx(rms, rel=1e-3)
            assert refits.drift[d, k] == pytest.approx(away[d, k][inside[d]].mean(), rel=1e-3)


@pytest.mark.parametrize("gate", ["f", "d"])
def test_a_gate_that_moved_is_seen_to_move(fit, gate):
    """h_inf moved by +6 mV: the curve moves the right way; some is taken for other changes.

    A shift of xs or xr1 hardly shows in V: the same test finds less than 1 mV of it.
    """
    beats = beats_of(shifted(gate, 6.0), (350.0, 800.0))
    refit = retrain(fit, [beats], [1e-3], recipe=MembraneRecipe(steps=150), device="cpu")
    V = np.linspace(-60.0, 20.0, 161)
    before, after = (
        CELL.with_kinetics(learned(n1, CELL)).gates(CELL.at(V=V))[gate].h_inf
        for n1 in (fit.n1, refit.network(0, 0))
    )
    half = [np.interp(0.0, np.sign(h[-1] - h[0]) * (h - 0.5), V) for h in (before, after)]
    assert 1.0 < half[1] - half[0] < 9.0


def test_gates_alone_have_gains_of_one_and_take_the_blame(fit, datasets, refits):
    """Section 3.3: without the affine layer a gate cannot exceed 1; I_Kr falls through xr1, xr2."""
    recipe = MembraneRecipe(steps=100, affine=False)
    alone = retrain(fit, datasets, ETA, recipe=recipe, device="cpu")
    assert (alone.gains == 1.0).all() and np.isinf(alone.settled.errors).all()
    theory = hidden_states(datasets[1])  # with gains of 1
    for name in ("Ca_i", "Ca_SR", "fCa"):
        seen = alone.settled.membrane.states[name][1, 0].numpy()
        np.testing.assert_allclose(seen, theory.values[name], rtol=1e-5)
    membrane = alone.settled.membrane
    with torch.no_grad():
        gates = membrane.gates(alone.n1, features_of(fit.n1, membrane)).numpy()
    assert gates.min() >= 0.0 and gates.max() <= 1.0
    at = [CELL.gate_names.index(name) for name in ("xr1", "xr2")]
    open_Kr = gates[..., at].prod(-1)[:, 0, 0][:, membrane.inside[0, 0, 0].numpy()].mean(-1)
    assert 0.4 < open_Kr[1] / open_Kr[0] < 0.7  # g_Kr x 0.5, at the smallest eta
    assert alone.drift[1, 0] > 2.0 * refits.drift[1, 0]


def test_a_gate_with_a_small_weight_moves_more(fit, datasets):
    recipe = MembraneRecipe(steps=100, affine=False)

    def moved(gate_weights):
        """Mean departure of each gate from the theory, (G,)."""
        refit = retrain(
            fit, datasets[1:], [1e-2], recipe=recipe, device="cpu", gate_weights=gate_weights
        )
        membrane = refit.settled.membrane
        with torch.no_grad():
            gates = membrane.gates(refit.n1, features_of(fit.n1, membrane))
        away = (gates - refit.settled.gates).abs()[0, 0][membrane.inside[0, 0]].mean(0).numpy()
        assert refit.drift[0, 0] == pytest.approx(away.mean(), rel=1e-3)  # without the weights
        return dict(zip(CELL.gate_names, away, strict=True))

    even, free, held = moved(None), moved({"xr1": 0.1, "xr2": 0.1}), moved({"xr2": 20.0})
    assert moved({"m": 1.0}) == even
    assert free["xr1"] + free["xr2"] > 1.5 * (even["xr1"] + even["xr2"])
    assert held["xr2"] < 0.5 * even["xr2"]


# --- the learned decoder -----------------------------------------------------------------


@pytest.fixture(scope="module")
def paper():
    """A fit by the paper's recipe, short, and normalised observables (N, T, O) of two cells."""
    cells = [CELL, CELL.perturbed(g_Kr=0.5)]
    traces = pace(cells, [400.0, 500.0], 2000.0, 400.0)  # at 400 ms a stimulus after 10 ms
    sequences = Sequences.from_traces(traces)
    fit = train(CELL, sequences, PaperRecipe(epochs=2, learning_rate=2e-3), device="cpu")
    x = sequences.columns(("V", "Ca_i"))[:, :200]
    return fit, [x[:2], x[2:]]


def test_n2_stack_against_one_by_one_and_what_is_frozen(paper):
    fit, datasets = paper
    before = {k: v.clone() for k, v in {**fit.n1.state_dict(), **fit.n2.state_dict()}.items()}
    recipe = DecoderRecipe(epochs=1, learning_rate=1e-3)
    settings = dict(decoder="n2", recipe=recipe, device="cpu")
    together = retrain(fit, datasets, [1e-4, 2e-3], **settings)
    for d, k in ((0, 1), (1, 0)):
        alone = retrain(fit, datasets[d : d + 1], together.eta[k : k + 1], **settings)
        off = (gating(together.network(d, k)) - gating(alone.network(0, 0))).abs()
        # where a gradient is next to zero, rounding decides the sign of a step of Adam
        assert off.mean() < 1e-5 and off.max() < recipe.learning_rate
        assert together.misfit_mV[d, k] == pytest.approx(alone.misfit_mV[0, 0], rel=1e-3)
        assert together.drift[d, k] == pytest.approx(alone.drift[0, 0], rel=1e-3)
    after = {**fit.n1.state_dict(), **fit.n2.state_dict()}
    assert all(torch.equal(before[name], after[name]) for name in before)
    for w, own in zip(together.n1.phi1.parameters(), fit.n1.phi1.parameters(), strict=True):
        assert torch.equal(w, own)
    assert (gating(together.network(0, 0)) != gating(fit.n1)).any()
    assert (together.gains == 1.0).all() and together.settled is None


@pytest.mark.parametrize("upstroke", [True, False])
def test_n2_steps_are_those_by_hand(paper, upstroke):
    """Eq. 2.6.2, a network alone: torch's Adam, gradients through one step."""
    fit, (x, _) = paper
    x = torch.tensor(x[:, 5:15])
    assert (abs(x[:, 1:, 0] - x[:, :-1, 0]) > 0.03).any()  # the upstroke is in it
    recipe = DecoderRecipe(epochs=1, learning_rate=1e-3, lam=0.01, upstroke=upstroke)
    eta = 0.05
    found = retrain(
        fit,
        [x.numpy()],
        [eta],
        decoder="n2",
        recipe=recipe,
        device="cpu",
        gate_weights={"xs": 3.0, "m": 0.0},
    )
    weight = torch.tensor([{"xs": 3.0, "m": 0.0}.get(gate, 1.0) for gate in CELL.gate_names])
    n1, theory = fit.n1.stacked(1), fit.n1.stacked(1)
    tensors = list(n1.gating.parameters())
    adam = torch.optim.Adam(tensors, lr=1e-3)
    gates = CELL.gates(CELL.at(V=np.array([CELL.start["V"]]))).values()
    low, high = fit.normaliser.range_of(CELL, CELL.gate_names)
    rest = (np.array([float(k.h_inf[0]) for k in gates]) - low) / (high - low)
    h = torch.tensor(rest).float().expand(1, 2, 10)
    h_theory, memory = h, None
    order = [CELL.other_names.index("V"), CELL.other_names.index("Ca_i")]
    errors, drifts = [], []
    for t in range(9):
        v = n1.low + x[None, :, t] * (n1.high - n1.low)
        h, h_theory = n1(v, h.detach()), theory(v, h_theory).detach()
        y, memory = fit.n2(x[None, :, t], h, memory)
        memory = [m.detach() for m in memory]
        miss = (y[0][:, order] - x[:, t + 1]) ** 2
        if not upstroke:
            miss = miss * (abs(x[:, t + 1, :1] - x[:, t, :1]) <= 0.03)
        drift, held = abs(h - h_theory).mean(), (weight * abs(h - h_theory)).mean()
        lam = sum((w**2).sum() / w.numel() for w in tensors)
        adam.zero_grad()
        (miss.mean() + eta * held + 0.01 * lam).backward(inputs=tensors)
        adam.step()
        errors.append(miss.mean().item())
        drifts.append(drift.item())
    torch.testing.assert_close(gating(found.n1), gating(n1), rtol=1e-4, atol=2e-5)
    assert abs(gating(n1) - gating(theory)).max() > 1e-3
    span = float(n1.high[0] - n1.low[0])
    assert found.misfit_mV[0, 0] == pytest.approx(span * np.sqrt(np.mean(errors)), rel=1e-3)
    assert found.drift[0, 0] == pytest.approx(np.mean(drifts), rel=1e-3)


# --- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.0, -0.1, float("nan"), "small"])
def test_eta_must_be_positive(fit, eta):
    with pytest.raises(BadValue, match="eta must be positive, got .* Try 1e-4 to 2e-3; a larger"):
        retrain(fit, [], [1e-3, eta])


def test_other_bad_input(fit):
    with pytest.raises(UnknownName, match='unknown decoder "membran". Did you mean "membrane"'):
        retrain(fit, [], decoder="membran")
    with pytest.raises(BadValue, match='this fit has none. .*recipe="paper"'):
        retrain(fit, [], decoder="n2")
    with pytest.raises(UnknownName, match='unknown gate "xr3". Did you mean "xr'):
        retrain(fit, [], gate_weights={"xr3": 0.1})
    with pytest.raises(BadValue, match="the weight of xr1 must be positive, got -1"):
        retrain(fit, [], gate_weights={"xr1": -1})
