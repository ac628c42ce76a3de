"""One point of the grid, on a worker: the executed notebook, its page and a thumbnail.

All of it is written to the side and moved into place as a whole, with a record that says so.
"""

import base64
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ionlab.sweep.grid import VERSION

ASIDE = ".sweep-"  # what the names of folders that are being written begin with
RECORD = "run.json"
THUMBNAIL = "thumbnail.png"
PIXELS = 640  # the longer side of a thumbnail, twice of what is shown
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}


@dataclass(frozen=True)
class Record:
    """How a point went.

    Attributes
    ----------
    seconds : it took.
    error : in one line; empty if it finished.
    alt : what the thumbnail shows, in words; None if there is no picture.
    results : the content of results.json, if the notebook wrote one.
    key : of the point that was run.
    """

    seconds: float = 0.0
    error: str = ""
    alt: str | None = None
    results: dict = field(default_factory=dict)
    key: str = ""


def stored(out, point):
    """Return the record of a point that finished before, or None."""
    try:
        told = (Path(out) / point.folder / RECORD).read_text(encoding="utf-8")
        record = Record(**json.loads(told))
    except (OSError, ValueError, TypeError):  # never run, or not by this version
        return None
    return record if record.key == point.key and not record.error else None


def probe(token):
    """Return the version of ionlab on a worker, and whether it sees a file."""
    return VERSION, Path(token).exists()


def execute(text, name, point, out):
    """Run a notebook, given as text, at a point; write its folder within `out`; return a `Record`.

    What the notebook raises is the error of the record; its folder then has the notebook so far.
    """
    started_s = time.monotonic()
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=out))
    try:
        error = _run(text, name, point.parameters, aside)
        alt, results = None, {}
        try:
            alt = _pages(aside, name)
            results = _results(aside)
        except Exception as late:  # of the page or the results: the first error counts
            error = error or _line(type(late).__name__, late)
        record = Record(round(time.monotonic() - started_s, 1), error, alt, results, point.key)
        (aside / RECORD).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
        aside.chmod(0o755)
        _replace(Path(out) / point.folder, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return record


def _run(text, name, parameters, folder):
    """Execute the notebook in a folder; return the error in a line, or nothing."""
    import nbformat
    import papermill

    try:
        papermill.execute_notebook(
            nbformat.reads(text, as_version=4),
            folder / f"{name}.ipynb",
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            start_timeout=300,  # s, for kernels on a busy machine
            kernel_manager_class=_kernel_manager(),
            resources={"metadata": {"path": str(folder)}},  # cwd= would change that of all threads
        )
    except papermill.PapermillExecutionError as error:
        return _line(error.ename, error.evalue)
    except Exception as error:  # the kernel died, or never started
        return _line(type(error).__name__, error)
    return ""


def _kernel_manager():
    """Return a class of kernels: this interpreter, one thread each, whatever is installed.

    `notebook.this_python` does it by the environment, which the threads of a worker share. What a
    kernel itself says, as when it is shut down early, stays off the terminal; what a cell prints
    is in the notebook.
    """
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    class Kernel(AsyncKernelManager):
        @property
        def kernel_spec(self):
            quiet = ["--IPKernelApp.log_level=ERROR"]
            return KernelSpec(**get_kernel_dict(extra_arguments=quiet), env=ONE_THREAD)

        async def start_kernel(self, **options):
            return await super().start_kernel(stderr=subprocess.DEVNULL, **options)

    return Kernel


def _pages(folder, name):
    """Write the page and the thumbnail of an executed notebook; return the text of the latter."""
    import nbformat

    from ionlab.notebook import html

    executed = folder / f"{name}.ipynb"
    html(executed, folder / f"{name}.html")
    for cell in nbformat.read(executed, as_version=4).cells:
        for shown in cell.get("outputs", []):
            for kind in {"image/png", "image/jpeg"} & set(shown.get("data", {})):
                _thumbnail(base64.b64decode(shown.data[kind]), folder / THUMBNAIL)
                return shown.metadata.get(kind, {}).get("alt", "")
    return None


def _thumbnail(picture, path):
    """Write a picture as a small PNG on white."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        small = opened.convert("RGBA")
    small.thumbnail((PIXELS, PIXELS))
    page = Image.new("RGBA", small.size, "white")
    page.alpha_composite(small)
    page.convert("RGB").save(path, optimize=True)


def _results(folder):
    """Return the content of results.json, {} without one."""
    try:
        found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def _replace(place, folder):
    """Move a folder into place, instead of the one that stands there."""
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=ASIDE, dir=place.parent))
        os.replace(place, old / "old")
        shutil.rmtree(old, ignore_errors=True)
    os.replace(folder, place)


def _line(kind, message):
    """Return an error in one line."""
    return " ".join(f"{kind}: {message}".split())[:300]
