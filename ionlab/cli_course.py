"""The commands of the course. What a command needs is imported inside it."""

import sys
from pathlib import Path

import click

from ionlab.options import file_to_write, folder_to_write

jobs = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many run at a time; they share the cores.",
)


@click.group(short_help="Student copies, the book, grading.")
def course():
    """Teach with the lessons: link them, copy them for students, print them, grade answers.

    \b
    Examples:
      ionlab course student --out build/student
      ionlab course book --out build/book
      ionlab course grade 05 submissions --out grades.csv
    """


@course.command(short_help="Link the lessons with each other.")
def nav():
    """Write the line with the lessons before and after into every cell tagged nav.

    Run it after a lesson was added, renamed or given another title. Only notebooks whose line is
    another are written; their names are printed.

    \b
    Example:
      ionlab course nav
    """
    from ionlab.course import lessons

    for path in lessons.write_navigation():
        click.echo(path.name)


@course.command(short_help="Copies without the answers.")
@click.option(
    "--out", default="build/student", show_default=True, metavar="DIR", help="Folder of the copies."
)
def student(out):
    """Write student copies: the lessons without answers and outputs, with all that they link.

    \b
    Example:
      ionlab course student --out build/student
    """
    folder_to_write(out)
    from ionlab.course import student as room

    click.echo(f"{len(room.write(out))} files in {out}")


@course.command(short_help="All lessons, executed, as pages.")
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option(
    "--out", default="build/book", show_default=True, metavar="DIR", help="Folder of the pages."
)
@jobs
def book(lessons, out, jobs):
    """Execute the lessons and write them as pages of HTML that need no network.

    Without LESSON, all are run; what did not change since the last time is not run again. A lesson
    that fails is named, with its error, and the exit status is 1; the others are written.

    \b
    Examples:
      ionlab course book --out build/book
      ionlab course book 05 07
    """
    folder_to_write(out)
    from tqdm import tqdm

    from ionlab.course import book as room

    made = room.make(out, lessons, jobs, say=lambda line: tqdm.write(line, file=sys.stderr))
    click.echo(str(made.contents))
    if made.failed:
        raise click.ClickException(f"not all lessons ran: {', '.join(made.failed)}")


@course.command(short_help="Points for submitted notebooks.")
@click.argument("lesson")
@click.argument("submissions", metavar="DIR")
@click.option(
    "--out", default="grades.csv", show_default=True, metavar="FILE.csv", help="The file to write."
)
@click.option(
    "--timeout",
    type=float,
    default=120.0,
    show_default=True,
    help="Seconds for a submission; its exercises share them.",
)
@jobs
def grade(lesson, submissions, out, timeout, jobs):
    """Check the exercises of LESSON in every notebook of DIR; write points as CSV.

    Sub-folders are searched too. Of a submission only the exercise cells are run, against the
    checks of the lesson here. Columns are submission, each exercise, total, of, and note: what
    went wrong.

    \b
    Example:
      ionlab course grade 05 submissions --out grades.csv
    """
    file_to_write(out)
    from ionlab.course import grade as room

    of, grades = room.grade(lesson, Path(submissions), timeout, jobs)
    room.write(out, of, grades)
    click.echo(out)
