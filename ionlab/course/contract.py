"""What every lesson must be, so that navigation, student copies, book and grading can rely on it.

`problems` says in sentences what a notebook lacks; CONTRIBUTING.md has the recipe of a lesson.
"""

import ast
import re
from pathlib import Path

import nbformat

from ionlab.course import lessons, render
from ionlab.errors import BadValue

CELLS = (25, 35)
ONE = ("goals", "parameters", "setup", "summary")  # tags of exactly one cell
SOME = ("exercise", "widget", "verify")  # tags of one cell or more
FORBIDDEN = {
    "interact": "it hangs where no person is",
    "interactive": "it hangs where no person is",
    "interactive_output": "it hangs where no person is",
    "Output": "it hangs where no person is, and swallows exceptions",
    "pyplot": "figures are `plot.Drawing`, with alt text",
    "Javascript": "a page shows it without the front end",
}
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
CHECK = re.compile(r"check\.\w+\(\w+\)")
PARAMETER = re.compile(r"(\w+): (\w+) = (.+?)  # \S.*")


def problems(path):
    """Return what a lesson lacks, a sentence each; an empty list if it keeps the contract."""
    path = Path(path)
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        return [f"The format must be 4.5, not {notebook.nbformat}.{notebook.nbformat_minor}."]
    checks = (
        _whole, _ids, _tags, _words, _folded, _parameters, _exercises, _code, _navigation,
        _markdown,
    )  # fmt: skip
    return [sentence for check in checks for sentence in check(notebook, path)]


def _whole(notebook, path):
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"It is not a valid notebook: {error.message}."
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "The kernel must be called python3."
    if not CELLS[0] <= len(notebook.cells) <= CELLS[1]:
        yield f"It must have {CELLS[0]} to {CELLS[1]} cells, not {len(notebook.cells)}."
    for cell in notebook.cells:
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            yield f"Cell {cell.id} has outputs; strip them."


def _ids(notebook, path):
    ids = [cell.id for cell in notebook.cells]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"The id {name} stands twice."
    for name in ids:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            yield f"The id {name} is not in kebab-case."
        if re.fullmatch(r"(?=.*\d)[0-9a-f]{8}(-[0-9a-f-]+)?", name):
            yield f"The id {name} says nothing; name what the cell does."


def _tags(notebook, path):
    for tag in ONE:
        if (count := len(lessons.tagged(notebook, tag))) != 1:
            yield f"One cell must be tagged {tag}, not {count}."
    for tag in SOME:
        if not lessons.tagged(notebook, tag):
            yield f"No cell is tagged {tag}."
    marked = [lessons.tags(cell) for cell in notebook.cells]
    for place, tag in ((0, "nav"), (2, "goals"), (-1, "nav")):
        if len(marked) > 2 and tag not in marked[place]:
            where = {0: "first", 2: "third", -1: "last"}[place]
            yield f"The {where} cell must be tagged {tag}."


def _words(notebook, path):
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    heading = f"# {int(path.name[:2])}. "
    if len(texts) > 1 and not texts[1].startswith(heading):
        yield f'The second cell must begin with "{heading}", and its title.'
    for cell in lessons.tagged(notebook, "goals"):
        for words in ("Reading:", "Running:", "Before this:"):
            if words not in cell.source:
                yield f'The goals do not say "{words}".'
    for word in ("Predict", "Think"):
        if not any(re.search(rf"\b{word}\b", text) for text in texts):
            yield f"There is no {word}."
    if texts and "**References.**" not in texts[-1]:
        yield 'The last cell does not say "**References.**".'


def _folded(notebook, path):
    """Student copies keep hints and lose answers; they must know which is which."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        summaries = re.findall(r"<details\b[^>]*>\s*<summary>\s*(.*?)\s*</summary>", cell.source)
        if len(summaries) < cell.source.count("<details"):
            yield f"Cell {cell.id} folds something away without a summary."
        for summary in summaries:
            if not re.match(r"(Hint|Answer)\b", summary):
                yield f'Cell {cell.id} has text folded away under "{summary}", not Hint or Answer.'


def _parameters(notebook, path):
    for cell in lessons.tagged(notebook, "parameters"):
        for line in cell.source.splitlines():
            match = PARAMETER.fullmatch(line)
            try:
                value = ast.literal_eval(match.group(3)) if match else None
            except (ValueError, SyntaxError):
                match = None
            if not match:
                yield f'The parameter "{line}" must read "name: type = literal  # what it is".'
            elif type(value).__name__ != match.group(2):
                yield f"The parameter {match.group(1)} is no {match.group(2)}: {value!r}."


def _exercises(notebook, path):
    names = lessons.exercises(notebook)
    if names != [f"exercise-{k + 1}" for k in range(len(names))]:
        yield f"Exercises must be numbered from 1 in their order, not {', '.join(names)}."
        return
    places = {cell.id: place for place, cell in enumerate(notebook.cells)}
    for number, name in enumerate(names, 1):
        others = {f"{tag}-{number}": tag for tag in ("check", "solution")}
        missing = [
            other
            for other, tag in others.items()
            if other not in places or tag not in lessons.tags(notebook.cells[places[other]])
        ]
        if missing:
            yield f"{name} has no cell with that id and tag: {', '.join(missing)}."
            continue
        if not places[name] < places[f"check-{number}"] < places[f"solution-{number}"]:
            yield f"{name}, its check and its solution must stand in this order."
        stub, check, solution = (
            notebook.cells[places[key]] for key in (name, f"check-{number}", f"solution-{number}")
        )
        if "..." not in stub.source:
            yield f"{name} has no ... to replace."
        if not CHECK.fullmatch(check.source.strip()):
            yield f'check-{number} must be one line, "check.name(answer)".'
        if not re.search(r"<summary>\s*Hint", solution.source):
            yield f"solution-{number} has no hint."
        if not lessons.answer(solution):
            yield f"solution-{number} must have an answer with exactly one ```python block."
    for tag in ("check", "solution"):
        if len(lessons.tagged(notebook, tag)) != len(names):
            yield f"There must be one {tag} for each exercise."


def _code(notebook, path):
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"Cell {cell.id} is no Python: {error.msg}, line {error.lineno}."
            continue
        for name in sorted(_names(tree) & FORBIDDEN.keys()):
            yield f"Cell {cell.id} uses {name}: {FORBIDDEN[name]}."
        if "raises-exception" in lessons.tags(cell):
            yield f"Cell {cell.id} is tagged raises-exception, which hides failures."


def _names(tree):
    """All names, attributes and imported names in a piece of code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found |= set(node.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            found |= set((node.module or "").split("."))
    return found


def _navigation(notebook, path):
    line = lessons.navigation(path)
    for cell in lessons.tagged(notebook, "nav"):
        if cell.source.split("\n")[0] != line:
            yield f"The navigation in {cell.id} is old; write it with `ionlab course nav`."


def _markdown(notebook, path):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for sentence in text_problems(cell.source, path):
                yield f"{sentence[:-1]} (cell {cell.id})."


def text_problems(source, path):
    """Return what is wrong with links, equations and tables in the markdown of a file."""
    found = []
    try:
        if "<p>|" in render.markdown(source):
            found.append("A table is not one: there is a | within a cell.")
    except BadValue as error:
        found.append(str(error))
    for target in LINK.findall(re.sub(r"```.*?```", "", source, flags=re.DOTALL)):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = Path(path).parent / name if name else Path(path)
        if not file.exists():
            found.append(f"The link {target} leads to no file.")
        elif anchor and not {anchor, render.slug(anchor)} & anchors(file):
            found.append(f"The link {target} leads to no heading of that name.")
    return found


def anchors(path):
    """Return the anchors of a notebook or a markdown file: its headings, and its ids."""
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {render.slug(re.sub("[*`]", "", heading)) for heading in plain} | set(
        re.findall(r'\b(?:id|name)="([^"]+)"', text)
    )
