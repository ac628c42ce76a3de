"""Files that must be refused, stages that are computed once, and the weights that ship."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from ionlab import store
from ionlab.cells import CELLS, hodgkin_huxley1952, tentusscher2004
from ionlab.dataset import Normaliser
from ionlab.errors import BadValue, BadWeights
from ionlab.files import replacing
from ionlab.network import N1, N2
from ionlab.neural_ode import learned
from ionlab.presets import FAST, PAPER
from ionlab.train import ClampRecipe, Fit, PaperRecipe

AXON = hodgkin_huxley1952


def a_fit(cell=AXON, decoder=False, seed=3):
    """An untrained network with all that a file keeps of it."""
    inputs = cell.observables if decoder else ("V",)
    n2 = normaliser = gate_range = None
    if decoder:
        n2 = N2(len(inputs), len(cell.gate_names), len(cell.other_names))
        normaliser = Normaliser(np.zeros(17), np.arange(1.0, 18.0))
        gate_range = normaliser.range_of(cell, cell.gate_names)
    ends = [-100] * len(inputs), [50] * len(inputs)
    n1 = N1(cell.name, cell.gate_names, inputs, *ends, seed=seed, gate_range=gate_range)
    recipe = PaperRecipe() if decoder else ClampRecipe()
    losses = np.linspace(2.0, 1.0, 7)
    return Fit(cell, n1, n2, normaliser, recipe, seed, losses, {"m": 0.5})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "axon.safetensors"
    store.save_fit(path, a_fit())
    return path


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    assert a.keys() == b.keys()
    return all(torch.equal(a[name], b[name]) for name in a)


# --- there and back ----------------------------------------------------------------------


@pytest.mark.parametrize("decoder", [False, True])
def test_a_network_comes_back_bit_by_bit(tmp_path, decoder):
    fit = a_fit(tentusscher2004, decoder)
    store.save_fit(tmp_path / "new folder" / "x.safetensors", fit)
    found = store.load_fit(tmp_path / "new folder" / "x.safetensors", tentusscher2004)
    assert same_weights(found.n1, fit.n1) and found.n1.settings == fit.n1.settings
    assert found.validation == {"m": 0.5}
    assert found.seed == 3 and found.cell is tentusscher2004
    np.testing.assert_allclose(found.losses, fit.losses)
    if decoder:
        assert same_weights(found.n2, fit.n2)
        np.testing.assert_array_equal(found.normaliser.high, fit.normaliser.high)
    else:
        assert found.n2 is None and found.normaliser is None


# --- what is refused ---------------------------------------------------------------------


def test_a_missing_file(tmp_path):
    with pytest.raises(BadWeights, match="none.safetensors does not exist"):
        store.load_fit(tmp_path / "none.safetensors", AXON)


@pytest.mark.parametrize("keep", [0, 4, 200, 4000, -1])
def test_a_truncated_file(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(BadWeights, match="is not a sound weights file .*Delete it"):
        store.load_fit(saved, AXON)


@pytest.mark.parametrize("content", [b"time_ms,V_mV\n0,-85\n", b"\xff" * 5000, b"\0" * 64])
def test_a_file_of_something_else(saved, content):
    saved.write_bytes(content)
    with pytest.raises(BadWeights, match="is not a sound weights file"):
        store.load_fit(saved, AXON)


def test_a_file_of_another_format(saved):
    save_file(load_file(saved), saved, {"format": "pt"})
    with pytest.raises(BadWeights, match="is not a file of \"ionlab network 1\"; it says 'pt'"):
        store.load_fit(saved, AXON)
    save_file(load_file(saved), saved)
    with pytest.raises(BadWeights, match="it says None"):
        store.load_fit(saved, AXON)


@pytest.mark.parametrize("cell", [tentusscher2004, replace(AXON, name="axon2")])
def test_a_network_of_another_cell(saved, cell):
    with pytest.raises(BadWeights, match=f"the cell hodgkin_huxley1952, not for {cell.name}"):
        store.load_fit(saved, cell)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("n1.gating.inf.W", lambda w: w[..., :-1]),
        ("n1.gating.tau.b", lambda w: np.concatenate([w, w], -1)),
        ("n1.phi1.1.W", lambda w: w[:, :20]),
        ("n1.phi1.0.W", lambda w: w[0, 0, 0]),
        ("n1.low", lambda w: np.append(w, w)),
        ("n1.low", None),
        ("n1.gating.inf.W", None),
    ],
)
def test_weights_of_another_shape(saved, name, change):
    arrays, metadata = store._read(saved)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = np.ascontiguousarray(change(arrays[name]))
    save_file(arrays, saved, metadata)
    with pytest.raises(BadWeights, match="not those of a network for hodgkin_huxley1952 with"):
        store.load_fit(saved, AXON)


# --- written to the side -----------------------------------------------------------------


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half-way"):
        with replacing(path) as aside:
            assert aside.parent == tmp_path and aside != path and aside.suffix == ".json"
            aside.write_text("half")
            raise RuntimeError("half-way")
    assert files(tmp_path) == ["result.json"] and path.read_text() == "old"
    with replacing(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert files(tmp_path) == ["result.json"] and path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadValue, match="cannot be written to .*Choose another folder with --out"):
        with replacing(tmp_path / "file" / "result.json"):
            pytest.fail("there is nowhere to write to")


# --- stages ------------------------------------------------------------------------------


def test_a_stage_is_computed_once_for_its_settings(tmp_path):
    calls = []

    def stage(**settings):
        def compute():
            calls.append(settings)
            return {"x": np.arange(6.0).reshape(2, 3).T * settings["factor"]}  # not contiguous

        return store.cached(tmp_path, "stage", settings, compute)["x"]

    first = stage(factor=2.0, eta=[1e-3, 2e-3])
    np.testing.assert_array_equal(first, [[0, 6], [2, 8], [4, 10]])
    np.testing.assert_array_equal(stage(eta=[1e-3, 2e-3], factor=2.0), first)
    assert len(calls) == 1
    np.testing.assert_array_equal(stage(factor=3.0, eta=[1e-3, 2e-3]), 1.5 * first)
    stage(factor=2.0, eta=[1e-3, 2.1e-3])
    assert len(calls) == 3 and len(files(tmp_path)) == 3
    assert all(name.startswith("stage-") for name in files(tmp_path))


def test_a_stage_that_fails_leaves_nothing_and_is_computed_again(tmp_path):
    folder, outcomes = tmp_path / "stages", [KeyboardInterrupt(), {"x": np.ones(2)}]

    def compute():
        outcome = outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    with pytest.raises(KeyboardInterrupt):
        store.cached(folder, "stage", {"seed": 1}, compute)
    assert not folder.exists() or files(folder) == []
    assert store.cached(folder, "stage", {"seed": 1}, compute)["x"].tolist() == [1.0, 1.0]


def test_a_stage_that_was_cut_off_is_not_taken_for_a_result(tmp_path):
    compute = lambda: {"x": np.ones(100)}  # noqa: E731
    store.cached(tmp_path, "stage", {}, compute)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadWeights, match=f"{path.name} is not a sound"):
        store.cached(tmp_path, "stage", {}, compute)


# --- the theory --------------------------------------------------------------------------


def test_every_shipped_file_belongs_to_a_cell_and_holds_its_gates():
    """Each loads; where the clamp recipe taught it, its curves are the cell's to 0.01."""
    paths = sorted(store.WEIGHTS.glob("*"))
    assert sum(path.stat().st_size for path in paths) < 2_000_000
    shipped = {path.name.split("-")[0] for path in paths}
    assert {tentusscher2004.name, AXON.name} <= shipped <= set(CELLS)
    exact = []
    for path in paths:
        arrays, metadata = store._read(path)
        assert all(np.isfinite(x).all() for x in arrays.values()), path.name
        assert metadata["format"] == (store.FORMAT if "recipe" in metadata else store.REFITS_FORMAT)
        assert path.name.startswith(metadata["cell"] + "-")
        cell = CELLS[metadata["cell"]]
        gating = arrays.get("n1.gating.inf.W", arrays.get("inf.W"))
        assert gating.shape[1:] == (30, len(cell.gate_names)), path.name
        if "recipe" not in metadata:
            continue
        fit = store.load_fit(path, cell)
        if json.loads(metadata["recipe"])[0] != "ClampRecipe":
            continue
        exact.append(cell.name)
        V = np.linspace(-95.0, 45.0, 57)
        taught = cell.gates(cell.at(V=V))
        gates = cell.with_kinetics(learned(fit.n1, cell)).gates(cell.at(V=V))
        for gate in cell.gate_names:
            np.testing.assert_allclose(gates[gate].h_inf, taught[gate].h_inf, atol=0.01)
            slow = taught[gate].tau_ms > 0.1  # h and j change their form at -40 mV
            slow &= (abs(V + 40.0) > 10.0) | (gate not in ("h", "j"))
            ratio = gates[gate].tau_ms / taught[gate].tau_ms
            off = abs(ratio[slow] - 1.0)  # O'Hara-Rudy's iFp has two narrow dips
            assert np.mean(off < 0.1) > 0.9 and (off < 0.3).all(), (cell.name, gate)
    assert set(exact) == shipped


@pytest.mark.parametrize("preset", [FAST, PAPER], ids=lambda p: p.name)
def test_both_presets_find_shipped_weights(preset, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("IONLAB_CACHE", str(tmp_path / "unused"))
    fit = store.theory(tentusscher2004, preset.clamp)
    assert "first pass: shipped weights, tentusscher2004-" in capsys.readouterr().out
    assert fit.n1.gates == tentusscher2004.gate_names and not (tmp_path / "unused").exists()


def test_a_theory_that_does_not_ship_is_trained_once(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("IONLAB_CACHE", str(tmp_path))
    recipe = ClampRecipe(points=21, adam_steps=5, lbfgs_steps=5)
    first = store.theory(AXON, recipe, device="cpu")
    assert capsys.readouterr().out == "first pass: training hodgkin_huxley1952, seed 0\n"
    again = store.theory(AXON, recipe, device="cpu")
    assert "first pass: stored weights, hodgkin_huxley1952-" in capsys.readouterr().out
    assert same_weights(first.n1, again.n1)
    other = store.theory(AXON, recipe, seed=1, device="cpu")
    assert "training hodgkin_huxley1952, seed 1" in capsys.readouterr().out
    assert not same_weights(first.n1, other.n1) and len(files(tmp_path)) == 2
    store.theory(AXON, replace(recipe, tau_weight=0.02), device="cpu")
    assert "training" in capsys.readouterr().out
    metadata = store._read(next(tmp_path.iterdir()))[1]
    assert json.loads(metadata["recipe"])[0] == "ClampRecipe" and metadata["cell"] == AXON.name
