"""The lessons as files: their order, their titles, their cells by tag, the links between them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ionlab.errors import UnknownName

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
APPENDIX = "report.ipynb"
CONTENTS = "[Contents](README.md)"


@dataclass(frozen=True)
class Lesson:
    """A notebook of the course: its file, its two digits ("" for the appendix), its title."""

    path: Path
    number: str
    title: str

    @property
    def name(self):
        """File name without its ending: `05_gating_layer`."""
        return self.path.stem

    def read(self):
        """Return the notebook."""
        return nbformat.read(self.path, as_version=4)


def lessons(folder=NOTEBOOKS):
    """Return the lessons of a folder in their order, the report as an appendix at the end.

    >>> [lesson.number for lesson in lessons()][-2:]
    ['16', '']
    """
    folder = Path(folder)
    files = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    files += [folder / APPENDIX] if (folder / APPENDIX).exists() else []
    return [
        Lesson(path, path.stem[:2] if path.name != APPENDIX else "", title(path)) for path in files
    ]


def find(given, folder=NOTEBOOKS):
    """Return the lesson of a number or name: 5, 05, 05_gating_layer, report."""
    named = {key: lesson for lesson in lessons(folder) for key in (lesson.name, lesson.number)}
    named.pop("", None)
    key = str(given).removesuffix(".ipynb")
    key = key.zfill(2) if key.isdigit() else key
    if key not in named:
        short = len(key) < 4
        every = [lesson.number if short else lesson.name for lesson in lessons(folder)]
        raise UnknownName("lesson", given, filter(None, every))
    return named[key]


def title(path):
    """Return the first heading of a notebook, without its mark."""
    for cell in nbformat.read(path, as_version=4).cells:
        heading = re.search(r"^# +(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            return heading.group(1).strip()
    return Path(path).stem


def tags(cell):
    return cell.metadata.get("tags", [])


def tagged(notebook, tag):
    """Return the cells that bear a tag, in their order."""
    return [cell for cell in notebook.cells if tag in tags(cell)]


def by_id(notebook):
    """Return id -> cell, the first of each; some editors keep the id among the metadata."""
    named = {}
    for cell in notebook.cells:
        named.setdefault(cell.metadata.get("id") or cell.get("id"), cell)
    return named


def exercises(notebook):
    """Return the ids of the exercises in their order: exercise-1, exercise-2, ..."""
    return [cell.id for cell in tagged(notebook, "exercise")]


def answer(cell):
    """Return the code of the answer in a solution cell; "" if there is not exactly one block."""
    details = re.findall(r"<details>(.*?)</details>", cell.source, re.DOTALL)
    told = [text for text in details if re.search(r"<summary>\s*Answer", text)]
    blocks = re.findall(r"^```python\n(.*?)^```", "\n".join(told), re.DOTALL | re.MULTILINE)
    return blocks[0] if len(blocks) == 1 else ""


def write(notebook, path):
    """Write a notebook as nbformat does, in one step."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.new")
    nbformat.write(notebook, beside)
    os.replace(beside, path)


# --- navigation --------------------------------------------------------------------------


def navigation(path):
    """Return the line of markdown that links a lesson with the one before and the one after."""
    path = Path(path)
    every = lessons(path.parent)
    (here,) = (place for place, lesson in enumerate(every) if lesson.path.name == path.name)
    links = [CONTENTS]
    if here > 0:
        links.insert(
            0, f"[\N{LEFTWARDS ARROW} {every[here - 1].title}]({every[here - 1].path.name})"
        )
    if here + 1 < len(every):
        after = every[here + 1]
        links.append(f"[{after.title} \N{RIGHTWARDS ARROW}]({after.path.name})")
    return " | ".join(links)


def navigated(notebook, line):
    """Give every cell tagged nav that first line, in place; say whether one was another."""
    changed = False
    for cell in tagged(notebook, "nav"):
        first, *rest = cell.source.split("\n")
        if first != line:
            cell.source, changed = "\n".join([line, *rest]), True
    return changed


def write_navigation(folder=NOTEBOOKS):
    """Write the navigation of every lesson whose line is another; return those files."""
    written = []
    for lesson in lessons(folder):
        notebook = lesson.read()
        if navigated(notebook, navigation(lesson.path)):
            write(notebook, lesson.path)
            written.append(lesson.path)
    return written
