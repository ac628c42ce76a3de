"""What the commands share: names with a closest match, errors on their way out, places to write."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import click

from ionlab.errors import BadValue, IonlabError, known, positive

PRESETS = ("fast", "paper")  # `ionlab.presets` needs torch; a test compares
METHODS = ("rush-larsen", "BDF", "LSODA", "Radau")
GATES = ("published", "learned")
DATASETS = ("lei2017",)
INTERRUPTED = (
    "interrupted. What `ionlab reproduce` had finished is stored: the same command goes on where "
    "it stopped."
)


class Refused(click.ClickException):
    """An `IonlabError` on its way out: its message on stderr, exit status 2."""

    exit_code = 2

    def show(self, file=None):
        click.echo(f"error: {self.format_message()}", err=True)


class Commands(click.Group):
    """Turns ionlab's errors, and Ctrl-C, into a line and an exit status."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except IonlabError as error:
            raise Refused(str(error)) from error
        except KeyboardInterrupt:
            click.echo(INTERRUPTED, err=True)
            ctx.exit(130)


@contextmanager
def going_on(ctx, out):
    """Say at Ctrl-C that what has finished is kept in a folder, and leave."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"interrupted. What had finished is kept in {out}: the same command goes on where it "
            "stopped.",
            err=True,
        )
        ctx.exit(130)


class Name(click.ParamType):
    """One of a list of names; another one raises with the closest match."""

    def __init__(self, kind, names):
        self.name, self.names = kind, names

    def listed(self):
        return self.names() if callable(self.names) else self.names

    def convert(self, value, param, ctx):
        return known(self.name, value, tuple(self.listed()))

    def get_metavar(self, param, ctx=None):
        return f"[{'|'.join(self.listed())}]"


class CellName(Name):
    """A cell by name, or a model file by its path, which is made absolute."""

    def convert(self, value, param, ctx):
        from ionlab.cells import SUFFIXES, find

        path = str(Path(value).absolute()) if value.endswith(SUFFIXES) else value
        find(path)
        return path

    def get_metavar(self, param, ctx=None):
        return f"{super().get_metavar(param, ctx)[:-1]}|FILE.mmt|FILE.cellml]"


class Scale(click.ParamType):
    """NAME=FACTOR, as g_Kr=0.5."""

    name = "NAME=FACTOR"

    def convert(self, value, param, ctx):
        parameter, _, factor = value.partition("=")
        advice = f"0.5 halves it, 0 removes it: --scale {parameter or 'NAME'}=0.5"
        try:
            number = float(factor)
        except ValueError:
            raise BadValue(f'--scale takes NAME=FACTOR, got "{value}". {advice}') from None
        if number != 0:
            positive(f"the factor of {parameter}", number, advice)
        return parameter.strip(), number


def cell_names():
    from ionlab.cells import CELLS

    return CELLS


def perturbation_names():
    from ionlab.perturb import PERTURBATIONS

    return PERTURBATIONS


OUT_HELP = "Folder of the results; it is made if it does not exist."
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of all that is random; the same seed gives the same result.",
)
device = click.option(
    "--device",
    type=Name("device", ("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="Where the networks train; auto takes the GPU if there is one.",
)
cell_option = click.option(
    "--cell",
    type=CellName("cell", cell_names),
    default="tentusscher2004",
    show_default=True,
    help="The ionic model: one that ships, or a file of Myokit or CellML.",
)


# --- places to write to, tried before the work -------------------------------------------


def _writable(folder, name):
    """Raise `BadValue` if no file can be made in a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadValue(
            f"--out must be a place to write to, got {name} ({error.strerror}). Choose another."
        ) from None


def file_to_write(name):
    path = Path(name)
    if path.is_dir():
        raise BadValue(f"--out must name a file, got the folder {name}. Try {path / 'out.csv'}.")
    if not path.parent.is_dir():
        raise BadValue(
            f"--out must name a file in a folder that exists, got {name}. "
            f"Make the folder {path.parent} first."
        )
    _writable(path.parent, name)


def folder_to_write(name):
    """Try the nearest folder that exists, so that a refused command leaves none behind."""
    path = Path(name).absolute()
    nearest = next(p for p in (path, *path.parents) if os.path.exists(p))
    if not nearest.is_dir():
        raise BadValue(
            f"--out must name a folder, got {name}, but {nearest} is a file. Choose another."
        )
    _writable(nearest, name)
