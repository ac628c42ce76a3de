"""Every notebook as people run it: as it is under nbval, with other parameters through papermill.

Classes, because under `--dist loadscope` each is a scope of its own and the workers share them.
"""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import nbformat
import pytest

from ionlab.errors import IonlabError
from ionlab.report import contract as report_contract

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
CONTROL, LONG_QT = (str(ROOT / f"data/recordings/{name}.csv") for name in ("control", "long_qt"))
SECONDS = 300  # that one cell, or one notebook, may take before a test gives up

# All parameters but `device` differ from their defaults, over all runs of a notebook.
NON_DEFAULT = {
    "00_start_here": [{"preset": "paper", "seed": 3}],
    "01_introduction": [
        {"cycle_length_ms": 700.0, "memory_gate": "j", "shift_mV": -10.0, "seed": 5}
    ],
    "02_overview": [
        {"perturbation": "ito", "preset": "paper", "eta": 5e-4, "noise_mV": 1.0, "seed": 7}
    ],
    "03_ionic_models": [{"explored": "hodgkin_huxley1952", "cycle_length_ms": 25.0}],
    "04_network": [
        {
            "cycle_lengths_ms": [360.0, 480.0, 600.0, 900.0],
            "validation_ms": [420.0, 700.0],
            "training_steps": 120,
            "lstm_units": 12,
            "n_seeds": 1,
            "seed": 4,
        }
    ],
    "05_gating_layer": [{"gate": "f", "dt_ms": 0.5, "seed": 11}],
    "06_first_pass": [
        {
            "n_cycle_lengths": 8,
            "n_validation": 2,
            "samples_ms": 900,
            "learning_rate": 2e-3,
            "lam": 2e-4,  # 1e-5 would be a text in YAML
            "judged_ms": [400.0, 650.0],
            "seed": 2,
        }
    ],
    "07_second_pass": [{"perturbation": "short_qt", "steps": 120}],
    "08_neural_ode": [{"gate": "f", "cycle_length_ms": 700.0, "euler_ms": 0.2}],
    "09_results": [{"seed": 6, "n_validation": 40, "shown_ms": 500.0}],
    "10_long_qt": [{"eta": 5e-4, "cycle_length_ms": 500.0, "noise_mV": 1.0}],
    "11_short_qt": [{"eta": 5e-4, "cycle_length_ms": 500.0, "noise_mV": 0.5, "noise_uM": 0.02}],
    "12_ito": [{"eta": 5e-4, "cycle_length_ms": 500.0}],
    "13_discussion": [{"sigma_mV": 1.0, "beats": 16, "favoured_weight": 0.1, "seed": 3}],
    "14_your_recordings": [
        {"treated": CONTROL},
        {
            "control": LONG_QT,
            "treated": CONTROL,
            "sweeps": 2,
            "cell": "tentusscher2004_epi",
            "preset": "fast",
            "seed": 4,
        },
        {"cell": str(ROOT / "tests" / "data" / "tentusscher2004.mmt"), "preset": "fast"},
    ],
    "15_scoreboard": [
        {
            "gate": "f",
            "shift_mV": 5.0,
            "cycle_length_ms": 600.0,
            "noise_mV": 1.0,
            "seed": 3,
        }
    ],
    "16_other_cells": [
        {
            "axon_Na": 0.6,
            "guinea_pig_K": 0.7,
            "human_Kr": 0.6,
            "noise_mV": 0.2,
            "eta": 2e-3,
            "model": str(ROOT / "tests" / "data" / "beeler_reuter1977.mmt"),
            "model_cycle_length_ms": 700.0,
            "seed": 2,
        }
    ],
    "report": [
        {"control": LONG_QT, "treated": CONTROL, "preset": "fast", "out": "results", "eta": 5e-4},
        {
            "perturbation": "ito",
            "cell": "tentusscher2004_epi",
            "preset": "fast",
            "seed": 9,
            "favour": "I_to=0.1",
        },
        {"dataset": "lei2017", "drug": "dofetilide", "concentration": 0.1, "preset": "fast"},
    ],
}
RUNS = [
    pytest.param(name, given, id=f"{name}-{number}" if number else name)
    for name, runs in NON_DEFAULT.items()
    for number, given in enumerate(runs)
]


def environment():
    """Of a program that a test starts: the kernel of this Python, none of pytest's own settings."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return own | {"JUPYTER_PREFER_ENV_PATH": "1"}


def program(*arguments, cwd):
    """Run a module of this Python; return its exit status and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * SECONDS,
    )
    return done.returncode, done.stdout


def nbval(notebook):
    """Run a notebook as CONTRIBUTING.md says; return exit status, what was printed, its cells."""
    record = notebook.with_suffix(".xml")
    status, said = program(
        *("pytest", "--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={SECONDS}"),
        *("-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", notebook.parent),
        *("--junitxml", record, notebook.name),
        cwd=notebook.parent,
    )
    return status, said, list(tree.parse(record).iter("testcase"))


def papermill(notebook, given, cwd):
    """Run a notebook with parameters into executed.ipynb; return exit status and what was said."""
    lines = "\n".join(f"{name}: {value!r}" for name, value in given.items()) or "{}"
    return program(
        *("papermill", "--no-progress-bar", "-k", "python3", "-y", lines),
        *(notebook, "executed.ipynb"),
        cwd=cwd,
    )


def faults(executed):
    """What went wrong in an executed notebook, though its cells may not have failed."""
    notebook = nbformat.read(executed, as_version=4)
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = str(output)
            if output.output_type == "error" or "Traceback" in text or 'role="alert"' in text:
                found.append((cell.id, text))
    widgets = notebook.metadata.get("widgets", {}).get(
        "application/vnd.jupyter.widget-state+json", {"state": {}}
    )
    for key, widget in widgets["state"].items():
        said = str(widget["state"].get("value", ""))
        if 'role="alert"' in said or "Traceback" in said or re.search(r"\w+(Error|Value):", said):
            found.append((key, said))
    return found


def parameters(name):
    """Name -> default of the parameters of a notebook."""
    (cell,) = tagged(name, "parameters")
    return {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell.source).body}


def tagged(name, tag):
    cells = nbformat.read(NOTEBOOKS[name], as_version=4).cells
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def copied(name, folder):
    """A copy of a notebook, so that what it writes lands beside the copy."""
    copy = folder / f"{name}.ipynb"
    copy.write_bytes(NOTEBOOKS[name].read_bytes())
    return copy


# --- the tables ------------------------------------------------------------------------------


class TestTables:
    def test_every_notebook_runs_with_other_parameters(self):
        assert set(NON_DEFAULT) == set(NOTEBOOKS)

    @pytest.mark.parametrize("name", NON_DEFAULT)
    def test_every_parameter_is_changed(self, name):
        defaults, changed = parameters(name), set()
        for run in NON_DEFAULT[name]:
            assert set(run) <= set(defaults), "a parameter that the notebook does not have"
            changed |= {key for key, value in run.items() if value != defaults[key]}
            assert all(type(value) is type(defaults[key]) for key, value in run.items())
        assert changed == set(defaults) - {"device"}

    def test_parameters_are_those_that_papermill_sees(self):
        assert parameters("report") == report_contract()


# --- as people run them ----------------------------------------------------------------------


@pytest.mark.slow
class TestAsItIs:
    @pytest.mark.parametrize("name", NOTEBOOKS)
    def test_every_cell_passes_under_nbval(self, name, tmp_path):
        status, said, cells = nbval(copied(name, tmp_path))
        assert status == 0, said
        code = [c for c in nbformat.read(NOTEBOOKS[name], 4).cells if c.cell_type == "code"]
        assert len(cells) == len(code)
        assert not [child.tag for cell in cells for child in cell if child.tag != "system-out"]


@pytest.mark.slow
class TestOtherParameters:
    @pytest.mark.parametrize(("name", "given"), RUNS)
    def test_runs_through_papermill(self, name, given, tmp_path, request):
        if given.get("dataset"):
            data = request.getfixturevalue("ionlab_data")
            os.environ.setdefault("IONLAB_DATA", str(data))
        (tmp_path / "results").mkdir()
        status, said = papermill(NOTEBOOKS[name], given, tmp_path)
        assert status == 0, said
        assert faults(tmp_path / "executed.ipynb") == []


@pytest.mark.slow
@pytest.mark.gpu
class TestOnAGpu:
    @pytest.mark.parametrize("name", [name for name in NOTEBOOKS if "device" in parameters(name)])
    @pytest.mark.parametrize("device", ["cuda"], indirect=True)
    def test_runs_through_papermill(self, name, device, tmp_path):
        status, said = papermill(NOTEBOOKS[name], {"device": device}, tmp_path)
        assert status == 0, said
        assert faults(tmp_path / "executed.ipynb") == []


# --- what they refuse ------------------------------------------------------------------------


def wrong(default):
    """Values of a wrong kind or beyond every range, for a parameter with this default."""
    if isinstance(default, str):
        return ["tentuscher2004", 3] if default.startswith("tentusscher") else ["no such", 3]
    if isinstance(default, list):
        return [[-1.0], ["x"]]
    return [-1, "x"]


REFUSED = [
    pytest.param(name, parameter, value, id=f"{name}-{parameter}-{value}")
    for name in NOTEBOOKS
    for parameter, default in parameters(name).items()
    for value in wrong(default)
    if not (name == "report" and value == "no such" and parameter in ("control", "treated", "out"))
    and not (name == "report" and parameter in ("drug", "concentration"))  # judged with a dataset
    and not (name == "01_introduction" and (parameter, value) == ("shift_mV", -1))
]


class TestRefusals:
    @pytest.mark.parametrize(("name", "parameter", "value"), REFUSED)
    def test_a_wrong_value_is_refused_and_named(self, name, parameter, value):
        """The two cells at the top, without a kernel."""
        (given,), (setup,) = tagged(name, "parameters"), tagged(name, "setup")
        names = {}
        exec(compile(given.source, "parameters", "exec"), names)
        names[parameter] = value
        with pytest.raises(IonlabError) as refused:
            exec(compile(setup.source, "setup", "exec"), names)
        shown, said = value[0] if isinstance(value, list) else value, str(refused.value)
        assert re.search(rf"{shown}\b", said)
        words = parameter.removesuffix("_ms").removesuffix("_mV").split("_")
        words += ["cycle length"] if isinstance(value, list) else []
        assert re.search("|".join(words), said) or "Known:" in said

    @pytest.mark.slow
    def test_papermill_fails_and_says_why(self, tmp_path):
        status, said = papermill(NOTEBOOKS["05_gating_layer"], {"gate": "xr3"}, tmp_path)
        assert status != 0
        assert 'Did you mean "xr2"?' in said


# --- what the runners must find --------------------------------------------------------------

LOSES = """
from ionlab.plot.live import Curve, Panel
from ionlab.widgets import Explorer, Picture, Slide

def draw(x):
    if x > 5:
        raise ValueError("x is too large here")
    return Picture({"line": ([0, 1], [0, x])}, f"x = {x:g}")

panel = Panel((Curve("line", "line", {"color": "k"}),), "x", "y", (0, 1), (0, 9))
explorer = Explorer({"x": Slide("x", "", 0.0, 9.0, 1.0, 1.0, "x")}, [panel], draw, "A line")
explorer
"""


def with_a_fault(folder, last):
    cells = [nbformat.v4.new_code_cell(source) for source in (LOSES, last)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "fault.ipynb")
    return folder / "fault.ipynb"


class TestFaultsAreFound:
    @pytest.mark.parametrize(("value", "fails"), [(9.0, True), (2.0, False)])
    def test_an_exception_in_a_widget_fails_both_runners(self, value, fails, tmp_path):
        notebook = with_a_fault(tmp_path, f'explorer["x"].value = {value}')
        status, said, _ = nbval(notebook)
        assert (status != 0) == fails and ("x is too large here" in said) == fails
        status, said = papermill(notebook, {}, tmp_path)
        assert (status != 0) == fails and ("x is too large here" in said) == fails
        assert bool(faults(tmp_path / "executed.ipynb")) == fails

    def test_an_exception_that_someone_swallows_is_still_found(self, tmp_path):
        swallowed = 'try:\n    explorer["x"].value = 9.0\nexcept ValueError:\n    pass'
        notebook = with_a_fault(tmp_path, swallowed)
        status, _ = papermill(notebook, {}, tmp_path)
        assert status == 0
        assert "x is too large here" in str(faults(tmp_path / "executed.ipynb"))
