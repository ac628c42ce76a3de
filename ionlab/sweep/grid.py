"""The grid: a notebook's parameters, the values to try, and the points that they span.

>>> values(["eta=1e-4,1e-3", "sizes=[8,16],[32]"], {"eta": 0.1, "sizes": [4], "seed": 0})
{'eta': [0.0001, 0.001], 'sizes': [[8, 16], [32]]}
"""

import ast
import hashlib
import itertools
import json
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ionlab.errors import BadValue, known
from ionlab.notebook import title

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
LONGEST = 80  # letters of the name of a folder
ADVICE = {
    bool: "true or false",
    int: "a whole number, as 3",
    float: "a number, as 1e-3",
    list: "a list, as [350,500]",
}


@dataclass(frozen=True)
class Source:
    """A notebook as it was when the sweep began.

    Attributes
    ----------
    name : of its file, without the suffix.
    title : its first heading.
    text : the file.
    code : a digest of what it does; outputs are no part of it.
    defaults : parameter -> default, in the order of the notebook.
    """

    name: str
    title: str
    text: str
    code: str
    defaults: dict

    @classmethod
    def read(cls, path):
        """Read a notebook and its parameters; raise `BadValue` for what cannot be swept."""
        import nbformat
        from papermill import inspect_notebook

        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            read = nbformat.reads(text, as_version=4)
            found = inspect_notebook(str(path))
        except Exception as error:  # of the file system, of nbformat or of papermill
            raise BadValue(
                f"a sweep runs a notebook; {path} cannot be read as one ({_line(error)}). "
                "Try notebooks/report.ipynb."
            ) from error
        if not found:
            raise BadValue(
                f"a sweep changes the parameters of a notebook; {path} has none. Give it a cell "
                "tagged parameters, with one literal a line."
            )
        does = [[c.cell_type, c.source, c.metadata.get("tags", [])] for c in read.cells]
        defaults = {name: _default(p["default"]) for name, p in found.items()}
        return cls(path.stem, title(read) or path.stem, text, _digest(does), defaults)


@dataclass(frozen=True)
class Point:
    """One point of the grid.

    Attributes
    ----------
    folder : its name, of the parameters; safe for file systems.
    shown : parameter -> value, as it was given.
    parameters : parameter -> value, as the notebook gets it: relative paths are made absolute.
    key : a digest of the notebook, the parameters and the version of ionlab.
    """

    folder: str
    shown: dict
    parameters: dict
    key: str

    def __str__(self):
        return ", ".join(f"{name}={value}" for name, value in self.shown.items())

    def __hash__(self):
        return hash(self.key)


def points(source, grid):
    """Return the points of a grid {name: values}, the last parameter changing fastest."""
    every = []
    for chosen in itertools.product(*grid.values()):
        by_name = dict(zip(grid, chosen, strict=True))
        typed = {name: by_name[name] for name in source.defaults if name in by_name}
        given = {name: _absolute(value) for name, value in typed.items()}
        shown = {k: str(v).lower() if isinstance(v, bool) else v for k, v in typed.items()}
        key = _digest([source.name, source.code, given, VERSION])
        every.append(Point(_folder(shown), shown, given, key))
    return every


# --- what was typed ----------------------------------------------------------------------


def values(texts, defaults):
    """Return name -> values of texts "name=value,value", each of the type of its default."""
    grid = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        name = name.strip()
        if not equals:
            raise BadValue(f'--grid takes NAME=VALUE,VALUE, got "{text}". Try eta=1e-4,1e-3.')
        known("notebook parameter", name, defaults)
        if name in grid:
            raise BadValue(
                f"--grid names each parameter once, got {name} twice. Join its values with commas: "
                f"{name}=A,B."
            )
        grid[name] = [_value(name, one, defaults[name]) for one in _split(listed)]
        for k, value in enumerate(grid[name]):
            if value in grid[name][:k]:
                raise BadValue(f"--grid takes each value once, got {name}={value} twice.")
    return grid


def _split(text):
    """Return the parts between commas that are not within brackets or quotes.

    >>> _split("[1,2],[3],'a,b'")
    ['[1,2]', '[3]', "'a,b'"]
    """
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += not quote and (letter in "[(") - (letter in "])")
        if letter == "," and not quote and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _value(name, text, default):
    """Return a text as a value of the type of the default."""
    kind = type(default)
    try:
        if kind is str:
            return _unquoted(text)
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is int:
            return int(text)
        if kind is float:
            return _finite(float(text))
        if kind is list:
            return _list(text, default)
        value = ast.literal_eval(text)
        if default is not None and not isinstance(value, kind):
            raise ValueError
        return value
    except (KeyError, ValueError, SyntaxError, TypeError):
        wanted = ADVICE.get(kind, f"a literal like its default, {default!r}")
        raise BadValue(
            f'the notebook parameter {name} must be of type {kind.__name__}, got "{text}". '
            f"Write {wanted}."
        ) from None


def _unquoted(text):
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _finite(number):
    if not math.isfinite(number):
        raise ValueError
    return number


def _list(text, default):
    """Return a list whose entries are of the type of the default's first; "[a,b]" may be bare."""
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError
    entries = _split(text[1:-1]) if text[1:-1].strip() else []
    if not default:
        return ast.literal_eval(text)
    return [_value("", entry, default[0]) for entry in entries]


def _default(text):
    """Return a default as a value; what is no literal on one line is taken for a text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _absolute(value):
    """Return the absolute path of a text that names a file or folder here or in the project.

    The notebook runs elsewhere. A bare word without a dot or slash is never taken for a path.
    """
    if isinstance(value, str) and re.search(r"[./\\]", value):
        for place in (Path(value), ROOT / value):
            if place.exists():
                return str(place.absolute())
    return value


# --- names and digests -------------------------------------------------------------------


def _folder(shown):
    """Return a readable name; a digest makes it unique where letters had to go.

    Upper case counts as gone: some file systems do not tell it from lower case.

    >>> _folder({"eta": 0.001, "perturbation": "ito"})
    'eta=0.001,perturbation=ito'
    """
    name = ",".join(f"{parameter}={value}" for parameter, value in shown.items())
    values = "".join(map(str, shown.values()))
    safe = re.sub(r"[^\w.,=+-]+", "-", name, flags=re.ASCII)
    if safe == name and len(name) <= LONGEST and name[-1] != "." and values == values.lower():
        return name
    return f"{safe[:LONGEST].rstrip('.')}-{_digest(name)[:8]}"


def _digest(content):
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _line(error):
    """Return an exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
