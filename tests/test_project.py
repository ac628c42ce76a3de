"""The files around the code agree with each other, and imports keep their direction."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from jupyter_client import KernelManager
from packaging.requirements import Requirement

from ionlab import cells

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ionlab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"torch": "pytorch"}  # what conda-forge calls it

# The house, top to bottom: a module imports only from rooms above its own.
# A new module gets its place here.
ROOMS = (
    "errors files maths cells perturb features lanes gate_tables kernel implicit integrate "
    "simulate stiffness dataset units tables drift quality stimuli beats onsets recordings lei2017 "
    "network observed membrane settle progress train retrain neural_ode currents compare "
    "direct sensitivity presets store changes noise trajectory evidence nearness refine descent "
    "recentre begin search wells identify groups readout scenes plot widgets findings notebook "
    "report sweep stages reproduce bench scoreboard check course options cli_course cli_import "
    "cli_sweep cli_scoreboard cli __main__"
).split()
ONLY_IN = {"matplotlib": "plot", "ipywidgets": "widgets"}
STARTS_FAST = set(
    "errors files maths cells perturb lanes gate_tables kernel implicit integrate simulate "
    "features units tables drift quality stimuli beats onsets recordings lei2017 options "
    "cli_course cli_import cli".split()
)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(lines):
    parsed = (Requirement(line) for line in lines)
    return {r.name.lower(): r.specifier for r in parsed}


# --- one list of dependencies ------------------------------------------------------------


def test_environment_yml_has_the_bounds_of_pyproject():
    listed = yaml.safe_load(text("environment.yml"))["dependencies"]
    conda = requirements(line for line in listed if isinstance(line, str))
    conda.pop("pip")
    wanted = {CONDA_NAMES.get(n, n): s for n, s in requirements(PROJECT["dependencies"]).items()}
    wanted["python"] = Requirement("python" + PROJECT["requires-python"]).specifier
    assert conda == wanted
    assert [line for line in listed if not isinstance(line, str)] == [{"pip": ["-e .[import]"]}]


def test_tested_versions_satisfy_pyproject():
    pins = {}
    for line in text("constraints.txt").splitlines():
        if line and not line.startswith("#"):
            name, version = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()  # no URL, no +cpu
            pins[name.lower()] = version
    extras = PROJECT["optional-dependencies"]
    lists = [PROJECT["dependencies"], extras["import"], extras["test"]]
    listed = requirements(line for lines in lists for line in lines)
    listed.pop(PROJECT["name"])  # what tests need holds what imports need
    for name, bounds in listed.items():
        assert pins[name] in bounds, f"{name} {pins[name]} in constraints.txt is not {bounds}"


def test_one_version_everywhere():
    changelog = re.search(r"^## \[(\d[^\]]*)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert changelog.group(1) == PROJECT["version"]
    assert str(yaml.safe_load(text("CITATION.cff"))["version"]) == PROJECT["version"]


def test_readme_mentions_every_make_target():
    targets = re.findall(r"^([a-z][a-z-]*):.*## ", text("Makefile"), re.MULTILINE)
    assert {"report", "test", "lab"} <= set(targets)
    readme = text("README.md")
    missing = [t for t in targets if not re.search(rf"make {t}\b", readme)]
    assert not missing, f"README.md does not mention: make {', make '.join(missing)}"


def test_notebooks_run_in_this_environment():
    """Oracle: the interpreter itself. papermill and nbval start the kernel called python3."""
    command = KernelManager(kernel_name="python3").format_kernel_cmd()
    assert Path(command[0]) == Path(sys.executable)


# --- the direction of imports ------------------------------------------------------------


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree, path):
    """Absolute dotted names of all that `tree` imports, functions included."""
    package = ("ionlab", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            stem = ".".join(filter(None, [base, node.module]))
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def violations(source, path):
    room = room_of(path)
    for name in imported(ast.parse(source), path):
        top, second = [*name.split("."), ""][:2]
        if top == "ionlab" and second != room:
            if second not in ROOMS or ROOMS.index(second) > ROOMS.index(room):
                yield f"{room} imports {name}, which is not a room above it"
        if ONLY_IN.get(top, room) != room:
            yield f"{room} imports {top}, which belongs in {ONLY_IN[top]}.py only"


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_upwards(path):
    assert room_of(path) in ROOMS, f"give {room_of(path)} its place in ROOMS, in {__file__}"
    found = list(violations(path.read_text(encoding="utf-8"), path))
    assert not found, "; ".join(found)


def test_readme_names_every_room_in_its_place():
    table = text("README.md").split("| place | holds |")[1].split("\n\n")[0]
    places = re.findall(r"^\| (.+?) \|", table.split("`ionlab/`")[1], re.MULTILINE)
    named = [room.strip("/") for place in places for room in re.findall("`(.+?)`", place)]
    assert named[: len(ROOMS) - 1] == ROOMS[:-1]  # but for __main__, which runs cli


@pytest.mark.parametrize(
    ("room", "line", "allowed"),
    [
        ("simulate.py", "from .cells import Cell", True),
        ("cells/hodgkin_huxley1952.py", "from ..maths import exp", True),
        ("cells/hodgkin_huxley1952.py", "from .cell import Cell", True),
        ("cells/hodgkin_huxley1952.py", "from ..simulate import pace", False),
        ("cells/hodgkin_huxley1952.py", "from .. import train", False),
        ("simulate.py", "def f():\n    import ionlab.train", False),
        ("simulate.py", "from ionlab import pace", False),
        ("train.py", "import matplotlib.pyplot as plt", False),
        ("report.py", "from ipywidgets import VBox", False),
        ("plot.py", "from matplotlib.figure import Figure", True),
    ],
)
def test_the_import_rule_catches_what_it_should(room, line, allowed):
    assert (not list(violations(line, PACKAGE / room))) == allowed


def test_simulating_does_not_wait_for_torch():
    """`ionlab simulate` starts fast: the command line and its rooms load without torch."""
    present = {room_of(path) for path in MODULES}
    rooms = sorted(STARTS_FAST & present)
    if not rooms:
        pytest.skip("no room that must start fast exists yet")
    code = "import sys, {}; sys.exit('torch' in sys.modules and 'torch was imported')".format(
        ", ".join(f"ionlab.{room}" for room in rooms)
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# --- no cell is built in -----------------------------------------------------------------

# What is about ten Tusscher 2004 by its subject: its equations, the paper's perturbations and
# figures, the pairs of the scoreboard, the lessons. All else takes names from the cell it is given.
ITS_OWN = (
    "cells/tentusscher2004.py",
    "perturb.py",
    "scenes.py",
    "reproduce.py",
    "stages.py",
    "scoreboard/public.py",
    "scoreboard/drawn.py",
)
ABOUT_ANY = {"ionic_models", "other_cells"}  # the lessons whose widgets take any cell
LESSONS = {p.stem for p in (PACKAGE / "check").glob("*.py")} - ABOUT_ANY
LESSONS |= {"case", "found"}  # shared by three
OTHER_CELLS = {p for p in (PACKAGE / "cells").glob("*.py") if p.stem[-4:].isdigit()} | {
    PACKAGE / "cells" / "ohara_rudy2011_equations.py"
}
# Words of the field that the contract of all cells defines (`observables`, `upstroke_current`).
STANDARD = {"V", "Ca_i", "I_Na"}


def its_names():
    """States, gates, currents and their parameters; names of one letter say nothing (m, f, T)."""
    cell = cells.tentusscher2004
    scales = {**cell.conductances, **cell.pumps}.values()
    names = {*cell.state_names, *cell.current_names, *scales} - STANDARD
    return {name for name in names if len(name) > 1}


def built_in(source, names):
    """Lines of code (strings count, docstrings, comments and help do not) and names in them."""
    tree = ast.parse(source)
    told = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    told |= {n.value for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "help"}
    for node in ast.walk(tree):
        if node in told:
            continue
        text = {ast.Constant: "value", ast.Attribute: "attr", ast.Name: "id", ast.keyword: "arg"}
        words = re.findall(r"\w+", str(getattr(node, text.get(type(node), ""), "")))
        yield from ((node.lineno, word) for word in words if word in names)


def of_its_own(path):
    name = path.relative_to(PACKAGE).as_posix()
    lesson = room_of(path) == "check" or (room_of(path) == "widgets" and path.stem in LESSONS)
    return name in ITS_OWN or lesson or path in OTHER_CELLS


@pytest.mark.parametrize(
    "path", [p for p in MODULES if not of_its_own(p)], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_no_name_of_ten_tusscher_2004_is_built_in(path):
    found = list(built_in(path.read_text(encoding="utf-8"), its_names()))
    assert not found, f"take the names from the cell, or list why not: {found}"


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ('x = cell.state("xr1")', True),
        ("y = s.I_Kr", True),
        ("z = cell.perturbed(g_CaL=0.5)", True),
        ('w = f"half of I_Kr, {x}"', True),
        ('def f():\n    """Of I_Kr."""', False),
        ("I = current['I_Na']  # and not I_Kr", False),
        ('option("--scale", help="as g_Kr=0.5")', False),
        ("f = s.V + s.Ca_i", False),
    ],
)
def test_the_rule_on_names_catches_what_it_should(line, caught):
    assert bool(list(built_in(line, its_names()))) == caught


def test_the_names_are_those_of_the_cell():
    assert {"xr1", "fCa", "Ca_SR", "I_Kr", "I_CaL", "g_CaL", "I_NaK"} <= its_names()
    assert all((PACKAGE / name).exists() for name in ITS_OWN)
