"""The command line as a user meets it: what it writes, and what it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import ionlab
from ionlab import cli, features, lei2017
from ionlab.cells import CELLS, hodgkin_huxley1952, tentusscher2004
from ionlab.errors import BadWeights, UnknownName
from ionlab.recordings import read_recording
from ionlab.simulate import METHODS, pace

ROOT = Path(__file__).resolve().parents[1]
CONTROL = str(ROOT / "data" / "recordings" / "control.csv")
TREATED = str(ROOT / "data" / "recordings" / "long_qt.csv")
TABLE = pd.read_csv(ROOT / "tests" / "data" / "tentusscher2004_table.csv")
AXON = ["--cell", "hodgkin_huxley1952", "--cycle-length", "20", "--duration", "200"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*args):
    """Run `ionlab` in this process; an exception that is not caught fails the test."""
    result = CliRunner().invoke(cli.main, [str(a) for a in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*args, say):
    """`ionlab` must exit with 2 and say why in one line, and leave the folder as it was."""
    before = {p: p.stat().st_mtime_ns for p in Path().rglob("*")}
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith("error: "), result.stderr
    assert "Traceback" not in result.output
    for words in [say] if isinstance(say, str) else say:
        assert words in result.stderr, result.stderr
    assert {p: p.stat().st_mtime_ns for p in Path().rglob("*")} == before
    return result.stderr


class Room(SimpleNamespace):
    """Stands for `ionlab.report` or `ionlab.reproduce`: notes what it was asked for."""

    def run(self, out, **settings):
        self.asked = {"out": out, **settings}
        self.RESULTS = ("report.ipynb", "report.html", "results.json")
        Path(out).mkdir(parents=True)
        (Path(out) / "results.json").write_text(json.dumps(self.results))
        return Path(out)


@pytest.fixture
def stub(monkeypatch):
    def put(name):
        room = Room(results={"sentence": "No change.", "warnings": []})
        monkeypatch.setitem(sys.modules, f"ionlab.{name}", room)
        monkeypatch.setattr(ionlab, name, room, raising=False)
        return room

    return put


# --- what every command has --------------------------------------------------------------


def test_help_has_an_example_of_every_command():
    for command in cli.main.commands:
        said = run(command, "--help").output
        assert re.search(rf"^ +ionlab {command}", said, re.MULTILINE), said
        for option in cli.main.commands[command].params:
            assert getattr(option, "help", "") or option.param_type_name == "argument", option


def test_help_lists_the_names():
    said = re.sub(r"\s+", "", run("simulate", "--help").output)
    assert "|".join(CELLS) in said and "|".join(METHODS) in said and "long_qt|short_qt" in said


def test_names_are_those_of_the_rooms():
    """The command line keeps copies of what it would take seconds to import."""
    from ionlab.presets import PRESETS

    assert tuple(PRESETS) == cli.PRESETS
    assert METHODS == cli.METHODS
    drugs = sorted(pd.read_csv(lei2017.MANIFEST)["drug"].unique())
    assert ", ".join(drugs) in re.sub(r"\s+", " ", run("report", "--help").output)


def test_version_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "ionlab", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.split()[-1] == ionlab.__version__ == cli.__version__


def test_importing_ionlab_is_light_and_its_names_are_whole():
    """`ionlab.train` is the function, even after the module of that name was imported."""
    code = (
        "import sys, ionlab; assert not {'torch', 'numpy', 'numba'} & set(sys.modules);"
        "import ionlab.train, ionlab.currents;"
        "assert callable(ionlab.train) and callable(ionlab.currents);"
        "assert all(getattr(ionlab, name) is not None for name in ionlab.__all__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="nothing"):
        _ = ionlab.nothing


def test_an_interrupted_run_says_that_it_goes_on(stub):
    def interrupted(out, **settings):
        raise KeyboardInterrupt

    stub("reproduce").run = interrupted
    result = run("reproduce", "--out", "out")
    assert result.exit_code == 130
    assert "goes on where it stopped" in result.stderr


def test_a_bug_is_not_dressed_up_as_an_error(stub):
    def broken(out, **settings):
        raise ZeroDivisionError

    stub("reproduce").run = broken
    with pytest.raises(ZeroDivisionError):
        run("reproduce", "--out", "out")


# --- simulate ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition, options",
    [
        ("baseline", []),
        ("gKr_x0.5", ["--perturbation", "long_qt"]),
        ("gKr_x0.5", ["--scale", "g_Kr=0.5"]),
    ],
)
def test_simulate_against_the_oracle(condition, options):
    """Oracle: CVODE, the stored table. Read from the file alone, at 0.1 ms."""
    args = ["--cycle-length", 350, "--cycle-length", 800, "--record-last", 2000, "--sample", 0.1]
    assert run("simulate", *args, *options, "--out", "trace.csv").exit_code == 0
    table = pd.read_csv("trace.csv")
    for length, rows in table.groupby("cycle_length_ms"):
        true = TABLE[(TABLE.cond == condition) & (TABLE.CL_ms == length)]["APD90_last_ms"].item()
        apd = features.apd_ms(rows["time_ms"].to_numpy(), rows["V_mV"].to_numpy())[-1]
        assert apd == pytest.approx(true, abs=0.5)


def test_simulate_writes_every_state_with_its_unit():
    assert run("simulate", "--duration", 1000, "--out", "trace.csv").exit_code == 0
    table = pd.read_csv("trace.csv")
    assert list(table.columns[:6]) == ("time_ms,V_mV,Ca_i_mM,Ca_SR_mM,Na_i_mM,K_i_mM".split(","))
    assert set(tentusscher2004.gate_names) <= set(table.columns)
    assert list(table["time_ms"]) == list(range(1000))
    traces = pace(tentusscher2004, [500.0], 1000.0, 1000.0)
    assert table["V_mV"].to_numpy() == pytest.approx(traces["V"][0], rel=1e-6)
    assert os.listdir() == ["trace.csv"]


def test_what_simulate_writes_reads_back_as_a_recording():
    lengths = ["--cycle-length", 400, "--cycle-length", 600]
    assert run("simulate", *lengths, "--record-last", 3000, "--out", "trace.csv").exit_code == 0
    recording = read_recording("trace.csv", tentusscher2004)
    assert [s.cycle_length_ms for s in recording.sweeps] == [400.0, 600.0]
    assert not any(s.placed or s.scaled for s in recording.sweeps)
    assert [s.answer for s in recording.sweeps] == ["1:1", "1:1"]
    (warning,) = recording.warnings  # gates and the like are not what a recording holds
    assert "not used" in warning


@pytest.mark.parametrize("method", METHODS[1:])
def test_learned_gates_run_in_every_method(method):
    """Oracle: the fast kernel, with the shipped weights; upstrokes of an axon every 20 ms."""
    traces = {}
    for name in (METHODS[0], method):
        result = run("simulate", *AXON, "--gates", "learned", "--method", name, "--out", "x.csv")
        assert result.exit_code == 0 and "shipped weights" in result.stdout
        traces[name] = pd.read_csv("x.csv")["V_mV"].to_numpy()
    rms = np.sqrt(np.mean((traces[method] - traces[METHODS[0]]) ** 2))
    assert rms < 1.0 and np.ptp(traces[method]) > 100


@pytest.mark.parametrize(
    "options, say",
    [
        (["--cell", "tentuscher2004"], ['unknown cell "tentuscher2004"', '"tentusscher2004"']),
        (["--scale", "g_Krr=0.5"], ['unknown parameter "g_Krr"', 'mean "g_Kr"']),
        (["--perturbation", "longqt"], ['unknown perturbation "longqt"', 'mean "long_qt"']),
        (["--method", "bdf"], ['unknown method "bdf"', 'mean "BDF"']),
        (["--gates", "learnt"], ['unknown gates "learnt"', 'mean "learned"']),
        (["--preset", "papers"], ['unknown preset "papers"', 'mean "paper"']),
        (["--device", "gpu"], ['unknown device "gpu"', "auto, cpu, cuda"]),
        (["--scale", "g_Kr=-0.5"], ["factor of g_Kr must be positive, got -0.5", "halves"]),
        (["--scale", "g_Kr=nan"], ["must be positive, got nan"]),
        (["--scale", "g_Kr"], ['NAME=FACTOR, got "g_Kr"']),
        (["--scale", "g_Kr=half"], ['NAME=FACTOR, got "g_Kr=half"']),
        (["--cycle-length", "-350"], ["cycle length (ms) must be positive, got -350", "Try 350"]),
        (["--cycle-length", "0.5"], ["must exceed the stimulus"]),
        (["--duration", "nan"], ["duration (ms) must be positive, got nan"]),
        (["--sample", "0"], ["sample_ms must be positive, got 0"]),
        (["--sample", "0.3"], ["must be a multiple of sample_ms"]),
        (["--record-last", "30000"], ["record_last_ms must lie between"]),
        (["--cell", "hodgkin_huxley1952", "--perturbation", "ito"], ["unknown parameter"]),
    ],
)
def test_simulate_refuses(options, say):
    refused("simulate", *options, "--out", "trace.csv", say=say)


def test_a_diverging_run_leaves_no_file():
    said = refused("simulate", "--scale", "g_CaL=1e8", "--out", "x.csv", say="diverged")
    assert re.search(r"after \d+ ms", said)


def test_a_diverging_neural_ode_leaves_no_file():
    options = ["--gates", "learned", "--scale", "g_CaL=1e8"]
    said = refused("simulate", *options, "--out", "x.csv", say="diverged")
    assert re.search(r"after \d+ ms", said)


def test_simulate_has_a_place_to_write_to():
    Path("file").write_text("")
    for out in ("file/trace.csv", "absent/trace.csv"):
        refused("simulate", "--out", out, say=["a folder that exists, got " + out, "Make"])
    Path("folder").mkdir()
    refused("simulate", "--out", "folder", say=["must name a file, got the folder", "Try"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission():
    Path("locked").mkdir(mode=0o500)
    refused("simulate", "--out", "locked/trace.csv", say="Permission denied")
    refused("reproduce", "--out", "locked/out", say="Permission denied")


def test_refused_without_traceback_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ionlab", "simulate", "--cell", "tentuscher", "--out", "x.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.startswith('error: unknown cell "tentuscher".')
    assert "Traceback" not in done.stderr and not os.listdir(tmp_path)


# --- weights -----------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path_factory, monkeypatch):
    """A stored network of the axon, and the command that reads it; nothing is trained."""
    from ionlab import store
    from ionlab.network import N1

    def untrained(cell, recipe, seed, device):
        n1 = N1(cell.name, cell.gate_names, ("V",), [-100.5], [50.5], "tanh", seed=seed)
        return store.Fit(cell, n1, None, None, recipe, seed, np.array([1.0]), {})

    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("IONLAB_CACHE", str(cache))
    monkeypatch.setattr(store, "train", untrained)
    command = ["simulate", *AXON, "--gates", "learned", "--seed", "77", "--out", "x.csv"]
    assert "training" in run(*command).stdout
    assert "stored weights" in run(*command).stdout
    Path("x.csv").unlink()
    (file,) = cache.iterdir()
    return file, command


def test_weights_cut_short_or_garbled(stored):
    from ionlab.store import load_fit

    file, command = stored
    sound = file.read_bytes()
    for broken in (b"", b"not weights", sound[:-100], sound[:20] + b"\0" + sound[21:]):
        file.write_bytes(broken)
        refused(*command, say=["not a sound weights file", file.name, "Delete it"])
        with pytest.raises(BadWeights, match="not a sound weights file"):
            load_fit(file, hodgkin_huxley1952)


def test_weights_of_another_cell(stored):
    file, command = stored
    shutil.copy(ROOT / "data" / "weights" / "tentusscher2004-paper.safetensors", file)
    refused(*command, say=["for the cell tentusscher2004, not for hodgkin_huxley1952", "Train"])


def test_weights_of_another_shape(stored):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    file, command = stored
    with safe_open(file, "numpy") as read:
        metadata = read.metadata()
        arrays = {name: read.get_tensor(name) for name in read.keys()}  # noqa: SIM118
    gating = next(name for name in arrays if name.endswith("inf.W"))
    for changed in (
        {**arrays, gating: arrays[gating][..., :-1].copy()},
        {name: x for name, x in arrays.items() if name != gating},
    ):
        save_file(changed, file, metadata)
        refused(*command, say=["weights are not those of a network for hodgkin_huxley1952"])
    save_file(arrays, file)
    refused(*command, say=["is not a file of"])


# --- report ------------------------------------------------------------------------------


def test_report_hands_on_what_it_was_asked(stub):
    room = stub("report")
    room.results = {"sentence": "I_Kr fell to 0.50.", "warnings": ["sweep 1 is noisy."]}
    result = run("report", CONTROL, TREATED, "--out", "a/b", "--eta", "5e-4", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert room.asked == {
        "out": "a/b",
        "control": CONTROL,
        "treated": TREATED,
        "dataset": None,
        "drug": None,
        "concentration": None,
        "perturbation": None,
        "cell": "tentusscher2004",
        "eta": 5e-4,
        "favour": None,
        "preset": "paper",
        "seed": 3,
        "device": "auto",
    }
    lines = result.stdout.splitlines()
    assert lines == ["I_Kr fell to 0.50.", *(f"a/b/{name}" for name in room.RESULTS)]
    assert result.stderr == "warning: sweep 1 is noisy.\n"


def test_report_chooses_eta_and_favours_nothing_unless_told(stub):
    room = stub("report")
    assert run("report", CONTROL, TREATED, "--out", "out").exit_code == 0
    assert room.asked["eta"] is None and room.asked["favour"] is None
    favoured = ["--favour", "I_Kr=0.1", "--favour", "xr1=0.5"]
    assert run("report", CONTROL, TREATED, "--out", "again", *favoured).exit_code == 0
    assert room.asked["favour"] == "I_Kr=0.1,xr1=0.5"


@pytest.mark.parametrize(
    ("favour", "say"),
    [
        ("I_kr=0.1", ['unknown current or gate "I_kr"', 'mean "I_Kr"']),
        ("I_Kr", ["NAME=WEIGHT", 'got "I_Kr"', "Try I_Kr=0.1"]),
        ("xr1=2", ["at most 1", 'got "xr1=2"']),
    ],
)
def test_what_is_favoured_has_a_name_and_a_weight(favour, say):
    refused("report", CONTROL, TREATED, "--favour", favour, "--out", "out", say=say)


def test_report_on_a_dataset(stub):
    room = stub("report")
    options = ["--dataset", "lei2017", "--drug", "dofetilide", "--concentration", "0.1"]
    assert run("report", *options, "--out", "out").exit_code == 0
    asked = {"dataset": "lei2017", "drug": "dofetilide", "concentration": 0.1, "control": None}
    assert asked.items() <= room.asked.items()


def test_report_on_a_perturbation(stub):
    room = stub("report")
    assert run("report", "--perturbation", "ito", "--out", "out").exit_code == 0
    asked = {"perturbation": "ito", "dataset": None, "control": None, "treated": None}
    assert asked.items() <= room.asked.items()
    say = 'Did you mean "long_qt"'
    refused("report", "--perturbation", "longqt", "--out", "new", say=say)


@pytest.mark.parametrize(
    "dataset, drug, concentration, say",
    [
        ("lei2071", "dofetilide", "0.1", ['unknown dataset "lei2071"', 'mean "lei2017"']),
        ("lei2017", "dofetilid", "0.1", ['unknown drug "dofetilid"', 'mean "dofetilide"']),
        ("lei2017", "dofetilide", "7", ["recorded at 0.03, 0.1, 0.3, 1 uM, got 7"]),
        ("lei2017", "dofetilide", "-1", ["concentration (uM) must be positive, got -1"]),
    ],
)
def test_report_refuses_what_the_dataset_has_not(dataset, drug, concentration, say):
    options = ["--dataset", dataset, "--drug", drug, "--concentration", concentration]
    refused("report", *options, "--out", "out", say=say)


@pytest.mark.parametrize(
    "args",
    [
        [],
        [CONTROL],
        [CONTROL, TREATED, "--drug", "dofetilide"],
        [CONTROL, TREATED, "--dataset", "lei2017", "--drug", "x", "--concentration", "1"],
        ["--dataset", "lei2017", "--drug", "dofetilide"],
        ["--dataset", "lei2017", "--concentration", "0.1"],
        [CONTROL, TREATED, "--perturbation", "ito"],
        ["--dataset", "lei2017", "--perturbation", "ito"],
        [CONTROL, TREATED, "--etaa", "1"],
        [CONTROL, TREATED, "--seed", "-1"],
    ],
)
def test_report_needs_two_recordings_or_a_dataset(args):
    result = run("report", *args, "--out", "out")
    assert result.exit_code == 2 and "Error: " in result.stderr
    assert not os.listdir()


@pytest.mark.parametrize("eta", ["0", "-0.1", "nan", "inf"])
def test_eta_is_positive(eta):
    say = [f"eta must be positive, got {float(eta)}", "Try 1e-4 to 2e-3"]
    refused("report", CONTROL, TREATED, "--eta", eta, "--out", "out", say=say)


def test_report_has_a_place_to_write_to():
    Path("file").write_text("")
    for command in (["report", CONTROL, TREATED], ["reproduce"]):
        for out in ("file", "file/sub"):
            say = [f"--out must name a folder, got {out}", "file is a file"]
            refused(*command, "--out", out, say=say)


@pytest.mark.parametrize(
    "command", [["report", CONTROL, TREATED], ["reproduce"], ["simulate", "--gates", "learned"]]
)
def test_cuda_asked_for_and_absent(command, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(*command, "--device", "cuda", "--out", "out", say=['device "cuda"', "--device auto"])


HEAD = "time_ms,V_mV\n"
FLAT = "".join(f"{t},-85\n" for t in range(400))


@pytest.mark.parametrize(
    "text, say",
    [
        ("", ["is empty", "needs a header"]),
        (HEAD, ["has a header and no samples"]),
        ("0,-85\n1,-85\n", ["names the columns", "Add a header"]),
        ("time_ms;V_mV\n0;-85\n", ["separated by commas", "Save it as CSV"]),
        ("time_ms,V_mv\n0,-85\n", ["unknown column in ", 'bad.csv: "V_mv". Did you mean "V_mV"']),
        ("time_ms,Ca_i_mM\n0,0.1\n", ["either V_mV or fluorescence"]),
        (HEAD + "0,-85\none,-85\n", ['bad.csv, line 3: time_ms must be a number, got "one"']),
        (HEAD + "0,-85\n1,\n", ["bad.csv, line 3: V_mV must be a number"]),
        (HEAD + "0,-85\nnan,-85\n", ['line 3: time_ms must be a number, got "nan"']),
        (HEAD + "0,-85\n1,inf\n", ["line 3: V_mV must be a number"]),
        (HEAD + "0,-85\n1,-85\n1,-85\n", ["line 4: time_ms must rise", "column sweep"]),
        (HEAD + "5,-85\n4,-85\n", ["line 3: time_ms must rise within a sweep, got 4 after 5"]),
        (HEAD + FLAT, ["must change along the sweep", "right column"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_report_refuses_a_file(text, say, first):
    Path("bad.csv").write_text(text)
    pair = ["bad.csv", TREATED] if first else [CONTROL, "bad.csv"]
    refused("report", *pair, "--out", "out", say=say)


def test_report_refuses_what_is_not_there():
    refused("report", CONTROL, "absent.csv", "--out", "out", say="absent.csv does not exist")
    Path("empty").mkdir()
    refused("report", "empty", TREATED, "--out", "out", say="needs CSV files")


def test_report_needs_a_sweep_that_is_captured():
    """Oracle: the stored map; 300 ms is below the edge of the 2:1 block of the baseline cell."""
    options = ["--cycle-length", 300, "--record-last", 3000, "--out", "blocked.csv"]
    assert "answered 2:1" in run("simulate", *options).stdout
    refused("report", "blocked.csv", TREATED, "--out", "out", say=["blocked.csv", "2:1", "Pace"])


@pytest.mark.slow
def test_two_to_one_block_is_a_warning_that_names_the_sweep():
    """End to end: long QT is found from the sweep that is captured, and the other is named."""
    lengths = ["--cycle-length", 300, "--cycle-length", 500, "--record-last", 3000]
    assert run("simulate", *lengths, "--out", "blocked.csv").exit_code == 0
    result = run("report", "blocked.csv", TREATED, "--preset", "fast", "--out", "out")
    assert result.exit_code == 0, result.output
    said = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert any("blocked.csv, sweep 1:" in x and "2:1" in x and "Leave" in x for x in said), said
    assert not any("sweep 2:" in x for x in said)
    sentence, *paths = result.stdout.splitlines()[-4:]
    assert "I_Kr" in sentence
    assert all(Path(path).stat().st_size > 0 for path in paths)


# --- names in the library ----------------------------------------------------------------


def test_unknown_notebook_parameter():
    from ionlab import report

    with pytest.raises(UnknownName, match='unknown notebook parameter "etta". Did you mean "eta"'):
        report.run("out", etta=1e-3)
    assert not os.listdir()


def test_unknown_gate():
    with pytest.raises(UnknownName, match='unknown gate "xr3". Did you mean "xr2"'):
        tentusscher2004.with_gate("xr3", 1.0)
