"""Points for a folder of submitted notebooks.

Only the exercise cells of a submission are run, with the parameters, setup and checks of our own
lesson: an edited check changes nothing. Each submission has a process and a folder of its own and
a time limit; what breaks, hangs or ends the process costs the points of its own exercise only.
This guards against accidents, not against a student who attacks the grader: read what was handed
in before a grade depends on it.
"""

import csv
import io
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from ionlab.check.verdict import UNTRIED
from ionlab.course import lessons
from ionlab.errors import BadValue, IonlabError, positive

TIMEOUT_S = 120.0
THREADS = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # of each of several processes
DIED = "kernel died"


@dataclass(frozen=True)
class Task:
    """What of a lesson is graded: the code before the exercises; id -> (stub, check)."""

    before: tuple[str, ...]
    exercises: dict[str, tuple[str, str]]

    @classmethod
    def of(cls, lesson):
        notebook = lesson.read()
        first = lessons.tagged(notebook, "parameters") + lessons.tagged(notebook, "setup")
        cells = lessons.by_id(notebook)
        found = {
            name: (cells[name].source, cells[name.replace("exercise", "check")].source)
            for name in lessons.exercises(notebook)
        }
        if not found:
            raise BadValue(f"lesson {lesson.name} has no exercises. Name another one.")
        return cls(tuple(cell.source for cell in first), found)


@dataclass(frozen=True)
class Grade:
    """What became of a submission: id of the exercise -> verdict, as a dict; what went wrong."""

    submission: str
    verdicts: dict[str, dict]
    notes: tuple[str, ...] = ()

    def points(self, name, of):
        return max(0, min(self.verdicts.get(name, {}).get("points", 0), of))


def judge(task, codes, timeout_s=TIMEOUT_S, submission="", stop=None):
    """Run exercises (id -> code) against their checks; return a `Grade`.

    The k-th of n exercises must be done when k/n of the time is over, so that one that never ends
    leaves the others their share.
    """
    started, verdicts, notes = time.monotonic(), {}, []
    names = [name for name in task.exercises if name in codes]
    notes += [f"{name} is missing" for name in task.exercises if name not in codes]
    left = list(names)
    while left:
        with _Process(task, {name: codes[name] for name in left}) as process:
            while left:
                share = timeout_s * (len(names) - len(left) + 1) / len(names)
                event = process.next(name := left[0], started + share, stop)
                left.pop(0)
                if "verdict" in event:
                    verdicts[name] = event["verdict"] or {}
                    if not verdicts[name]:
                        notes.append(f"{name} has no verdict")
                elif "error" in event:
                    notes.append(f"{name} raised {event['error']}")
                elif "broken" in event:
                    notes.append(f"the setup raised {event['broken']}")
                    left = []
                else:
                    late = f"timed out after {timeout_s / len(names):.3g} s"
                    notes.append(f"{name}: {late if event['late'] else DIED}")
                    break
    return Grade(submission, verdicts, tuple(notes))


class _Process:
    """A process that runs exercises, in a session and a folder of its own."""

    def __init__(self, task, codes):
        exercises = [(name, code, task.exercises[name][1]) for name, code in codes.items()]
        self.given = json.dumps({"before": task.before, "exercises": exercises})
        self.lines = queue.Queue()

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ionlab-", ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ionlab.course.worker"],
            cwd=self.folder.name,
            env={**os.environ, **THREADS, "MPLBACKEND": "agg"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            encoding="utf-8",
        )
        with suppress(BrokenPipeError):  # it ended at once; told by the lines that do not come
            self.process.stdin.write(self.given)
            self.process.stdin.close()
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next(self, name, deadline, stop):
        """The event that ends an exercise, or {"late": whether the time was over}."""
        while time.monotonic() < deadline:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            try:
                line = self.lines.get(timeout=0.1)
            except queue.Empty:
                continue
            if line is None:
                return {"late": False}
            event = json.loads(line)
            if event.get("end") == name or "broken" in event:
                return event
        return {"late": True}

    def __exit__(self, *raised):
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # not reaped yet: the id is its own
        else:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


# --- a folder of submissions -------------------------------------------------------------


def submissions(folder):
    """Return the notebooks of a folder and its sub-folders, but for the copies of an editor."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadValue(f"submissions are read from a folder, got {folder}. Name one that exists.")
    found = sorted(
        path
        for path in folder.rglob("*.ipynb")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
    if not found:
        raise BadValue(f"there is no notebook (*.ipynb) in {folder}. Name another folder.")
    return found


def handed_in(path, task):
    """Return the code of the exercises in a submission: id -> code; None if it is no notebook."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on ids that an editor left out
            notebook = nbformat.read(path, as_version=4)
        cells = lessons.by_id(notebook)
        return {name: cells[name].source for name in task.exercises if name in cells}
    except Exception:  # whatever a file can hold instead
        return None


def grade(given, folder, timeout_s=TIMEOUT_S, jobs=2, course=lessons.NOTEBOOKS):
    """Judge all submissions of a lesson; return exercise -> points to reach, and the grades."""
    positive("the time limit (s)", timeout_s, "Try 120.")
    task = Task.of(lessons.find(given, course))
    paths = submissions(folder)
    of = points_to_reach(task)
    stop = threading.Event()

    def one(path, codes):
        name = path.relative_to(folder).as_posix()
        if codes is None:
            return Grade(name, {}, ("not a notebook",))
        return judge(task, codes, timeout_s, name, stop)

    handed = [(path, handed_in(path, task)) for path in paths]
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, *each) for each in handed]
        try:
            for _ in tqdm(as_completed(futures), total=len(futures), disable=None):
                pass
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return of, [future.result() for future in futures]


def points_to_reach(task):
    """Return exercise -> points, as the untouched stubs are told; the lesson itself must run."""
    stubs = judge(task, {name: stub for name, (stub, _) in task.exercises.items()})
    for name in task.exercises:
        if stubs.verdicts.get(name, {}).get("status") != UNTRIED:
            told = "; ".join(stubs.notes) or stubs.verdicts[name]["status"]
            raise IonlabError(
                f'the stub of {name} must be told "{UNTRIED}", got: {told}. Mend the lesson first.'
            )
    return {name: stubs.verdicts[name]["of"] for name in task.exercises}


def table(of, grades):
    """Return the grades as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["submission", *of, "total", "of", "note"])
    for each in grades:
        points = [each.points(name, most) for name, most in of.items()]
        note = "; ".join(" ".join(line.split()) for line in each.notes)
        rows.writerow([each.submission, *points, sum(points), sum(of.values()), note])
    return text.getvalue()


def write(out, of, grades):
    """Write the grades as CSV, in one step."""
    beside = Path(out).with_name(f".{Path(out).name}.new")
    beside.write_text(table(of, grades), encoding="utf-8")
    os.replace(beside, out)
