"""The course tools. Oracle: tiny lessons whose answers, faults and links are known."""

import csv
import os
import time
import warnings
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ionlab import cli
from ionlab.course import book, contract, grade, lessons, render, student
from ionlab.errors import BadValue, IonlabError, UnknownName

REAL = [lesson for lesson in lessons.lessons() if lesson.number]
SETUP = """from types import SimpleNamespace
from ionlab.check.verdict import ask, exercise
@exercise()
def twice(f):
    "Twice the number."
    if ask(f, 3) != 6:
        return "f(3) should be 6."
@exercise(points=2)
def cubed(f):
    "Its cube."
    if ask(f, 2) != 8:
        return "f(2) should be 8."
check = SimpleNamespace(twice=twice, cubed=cubed)
print("ready", factor)"""
TASKS = {
    1: ("def double(x):\n    return ...", "check.twice(double)", "return factor * x"),
    2: ("def cube(x):\n    return ...", "check.cubed(cube)", "return x**3"),
}
THOUGHT = "<details><summary>Answer</summary>\n\nBecause twice is $2x$.\n</details>"
PICTURE = """import base64
class Widget:
    def _repr_mimebundle_(self, include=None, exclude=None):
        dot = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
            "AABJRU5ErkJggg=="
        )
        view = {"model_id": "1", "version_major": 2, "version_minor": 0}
        kind = "application/vnd.jupyter.widget-view+json"
        return {kind: view, "image/png": dot, "text/plain": "x"}, {"image/png": {"alt": "A dot."}}
Widget()"""


def cell(name, tag, source, code=False):
    make = new_code_cell if code else new_markdown_cell
    made = make(source, metadata={"tags": [tag]} if tag else {})
    made.id = name
    return made


def solution(number):
    stub, _, answer = TASKS[number]
    return (
        f"<details><summary>Hint</summary>\n\nThink of $x^{number}$.\n\n</details>\n"
        f"<details><summary>Answer</summary>\n\n```python\n{stub.replace('return ...', answer)}\n"
        "```\n\n</details>"
    )


def lesson(number, title):
    """A lesson that keeps the contract."""
    cells = [
        cell("navigation-top", "nav", "[navigation]"),
        cell("title", "", f"# {number}. {title}\n\nSection 2. **Why twice?**"),
        cell("goals", "goals", "Double.\n\nReading: 20 minutes. Running: 2 s. Before this: none."),
        cell("parameters", "parameters", "factor: int = 2  # of the double", code=True),
        cell("setup", "setup", SETUP, code=True),
        cell("idea", "", "## The idea\n\nA [gate](glossary.md#steady-state) $h_\\infty$.\n\n"
             "$$\\frac{dh}{dt} = \\frac{h_\\infty - h}{\\tau}$$\n\nSee [above](#the-idea)."),
        cell("predict", "", "**Predict.** What is twice 3?"),
    ]  # fmt: skip
    for k, (stub, check, _) in TASKS.items():
        cells.append(cell(f"exercise-{k}", "exercise", stub, code=True))
        cells.append(cell(f"check-{k}", "check", check, code=True))
        cells.append(cell(f"solution-{k}", "solution", solution(k)))
    cells.append(cell("explore", "widget", PICTURE, code=True))
    cells += [cell(f"step-{'abcdefgh'[k]}", "", f"{k} < {k + 1}", code=True) for k in range(8)]
    cells += [
        cell("think", "", f"**Think.** Why?\n\n{THOUGHT}"),
        cell("verify", "verify", 'assert factor == 2, "no double"', code=True),
        cell("summary", "summary", "Doubled."),
        cell("navigation-end", "nav", "[navigation]\n\n**References.** None."),
    ]
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return made


@pytest.fixture
def course(tmp_path):
    """Two lessons and an appendix, with contents, glossary and guide."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for number, name, title in ((0, "start", "Start here"), (1, "gates", "Gates & more")):
        lessons.write(lesson(number, title), folder / f"{number:02}_{name}.ipynb")
    report = new_notebook(cells=[cell("title", "", "# The report"), cell("two", "", "1", True)])
    report.metadata["kernelspec"] = lesson(0, "").metadata.kernelspec
    lessons.write(report, folder / "report.ipynb")
    listed = "[Start](00_start.ipynb), [Gates](01_gates.ipynb#The-idea), [guide](instructor.md)"
    (folder / "README.md").write_text(f"# The course\n\n{listed}, [code](../setup.py)\n")
    (folder / "glossary.md").write_text("# Glossary\n\n## Steady state\n\nWhere a gate goes.\n")
    (folder / "instructor.md").write_text("# Guide\n\n[Contents](README.md)\n")
    lessons.write_navigation(folder)
    return folder


def edited(path, name, source):
    """Write a notebook with another source in one cell."""
    notebook = nbformat.read(path, as_version=4)
    lessons.by_id(notebook)[name].source = source
    lessons.write(notebook, path)


# --- lessons and navigation --------------------------------------------------------------


def test_lessons_come_in_order_and_lead_to_each_other(course):
    every = lessons.lessons(course)
    assert [each.number for each in every] == ["00", "01", ""]
    assert every[1].title == "1. Gates & more"
    assert [cell.source.split("\n")[0] for cell in lessons.tagged(every[1].read(), "nav")] == [
        "[\N{LEFTWARDS ARROW} 0. Start here](00_start.ipynb) | [Contents](README.md) | "
        "[The report \N{RIGHTWARDS ARROW}](report.ipynb)"
    ] * 2
    assert lessons.tagged(every[1].read(), "nav")[1].source.endswith("\n\n**References.** None.")


def test_navigation_writes_only_what_changed(course):
    assert lessons.write_navigation(course) == []
    before = {path: path.read_bytes() for path in course.iterdir()}
    edited(course / "01_gates.ipynb", "title", "# 1. Doors")
    assert lessons.write_navigation(course) == [course / "00_start.ipynb"]
    changed = {path.name for path in course.iterdir() if path.read_bytes() != before[path]}
    assert changed == {"00_start.ipynb", "01_gates.ipynb"}
    text = (course / "00_start.ipynb").read_text()
    assert text == nbformat.writes(nbformat.reads(text, 4)) + "\n"


@pytest.mark.parametrize("given", ["1", 1, "01", "01_gates", "01_gates.ipynb"])
def test_a_lesson_is_found_by_number_or_name(course, given):
    assert lessons.find(given, course).name == "01_gates"


@pytest.mark.parametrize(("given", "close"), [("01_gats", "01_gates"), ("11", "01")])
def test_an_unknown_lesson_suggests_the_closest(course, given, close):
    with pytest.raises(UnknownName, match=f'Did you mean "{close}"'):
        lessons.find(given, course)


# --- the contract ------------------------------------------------------------------------


def test_a_lesson_that_keeps_the_contract_has_no_problems(course):
    assert contract.problems(course / "00_start.ipynb") == []
    assert contract.problems(course / "01_gates.ipynb") == []


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("navigation-top", "[navigation]", "navigation in navigation-top is old"),
        ("title", "# Gates", 'begin with "# 1. "'),
        ("goals", "Double. Reading: 2 minutes.", '"Running:"'),
        ("parameters", "factor: int = 2", '"factor: int = 2" must read'),
        ("parameters", "factor: int = len([])  # no literal", "must read"),
        ("parameters", "factor: float = 2  # whole", "factor is no float: 2"),
        ("predict", "Guess.", "There is no Predict"),
        ("idea", "[x](glossary.md#gate)", "glossary.md#gate leads to no heading"),
        ("idea", "[x](02_more.ipynb)", "02_more.ipynb leads to no file"),
        ("idea", "$\\foo x$", "has \\foo"),
        ("idea", "$a {$", "cannot be read"),
        ("idea", "| a |\n|---|\n| $|V|$ | 1 |", "A table is not one"),
        ("exercise-1", "def double(x):\n    return 2 * x", "exercise-1 has no ..."),
        ("check-1", "check.twice(double), 1", "check-1 must be one line"),
        ("solution-2", "<details><summary>Hint</summary>x</details>", "solution-2 must have an"),
        ("think", "<details><summary>Ours</summary>x</details>", 'folded away under "Ours"'),
        ("think", "<details>x</details>", "folds something away without a summary"),
        ("explore", "from ipywidgets import interact", "uses interact"),
        ("explore", "import ipywidgets as w\nw.Output()", "uses Output"),
        ("explore", "import matplotlib.pyplot as plt", "uses pyplot"),
        ("explore", "1 +", "no Python"),
        ("navigation-end", "x", "**References.**"),
    ],
)
def test_what_breaks_the_contract_is_said(course, name, source, says):
    edited(course / "01_gates.ipynb", name, source)
    found = contract.problems(course / "01_gates.ipynb")
    assert any(says in sentence for sentence in found), found


def test_cells_that_break_the_contract_are_named(course):
    path = course / "01_gates.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cells = lessons.by_id(notebook)
    cells["step-a"].outputs = [nbformat.v4.new_output("stream", text="x")]
    cells["step-b"].id, cells["step-c"].id = "3fa9c1d2", "Step C"
    cells["step-d"].metadata["tags"] = ["raises-exception"]
    notebook.cells.remove(cells["check-2"])
    notebook.cells.remove(cells["verify"])
    notebook.cells += [cell(f"more-{'abcdefghijkl'[k]}", "", "x") for k in range(12)]
    lessons.write(notebook, path)
    found = "\n".join(contract.problems(path))
    for says in (
        "step-a has outputs", "3fa9c1d2 says nothing", "Step C is not in kebab-case",
        "raises-exception", "exercise-2 has no cell with that id and tag: check-2",
        "No cell is tagged verify", "25 to 35 cells", "last cell must be tagged nav",
    ):  # fmt: skip
        assert says in found, found


@pytest.mark.parametrize("path", [each.path for each in REAL], ids=lambda path: path.stem)
def test_the_lessons_keep_the_contract(path):
    found = contract.problems(path)
    assert not found, "\n".join(found)


# --- student copies ----------------------------------------------------------------------


def test_student_copies_hold_no_answer_and_else_the_same(course, tmp_path):
    out = tmp_path / "build" / "student"
    written = student.write(out, course)
    names = {"00_start.ipynb", "01_gates.ipynb", "report.ipynb", "README.md", "glossary.md"}
    assert {path.name for path in out.iterdir()} == names == {path.name for path in written}
    ours, theirs = (lessons.by_id(nbformat.read(d / "01_gates.ipynb", 4)) for d in (course, out))
    told = "The answer is with your instructor."
    assert theirs.pop("think").source == f"**Think.** Why?\n\n{told}"
    for k in TASKS:
        hint, _, answer = solution(k).partition("<details><summary>Answer")
        mine, other = (cells.pop(f"solution-{k}") for cells in (ours, theirs))
        assert other == {**mine, "source": hint + told} and "Think of" in hint and answer
    ours.pop("think")
    assert theirs == ours
    assert contract.text_problems((out / "README.md").read_text(), out / "README.md") == []
    assert "guide, code" in (out / "README.md").read_text()


def test_student_copies_hold_no_outputs(course, tmp_path):
    path = course / "01_gates.ipynb"
    notebook = nbformat.read(path, as_version=4)
    step = lessons.by_id(notebook)["step-a"]
    step.outputs, step.execution_count = [nbformat.v4.new_output("stream", text="said")], 3
    lessons.write(notebook, path)
    student.write(tmp_path / "student", course)
    copied = lessons.by_id(nbformat.read(tmp_path / "student" / path.name, as_version=4))["step-a"]
    assert copied == {**step, "outputs": [], "execution_count": None}


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("a<details><summary>Answer</summary>x</details>b", f"a{student.TOLD}b"),
        ("<details open>\n<summary> Answer of ours</summary>\n\nx\n</details>", student.TOLD),
        ("<details><summary>Hint</summary>h</details><details><summary>Answer</summary>x</details>",
         f"<details><summary>Hint</summary>h</details>{student.TOLD}"),
        ("<details><summary>Hint</summary>Answer it</details>", None),
        ("**Answer** in words.", None),
    ],
)  # fmt: skip
def test_answers_go_and_hints_stay(source, left):
    assert student.unanswered(source) == (left or source)


@pytest.mark.parametrize("real", lessons.lessons(), ids=lambda each: each.name)
def test_no_answer_of_ours_is_in_a_student_copy(real):
    """Every solution tells its hint and no code; no question tells its answer."""
    copied = student.copy(real, {each.path.name for each in lessons.lessons()})
    for ours, theirs in zip(real.read().cells, copied.cells, strict=True):
        if ours.cell_type == "markdown":
            assert "<summary>Answer" not in theirs.source, ours.id
            assert theirs.source.count(student.TOLD) == ours.source.count("<summary>Answer")
        if "solution" in lessons.tags(ours):
            assert "```" not in theirs.source and "Hint" in theirs.source, ours.id
    assert not any(cell.get("outputs") for cell in copied.cells)


def test_a_book_for_students_is_made_from_their_copies(course, tmp_path):
    """As the guide of the instructor says."""
    student.write(tmp_path / "student", course)
    made = book.make(tmp_path / "book", folder=tmp_path / "student", say=quiet)
    pages = check_links(tmp_path / "book")
    assert made.failed == {} and "instructor.html" not in pages
    page = pages["01_gates.html"].get_text()
    assert "ready 2" in page and page.count(student.TOLD) == 3 and "x**3" not in page


# --- the book ----------------------------------------------------------------------------


def check_links(folder):
    """Every relative link of every page leads to a page, and to an anchor in it."""
    pages = {
        path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in folder.glob("*.html")
    }
    assert "index.html" in pages
    for name, page in pages.items():
        assert not page.select(".output_error"), name
        assert "Traceback" not in page.get_text(), name
        assert not page.select("script, link, iframe"), f"{name} needs another file"
        for image in page.select("img"):
            assert image["src"].startswith("data:"), name
            assert image.get("alt") and "No description" not in image["alt"], name
        for link in page.select("a[href]"):
            target, _, anchor = link["href"].partition("#")
            if ":" in target:
                continue
            assert (target or name) in pages, f"{name} links {link['href']}"
            there = pages[target or name]
            assert not anchor or there.find(id=unquote(anchor)), f"{name} links {link['href']}"
    reached = {
        link["href"].partition("#")[0] for p in pages.values() for link in p.select("a[href]")
    }
    assert pages.keys() - {"index.html"} <= reached, "a page that no link leads to"
    return pages


def quiet(line):
    pass


def test_the_book_has_all_pages_linked_and_no_error(course, tmp_path):
    made = book.make(tmp_path / "book", folder=course, say=quiet)
    assert made.failed == {} and made.contents == tmp_path / "book" / "index.html"
    pages = check_links(tmp_path / "book")
    assert set(pages) == {
        "index.html", "00_start.html", "01_gates.html", "report.html", "glossary.html",
        "instructor.html",
    }  # fmt: skip
    page = pages["01_gates.html"]
    assert page.title.string == "1. Gates & more"
    assert [image["alt"] for image in page.select("img")] == ["A dot."]
    assert page.select_one("math[display=block] mfrac") and "$" not in page.get_text()
    assert "ready 2" in page.get_text()
    assert page.get_text().count("not attempted yet") == 2
    assert len(page.select("details")) == 5 and page.select(".highlight .k")
    assert ".highlight .k" in page.style.string
    assert [a["href"] for a in page.select("a[href]")][:3] == [
        "00_start.html", "index.html", "report.html",
    ]  # fmt: skip
    assert pages["report.html"].select_one("nav a")["href"] == "01_gates.html"
    assert "code" in pages["index.html"].get_text()  # a file that is no page: its text alone


def test_a_failed_lesson_is_named_and_the_others_are_written(course, tmp_path, monkeypatch):
    monkeypatch.setattr(book, "_library", lambda: b"a library")
    edited(course / "00_start.ipynb", "verify", 'assert factor == 3, "no triple"')
    said = []
    made = book.make(tmp_path / "book", folder=course, say=said.append)
    assert made.failed == {"00_start": "cell verify: AssertionError: no triple"}
    assert sorted(said) == [
        "00_start: cell verify: AssertionError: no triple", "01_gates: executed",
        "report: executed",
    ]  # fmt: skip
    pages = check_links(tmp_path / "book")
    assert "no triple" in pages["00_start.html"].get_text()
    assert "ready 2" in pages["01_gates.html"].get_text()

    ran = []
    real = book.execute
    monkeypatch.setattr(
        book, "execute", lambda lesson, jobs: ran.append(lesson.name) or real(lesson, jobs)
    )
    edited(course / "00_start.ipynb", "verify", "assert factor == 2")
    assert book.make(tmp_path / "book", folder=course, say=quiet).failed == {}
    assert ran == ["00_start"]  # the others are as they were
    monkeypatch.setattr(book, "_library", lambda: b"another library")
    assert book.make(tmp_path / "book", ["1"], folder=course, say=quiet).failed == {}
    assert ran == ["00_start", "01_gates"]
    assert "ready 2" in check_links(tmp_path / "book")["00_start.html"].get_text()
    kept = sorted(path.stem[:-17] for path in (tmp_path / "book" / ".executed").iterdir())
    assert kept == ["00_start", "01_gates", "report"]


def test_a_book_that_has_a_failure_ends_with_status_1(course, tmp_path, monkeypatch):
    failed = book.Book(tmp_path / "index.html", {"07_second_pass": "cell verify: no"})
    monkeypatch.setattr(book, "make", lambda *given, **named: failed)
    ran = CliRunner().invoke(cli.main, ["course", "book", "--out", str(tmp_path / "book")])
    assert ran.exit_code == 1 and "07_second_pass" in ran.stderr


@pytest.mark.slow
def test_the_book_of_the_course_is_whole(tmp_path):
    made = book.make(tmp_path, say=quiet)
    assert made.failed == {}
    check_links(tmp_path)


def test_equations_become_mathml():
    shown = BeautifulSoup(
        render.markdown("\\begin{align}a &= b\\\\ c &= d\\end{align}"), "html.parser"
    )
    assert len(shown.select("math mtr")) == 2 and "&" not in shown.get_text()
    aligned = BeautifulSoup(
        render.markdown("$$\\begin{aligned}a &= b\\end{aligned}$$"), "html.parser"
    )
    assert len(aligned.select("math mtr")) == 1
    with pytest.raises(BadValue, match="foo"):
        render.mathml("\\foo", "inline")


# --- grading -----------------------------------------------------------------------------


def task(course):
    return grade.Task.of(lessons.find("01", course))


def answers(path):
    notebook = nbformat.read(path, as_version=4)
    cells = lessons.by_id(notebook)
    return {
        name: lessons.answer(cells[name.replace("exercise", "solution")])
        for name in lessons.exercises(notebook)
    }


def hand_in(course, path, **codes):
    """Write a submission: the lesson with other code in some cells (exercise_1=...)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(course / "01_gates.ipynb", as_version=4)
    cells = lessons.by_id(notebook)
    for name, code in codes.items():
        cells[name.replace("_", "-")].source = code
    nbformat.write(notebook, path)


def test_a_folder_of_submissions(course, tmp_path):
    """Right, untouched, wrong, broken, endless, dying, tampered, missing, in two folders."""
    one, two = answers(course / "01_gates.ipynb").values()
    box, full = tmp_path / "box", {"exercise_1": one, "exercise_2": two}
    hand_in(course, box / "ann" / "work.ipynb", **full)
    hand_in(course, box / "bob" / "work.ipynb")
    hand_in(course, box / "wrong.ipynb", **{**full, "exercise_1": "def double(x):\n    return x"})
    (box / "broken.ipynb").write_text('{"cells": [')
    (box / "list.ipynb").write_text("[1, 2]")
    hand_in(course, box / "endless.ipynb", **{**full, "exercise_1": "while True:\n    pass"})
    hand_in(course, box / "dies.ipynb", **{**full, "exercise_1": "import os\nos._exit(1)"})
    hand_in(course, box / "raises.ipynb", **{**full, "exercise_1": "def double(x)\n    return 2"})
    hand_in(course, box / "spoils.ipynb", **{**full, "exercise_1": one + "\ncheck = factor = 0"})
    hand_in(course, box / "tampered.ipynb", check_1='print("correct")', setup="check = 1")
    hand_in(course, box / "leaves.ipynb", **full)
    notebook = nbformat.read(box / "leaves.ipynb", as_version=4)
    notebook.cells = [each for each in notebook.cells if each.id != "exercise-2"]
    nbformat.write(notebook, box / "leaves.ipynb")
    hand_in(course, box / ".ipynb_checkpoints" / "work-checkpoint.ipynb", **full)

    of, grades = grade.grade("1", box, timeout_s=16, course=course)
    grade.write(tmp_path / "grades.csv", of, grades)
    with open(tmp_path / "grades.csv", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    points = {k: (int(r["exercise-1"]), int(r["exercise-2"])) for k, r in rows.items()}
    assert points == {
        "ann/work.ipynb": (1, 2), "bob/work.ipynb": (0, 0), "wrong.ipynb": (0, 2),
        "broken.ipynb": (0, 0), "list.ipynb": (0, 0), "endless.ipynb": (0, 2),
        "dies.ipynb": (0, 2), "raises.ipynb": (0, 2), "spoils.ipynb": (0, 2),
        "tampered.ipynb": (0, 0), "leaves.ipynb": (1, 0),
    }  # fmt: skip
    assert list(rows["ann/work.ipynb"]) == [
        "submission", "exercise-1", "exercise-2", "total", "of", "note",
    ]  # fmt: skip
    assert all(int(r["total"]) == sum(points[k]) and r["of"] == "3" for k, r in rows.items())
    notes = {name: row["note"] for name, row in rows.items() if row["note"]}
    assert notes.pop("raises.ipynb").startswith("exercise-1 raised SyntaxError")
    assert notes == {
        "broken.ipynb": "not a notebook",
        "list.ipynb": "not a notebook",
        "endless.ipynb": "exercise-1: timed out after 8 s",
        "dies.ipynb": "exercise-1: kernel died",
        "leaves.ipynb": "exercise-2 is missing",
    }


def test_what_a_submission_started_ends_with_it(course, tmp_path):
    """The children of an endless exercise are gone, and so is its folder."""
    note = tmp_path / "note"
    code = (
        "import os, subprocess\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(note)!r}, 'w').write(f'{{child.pid}} {{os.getcwd()}}')\n"
        "while True:\n    pass"
    )
    grade.judge(task(course), {"exercise-1": code}, timeout_s=6)
    pid, folder = note.read_text().split()
    assert not Path(folder).exists() and folder != os.getcwd()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and running(pid):
        time.sleep(0.05)
    assert not running(pid)


def running(pid):
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False


def test_memory_is_bounded(course):
    """A list of 100 GB costs the points of its own exercise."""
    codes = answers_of(course) | {"exercise-1": "def double(x):\n    return bytearray(10**11)"}
    got = grade.judge(task(course), codes)
    assert got.verdicts["exercise-1"]["points"] == 0
    assert "MemoryError" in got.verdicts["exercise-1"]["message"]
    assert got.verdicts["exercise-2"]["points"] == 2


def answers_of(course):
    return answers(course / "01_gates.ipynb")


def test_ids_among_the_metadata_are_found(course, tmp_path):
    """As an editor leaves them that writes an older format."""
    hand_in(course, tmp_path / "x.ipynb", exercise_1="here = 1")
    notebook = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    notebook.nbformat_minor = 0
    for each in notebook.cells:
        each.metadata["id"] = each.pop("id")
    nbformat.write(notebook, tmp_path / "x.ipynb")
    with warnings.catch_warnings():
        codes = grade.handed_in(tmp_path / "x.ipynb", task(course))
    assert codes["exercise-1"] == "here = 1" and "exercise-2" in codes


def test_a_lesson_that_fails_itself_is_not_graded(course, tmp_path):
    hand_in(course, tmp_path / "box" / "x.ipynb")
    edited(course / "01_gates.ipynb", "setup", "import nothing_of_that_name")
    with pytest.raises(IonlabError, match="exercise-1.*nothing_of_that_name.*Mend the lesson"):
        grade.grade("01", tmp_path / "box", course=course)


def test_places_without_submissions_are_refused(course, tmp_path):
    with pytest.raises(BadValue, match="a folder, got"):
        grade.grade("01", tmp_path / "nowhere", course=course)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadValue, match="no notebook"):
        grade.grade("01", tmp_path / "empty", course=course)
    with pytest.raises(BadValue, match="time limit.*got 0"):
        grade.grade("01", tmp_path / "empty", timeout_s=0, course=course)
    with pytest.raises(BadValue, match="report has no exercises"):
        grade.grade("report", tmp_path / "empty", course=course)


@pytest.mark.slow
@pytest.mark.parametrize("real", REAL, ids=lambda each: each.name)
def test_our_own_answers_get_full_points_and_stubs_none(real):
    """The answers in the solutions are judged right, the untouched stubs "not attempted yet"."""
    task = grade.Task.of(real)
    of = grade.points_to_reach(task)
    got = grade.judge(task, answers(real.path))
    assert got.notes == ()
    reached = {name: verdict["points"] for name, verdict in got.verdicts.items()}
    assert reached == of, {name: verdict["message"] for name, verdict in got.verdicts.items()}


# --- the command line --------------------------------------------------------------------


def test_every_command_has_an_example():
    runner = CliRunner()
    for name in cli.main.commands["course"].commands:
        shown = runner.invoke(cli.main, ["course", name, "--help"]).output
        assert f"ionlab course {name}" in shown.partition("Example")[2]


def test_grading_an_unknown_lesson_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(cli.main, ["course", "grade", "05_gating_layr", "."])
    assert ran.exit_code == 2 and 'unknown lesson "05_gating_layr"' in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_pages_show_no_progress_bars_but_every_warning():
    bar = "fit:  10%|# | 1/2 [00:01, 2step/s]\rfit: 100%|##| 2/2 [00:01<00:00, 117.6step/s]\n"
    streams = [("stderr", bar), ("stderr", bar + "UserWarning: look\n"), ("stdout", "12%| of it")]
    outputs = [nbformat.v4.new_output("stream", name=n, text=t) for n, t in streams]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    shown = render.still(notebook).cells[0].outputs
    assert [(o.name, o.text) for o in shown] == [
        ("stderr", "UserWarning: look\n"),
        ("stdout", "12%| of it"),
    ]
    assert notebook.cells[0].outputs == outputs
