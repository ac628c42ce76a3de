"""The command `ionlab sweep`."""

import click

from ionlab.options import OUT_HELP, folder_to_write, going_on


@click.command(short_help="A notebook over a grid of its parameters.")
@click.argument("notebook")
@click.option(
    "--grid",
    required=True,
    multiple=True,
    metavar="NAME=VALUE,VALUE",
    help="A parameter of the notebook and its values; may be given again: all combinations run.",
)
@click.option("--out", required=True, metavar="DIR", help=OUT_HELP)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A dask scheduler that runs, as tcp://HOST:8786, instead of processes on this machine. "
    "Its workers must see DIR and be able to import ionlab.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Processes on this machine, each of one thread.",
)
@click.pass_context
def sweep(ctx, notebook, grid, out, scheduler, workers):
    """Run NOTEBOOK at every point of a grid of its parameters.

    Writes DIR/index.html, a page of thumbnails; DIR/sweep.csv, a row for each point; and a folder
    for each with the executed notebook, its page and its results. The same command goes on where
    it stopped. A list is written in brackets: --grid cycle_lengths=[350,500],[800]. The exit
    status is 1 if a point failed.

    \b
    Examples:
      ionlab sweep notebooks/report.ipynb --grid eta=1e-4,1e-3 --grid perturbation=long_qt,ito \\
        --out out/sweep
      ionlab sweep notebooks/07_second_pass.ipynb --grid eta=1e-4,1e-3 --out out/eta \\
        --scheduler tcp://10.0.0.1:8786
    """
    folder_to_write(out)
    from ionlab import sweep as room
    from ionlab.sweep.index import PAGE, TABLE

    with going_on(ctx, out):
        ran = room.run(notebook, grid, out, scheduler, workers)
    failed = sum(bool(record.error) for _, record in ran)
    click.echo(f"{len(ran) - failed} of {len(ran)} finished, {failed} failed")
    for name in (PAGE, TABLE):
        click.echo(f"{out}/{name}")
    ctx.exit(1 if failed else 0)
