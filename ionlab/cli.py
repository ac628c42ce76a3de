"""The command line. What a command needs is imported inside it, so that all of them start fast."""

import json
import tomllib
from pathlib import Path

import click

from ionlab.cli_course import course
from ionlab.cli_import import import_model
from ionlab.cli_scoreboard import scoreboard
from ionlab.cli_sweep import sweep
from ionlab.errors import positive
from ionlab.options import (
    DATASETS,
    GATES,
    METHODS,
    OUT_HELP,
    PRESETS,
    Commands,
    Name,
    Scale,
    cell_option,
    device,
    file_to_write,
    folder_to_write,
    perturbation_names,
    seed,
)

__version__ = tomllib.loads(
    (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]["version"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main():
    """Find the hidden state of a heart cell, and what a drug changed, from its voltage.

    \b
    Example:
      ionlab report data/recordings/control.csv data/recordings/long_qt.csv --out out/report
    """


@main.command(short_help="What changed between two recordings.")
@click.argument("control", required=False)
@click.argument("treated", required=False)
@click.option("--out", required=True, metavar="DIR", help=OUT_HELP)
@cell_option
@click.option(
    "--eta",
    type=float,
    show_default="from the data",
    help="Holds the networks' gates to the theory; 1e-4 to 2e-3, no unit. Larger is closer.",
)
@click.option(
    "--favour",
    metavar="NAME=WEIGHT",
    multiple=True,
    help="A current or gate that is a likely target, with a weight below 1, as I_Kr=0.1: ten times "
    "as likely beforehand. May be given again.",
)
@click.option(
    "--preset",
    type=Name("preset", PRESETS),
    default="paper",
    show_default=True,
    help="fast is a rougher fit, for a first look.",
)
@seed
@device
@click.option(
    "--dataset",
    type=Name("dataset", DATASETS),
    help="Real recordings instead of CONTROL and TREATED; fetched when first used.",
)
@click.option(
    "--drug", help="Of the dataset: dofetilide, paracetamol, quinidine, sotalol, verapamil."
)
@click.option("--concentration", type=float, help="Of the drug, in uM.")
@click.option(
    "--perturbation",
    type=Name("perturbation", perturbation_names),
    help="Simulate the cell and this change of it instead of reading CONTROL and TREATED.",
)
def report(
    control, treated, out, eta, favour, dataset, drug, concentration, perturbation, **settings
):
    """Say which ionic currents changed from CONTROL to TREATED, by how much, and how sure.

    A change is one of amount (conductance) or of gating (a steady state along V, a time constant);
    explanations that fit about as well are listed, and "no change" is an answer.

    CONTROL and TREATED are CSV files, or folders of them, with the columns time_ms and V_mV (or
    fluorescence); README.md lists the others. Writes report.html, report.ipynb and results.json.

    \b
    Examples:
      ionlab report data/recordings/control.csv data/recordings/long_qt.csv --out out/report
      ionlab report --dataset lei2017 --drug dofetilide --concentration 0.1 --out out/dofetilide
      ionlab report --perturbation ito --out out/ito
      ionlab report before.csv after.csv --favour I_Kr=0.1 --favour xr1=0.1 --out out/blocker
    """
    if perturbation is not None:
        if {control, dataset, drug, concentration} != {None}:
            raise click.UsageError(
                "--perturbation simulates both recordings: it stands instead of CONTROL and "
                "TREATED, and of --dataset, --drug and --concentration."
            )
    elif dataset is None:
        if treated is None or drug is not None or concentration is not None:
            raise click.UsageError(
                "name two recordings, CONTROL and TREATED; or --dataset, --drug and "
                "--concentration, or --perturbation, instead of them."
            )
    elif control is not None or drug is None or concentration is None:
        raise click.UsageError(
            "--dataset takes --drug and --concentration, and stands instead of CONTROL and TREATED."
        )
    folder_to_write(out)
    if eta is not None:
        positive("eta", eta, "Try 1e-4 to 2e-3, or leave it out.")
    from ionlab import report as room

    room.run(
        out,
        eta=eta,
        favour=",".join(favour) or None,
        control=control,
        treated=treated,
        dataset=dataset,
        drug=drug,
        concentration=concentration,
        perturbation=perturbation,
        **settings,
    )
    results = json.loads((Path(out) / "results.json").read_text(encoding="utf-8"))
    for warning in results["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    click.echo(results["sentence"])
    for name in room.RESULTS:
        click.echo(str(Path(out) / name))


@main.command(short_help="Pace a cell; write its states as CSV.")
@cell_option
@click.option(
    "--cycle-length",
    "cycle_lengths",
    type=float,
    multiple=True,
    default=(500.0,),
    show_default=True,
    help="From one stimulus to the next, in ms; may be given again for more sweeps.",
)
@click.option(
    "--scale",
    type=Scale(),
    multiple=True,
    help="Multiply a parameter, as g_Kr=0.5; may be given again.",
)
@click.option(
    "--perturbation",
    type=Name("perturbation", perturbation_names),
    help="A named change of the cell.",
)
@click.option(
    "--gates",
    type=Name("gates", GATES),
    default="published",
    show_default=True,
    help="learned: the network of the first pass, so that this is the neural ODE.",
)
@click.option(
    "--preset",
    type=Name("preset", PRESETS),
    default="paper",
    show_default=True,
    help="Of the network, with --gates learned.",
)
@click.option(
    "--method",
    type=Name("method", METHODS),
    default="rush-larsen",
    show_default=True,
    help="The fast kernel, or one of SciPy's stiff solvers.",
)
@click.option("--duration", type=float, default=20_000.0, show_default=True, help="In ms.")
@click.option(
    "--record-last",
    type=float,
    show_default="10000 ms, or all of a shorter run",
    help="How much of the end is written, in ms.",
)
@click.option("--sample", type=float, default=1.0, show_default=True, help="Interval in ms.")
@click.option("--out", required=True, metavar="FILE.csv", help="The file to write.")
@seed
@device
def simulate(cell, cycle_lengths, out, scale, perturbation, gates, preset, seed, device, **run):
    """Pace a cell and write all of its states as CSV.

    Columns are time_ms and each state with its unit (V_mV, Ca_i_mM; gates have none). With more
    than one cycle length there are also sweep and cycle_length_ms; stim_pA_pF is the stimulus, if
    it starts and ends on samples. The file reads back as a recording.

    \b
    Example:
      ionlab simulate --cycle-length 350 --scale g_Kr=0.5 --out trace.csv
    """
    from ionlab import cells, perturb, recordings, simulate

    file_to_write(out)
    cell = published = cells.find(cell)
    if perturbation is not None:
        cell = perturb.find(perturbation).apply(cell)
    for parameter, factor in scale:
        cell = cell.perturbed(**{parameter: factor})
    if gates == "learned":
        from ionlab import presets, store
        from ionlab.network import device_of
        from ionlab.neural_ode import learned

        device_of(device)
        fit = store.theory(published, presets.find(preset).clamp, seed, device)
        cell = cell.with_kinetics(learned(fit.n1, published))
    last = run["record_last"]
    traces = simulate.pace(
        cell,
        cycle_lengths,
        duration_ms=run["duration"],
        record_last_ms=min(10_000.0, run["duration"]) if last is None else last,
        sample_ms=run["sample"],
        method=run["method"],
    ).check()
    recordings.write_recording(out, recordings.columns_of(traces))
    for length, apd, answer in zip(cycle_lengths, traces.apd_ms(), traces.capture(), strict=True):
        click.echo(f"cycle length {length:g} ms: APD90 {apd:.1f} ms, stimuli answered {answer}")
    click.echo(out)


@main.command(short_help="Do all of the paper.")
@click.option(
    "--preset",
    type=Name("preset", PRESETS),
    default="fast",
    show_default=True,
    help="fast takes under a minute; paper is the paper's own scale, minutes on two cores.",
)
@click.option("--out", required=True, metavar="DIR", help=OUT_HELP)
@click.option(
    "--weights", metavar="DIR", help="Write the weights that the lessons need there, too."
)
@seed
@device
def reproduce(out, **settings):
    """Do all of the paper: data, both passes, neural ODEs, Figures 2 to 7 and their numbers.

    Each stage is stored in DIR, so that a run that was stopped goes on where it was.

    \b
    Example:
      ionlab reproduce --preset fast --out out/paper
    """
    folder_to_write(out)
    from ionlab.network import device_of

    device_of(settings["device"])
    from ionlab import reproduce as room

    click.echo(str(room.run(out, **settings)))


@main.command(short_help="Measure speed and accuracy here.")
@click.option("--out", metavar="FILE.json", help="Write the figures there, too.")
@click.option("--only", multiple=True, metavar="NAME", help="Measure this alone; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Also what takes minutes.")
def bench(out, only, everything):
    """Measure what this machine does beside the figures that the project asks for.

    \b
    Examples:
      ionlab bench --out bench.json
      ionlab bench --only grid --only attribution
    """
    from ionlab import bench as room

    if out is not None:
        file_to_write(out)
    names = room.chosen(only, everything)
    rows = room.measure(names, say=lambda line: click.echo(line, err=True))
    click.echo(room.table(rows))
    if out is not None:
        room.write(out, rows)
        click.echo(out)


main.add_command(import_model)
main.add_command(scoreboard)
main.add_command(sweep)
main.add_command(course)
