"""Sweeps of small notebooks; oracle: what each is made to write, or to do to its worker."""

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from ionlab import cli, perturb, sweep
from ionlab.errors import BadValue, UnknownName
from ionlab.sweep import cluster, grid, index, job

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = """\
level: int = 1  # what is written
word: str = "a"  # goes into the sentence
fail: bool = False  # raise an error
kill: str = ""  # a file: kill the worker unless it exists; always: kill it each time
wait_s: float = 0.0  # sleep
sizes: list = [1]  # a list"""
WORK = """\
import base64, json, os, pathlib, signal, time
from IPython.display import Image, display
time.sleep(wait_s)
if kill and not os.path.exists(kill):
    if kill != "always":
        pathlib.Path(kill).touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
if fail:
    raise ValueError("it was asked\\nto fail")
display(Image(base64.b64decode({picture!r}), alt="a red square"))
threads = [os.environ[name] for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")]
found = {{"sentence": f"{{word}} <{{level}}>", "worker": os.getppid(), "threads": threads,
         "sizes": sizes, "level": level, "status": "odd", "none": None,
         "control": {{"rmse": 0.25}}, "currents": [{{"name": "I_Kr", "ratio": 0.5 * level}}]}}
json.dump(found, open("results.json", "w"))"""


def notebook(path, parameters=PARAMETERS, work=None):
    """Write a notebook that draws a red rectangle and writes results; return its path."""
    red = io.BytesIO()
    Image.new("RGBA", (1280, 800), (255, 0, 0, 128)).save(red, format="png")
    work = WORK.format(picture=base64.b64encode(red.getvalue()).decode()) if work is None else work
    new = nbformat.v4.new_code_cell
    cells = [
        nbformat.v4.new_markdown_cell("[navigation]", id="nav"),
        nbformat.v4.new_markdown_cell("# Red & square", id="title"),
        new(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        new(work, id="work"),
    ]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(book, path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return notebook(tmp_path_factory.mktemp("notebook") / "small.ipynb")


def command(*args):
    """Run `ionlab sweep` in this process; return its result."""
    result = CliRunner().invoke(cli.main, ["sweep", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def never_runs(monkeypatch):
    def connected(*args):
        raise AssertionError("workers were asked for")

    monkeypatch.setattr(cluster, "connected", connected)


# --- one sweep, with all that a reader sees of it ----------------------------------------


@pytest.fixture(scope="module")
def swept(small, tmp_path_factory):
    """Two levels, each with and without a failure."""
    out = tmp_path_factory.mktemp("swept") / "new" / "sweep"
    axes = ["--grid", "level=1,3", "--grid", "fail=false,true", "--grid", "sizes=[2,4]"]
    return out, command(small, *axes, "--out", out)


def test_a_failed_point_does_not_stop_the_rest(swept):
    out, result = swept
    assert result.exit_code == 1
    assert "2 of 4 finished, 2 failed" in result.stdout
    for level in (1, 3):
        said = f"failed: level={level}, fail=true, sizes=[2, 4]: ValueError: it was asked to fail"
        assert said in result.stderr
    assert f"{out}/index.html" in result.stdout


def test_the_table_has_a_row_for_each_point(swept):
    rows = pd.read_csv(swept[0] / "sweep.csv", keep_default_na=False)
    assert rows["level"].tolist() == [1, 1, 3, 3]
    assert rows["fail"].astype(str).str.lower().tolist() == ["false", "true"] * 2
    assert rows["status"].tolist() == ["finished", "failed"] * 2
    assert rows["error"].tolist() == ["", "ValueError: it was asked to fail"] * 2
    assert (rows["seconds"] > 0.5).all()
    done = rows[rows["status"] == "finished"]
    assert done["I_Kr ratio"].astype(float).tolist() == [0.5, 1.5]
    assert done["control rmse"].astype(float).tolist() == [0.25] * 2
    assert done["sentence"].tolist() == ["a <1>", "a <3>"]
    assert done["threads"].tolist() == ["1; 1"] * 2  # kernels do not fight
    assert done["results status"].tolist() == ["odd"] * 2
    assert done["none"].tolist() == ["", ""]
    assert rows["sizes"].tolist() == ["[2, 4]"] * 4


def test_each_point_has_a_folder_of_its_own(swept):
    out, _ = swept
    rows = pd.read_csv(out / "sweep.csv")
    assert {path.name for path in out.iterdir()} == {*rows["folder"], "index.html", "sweep.csv"}
    for row in rows.itertuples():
        files = {"small.ipynb", "small.html", "run.json"}
        if row.status == "finished":
            files |= {"results.json", "thumbnail.png"}
        assert {path.name for path in (out / row.folder).iterdir()} == files
        executed = nbformat.read(out / row.folder / "small.ipynb", as_version=4)
        (injected,) = (c.source for c in executed.cells if c.source.startswith("# Parameters"))
        assert f"level = {row.level}" in injected and "sizes = [2, 4]" in injected
        page = (out / row.folder / "small.html").read_text(encoding="utf-8")
        assert "<title>Red &amp; square</title>" in page


def test_the_thumbnail_is_the_first_picture_made_small(swept):
    """Half-transparent red on white is (255, 127, 127), within the steps of eight bits."""
    found = sorted(swept[0].glob("*/thumbnail.png"))
    assert len(found) == 2
    for path in found:
        with Image.open(path) as picture:
            assert picture.size == (640, 400) and picture.mode == "RGB"
            red, green, blue = picture.getpixel((320, 200))
        assert red == 255 and 125 <= green == blue <= 129


def test_the_index_works_offline_and_says_what_it_shows(swept):
    out, _ = swept
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<h1>Red &amp; square</h1>" in page and "small.ipynb" in page
    assert "2 finished, 2 failed" in page and "sizes = [2, 4]" in page.replace("\u00a0", " ")
    assert page.count("a &lt;1&gt;") == 1  # the sentence, as text
    assert page.count('alt="a red square"') == len(re.findall("<img", page)) == 2
    assert page.count("ValueError: it was asked to fail") == 2
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(links) > 10
    for link in links:
        assert (out / re.sub("%(..)", lambda m: chr(int(m[1], 16)), link)).is_file(), link


def test_what_finished_is_not_run_again(swept, small, never_runs):
    """And what failed is; an edited notebook, another value or another version is run anew."""
    out, _ = swept
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*")}
    pairs = sweep.run(small, ["level=3,1", "fail=false", "sizes=[2,4]"], out)
    assert [record.results["level"] for _, record in pairs] == [3, 1]
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*")} == before
    for axes in (["level=1,3", "fail=true", "sizes=[2,4]"], ["level=2", "fail=false"]):
        with pytest.raises(AssertionError, match="workers were asked for"):
            sweep.run(small, axes, out)


def test_only_what_a_notebook_does_counts(small, tmp_path):
    book = nbformat.read(small, as_version=4)
    book.cells[-1].outputs = [nbformat.v4.new_output("stream", text="seen")]
    nbformat.write(book, tmp_path / "small.ipynb")
    first, seen = (grid.Source.read(path) for path in (small, tmp_path / "small.ipynb"))
    assert first.code == seen.code
    book.cells[-1].source += "\n1"
    nbformat.write(book, tmp_path / "small.ipynb")
    assert grid.Source.read(tmp_path / "small.ipynb").code != first.code


# --- workers that die, workers elsewhere, an interrupt -----------------------------------


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_worker_costs_one_retry(small, tmp_path):
    once = tmp_path / "once"
    axes = ["level=1,2", f"kill={once},always,"]
    pairs = sweep.run(small, axes, tmp_path / "out")
    for point, record in pairs:
        if point.shown["kill"] == "always":
            assert "was killed, and so was the one that tried again" in record.error
        else:
            assert not record.error and record.results["level"] == point.shown["level"]
    assert once.exists()
    assert not list((tmp_path / "out").glob(f"{job.ASIDE}*"))
    assert "was killed" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_another_cluster_on_the_default_port_is_no_matter():
    """Warnings are errors here; the dashboard of dask stands at 8787 unless told otherwise."""
    with socket.socket() as taken:
        with suppress(OSError):  # then another cluster does run
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        with cluster.connected(None, 1) as client:
            assert client.submit(sum, [1, 2]).result() == 3


ELSEWHERE = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    n = int(sys.argv[1])
    with LocalCluster(n_workers=n, threads_per_worker=2, dashboard_address="127.0.0.1:0") as c:
        print(c.scheduler_address, *(w.pid for w in c.workers.values()), flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def elsewhere(tmp_path):
    """Start a scheduler with so many workers in another process; give address and pids."""
    started = []

    def start(workers):
        script = tmp_path / "elsewhere.py"
        script.write_text(ELSEWHERE)
        process = subprocess.Popen(
            [sys.executable, script, str(workers)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        address, *pids = process.stdout.readline().split()
        return address, {int(pid) for pid in pids}

    yield start
    for process in started:
        process.communicate(timeout=60)


@pytest.mark.slow
def test_a_scheduler_elsewhere_runs_it(small, tmp_path, elsewhere):
    """One worker of two threads: two kernels at once, each in its own folder."""
    address, pids = elsewhere(1)
    axes = ["--grid", "level=1,2,3", "--scheduler", address]
    result = command(small, *axes, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert rows["I_Kr ratio"].tolist() == [0.5, 1.0, 1.5]
    assert set(rows["worker"]) == pids and len(pids) == 1


@pytest.mark.slow
def test_a_scheduler_without_workers_is_refused(small, tmp_path, elsewhere, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_s", 2.0)
    address, _ = elsewhere(0)
    with pytest.raises(BadValue, match=f"has none. Start one: dask worker {address}"):
        sweep.run(small, ["level=1"], tmp_path / "new" / "out", address)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "foo://here:1", "nowhere", "tcp://x"])
def test_an_unknown_scheduler_is_refused(small, tmp_path, address):
    start = time.monotonic()
    result = command(small, "--grid", "level=1", "--scheduler", address, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert f"scheduler that runs, got {address}" in result.stderr and "Try" in result.stderr
    assert time.monotonic() - start < 20
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("answer", "text"), [(("0.0.0", True), "has 0.0.0"), ((grid.VERSION, False), "does not see")]
)
def test_workers_that_cannot_do_it_are_refused(tmp_path, answer, text):
    class Client:
        def wait_for_workers(self, n, timeout):
            pass

        def run(self, function, token):
            assert function(token) == (grid.VERSION, True)
            return {"tcp://w:1": answer}

    with pytest.raises(BadValue, match=text):
        cluster.check(Client(), "tcp://s:1", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no process groups to interrupt")
def test_an_interrupt_keeps_what_is_finished(small, tmp_path):
    """As Ctrl-C in a terminal does it: SIGINT to all of the processes."""
    axes = ["--grid", "wait_s=0,61,62"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ionlab", "sweep", small, *axes, "--out", "out"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    finished = tmp_path / "out" / "wait_s=0.0" / "run.json"
    while not finished.exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=50)[1]
    assert process.returncode == 130, said
    assert "What had finished is kept in out" in said and "Traceback" not in said
    rows = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert rows["status"].tolist() == ["finished", "not run", "not run"]
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"wait_s=0.0", "index.html", "sweep.csv"}


# --- what is typed -----------------------------------------------------------------------

DEFAULTS = {"eta": 1e-3, "seed": 0, "on": True, "word": "", "sizes": [1], "names": ["a"], "x": None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eta=1e-4,1e-3,2", [1e-4, 1e-3, 2.0]),
        ("seed=0, 7", [0, 7]),
        ("on=true,False", [True, False]),
        ("word=,long_qt,1", ["", "long_qt", "1"]),
        ("word='a,b',c=d", ["a,b", "c=d"]),
        ("sizes=[1,2],[],[3]", [[1, 2], [], [3]]),
        ("names=[a,b],['c,d']", [["a", "b"], ["c,d"]]),
        ("x=1,[2]", [1, [2]]),
    ],
)
def test_values_take_the_type_of_the_default(text, found):
    (values,) = grid.values([text], DEFAULTS).values()
    assert values == found and [type(v) for v in values] == [type(v) for v in found]


@pytest.mark.parametrize(
    ("texts", "kind", "text"),
    [
        (["etta=1"], UnknownName, 'Did you mean "eta"'),
        (["eta=a"], BadValue, 'parameter eta must be of type float, got "a". Write a number'),
        (["eta=1,"], BadValue, 'eta must be of type float, got ""'),
        (["eta=nan"], BadValue, 'got "nan"'),
        (["seed=1.5"], BadValue, 'seed must be of type int, got "1.5"'),
        (["on=maybe"], BadValue, 'on must be of type bool, got "maybe". Write true or false'),
        (["sizes=3"], BadValue, 'sizes must be of type list, got "3". Write a list'),
        (["sizes=[a]"], BadValue, "sizes"),
        (["eta"], BadValue, 'NAME=VALUE,VALUE, got "eta"'),
        (["eta=1", "eta=2"], BadValue, "got eta twice"),
        (["eta=1e-3,0.001"], BadValue, "got eta=0.001 twice"),
    ],
)
def test_wrong_values_are_refused(texts, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        grid.values(texts, DEFAULTS)


def test_nothing_runs_for_what_is_refused(small, tmp_path, never_runs):
    (tmp_path / "file").write_text("")
    bare = notebook(tmp_path / "bare.ipynb", parameters="# nothing", work="1")
    for args, text in (
        ([small, "--grid", "levle=1", "--out", "out"], 'Did you mean "level"'),
        ([small, "--grid", "level=x", "--out", "out"], "level must be of type int"),
        ([small, "--grid", "level=1", "--out", tmp_path / "file"], "must name a folder"),
        ([tmp_path / "no.ipynb", "--grid", "level=1", "--out", "out"], "cannot be read as one"),
        ([tmp_path / "file", "--grid", "level=1", "--out", "out"], "cannot be read as one"),
        ([bare, "--grid", "level=1", "--out", "out"], "has none. Give it a cell tagged"),
    ):
        result = command(*args)
        assert result.exit_code == 2 and text in result.stderr, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"file", "bare.ipynb"}


def test_folders_are_readable_safe_and_unique():
    name = grid._folder
    assert name({"eta": 1e-4, "perturbation": "ito"}) == "eta=0.0001,perturbation=ito"
    words = ["a/b", "a\\b", "a:b", "A", "a", "..", "é", "x" * 300, "x" * 299, "", "a b"]
    names = [name({"word": word}) for word in words]
    assert len({n.lower() for n in names}) == len(words)
    assert all(re.fullmatch(r"[\w.,=+-]{1,100}", n, re.ASCII) and n[-1] != "." for n in names)


def test_paths_are_made_absolute_and_words_are_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("here.csv", "ito"):
        (tmp_path / file).write_text("")
    assert grid._absolute("here.csv") == str(tmp_path / "here.csv")
    assert grid._absolute("data/recordings/control.csv") == str(
        ROOT / "data" / "recordings" / "control.csv"
    )
    for value in ("ito", "gone.csv", 1e-3, ""):
        assert grid._absolute(value) == value


def test_nested_results_become_columns():
    found = {"a": {"b": {"c": 1}}, "l": [{"name": "xr1", "tau": None}], "w": ["x", "y"], "e": []}
    assert index.flat(found) == {"a b c": 1, "xr1 tau": "", "w": "x; y", "e": ""}


# --- the real one ------------------------------------------------------------------------


@pytest.mark.slow
def test_the_report_over_two_perturbations(tmp_path):
    """Oracle: the factors that the perturbations apply."""
    axes = ["perturbation=long_qt,ito", "preset=fast"]
    pairs = sweep.run(ROOT / "notebooks" / "report.ipynb", axes, tmp_path)
    for (_, record), of in zip(pairs, (perturb.LONG_QT, perturb.ITO), strict=True):
        assert not record.error
        (factor,) = of.factors.values()
        first = record.results["currents"][0]
        assert first["name"] == of.current in record.results["changed"]
        assert first["ratio"] == pytest.approx(factor, rel=0.1)
        assert json.dumps(record.results)
    assert len(list(tmp_path.glob("*/thumbnail.png"))) == 2
