"""The main job, end to end. Oracle: how the recordings were made (I_to tripled, or nothing)."""

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
from ionlab.compare import CurrentChange, EtaChoice
from ionlab.errors import BadRecording, BadValue, IonlabError, UnknownName
from ionlab.findings.results import number
from ionlab.identify import CALLED, DOUBTED, TIED, ChangeFound, Explanation, probability_of
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
    assert found["kind"] in ("no change", "amount", "gating", "both", "undecidable")
    assert sum(e["probability"] for e in found["explanations"]) == pytest.approx(1.0, abs=1e-3)
    for e in found["explanations"]:
        assert set(e) == {"changes", "probability", "log_evidence", "v_rmse_mV"}
        for c in e["changes"]:
            assert set(c) == {"kind", "target", "current", "value", "low", "high"}
            assert c["low"] <= c["value"] <= c["high"] and c["current"] in SIX
    eta = found["eta"]
    assert eta["value"] in eta["tried"]
    for side in ("control", "treated"):
        assert len(eta[side]["misfit_mV"]) == len(eta["tried"]) and eta[side]["limit_mV"] > 0
    json.dumps(found, allow_nan=False)


def check_page(folder, found):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert found["sentence"] in page
    assert page.index("<h1") < page.index(found["sentence"]) < page.index("<h2")
    for code in ("import ", "display(", "findings.", "identify(", "second pass,", "trajectories:"):
        assert code not in page
    assert not re.search(r'(src|href)="(?!data:|#|https://arxiv\.org)', page)  # needs no other file
    pictures = re.findall(r"<img[^>]*>", page)
    assert len(pictures) == 6
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


def write_sweep(path, cell, seed, noise_mV=0.3):
    """One sweep of three seconds at 500 ms, V alone: the least that `identify` takes."""
    V = pace(cell, [500.0], record_last_ms=3000.0)["V"][0]
    V = V + noise_mV * np.random.default_rng(seed).normal(size=len(V))
    columns = {"time_ms": np.arange(float(len(V))), "V_mV": V, "cycle_length_ms": 500.0}
    pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A control and the same cell with I_to tripled."""
    folder = tmp_path_factory.mktemp("pair")
    treated = perturb.ITO.apply(tentusscher2004)
    sides = {"control": tentusscher2004, "treated": treated}
    return {n: write_sweep(folder / f"{n}.csv", c, k) for k, (n, c) in enumerate(sides.items())}


@pytest.fixture(scope="module")
def tripled(pair, tmp_path_factory):
    """The report on that pair."""
    out = tmp_path_factory.mktemp("new") / "tripled"
    return report.run(out, preset="fast", eta=1e-3, favour="I_to=0.5", drug=None, **pair)


def test_one_sweep_of_v_names_the_tripled_current(tripled, pair):
    """Oracle: the factor that ITO applies, 3."""
    found = check_run(tripled)
    first = found["currents"][0]
    # from one sweep of V alone, its gates may have moved instead, and the report says so
    assert found["kind"] in ("amount", "undecidable")
    assert found["changed"] == ["I_to"] == [first["name"]]
    assert first["ratio"] == pytest.approx(perturb.ITO.factors["g_to"], rel=0.1)
    assert first["low"] < 3.0 < first["high"]
    assert "I_to rose to " in found["sentence"]
    assert found["control"] == {**found["control"], "file": pair["control"], "sweeps": 1}
    assert max(found[side]["v_rmse_mV"] for side in ("control", "treated")) < 0.3
    (tried,) = found["eta"]["tried"]
    assert tried == found["eta"]["value"] == 1e-3 and found["eta"]["from"] == "given"
    assert found["favour"] == "I_to=0.5"


def test_the_notebook_of_a_report_can_be_worked_on(tripled, pair):
    """What was injected leads to the same recordings from anywhere, and to no scratch folder."""
    notebook = nbformat.read(tripled / "report.ipynb", as_version=4)
    (injected,) = (
        c.source for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])
    )
    assert repr(pair["treated"])[1:-1] in injected and ".new-" not in injected


@pytest.mark.slow
def test_the_shipped_recordings_name_the_halved_current(tmp_path):
    found = check_run(report.run(tmp_path / "new", preset="fast", treated=LONG_QT))
    first = found["currents"][0]
    assert found["changed"] == ["I_Kr"] and first["name"] == "I_Kr"
    assert first["ratio"] == pytest.approx(0.5, abs=0.05)
    for c in found["currents"][1:]:
        assert c["ratio"] == pytest.approx(1.0, abs=0.1)
    assert max(found[side]["v_rmse_mV"] for side in ("control", "treated")) < 1.0
    assert found["treated"] == {**found["treated"], "file": LONG_QT, "sweeps": 3}
    assert found["eta"]["from"] == "the data" and len(found["eta"]["tried"]) > 1


@pytest.mark.slow
def test_an_unchanged_pair_changes_nothing_with_papermill_alone(tmp_path):
    """With papermill as a course would call it."""
    for seed, name in enumerate(("first", "second")):
        write_sweep(tmp_path / f"{name}.csv", tentusscher2004, seed)
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
    assert found["changed"] == [] and found["kind"] == "no change"
    assert found["eta"]["value"] == 2e-3
    assert found["sentence"].startswith("No change is supported; ")
    assert found["control"]["file"] == "first.csv"


@pytest.mark.slow
def test_real_recordings_are_reported_with_their_doubts(tmp_path, monkeypatch, ionlab_data):
    """Lei et al. 2017: immature cells, far from the model; nothing may be called without doubt.

    Dofetilide blocks I_Kr.
    """
    monkeypatch.setenv("IONLAB_DATA", str(ionlab_data))
    out = report.run(
        tmp_path, preset="fast", dataset="lei2017", drug="dofetilide", concentration=0.1
    )
    found = check_run(out)
    assert any("Groups of 20 and 5 wells" in text for text in found["warnings"])
    assert any("unpaired" in text for text in found["warnings"])
    said = found["sentence"]
    assert not found["fits"] or "with doubt" in said or "not decidable" in said.lower()
    assert "I_Kr" in found["changed"]


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
        ({"eta": float("nan")}, BadValue, "eta must be positive, got nan"),
        ({"favour": "I_kr=0.1"}, UnknownName, 'Did you mean "I_Kr"'),
        ({"favour": "I_Kr=0.1,xr1"}, BadValue, 'got "xr1". Try xr1=0.1'),
        ({"favour": "I_Kr=0"}, BadValue, "a weight above 0, at most 1"),
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


def test_weights_are_read_by_name():
    settings = report.Settings(**{**report.contract(), "favour": " I_Kr=0.1, xr1 = 0.5,"})
    assert settings.weights() == {"I_Kr": 0.1, "xr1": 0.5}
    assert report.Settings(**report.contract()).weights() == {}


def found_as(kind, *explanations, rmse=(0.4, 0.5), fits=True, **currents):
    """An identification: explanations are (log evidence, probability, changes)."""
    explanations = tuple(Explanation(c, p, log, 0.4) for log, p, c in explanations)
    sure = CALLED * probability_of(explanations, [])
    called = [n for n in sorted(SIX) if fits and probability_of(explanations, [n]) >= sure]
    every = {name: (1.0, 0.95, 1.05) for name in sorted(SIX)} | currents
    return SimpleNamespace(
        kind=kind,
        fits=fits,
        v_rmse_mV=np.array(rmse),
        changed=tuple(called),
        explanations=explanations,
        currents=tuple(CurrentChange(n, *x, 0.0, n in called) for n, x in every.items()),
    )


KR = ChangeFound("amount", "I_Kr", "I_Kr", 0.5, 0.48, 0.52)
KS = ChangeFound("amount", "I_Ks", "I_Ks", 2.0, 1.8, 2.2)
F = ChangeFound("shift", "f", "I_CaL", 5.1, 4.5, 5.7)
XS = ChangeFound("tau", "xs", "I_Ks", 0.6, 0.55, 0.65)
XR1 = ChangeFound("shift", "xr1", "I_Kr", -3.6, -9.9, 2.7)
XR2 = ChangeFound("shift", "xr2", "I_Kr", -16.0, -18.0, -14.0)
WIDE_D = ChangeFound("stretch", "d", "I_CaL", 1.25, 1.2, 1.3)
OPEN = (1.2, 1e-9, 1e9)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            found_as("amount", (0.0, 0.98, (KR,)), (-TIED - 0.9, 0.02, (XR2,))),
            "I_Kr fell to 0.50 (0.48 to 0.52) of its control value, most probably its amount "
            "(98 %); no other of the six currents changed.",
        ),
        (
            found_as("amount", (0.0, 1.0, (KR, KS)), I_to=OPEN),
            "I_Kr fell to 0.50 (0.48 to 0.52) of its control value and I_Ks rose to 2.00 (1.80 to "
            "2.20) times its control value, most probably their amounts (99 % or more); I_to "
            "cannot be decided; no other of the six currents changed.",
        ),
        (
            found_as("gating", (0.0, 0.9, (F,))),
            "The steady state of f (I_CaL) moved by +5.1 mV (4.5 to 5.7), with a probability of "
            "90 %; no other of the six currents changed.",
        ),
        (
            found_as("both", (0.0, 0.9, (KR, XS, WIDE_D)), rmse=(9.2, 0.5)),
            "I_Kr fell to 0.50 (0.48 to 0.52) of its control value, the time constant of xs (I_Ks) "
            "fell to 0.60 (0.55 to 0.65) of its control value and the steady state of d (I_CaL) "
            "became 1.25 (1.20 to 1.30) times as wide, with a probability of 90 %; no other of the "
            "six currents changed. The model misses the recordings by 9.2 mV and 0.5 mV (RMS): "
            "read this with doubt.",
        ),
        (
            found_as("no change", (0.0, 1.0, ()), I_to=(1.1, 0.9, 1.3)),
            "No change is supported; all six currents kept 0.90 to 1.30 of their control values "
            "(90 %).",
        ),
        (
            found_as("no change", (0.0, 1.0, ()), I_to=OPEN),
            "No change is supported; I_to cannot be decided; the others kept 0.95 to 1.05 of their "
            "control values (90 %).",
        ),
        (
            found_as("no change", (0.0, 0.9, ()), (-2.4, 0.1, (XR1,)), (-TIED - 0.1, 0.0, (XS,))),
            "No change is supported; all six currents kept 0.95 to 1.05 of their control values "
            "(90 %); not ruled out: the steady state of xr1 (I_Kr) moved by -3.6 mV (-9.9 to "
            "2.7).",
        ),
        (
            found_as("undecidable", (0.0, 0.6, (KR,)), (-0.4, 0.4, (XR2,))),
            "I_Kr changed, with a probability of 99 % or more; how is not decidable: either I_Kr "
            "fell to 0.50 (0.48 to 0.52) of its control value, or the steady state of xr2 (I_Kr) "
            "moved by -16.0 mV (-18.0 to -14.0): neither can be ruled out (probability 60 % and "
            "40 %).",
        ),
        (
            found_as("undecidable", (0.0, 0.9, (KR,)), (-2.9, 0.05, (XR2,)), (-2.9, 0.05, (XS,))),
            "I_Kr changed, with a probability of 95 %; how is not decidable: either I_Kr fell to "
            "0.50 (0.48 to 0.52) of its control value, or the steady state of xr2 (I_Kr) moved by "
            "-16.0 mV (-18.0 to -14.0), or the time constant of xs (I_Ks) fell to 0.60 (0.55 to "
            "0.65) of its control value: none can be ruled out (probability 90 %, 5 % and 5 %).",
        ),
        (
            found_as("undecidable", (0.0, 0.6, ()), (-0.4, 0.4, (XR1,))),
            "Not decidable: either nothing changed, or the steady state of xr1 (I_Kr) moved by "
            "-3.6 mV (-9.9 to 2.7): neither can be ruled out (probability 60 % and 40 %).",
        ),
        (
            found_as(
                "undecidable",
                *((-k / 2, 0.25, (c,)) for k, c in enumerate((KR, KS, XS, F))),
                (-TIED - 0.1, 0.01, (XR2,)),
            ),
            "Not decidable: either I_Kr fell to 0.50 (0.48 to 0.52) of its control value, or I_Ks "
            "rose to 2.00 (1.80 to 2.20) times its control value, or the time constant of xs "
            "(I_Ks) fell to 0.60 (0.55 to 0.65) of its control value, or one more, listed below: "
            "none can be ruled out (probability 25 %, 25 % and 25 %).",
        ),
        (
            found_as("undecidable", (0.0, 1.0, (KR,))),
            "Not decidable: I_Kr fell to 0.50 (0.48 to 0.52) of its control value explains it "
            "best, but without the support that it needs.",
        ),
        (
            found_as("undecidable", (0.0, 1.0, (KR,)), rmse=(21.3, 30.0), fits=False),
            "The model cannot fit the control, whatever its conductances and gates: it misses it "
            "by 21.3 mV (RMS). Nothing can be said of the treatment.",
        ),
    ],
)
def test_answer(found, text):
    assert findings.answer(found) == text


def test_the_report_says_which_rows_are_tied():
    text = (report.ROOT / "notebooks" / "report.ipynb").read_text(encoding="utf-8")
    assert f"down to -{TIED:g}, rows cannot be told" in text
    assert f"nearer than -{DOUBTED:.1f}, so that it is 90 % sure" in text
    assert f"have {100 * CALLED:g} % of the probability" in text


@pytest.mark.parametrize(
    ("found", "title", "bold"),
    [
        (
            found_as("both", (0.0, 0.9, (KR, F))),
            "Changed in amount: I_Kr; in gating: I_CaL",
            "I_Kr",
        ),
        (found_as("gating", (0.0, 0.9, (F,))), "No amount changed; in gating: I_CaL (gate f)", ""),
        (found_as("no change", (0.0, 1.0, ())), "No change is supported", ""),
        (found_as("undecidable", (0.0, 1.0, (KR,)), fits=False), "nothing can be said", ""),
    ],
)
def test_ratios_are_bold_for_amounts_that_changed(found, title, bold):
    figure = findings.interval_figure(found)
    assert title in figure.get_suptitle()
    labels = figure.axes[0].get_yticklabels()
    assert [x.get_text() for x in labels if x.get_weight() == "bold"] == bold.split()


def test_eta_is_explained():
    eta, limit = np.array([1e-3, 3e-3]), np.array([0.2, 0.2])
    rules = {
        "largest of the values tried": [[0.1, 0.1], [0.1, 0.1]],
        "smallest misfit of both": [[0.1, 0.1], [0.4, 0.5]],
    }
    for words, misfit in rules.items():
        choice = EtaChoice(eta, np.array(misfit), limit, 1)
        said = findings.eta_rule(SimpleNamespace(eta=choice))
        assert words in said and said.startswith("eta is 0.003")
        assert said.count(".") == 2  # one sentence, and a decimal point
    given = EtaChoice(eta[:1], np.array([[0.1], [0.1]]), limit, 0)
    assert "eta was given, 0.001" in findings.eta_rule(SimpleNamespace(eta=given))


def of_networks(rmse=(0.4, 0.5), **currents):
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


LESS = (0.53, 0.51, 0.56, True)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (of_networks(), "No change of a current is supported."),
        (
            of_networks(I_Kr=LESS, I_Ks=(2.0, 1.8, 2.2, True), I_to=(*OPEN, False)),
            "I_Kr fell to 0.53 (0.51 to 0.56) of its control value; I_Ks rose to 2.00 "
            "(1.80 to 2.20) times its control value; I_to cannot be decided; no other of the six "
            "currents changed.",
        ),
        (
            of_networks((9.2, 0.5), I_Kr=LESS),
            "I_Kr fell to 0.53 (0.51 to 0.56) of its control value; no other of the six currents "
            "changed. The model misses the recordings by 9.2 mV and 0.5 mV (RMS): read this with "
            "doubt.",
        ),
        (
            of_networks((39.0, 0.5), I_Kr=LESS),
            "Not decidable: the model misses the recordings by 39.0 mV and 0.5 mV (RMS). What "
            "stands out, I_Kr 0.53 (0.51 to 0.56), is a hint at most.",
        ),
    ],
)
def test_sentence_of_the_networks(found, text):
    assert findings.sentence(found) == text


def test_a_diverged_neural_ode_decides_nothing():
    assert findings.sentence(of_networks((np.nan, 0.5))).startswith("Not decidable")


def test_numbers_that_are_none_are_written_as_null(tmp_path):
    findings.write(tmp_path, {"x": number(np.nan), "y": number(1 / 3)})
    assert read(tmp_path) == {"x": None, "y": 0.3333}
