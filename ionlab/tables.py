"""Recordings as tables: CSV files in, checked line by line, and out.

Nothing is computed here: a `Measured` sweep is what stands in the file.
"""

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ionlab.errors import BadRecording, BadValue, known

COLUMNS = ("time_ms", "V_mV", "fluorescence", "Ca_i_mM", "sweep", "cycle_length_ms", "stim_pA_pF")
TEXT = "sweep"  # the one column that may hold names
GAP_ms = 5.0  # samples further apart cannot be joined by a line


@dataclass(frozen=True)
class Measured:
    """One sweep as measured, before resampling and scaling: M samples at any rate.

    `signal` (M,) is V in mV, or fluorescence; `Ca_i_mM` and `stim` (M,) may be None, and so may
    `cycle_length_ms`. `where` says in errors which file and sweep this is.
    """

    where: str
    name: str
    t_ms: np.ndarray
    signal: np.ndarray
    fluorescent: bool
    Ca_i_mM: np.ndarray | None = None
    stim: np.ndarray | None = None
    cycle_length_ms: float | None = None


def column(state):
    """Return the column of a cell's state: its name and unit, as V_mV; gates have no unit."""
    return state.name if state.unit == "1" else f"{state.name}_{state.unit}".replace("/", "_")


def read_csv(file, cell):
    """Return the `Measured` sweeps of one CSV file and a list of warnings; see `COLUMNS`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                file,
                encoding="utf-8-sig",
                dtype={TEXT: str},
                na_filter=False,  # an empty field stays one, and is found below
                index_col=False,
                skip_blank_lines=False,  # so that lines can be counted
                skipinitialspace=True,
                low_memory=False,
            )
    except pd.errors.EmptyDataError:
        raise BadRecording(f"{file} is empty. A recording needs a header and samples.") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        what = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise BadRecording(f"{file} must be a CSV text with one header line: {what}") from None
    except OSError as error:
        raise BadRecording(f"{file} cannot be read: {error.strerror}.") from None
    table.columns = table.columns.str.strip()
    _check_header(file, list(table.columns), cell)
    unused = [name for name in table.columns if name not in COLUMNS]
    said = [f"{file}: not used: {', '.join(unused)}."] if unused else []
    table = table[[name for name in table.columns if name in COLUMNS]]
    filled = np.flatnonzero((table.astype(str) != "").any(axis=1))
    if not len(filled):
        raise BadRecording(f"{file} has a header and no samples.")
    table = table[: filled[-1] + 1].copy()
    for name in table.columns.drop(TEXT, errors="ignore"):
        numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise BadRecording(
                f"{file}, line {bad[0] + 2}: {name} must be a number, got "
                f'"{table[name].iloc[bad[0]]}". Correct the line, or leave it out.'
            )
        table[name] = numbers
    if "Ca_i_mM" in table and "Ca_i" not in cell.state_names:
        said.append(f"{file}: Ca_i_mM is not used, for {cell.name} has no calcium.")
        table = table.drop(columns="Ca_i_mM")
    names = table[TEXT].str.strip() if TEXT in table else pd.Series("1", table.index)
    if (unnamed := np.flatnonzero(names == "")).size:
        raise BadRecording(f"{file}, line {unnamed[0] + 2}: sweep must be a name or a number.")
    groups = table.groupby(names, sort=False)
    return [_measured(file, str(name), rows) for name, rows in groups], said


def _check_header(file, names, cell):
    """Raise for a header that does not name the columns of a recording."""
    if any(re.fullmatch(r"[-+.\d]+(e[-+]?\d+)?(\.\d+)?", name) for name in names):
        raise BadRecording(
            f"the first line names the columns (time_ms,V_mV); {file} starts with numbers. "
            "Add a header line."
        )
    if len(names) == 1 and re.search(r"[;\t]", names[0]):
        raise BadRecording(
            f"columns are separated by commas and decimals by a point; {file} starts with "
            f'"{names[0]}". Save it as CSV with commas.'
        )
    for name in names:
        if name not in map(column, cell.states):  # as in a file that `ionlab simulate` wrote
            known(f"column in {file}:", name, COLUMNS)
    if "time_ms" not in names:
        raise BadRecording(f"a recording needs the column time_ms; {file} has {', '.join(names)}.")
    signals = [name for name in ("V_mV", "fluorescence") if name in names]
    if len(signals) != 1:
        raise BadRecording(
            f"a recording needs either V_mV or fluorescence; {file} has "
            f"{'both. Leave one out.' if signals else ', '.join(names) + '.'}"
        )


def _measured(file, name, rows):
    """Return one checked `Measured` sweep from the rows of a table; its index is line - 2."""
    where = f"{file}, sweep {name}"
    t, line = rows["time_ms"].to_numpy(), rows.index.to_numpy() + 2
    fluorescent = "fluorescence" in rows
    signal = rows["fluorescence" if fluorescent else "V_mV"].to_numpy()
    lengths = rows["cycle_length_ms"].unique() if "cycle_length_ms" in rows else [None]
    if len(lengths) > 1 or (lengths[0] is not None and not lengths[0] > 0):
        raise BadRecording(
            f"{where}: cycle_length_ms must be one positive number in a sweep, got "
            f"{', '.join(f'{x:g}' for x in lengths[:3])}. Give each cycle length its own sweep."
        )
    back = np.flatnonzero(np.diff(t) <= 0)
    if len(back):
        k = back[0] + 1
        raise BadRecording(
            f"{where}, line {line[k]}: time_ms must rise within a sweep, got {t[k]:g} after "
            f"{t[k - 1]:g}. If a new sweep starts there, add the column sweep."
        )
    Ca_i = rows["Ca_i_mM"].to_numpy() if "Ca_i_mM" in rows else None
    if Ca_i is not None and Ca_i.min() <= 0:
        k = np.argmax(Ca_i <= 0)
        raise BadRecording(
            f"{where}, line {line[k]}: Ca_i_mM must be positive, got {Ca_i[k]:g}. "
            "Leave the column out if calcium was not measured."
        )
    stim = rows["stim_pA_pF"].to_numpy() if "stim_pA_pF" in rows else None
    measured = Measured(where, name, t, signal, fluorescent, Ca_i, stim, lengths[0])
    _check_units(measured, line)
    return measured


def _check_units(sweep, line):
    """Raise where time, V or Ca_i is recognisably in another unit, or too sparse to use."""
    t, x, Ca_i = sweep.t_ms, sweep.signal, sweep.Ca_i_mM
    steps = np.diff(t)
    typical = np.median(steps) if len(steps) else np.inf
    if typical < 0.006:  # 200 samples a second, if this is in seconds
        raise BadRecording(
            f"{sweep.where}: time_ms must be in ms, got steps of {typical:g}, which look like "
            "seconds. Multiply the column by 1000."
        )
    if len(steps) and steps.max() > GAP_ms:
        k = np.argmax(steps)
        raise BadRecording(
            f"{sweep.where}, line {line[k + 1]}: samples must be at most {GAP_ms:g} ms apart, got "
            f"{steps[k]:g} ms. Cut the sweep in two there, or record faster."
        )
    if not sweep.fluorescent and 0 < np.abs(x).max() <= 0.2:
        raise BadRecording(
            f"{sweep.where}: V_mV must be in mV, got values from {x.min():g} to {x.max():g}, which "
            "look like volts. Multiply the column by 1000."
        )
    if Ca_i is not None and np.median(Ca_i) > 0.02:
        raise BadRecording(
            f"{sweep.where}: Ca_i_mM must be in mM (0.0001 at rest), got {np.median(Ca_i):g}, "
            "which looks like uM or nM. Divide the column by 1000 or 1000000."
        )


def write_recording(path, columns, formats=None):
    """Write columns, name -> (M,) values, as CSV; the file appears whole or not at all.

    formats : column -> format, as ".4f"; numbers have 7 significant digits otherwise.

    >>> write_recording("trace.csv", {"time_ms": [0, 1], "V_mV": [-86.2, -86.1]})  # doctest: +SKIP
    """
    path, formats = Path(path), formats or {}
    text = {
        name: [x if isinstance(x, str) else format(x, formats.get(name, ".7g")) for x in values]
        for name, values in columns.items()
    }
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pd.DataFrame(text).to_csv(aside, index=False, lineterminator="\n")
        os.replace(aside, path)
    except OSError as error:
        raise BadValue(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that exists and "
            "that you may write to."
        ) from None
    finally:
        aside.unlink(missing_ok=True)
