"""Student copies: the lessons without answers, to exercises and to questions alike.

What is folded away under "Answer" goes, hints stay; so does what a lesson tells in the open.
"""

import re
import shutil
from pathlib import Path

from ionlab import notebook as folder_of
from ionlab.course import lessons

TOLD = "The answer is with your instructor."
KEPT_BACK = ("instructor",)  # markdown files whose names begin so
ANSWER = re.compile(r"<details\b[^>]*>\s*<summary>\s*Answer\b.*?</details>", re.DOTALL)


def texts(folder=lessons.NOTEBOOKS):
    """Return the markdown files of a folder that students get."""
    return [p for p in sorted(Path(folder).glob("*.md")) if not p.name.startswith(KEPT_BACK)]


def copy(lesson, names):
    """Return a lesson without answers and outputs; links to files not in `names` become text."""
    notebook = lesson.read()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = unlinked(unanswered(cell.source), names)
    return notebook


def unanswered(source):
    """Put one line in place of every answer that is folded away; hints stay.

    >>> unanswered("Why? <details><summary>Answer</summary>It is.</details>")
    'Why? The answer is with your instructor.'
    """
    return ANSWER.sub(TOLD, source)


def unlinked(source, names):
    """Turn links to files that are not in `names` into their text.

    >>> unlinked("[a](a.md#x), [b](../b.py), [c](https://c.org)", {"a.md"})
    '[a](a.md#x), b, [c](https://c.org)'
    """

    def kept(match):
        target = match.group(2).partition("#")[0]
        keep = not target or target in names or re.match(r"[a-z][a-z+.-]*:", target)
        return match.group(0) if keep else match.group(1)

    return re.sub(r"(?<!!)\[([^]\n]*)\]\(([^)\s]+)\)", kept, source)


def write(out, folder=lessons.NOTEBOOKS):
    """Write student copies of all lessons, and the texts that they link, into `out`."""
    every, others = lessons.lessons(folder), texts(folder)
    names = {lesson.path.name for lesson in every} | {path.name for path in others}
    with folder_of.aside(out) as new:
        for lesson in every:
            lessons.write(copy(lesson, names), new / lesson.path.name)
        for path in others:
            text = unlinked(path.read_text(encoding="utf-8"), names)
            (new / path.name).write_text(text, encoding="utf-8")
            shutil.copystat(path, new / path.name)
    return [Path(out) / name for name in sorted(names)]
