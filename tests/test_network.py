"""Oracles: Eqs. 2.4.1-2.4.4 in plain NumPy, gradcheck, and torch's own LSTM cell."""

import numpy as np
import pytest
import torch

from ionlab import network
from ionlab.cells import tentusscher2004
from ionlab.errors import BadValue, UnknownName
from ionlab.network import N1, N2, Dense, GatingLayer, as_inputs, device_of, gate_path


def sigma(x):
    return 1.0 / (1.0 + np.exp(-x))


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def layer(device):
    """3 inputs, 2 gates, weights by hand, dt 1 ms."""
    layer = GatingLayer(3, 2, dt_ms=1.0).to(device)
    with torch.no_grad():
        layer.inf.W.copy_(torch.tensor([[[0.3, -1.1], [0.8, 0.2], [-0.5, 0.9]]]))
        layer.inf.b.copy_(torch.tensor([[[0.1, -0.2]]]))
        layer.tau.W.copy_(torch.tensor([[[0.4, 0.7], [-0.6, 0.5], [0.2, -0.3]]]))
        layer.tau.b.copy_(torch.tensor([[[1.0, 3.0]]]))
    return layer


# --- the gating layer --------------------------------------------------------------------


@pytest.mark.parametrize("dt_ms", [None, 0.25, 1.0, 3.0])
def test_a_step_is_the_closed_form(layer, dt_ms, device, tolerance, rng):
    """h(dt) = h_inf + (h0 - h_inf) exp(-dt / tau), with tau = -1 ms / log rho."""
    x, h0 = rng.normal(size=(1, 5, 3)), rng.uniform(size=(1, 5, 2))
    W_inf = np.array([[0.3, -1.1], [0.8, 0.2], [-0.5, 0.9]])
    W_tau = np.array([[0.4, 0.7], [-0.6, 0.5], [0.2, -0.3]])
    h_inf = sigma(x @ W_inf + [0.1, -0.2])
    tau_ms = -1.0 / np.log(sigma(x @ W_tau + [1.0, 3.0]))
    wanted = h_inf + (h0 - h_inf) * np.exp(-(dt_ms or 1.0) / tau_ms)
    given = [torch.tensor(z, dtype=torch.float32, device=device) for z in (x, h0)]
    found = layer(*given, dt_ms=dt_ms).detach().cpu().numpy()
    np.testing.assert_allclose(found, wanted, rtol=tolerance.rtol, atol=tolerance.atol)
    inf, log_rho = layer.kinetics(given[0], dt_ms)
    np.testing.assert_allclose(inf.detach().cpu(), h_inf, atol=tolerance.atol)
    np.testing.assert_allclose(log_rho.detach().cpu(), -(dt_ms or 1.0) / tau_ms, rtol=1e-4)


def test_two_half_steps_are_one_step(layer, device, tolerance):
    x, h = torch.tensor([[0.5, -1.0, 2.0]]).to(device), torch.tensor([[0.9, 0.1]]).to(device)
    halves = layer(x, layer(x, h, dt_ms=0.5), dt_ms=0.5)
    torch.testing.assert_close(
        halves, layer(x, h, dt_ms=1.0), rtol=tolerance.rtol, atol=tolerance.atol
    )
    assert abs(halves - h).max() > 0.01


def test_dense_starts_in_glorots_range_and_every_network_alike():
    dense = Dense(20, 40, 3, generator())
    bound = np.sqrt(6.0 / 60.0)
    W = dense.W.detach()
    assert bound * 0.99 < W.abs().max() <= bound and abs(W.mean()) < 0.02
    assert (W[0] == W[1]).all() and (W[0] == W[2]).all() and (dense.b == 0).all()
    x = torch.randn(3, 2, 5, 20, generator=generator())
    torch.testing.assert_close(dense(x)[1], x[1] @ W[1])


# --- the roll-out ------------------------------------------------------------------------


def rolled_out(h_inf, log_rho, h_start):
    """Eq. 2.4.4 in a plain loop over samples."""
    h, path = h_start, []
    for t in range(h_inf.shape[-2]):
        path.append(h)
        rho = log_rho[..., t, :].exp()
        h = rho * h + (1.0 - rho) * h_inf[..., t, :]
    return torch.stack(path, -2), h


def a_sweep(device="cpu", samples=37, dtype=torch.float64):
    """h_inf, log rho (2, 3, T, 2) and h at the start; fast and slow gates."""
    g = generator()
    h_inf = torch.rand(2, 3, samples, 2, generator=g, dtype=dtype)
    tau = torch.tensor([0.3, 200.0], dtype=dtype) * (0.5 + torch.rand(h_inf.shape, generator=g))
    h_start = torch.rand(2, 3, 2, generator=g, dtype=dtype)
    return [z.to(device) for z in (h_inf, -1.0 / tau, h_start)]


@pytest.fixture(params=["compiled", "doubling"])
def scan(request, monkeypatch):
    """The loop compiled for the CPU, and the doubling of other devices, here on the CPU too."""
    if request.param == "doubling":
        device = torch.device("cpu")

        class Elsewhere(torch.Tensor):
            """A tensor that says it lives elsewhere."""

            device = type("device", (), {"type": "elsewhere"})()

        plain = network._scan

        def scan(a, b):
            assert a.device == device
            return plain(a.as_subclass(Elsewhere), b).as_subclass(torch.Tensor)

        monkeypatch.setattr(network, "_scan", scan)
    return request.param


def test_the_two_scans_are_different_code(scan, monkeypatch):
    """Without the compiled loop only the doubling is left to work."""
    monkeypatch.setattr(network, "_recurrence", None)
    h_inf, log_rho, h_start = a_sweep()
    if scan == "compiled":
        with pytest.raises(TypeError):
            gate_path(h_inf, log_rho, h_start)
    else:
        assert gate_path(h_inf, log_rho, h_start).shape == h_inf.shape


@pytest.mark.parametrize("samples", [1, 2, 37, 64])
def test_gate_path_is_the_loop(scan, samples):
    h_inf, log_rho, h_start = a_sweep(samples=samples)
    found = gate_path(h_inf, log_rho, h_start)
    torch.testing.assert_close(found, rolled_out(h_inf, log_rho, h_start)[0], rtol=0, atol=1e-13)


def test_gate_path_on_every_device(device, tolerance):
    sweep = a_sweep(device, dtype=torch.float32)
    torch.testing.assert_close(
        gate_path(*sweep), rolled_out(*sweep)[0], rtol=tolerance.rtol, atol=tolerance.atol
    )


def test_the_gradients_of_gate_path(scan):
    h_inf, log_rho, h_start = (z[:1, :2].requires_grad_() for z in a_sweep(samples=7))
    assert torch.autograd.gradcheck(gate_path, (h_inf, log_rho, h_start))
    assert torch.autograd.gradcheck(gate_path, (h_inf, log_rho))
    weight = torch.linspace(-1.0, 1.0, 14, dtype=torch.float64).reshape(7, 2)
    found, wanted = (
        torch.autograd.grad((weight * path).sum(), (h_inf, log_rho, h_start))
        for path in (
            gate_path(h_inf, log_rho, h_start),
            rolled_out(h_inf, log_rho, h_start)[0],
        )
    )
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


def test_the_periodic_start_is_what_many_beats_come_to(scan):
    h_inf, log_rho, h = a_sweep()
    for _ in range(400):  # of 37 ms; the slow gate needs 200 ms
        path, h = rolled_out(h_inf, log_rho, h)
    found = gate_path(h_inf, log_rho)
    torch.testing.assert_close(found, path, rtol=0, atol=1e-12)
    torch.testing.assert_close(rolled_out(h_inf, log_rho, found[..., 0, :])[1], found[..., 0, :])


# --- N1 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_n1_is_phi1_and_the_gating_layer(activation, rng):
    """Fig. 1 in NumPy: normalise, two dense layers, the gating step."""
    n1 = N1("cell", ["a", "b"], ("V", "Ca_i"), [-100.0, 0.0], [50.0, 0.002], activation, seed=4)
    w = {name: value.numpy()[0] for name, value in n1.state_dict().items() if value.dim() == 3}
    v, h = np.array([[-40.0, 0.0005], [20.0, 0.001]]), rng.uniform(size=(2, 2))
    x = (v - [-100.0, 0.0]) / [150.0, 0.002]
    act = np.tanh if activation == "tanh" else lambda z: np.maximum(z, 0.0)
    if activation == "tanh":
        x = 2.0 * x - 1.0
    for k in (0, 1):
        x = act(x @ w[f"phi1.{k}.W"] + w[f"phi1.{k}.b"])
    h_inf = sigma(x @ w["gating.inf.W"] + w["gating.inf.b"])
    rho = sigma(x @ w["gating.tau.W"] + w["gating.tau.b"])
    assert w["phi1.0.W"].shape == (2, 30) and w["phi1.1.W"].shape == (30, 30)
    given = [torch.tensor(z[None], dtype=torch.float32) for z in (v, h)]
    found = n1(*given).detach().numpy()[0]
    np.testing.assert_allclose(found, rho * h + (1 - rho) * h_inf, atol=2e-6)


def test_network_k_of_a_stack_is_that_network_alone(device, tolerance):
    cell = tentusscher2004
    alone = [N1(cell.name, cell.gate_names, ("V",), [-100], [50], seed=0) for _ in range(3)]
    for k, n1 in enumerate(alone):  # phi1 shared, gating layers different
        for w in n1.gating.parameters():
            torch.nn.init.normal_(w, generator=generator(k))
        n1.to(device)
    stack = alone[0].stacked(3)
    for k, n1 in enumerate(alone):
        with torch.no_grad():
            for w, own in zip(stack.gating.parameters(), n1.gating.parameters(), strict=True):
                w[k] = own[0]
    v = torch.linspace(-90.0, 40.0, 11, device=device).reshape(1, 11, 1)
    h = torch.rand(3, 11, 10, generator=generator()).to(device)
    together = stack(v, h)
    assert together.shape == (3, 11, 10)
    close = dict(rtol=tolerance.rtol, atol=tolerance.atol)
    for k, n1 in enumerate(alone):
        torch.testing.assert_close(together[k : k + 1], n1(v, h[k : k + 1]), **close)
        selected = stack.select(k)
        assert selected.low.device.type == device
        torch.testing.assert_close(selected(v, h[k : k + 1]), n1(v, h[k : k + 1]), **close)
    assert abs(together[0] - together[1]).max() > 0.1
    torch.testing.assert_close(alone[1].stacked(4)(v, h[:1])[3:], alone[1](v, h[:1]), **close)


def test_copies_share_no_memory():
    n1 = N1("cell", ["a"], ("V",), [-100], [50])
    before = n1.gating.inf.W.detach().clone()
    for copy in (n1.stacked(2), n1.stacked(1), n1.select(0)):
        with torch.no_grad():
            for w in copy.parameters():
                w += 1.0
    torch.testing.assert_close(n1.gating.inf.W, before, rtol=0, atol=0)


def test_weights_depend_on_the_seed_alone():
    a, b, c = (N1("cell", ["a"], ("V",), [-100], [50], seed=s) for s in (1, 1, 2))
    assert (a.phi1[0].W == b.phi1[0].W).all() and (a.phi1[0].W != c.phi1[0].W).any()


def test_inputs_are_stacked_by_name():
    n1 = N1("cell", ["a"], ("Ca_i", "V"), [0, -100], [1, 50])
    found = as_inputs(n1, {"V": np.array([1.0, 2.0]), "Ca_i": np.array([3.0, 4.0]), "m": None})
    assert found.dtype == torch.float32 and found.tolist() == [[[3.0, 1.0], [4.0, 2.0]]]


# --- N2 ----------------------------------------------------------------------------------


def torchs(n2, k=0):
    """`phi2 -> torch.nn.LSTMCell -> phi3` with the weights of network k of n2."""
    W, b = n2.into.W[k].detach(), n2.into.b[k, 0].detach()
    cell = torch.nn.LSTMCell(W.shape[0], W.shape[1] // 4)
    with torch.no_grad():  # torch's order: input, forget, cell, output; ours has the cell last
        order = [0, 1, 3, 2]
        place = lambda z: torch.cat([z.chunk(4, -1)[i] for i in order], -1)  # noqa: E731
        cell.weight_ih.copy_(place(W).T)
        cell.bias_ih.copy_(place(b))
        cell.weight_hh.copy_(place(n2.back.W[k].detach()).T)
        cell.bias_hh.copy_(place(n2.back.b[k, 0].detach()))

    def step(x, h, memory):
        z = torch.cat([x, h], -1)
        for dense in n2.phi2:
            z = torch.relu(z @ dense.W[k] + dense.b[k])
        out, carry = cell(z, memory)
        return torch.sigmoid(out @ n2.phi3.W[k] + n2.phi3.b[k]), (out, carry)

    return step


def test_the_lstm_is_that_of_torch():
    n2 = N2(2, 10, 7, networks=2, generator=generator())
    for w in n2.parameters():  # biases too
        torch.nn.init.normal_(w, std=0.5, generator=generator(w.numel()))
    memory, oracles = None, [[torchs(n2, k), None] for k in (0, 1)]
    for t in range(6):
        x = torch.rand(1, 4, 2, generator=generator(t))
        h = torch.rand(2, 4, 10, generator=generator(100 + t))
        y, memory = n2(x, h, memory)
        assert y.shape == (2, 4, 7)
        for k, oracle in enumerate(oracles):
            wanted, oracle[1] = oracle[0](x[0], h[k], oracle[1])
            torch.testing.assert_close(y[k], wanted, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(memory[1][k], oracle[1][1], rtol=1e-5, atol=1e-6)


# --- devices -----------------------------------------------------------------------------


def test_auto_takes_the_gpu_where_there_is_one(device):
    assert device_of(device).type == device
    present = torch.cuda.is_available()
    assert device_of("auto").type == ("cuda" if present else "cpu")


def test_cuda_asked_for_and_absent(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadValue, match='"cuda" was asked for, but torch finds none. Try'):
        device_of("cuda")
    with pytest.raises(UnknownName, match='unknown device "cdua". Did you mean "cuda"'):
        device_of("cdua")
