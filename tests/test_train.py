"""Oracles: voltages that were not trained on; Eq. 2.5.2 written out by hand, with torch's Adam."""

import copy

import numpy as np
import pytest
import torch

from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.dataset import Sequences
from ionlab.errors import BadValue, UnknownName
from ionlab.network import N1, N2
from ionlab.neural_ode import learned
from ionlab.simulate import pace
from ionlab.train import ClampRecipe, PaperRecipe, V_CLAMP_mV, clamp_targets, train

AXON, CELL = hodgkin_huxley1952, tentusscher2004
SHORT = ClampRecipe(points=41, adam_steps=10, lbfgs_steps=10)


def weights(*nets):
    return torch.cat([w.detach().cpu().flatten() for net in nets for w in net.parameters()])


@pytest.fixture(scope="module")
def sequences():
    traces = pace(CELL, [400.0, 500.0, 600.0], 2000.0, 400.0)
    return Sequences.from_traces(traces, n_validation=1)


# --- the clamp recipe --------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick():
    return train(AXON, recipe=ClampRecipe(points=181, adam_steps=300, lbfgs_steps=400))


def test_a_small_budget_learns_curves_between_the_voltages_it_saw(quick):
    """h_inf within 0.005 and tau within 5 %, at voltages off the grid."""
    V = np.linspace(-118.0, 58.0, 97) + 0.123
    taught = AXON.gates(AXON.at(V=V))
    gates = AXON.with_kinetics(learned(quick.n1, AXON)).gates(AXON.at(V=V))
    for gate in AXON.gate_names:
        np.testing.assert_allclose(gates[gate].h_inf, taught[gate].h_inf, atol=5e-3)
        slow = taught[gate].tau_ms > 1.5 * ClampRecipe.tau_floor_ms
        ratio = gates[gate].tau_ms / taught[gate].tau_ms
        np.testing.assert_allclose(ratio[slow], 1.0, atol=0.05)
    assert quick.losses[-1] < 1e-4 * quick.losses[0]


def test_the_validation_error_is_that_between_the_grid(quick):
    grid = np.linspace(*V_CLAMP_mV, 181)
    V = 0.5 * (grid[1:] + grid[:-1])
    taught = AXON.gates(AXON.at(V=V))
    gates = AXON.with_kinetics(learned(quick.n1, AXON)).gates(AXON.at(V=V))
    assert set(quick.validation) == set(AXON.gate_names)
    for gate, rmse in quick.validation.items():
        wanted = np.sqrt(np.mean((gates[gate].h_inf - taught[gate].h_inf) ** 2))
        assert rmse == pytest.approx(wanted, rel=0.05)


def test_the_first_loss_of_the_clamp_recipe_by_hand():
    recipe = ClampRecipe(points=41, adam_steps=1, lbfgs_steps=0, tau_weight=0.3)
    n1 = N1(AXON.name, AXON.gate_names, ("V",), [-100.5], [50.5], "tanh", seed=7).double()
    V = np.linspace(-120.0, 60.0, 41)
    taught = AXON.gates(AXON.at(V=V)).values()
    with torch.no_grad():
        h_inf, log_rho = (z[0].numpy() for z in n1.kinetics(torch.tensor(V).reshape(1, -1, 1)))
    inf = h_inf - np.stack([k.h_inf for k in taught], -1)
    tau_ms = np.maximum(np.stack([k.tau_ms for k in taught], -1), 0.02)
    tau = np.log(-1.0 / log_rho) - np.log(tau_ms)
    wanted = 1e4 * (np.mean(inf**2) + 0.3 * np.mean(tau**2))
    assert train(AXON, recipe=recipe, seed=7).losses[0] == pytest.approx(wanted, rel=1e-9)


def test_a_gate_faster_than_the_floor_is_taught_as_the_floor():
    h_inf, log_tau = clamp_targets(CELL, np.array([-120.0, -30.0]), 0.05)
    m = CELL.gates(CELL.at(V=np.array([-120.0, -30.0])))["m"]
    assert m.tau_ms[0] < 0.05 < m.tau_ms[1] and h_inf.shape == (2, 10)
    np.testing.assert_allclose(np.exp(log_tau[:, 0]), [0.05, m.tau_ms[1]], rtol=1e-12)


def test_one_seed_one_result(device, tolerance):
    a, b, c = (train(AXON, recipe=SHORT, seed=seed, device=device) for seed in (1, 1, 2))
    if device == "cpu":
        assert torch.equal(weights(a.n1), weights(b.n1))
    torch.testing.assert_close(weights(a.n1), weights(b.n1), rtol=1e-3, atol=tolerance.atol)
    assert abs(weights(a.n1) - weights(c.n1)).max() > 0.1
    assert next(a.n1.parameters()).device.type == device


# --- the paper's recipe ------------------------------------------------------------------


def by_hand(sequences, recipe, seed):
    """Eq. 2.5.2 step by step: losses, and the weights after them."""
    span = sequences.normaliser.high - sequences.normaliser.low
    k = [CELL.state_names.index(name) for name in ("V", "Ca_i")]
    low, high = sequences.normaliser.low[k], (sequences.normaliser.low + span)[k]
    n1 = N1(CELL.name, CELL.gate_names, ("V", "Ca_i"), low, high, "relu", seed=seed)
    n2 = N2(2, 10, 7, generator=torch.Generator().manual_seed(seed + 1))
    tensors = [*n1.parameters(), *n2.parameters()]
    assert len(tensors) == 8 + 10  # W and b of phi1 (2), gating (2); phi2 (2), LSTM (2), phi3
    adam = torch.optim.Adam(tensors, lr=recipe.learning_rate)
    u = torch.tensor(sequences.x[sequences.train])  # (N, T, S)
    of = {name: u[..., CELL.state_names.index(name)] for name in CELL.state_names}
    x = torch.stack([of["V"], of["Ca_i"]], -1)
    H = torch.stack([of[name] for name in CELL.gate_names], -1)
    rest = torch.stack([of[name] for name in CELL.other_names], -1)
    losses, saved = [], None
    for _ in range(recipe.epochs):
        h, memory = H[None, :, 0], None
        for t in range(x.shape[1] - 1):
            v = torch.tensor(low) + x[None, :, t] * torch.tensor(high - low)
            h = n1(v.float(), h.detach())
            y, memory = n2(x[None, :, t], h, memory)
            L2 = torch.mean((h[0] - H[:, t + 1]) ** 2) + torch.mean((y[0] - rest[:, t + 1]) ** 2)
            lam = sum(torch.sum(w**2) / w.numel() for w in tensors)
            adam.zero_grad()
            (L2 + recipe.lam * lam).backward()
            adam.step()
            losses.append(float(L2.detach()))
            memory = [m.detach() for m in memory]
            saved = copy.deepcopy((n1, n2))
    return np.array(losses), saved


@pytest.mark.parametrize("lam", [1e-4, 0.5])
def test_the_paper_s_steps_are_those_by_hand(sequences, lam):
    recipe = PaperRecipe(epochs=2, learning_rate=1e-3, lam=lam)
    few = Sequences(CELL, sequences.x[:, 8:14], sequences.normaliser, sequences.train, [])
    losses, nets = by_hand(few, recipe, seed=5)
    fit = train(CELL, few, recipe, seed=5, device="cpu")
    assert len(fit.losses) == 10
    np.testing.assert_allclose(fit.losses, losses, rtol=1e-4)
    torch.testing.assert_close(weights(fit.n1, fit.n2), weights(*nets), rtol=1e-4, atol=2e-5)
    if lam < 0.1:  # and the weights are not simply those of the start
        start = N1(**fit.n1.settings, seed=5)
        assert abs(weights(fit.n1) - weights(start)).mean() > 2e-3


def test_the_paper_s_recipe_learns(sequences):
    """Three epochs at 5e-3 on two short runs: the loss falls."""
    recipe = PaperRecipe(epochs=3, learning_rate=5e-3)
    fit = train(CELL, sequences, recipe, device="cpu")
    epoch = len(fit.losses) // 3
    assert epoch == 399
    first, last = fit.losses[:epoch].mean(), fit.losses[-epoch:].mean()
    assert last < 0.9 * first and last < 0.2 * fit.losses[:5].mean()
    assert fit.normaliser is sequences.normaliser and fit.n1.inputs == ("V", "Ca_i")
    again = train(CELL, sequences, recipe, device="cpu")
    assert torch.equal(weights(fit.n1, fit.n2), weights(again.n1, again.n2))
    # the validation error is that of gates rolled out along the run that was kept aside
    (row,) = sequences.validation
    k = [CELL.state_names.index(name) for name in ("V", "Ca_i")]
    span = (sequences.normaliser.high - sequences.normaliser.low)[k]
    v = torch.tensor(sequences.normaliser.low[k] + sequences.x[row][:, k] * span).float()
    truth = torch.tensor(sequences.columns(CELL.gate_names)[row])
    h, errors = truth[None, :1], []
    with torch.no_grad():
        for t in range(len(v) - 1):
            h = fit.n1(v[None, t : t + 1], h)
            errors.append((h[0, 0] - truth[t + 1]) ** 2)
    rmse = torch.stack(errors).mean(0).sqrt().tolist()
    assert list(fit.validation.values()) == pytest.approx(rmse, rel=1e-3)


def test_the_width_is_that_of_phi1_and_phi2(sequences):
    """Oracle: the sum of the layers' weights and biases, counted from Fig. 1."""
    few = Sequences(CELL, sequences.x[:, 8:11], sequences.normaliser, sequences.train, [])
    for w in (5, 30):
        n1_has = 2 * w + w + w * w + w + 2 * (w * 10 + 10)
        n2_has = 12 * w + w + w * w + w + (w * 28 + 28) + (7 * 28 + 28) + 7 * 7 + 7
        fit = train(CELL, few, PaperRecipe(epochs=1), device="cpu", width=w)
        assert (len(weights(fit.n1)), len(weights(fit.n2))) == (n1_has, n2_has)
    quick = train(AXON, recipe=ClampRecipe(adam_steps=2, lbfgs_steps=1), width=5)
    assert len(weights(quick.n1)) == 1 * 5 + 5 + 25 + 5 + 2 * (5 * 3 + 3)


def test_bad_input_is_refused():
    with pytest.raises(UnknownName, match='unknown recipe "papr". Did you mean "paper"'):
        train(AXON, recipe="papr")
    with pytest.raises(BadValue, match="learns from sequences of all states, got none. Try"):
        train(CELL, recipe="paper")
