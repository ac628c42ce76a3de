"""The command `ionlab import`."""

import click


@click.command("import", short_help="A model file whose variables you name, as a cell.")
@click.argument("file")
@click.option("--voltage", metavar="NAME", help="The state that is the membrane voltage.")
@click.option("--calcium", metavar="NAME", help="The state that is the calcium of the cytosol.")
@click.option("--stimulus", metavar="NAME", help="The term of dV/dt that is the stimulus.")
@click.option("--any-units", is_flag=True, help="Take numbers as written where units disagree.")
def import_model(file, any_units, **names):
    """Make a cell of FILE, a Myokit (.mmt) or CellML (.cellml) model, and print its name.

    The name then stands wherever that of a cell does, here and in the notebooks. A file that says
    what its variables are needs no import: --cell model.mmt does it.

    \b
    Example:
      ionlab import model.mmt --voltage membrane.u
      ionlab simulate --cell model_1a2b3c4d --out trace.csv
    """
    from ionlab.cells import from_file

    click.echo(from_file(file, check_units=not any_units, **names).name)
