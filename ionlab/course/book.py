"""The book: every lesson executed and written as a page, with contents, glossary and guide.

What was executed is kept in `OUT/.executed`; a lesson whose notebook, library and data are as they
were is not run again, so that a build which was stopped goes on where it was.
"""

import asyncio
import hashlib
import html
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from ionlab import notebook as shared
from ionlab.course import lessons, render
from ionlab.errors import BadValue, IonlabError

ROOT = lessons.NOTEBOOKS.parent
FIRST = {"README.md": "index.html"}  # the page of contents
CELL_S = 300  # the longest that a cell may take
NOT_COMPUTING = ("course", "cli.py", "cli_course.py")  # of ionlab/: no lesson runs it


@dataclass(frozen=True)
class Book:
    """What was made: the page of contents; lesson -> error of those that failed."""

    contents: Path
    failed: dict[str, str]


def make(out, chosen=(), jobs=2, folder=lessons.NOTEBOOKS, say=print):
    """Execute lessons and write the pages of all; return a `Book`.

    chosen : numbers or names of the lessons to run; none are all. The pages of the others show
        what was stored, or no results.
    """
    folder, out = Path(folder), Path(out)
    every = lessons.lessons(folder)
    run = [lessons.find(name, folder) for name in chosen] or every
    store = out.absolute() / ".executed"
    store.mkdir(parents=True, exist_ok=True)
    library = _library()
    todo = {lesson: _stored(store, lesson, library) for lesson in run}
    failed = _execute_all({k: place for k, place in todo.items() if not place.exists()}, jobs, say)
    with shared.aside(out) as new:
        pages = {path.name: FIRST.get(path.name, path.stem + ".html") for path in _files(folder)}
        for path in folder.glob("*.md"):
            (new / pages[path.name]).write_text(_text_page(path, pages), encoding="utf-8")
        for lesson in every:
            try:
                text = _lesson_page(lesson, store, failed.get(lesson.name), pages)
            except BadValue as error:  # an equation
                failed[lesson.name] = str(error)
                text = _lesson_page(lesson, store, str(error), pages)
            (new / pages[lesson.path.name]).write_text(text, encoding="utf-8")
    return Book(out / FIRST["README.md"], dict(sorted(failed.items())))


# --- executing ---------------------------------------------------------------------------


def _execute_all(places, jobs, say):
    """Run lessons (lesson -> file to keep the result in); return lesson -> error."""
    failed = {}
    with shared.this_python(), ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(execute, lesson, jobs): lesson for lesson in places}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), disable=None):
                lesson = futures[future]
                if error := future.exception():
                    lines = str(error).strip().splitlines() or [type(error).__name__]
                    failed[lesson.name] = lines[0]
                else:
                    _keep(future.result(), lesson, places[lesson])
                say(f"{lesson.name}: {failed.get(lesson.name, 'executed')}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def execute(lesson, jobs=1):
    """Run a lesson in a kernel of this interpreter; return the notebook with its outputs.

    Its folder is an empty one, and `jobs` lessons at a time share the cores.
    """
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    notebook = lesson.read()
    with tempfile.TemporaryDirectory(prefix="ionlab-") as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_S,
            kernel_name="python3",
            store_widget_state=False,  # the page shows the picture that a widget leaves
            resources={"metadata": {"path": folder}},
        )
        env = {**os.environ, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
        try:
            asyncio.run(client.async_execute(env=env))  # closes its loop
        except CellExecutionError as error:
            here = next(c.id for c in notebook.cells if _raised(c))
            raise IonlabError(f"cell {here}: {error.ename}: {error.evalue}") from error
    return notebook


def _raised(cell):
    return any(output.output_type == "error" for output in cell.get("outputs", ()))


def _library():
    """A hash of all that a lesson computes with."""
    found = hashlib.sha256()
    package = ROOT / "ionlab"
    code = (
        path
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in NOT_COMPUTING
    )
    data = (p for p in (ROOT / "data").rglob("*") if p.is_file())
    for path in sorted([*code, *data]):
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.digest()


def _stored(store, lesson, library):
    """The file that keeps a lesson executed, by the hash of all that went into it."""
    key = hashlib.sha256(library + lesson.path.read_bytes()).hexdigest()[:16]
    return store / f"{lesson.name}-{key}.ipynb"


def _keep(executed, lesson, place):
    """Keep what was executed, in place of what was kept before."""
    lessons.write(executed, place)
    for old in place.parent.glob(f"{lesson.name}-*.ipynb"):
        if old != place:
            old.unlink()


# --- pages -------------------------------------------------------------------------------


def _files(folder):
    return [*(lesson.path for lesson in lessons.lessons(folder)), *sorted(folder.glob("*.md"))]


def _text_page(path, pages):
    source = path.read_text(encoding="utf-8")
    heading = next(line for line in source.splitlines() if line.startswith("# ")).lstrip("# ")
    leads_back = path.name in FIRST or lessons.CONTENTS in source
    line = "" if leads_back else _bar(lessons.CONTENTS)
    return render.page(heading, line + render.markdown(source) + line, pages)


def _lesson_page(lesson, store, error, pages):
    line = lessons.navigation(lesson.path)
    if error:
        told = f"<p>This lesson did not run.</p><pre>{html.escape(error)}</pre>"
        body = f"<h1>{html.escape(lesson.title)}</h1>{told}"
    else:
        kept = [*store.glob(f"{lesson.name}-*.ipynb"), lesson.path]
        notebook = nbformat.read(kept[0], as_version=4)
        lessons.navigated(notebook, line)
        body = render.cells(notebook)
    if error or not lesson.number:
        body = _bar(line) + body + _bar(line)
    return render.page(lesson.title, body, pages)


def _bar(line):
    return f"<nav>{render.markdown(line)}</nav>"
