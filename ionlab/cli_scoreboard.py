"""The command `ionlab scoreboard`."""

import click

from ionlab.options import OUT_HELP, Name, folder_to_write, going_on, seed

# `ionlab.scoreboard` needs torch; a test compares
KINDS = (
    "one-current",
    "two-currents",
    "shift",
    "tau",
    "imperfect-amounts",
    "imperfect-kinetics",
    "no-change",
)
METHODS = ("n2", "n2-no-upstroke", "membrane", "least-squares", "identify")


@click.command(short_help="Which method names the right current.")
@click.option("--out", required=True, metavar="DIR", help=OUT_HELP)
@click.option(
    "--only",
    type=Name("kind", KINDS),
    multiple=True,
    help="Only pairs of this kind; may be given again.",
)
@click.option(
    "--method",
    "methods",
    type=Name("method", METHODS),
    multiple=True,
    help="Only this method; may be given again.",
)
@click.option("--pairs", type=click.IntRange(min=1), help="So many pairs only, for a quick look.")
@click.option(
    "--random",
    type=click.IntRange(min=1),
    metavar="COUNT",
    help="Pairs drawn at random instead of the public set.",
)
@seed
@click.pass_context
def scoreboard(ctx, out, only, methods, pairs, random, seed):
    """Put methods to simulated pairs of recordings whose answer is known.

    The pairs are made by an implicit solver at tight tolerance, a public set or drawn at random:
    currents changed one and two at once, gates shifted and slowed, cells that are not quite the
    model, and pairs in which nothing changed. Prints, by kind of pair and method, how often the
    right current came first, errors, coverage and time, and writes DIR/scoreboard.csv,
    DIR/summary.csv and DIR/scoreboard.json. The same command goes on where it stopped.

    \b
    Examples:
      ionlab scoreboard --out out/scoreboard
      ionlab scoreboard --only shift --method identify --pairs 3 --out out/look
      ionlab scoreboard --random 60 --seed 1 --method identify --out out/unseen
    """
    folder_to_write(out)
    from ionlab import scoreboard as room
    from ionlab.scoreboard import run, table

    drawn = room.PAIRS if random is None else room.random_pairs(random, seed)
    with going_on(ctx, out):
        found = run.run(out, run.chosen(drawn, only, pairs), methods or METHODS)
    click.echo(table.text(found))
    for name in (run.ROWS, run.SUMMARY, run.ALL):
        click.echo(f"{out}/{name}")
