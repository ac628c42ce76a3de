"""The main job, end to end. Oracle: how the recordings were made (I_Kr halved, or nothing)."""

import json
import re
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest

from ionlab import findings, perturb, presets, report
from ionlab.cells import tentusscher2004
from ionlab.errors import BadRecording, BadValue, IonlabError, UnknownName
from ionlab.simulate import pace

RECORDINGS = report.ROOT / "data" / "recordings"
CONTROL, LONG_QT = (str(RECORDINGS / f"{name}.csv") for name in ("control", "long_qt"))
SIX = {"I_Na", "I_CaL", "I_Kr", "I_Ks", "I_K1", "I_to"}


def read(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def outputs(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    return [(cell, out) for cell in cells if cell.cell_type == "code" for out in cell.outputs]


def check_schema(found):
    assert list(found)[:3] == ["cell", "preset", "seed"]
    for side in ("control", "treated"):
        assert set(found[side]) == {"file", "sweeps", "v_rmse_mV"}
        assert found[side]["sweeps"] > 0
    assert {c["name"] for c in found["currents"]} == SIX
    for c in found["currents"]:
        assert set(c) == {"name", "ratio", "low", "high"}
        assert c["low"] <= c["ratio"] <= c["high"]
    assert set(found["changed"]) <= SIX
    assert len(found["gates"]) == 10
    assert all(isinstance(text, str) for text in found["warnings"])
    json.dumps(found, allow_nan=False)


def check_page(folder, found):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert found["sentence"] in page
    assert page.index("<h1") < page.index(found["sentence"]) < page.index("<h2")
    for code in ("import ", "display(", "findings.", "identify.", "second pass,"):
        assert code not in page
    assert not re.search(r'(src|href)="(?!data:|#|https://arxiv\.org)', page)  # needs no other file
    pictures = re.findall(r"<img[^>]*>", page)
    assert len(pictures) == 5
    for picture in pictures:
        assert re.search(r'alt="[^"]{20,}"', picture)


def check_run(folder):
    assert {path.name for path in folder.iterdir()} == set(report.RESULTS)
    assert not [out for _, out in outputs(folder / "report.ipynb") if out.output_type == "error"]
    found = read(folder)
    check_schema(found)
    check_page(folder, found)
    return found


# --- end to end --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_qt(tmp_path_factory):
    """The report on the shipped recordings."""
    return report.run(
        tmp_path_factory.mktemp("new") / "long_qt", preset="fast", treated=LONG_QT, drug=None
    )


def test_the_shipped_recordings_name_the_halved_current(long_qt):
    found = check_run(long_qt)
    first = found["currents"][0]
    assert found["changed"] == ["I_Kr"] and first["name"] == "I_Kr"
    assert first["ratio"] == pytest.approx(0.5, abs=0.1)
    assert 0.95 * first["low"] < 0.5 < 1.05 * first["high"]
    for c in found["currents"][1:]:
        assert c["ratio"] == pytest.approx(1.0, abs=0.1)
    assert max(found[side]["v_rmse_mV"] for side in ("control", "treated")) < 1.0
    assert found["sentence"].startswith("I_Kr fell to 0.5")
    assert found["treated"] == {**found["treated"], "file": LONG_QT, "sweeps": 3}


def test_the_notebook_of_a_report_can_be_worked_on(long_qt):
    """What was injected leads to the same recordings from anywhere, and to no scratch folder."""
    notebook = nbformat.read(long_qt / "report.ipynb", as_version=4)
    (injected,) = (
        c.source for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])
    )
    assert repr(LONG_QT)[1:-1] in injected and ".new-" not in injected


def test_an_unchanged_pair_changes_nothing_with_papermill_alone(tmp_path):
    """The two halves of the control recording, with papermill as a course would call it."""
    whole = pd.read_csv(CONTROL)
    half = whole["time_ms"] < 2500
    for name, rows in (("first", half), ("second", ~half)):
        whole[rows].to_csv(tmp_path / f"{name}.csv", index=False)
    given = {"control": "first.csv", "treated": "second.csv", "preset": "fast", "eta": 2e-3}
    done = tmp_path / "done.ipynb"
    (tmp_path / "results").mkdir()
    papermill.execute_notebook(
        report.NOTEBOOK,
        done,
        parameters={**given, "out": "results"},
        cwd=str(tmp_path),
        progress_bar=False,
    )
    found = read(tmp_path / "results")
    check_schema(found)
    assert found["changed"] == [] and found["eta"] == 2e-3
    assert found["sentence"] == "No change of a current is supported."
    assert found["control"]["file"] == "first.csv"


@pytest.mark.slow
def test_real_recordings_are_reported_with_their_doubts(tmp_path, monkeypatch, ionlab_data):
    """Lei et al. 2017: dofetilide blocks I_Kr; immature cells, far from the model."""
    monkeypatch.setenv("IONLAB_DATA", str(ionlab_data))
    out = report.run(
        tmp_path, preset="fast", dataset="lei2017", drug="dofetilide", concentration=0.1
    )
    found = check_run(out)
    assert found["control"]["sweeps"] == 20 and found["treated"]["sweeps"] == 5
    assert any("unpaired" in text for text in found["warnings"])
    assert found["changed"] == ["I_Kr"] and found["currents"][0]["high"] < 0.6
    assert "with doubt" in found["sentence"]
    assert any("misses the recording" in text for text in found["warnings"])


@pytest.mark.slow
def test_a_simulated_perturbation_is_named(tmp_path):
    """Oracle: the factor that ITO applies, 3; the files of the defaults are not read."""
    found = check_run(report.run(tmp_path, preset="fast", perturbation="ito", seed=3))
    assert found["changed"] == ["I_to"]
    assert found["currents"][0]["ratio"] == pytest.approx(perturb.ITO.factors["g_to"], rel=0.1)
    assert found["control"]["file"] == "simulated control"
    assert found["treated"] == {**found["treated"], "file": "simulated ito", "sweeps": 3}


def test_simulated_recordings_are_the_cell_with_noise_from_the_seed():
    """Oracle: the cells paced without noise; what is left over is white, of 0.5 mV."""
    first, again, other = (
        report.Settings(
            **{**report.contract(), "preset": "fast", "perturbation": "short_qt", "seed": seed}
        ).recordings()
        for seed in (0, 0, 1)
    )
    lengths = presets.FAST.beats_ms
    cells = (tentusscher2004, perturb.SHORT_QT.apply(tentusscher2004))
    clean = pace(cells, lengths, record_last_ms=report.RECORDED_ms)["V"]
    V, same, differs = (
        np.stack([sweep.V_mV for side in pair for sweep in side.sweeps])
        for pair in (first, again, other)
    )
    assert [s.cycle_length_ms for side in first for s in side.sweeps] == [*lengths, *lengths]
    np.testing.assert_array_equal(V, same)
    assert not np.allclose(V, differs, atol=0.1)
    noise = V - clean
    np.testing.assert_allclose(noise.std(1), 0.5, rtol=0.05)
    assert abs(np.corrcoef(noise) - np.eye(len(noise))).max() < 0.06  # 4 of 1 / sqrt(5000)


# --- what is refused, before anything runs -----------------------------------------------


@pytest.fixture
def never_runs(monkeypatch):
    def run(*args, **named):
        raise AssertionError("the notebook was started")

    monkeypatch.setattr(papermill, "execute_notebook", run)


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"treatd": LONG_QT}, UnknownName, 'Did you mean "treated"'),
        ({"cell": "tentuscher2004"}, UnknownName, 'Did you mean "tentusscher2004"'),
        ({"preset": "fats"}, UnknownName, 'Did you mean "fast"'),
        ({"device": "gpu"}, UnknownName, "device"),
        ({"eta": -0.1}, BadValue, "eta must be positive, got -0.1"),
        ({"eta": "large"}, BadValue, "eta must be of type float, got 'large'"),
        ({"seed": 1.5}, BadValue, "seed must be of type int, got 1.5"),
        ({"seed": -1}, BadValue, "got -1"),
        ({"control": "nowhere.csv"}, BadRecording, "does not exist"),
        ({"dataset": "lei2018"}, UnknownName, 'Did you mean "lei2017"'),
        ({"dataset": "lei2017", "drug": "dofetilid", "concentration": 0.1}, UnknownName, "dofet"),
        ({"dataset": "lei2017", "drug": "dofetilide"}, BadValue, "concentration"),
        ({"perturbation": "longqt"}, UnknownName, 'Did you mean "long_qt"'),
        ({"perturbation": "ito", "cell": "hodgkin_huxley1952"}, UnknownName, "parameter"),
        (
            {"perturbation": "ito", "dataset": "lei2017", "drug": "x", "concentration": 0.1},
            BadValue,
            "Leave one of the two out",
        ),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(tmp_path, never_runs, given, kind, text):
    out = tmp_path / "new" / "report"
    with pytest.raises(kind, match=re.escape(text)):
        report.run(out, **{"preset": "fast", **given})
    assert not out.parent.exists()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, never_runs):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BadValue, match="cannot be written to"):
        report.run(file / "report", preset="fast")
    assert file.read_text() == ""


def test_a_failure_leaves_an_older_report_alone(tmp_path, monkeypatch):
    """The same when it comes late, and when it is an interrupt."""
    for name in report.RESULTS:
        (tmp_path / name).write_text("old")

    def half(source, target, **named):
        target.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(papermill, "execute_notebook", half)
    with pytest.raises(KeyboardInterrupt):
        report.run(tmp_path, preset="fast")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys(
        report.RESULTS, "old"
    )


def test_an_error_of_the_library_in_the_notebook_keeps_its_message(tmp_path, monkeypatch):
    """A notebook that fails in the kernel, in place of the report."""
    cells = [
        nbformat.v4.new_code_cell('control = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "import sys\nfrom ionlab.errors import BadValue\nraise BadValue(sys.executable)"
        ),
    ]
    broken = nbformat.v4.new_notebook(cells=cells)
    broken.metadata["kernelspec"] = {"name": "other", "display_name": "", "language": "python"}
    nbformat.write(broken, tmp_path / "broken.ipynb")
    monkeypatch.setattr(report, "contract", lambda: {"control": ""})
    monkeypatch.setattr(report, "Settings", lambda **given: SimpleNamespace(recordings=lambda: ()))
    monkeypatch.setattr(report, "NOTEBOOK", tmp_path / "broken.ipynb")
    with pytest.raises(IonlabError) as error:
        report.run(tmp_path / "out")
    assert str(error.value) == sys.executable  # and the kernel is this interpreter
    assert not (tmp_path / "out").exists()


def test_every_name_of_the_contract_is_checked():
    assert list(report.contract()) == list(report.Settings.__dataclass_fields__)
    help_ = papermill.inspect_notebook(str(report.NOTEBOOK))
    for p in help_.values():
        assert p["help"] and p["inferred_type_name"] in ("str", "int", "float")


def test_the_committed_notebook_has_no_outputs():
    notebook = nbformat.read(report.NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert not outputs(report.NOTEBOOK)
    assert all(c.execution_count is None for c in notebook.cells if c.cell_type == "code")


# --- the sentence ------------------------------------------------------------------------


def comparison(rmse=(0.4, 0.5), **currents):
    """A comparison of six currents; those not given stay at 1."""
    every = {name: (1.0, 0.95, 1.05, False) for name in sorted(SIX)} | currents
    V_mV = np.array([[-80.0, 10.0]])  # varies by 45 mV
    beats = SimpleNamespace(V_mV=V_mV, seen=np.ones_like(V_mV, bool))
    return SimpleNamespace(
        beats=(beats, beats),
        v_rmse_mV=np.array(rmse),
        currents=[
            SimpleNamespace(name=n, ratio=r, low=low, high=high, changed=changed)
            for n, (r, low, high, changed) in every.items()
        ],
    )


KR, KS = (0.53, 0.51, 0.56, True), (2.0, 1.8, 2.2, True)
OPEN = (1.2, 1e-9, 1e9, False)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (comparison(), "No change of a current is supported."),
        (
            comparison(I_Kr=KR),
            "I_Kr fell to 0.53 (0.51 to 0.56) of its control value; no other of the six "
            "currents changed.",
        ),
        (
            comparison(I_Kr=KR, I_Ks=KS, I_to=OPEN),
            "I_Kr fell to 0.53 (0.51 to 0.56) of its control value; I_Ks rose to 2.00 "
            "(1.80 to 2.20) times its control value; I_to cannot be decided; no other of the six "
            "currents changed.",
        ),
        (
            comparison(I_to=OPEN, I_Ks=OPEN),
            "No change of a current is supported; I_Ks and I_to cannot be decided.",
        ),
        (
            comparison((9.2, 0.5), I_Kr=KR),
            "I_Kr fell to 0.53 (0.51 to 0.56) of its control value; no other of the six currents "
            "changed. The model misses the recordings by 9.2 mV and 0.5 mV (RMS): read this with "
            "doubt.",
        ),
        (
            comparison((39.0, 0.5), I_Kr=KR),
            "Not decidable: the model misses the recordings by 39.0 mV and 0.5 mV (RMS). What "
            "stands out, I_Kr 0.53 (0.51 to 0.56), is a hint at most.",
        ),
    ],
)
def test_sentence(found, text):
    assert findings.sentence(found) == text


def test_a_diverged_neural_ode_decides_nothing():
    assert findings.sentence(comparison((np.nan, 0.5))).startswith("Not decidable")


def test_numbers_that_are_none_are_written_as_null(tmp_path):
    findings.write(tmp_path, {"x": findings._number(np.nan), "y": findings._number(1 / 3)})
    assert read(tmp_path) == {"x": None, "y": 0.3333}
