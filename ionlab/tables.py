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
from ionlab.units import GAP_ms, check_calcium, check_stimulus, check_time, check_voltage

COLUMNS = ("time_ms", "V_mV", "fluorescence", "Ca_i_mM", "sweep", "cycle_length_ms", "stim_pA_pF")
TEXT = "sweep"  # the one column that may hold names
FEW = 4  # a signal with no more values is flat, or a switch


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
    return measure(table, str(file), cell, lambda row: f"line {row + 2}")


def measure(table, source, cell, spot):
    """Return the checked `Measured` sweeps of a table (pandas) and a list of warnings.

    source : names the table in errors, and spot(row) the place of a row.
    """
    table.columns = table.columns.str.strip()
    _check_header(source, list(table.columns), cell)
    unused = [name for name in table.columns if name not in COLUMNS]
    said = [f"{source}: not used: {', '.join(unused)}."] if unused else []
    table = table[[name for name in table.columns if name in COLUMNS]]
    filled = np.flatnonzero((table.astype(str) != "").any(axis=1))
    if not len(filled):
        raise BadRecording(f"{source} has a header and no samples.")
    table = table[: filled[-1] + 1].copy()
    for name in table.columns.drop(TEXT, errors="ignore"):
        numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            many = f", and so on in {len(bad)} rows" if len(bad) > 1 else ""
            raise BadRecording(
                f"{source}, {spot(bad[0])}: {name} must be a number, got "
                f'"{table[name].iloc[bad[0]]}"{many}. Leave such rows out: gaps of up to '
                f"{GAP_ms:g} ms are bridged."
            )
        table[name] = numbers
    if "Ca_i_mM" in table and "Ca_i" not in cell.state_names:
        said.append(f"{source}: Ca_i_mM is not used, for {cell.name} has no calcium.")
        table = table.drop(columns="Ca_i_mM")
    names = table[TEXT].astype(str).str.strip() if TEXT in table else pd.Series("1", table.index)
    if (unnamed := np.flatnonzero(names == "")).size:
        raise BadRecording(f"{source}, {spot(unnamed[0])}: sweep must be a name or a number.")
    groups = table.groupby(names, sort=False)
    sweeps = [_measured(f"{source}, sweep {x}", str(x), rows, spot) for x, rows in groups]
    return sweeps, said


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


def _measured(where, name, rows, spot):
    """Return one checked `Measured` sweep from the rows of a table, which keep its index."""
    t = rows["time_ms"].to_numpy()
    fluorescent = "fluorescence" in rows
    signal = rows["fluorescence" if fluorescent else "V_mV"].to_numpy()
    lengths = rows["cycle_length_ms"].unique() if "cycle_length_ms" in rows else [None]
    if len(lengths) > 1 or (lengths[0] is not None and not lengths[0] > 0):
        raise BadRecording(
            f"{where}: cycle_length_ms must be one positive number in a sweep, got "
            f"{', '.join(f'{x:g}' for x in lengths[:3])}. Give each cycle length its own sweep."
        )
    steps = np.diff(t)
    if (back := np.flatnonzero(steps <= 0)).size:
        k = back[0] + 1
        advice = "If a new sweep starts there, add the column sweep."
        if steps.min() == 0 and len(back) > 1:
            advice = "If times were rounded, write them with more decimals."
        raise BadRecording(
            f"{where}, {spot(rows.index[k])}: time_ms must rise within a sweep, got {t[k]:g} "
            f"after {t[k - 1]:g}. {advice}"
        )
    check_time(where, t)
    if len(steps) and steps.max() > GAP_ms:
        k = np.argmax(steps)
        raise BadRecording(
            f"{where}, {spot(rows.index[k + 1])}: samples must be at most {GAP_ms:g} ms apart, "
            f"got {steps[k]:g} ms. Cut the sweep in two there, or record faster."
        )
    Ca_i = rows["Ca_i_mM"].to_numpy() if "Ca_i_mM" in rows else None
    if Ca_i is not None and Ca_i.min() <= 0:
        k = np.argmax(Ca_i <= 0)
        raise BadRecording(
            f"{where}, {spot(rows.index[k])}: Ca_i_mM must be positive, got {Ca_i[k]:g}. "
            "Leave the column out if calcium was not measured."
        )
    stim = rows["stim_pA_pF"].to_numpy() if "stim_pA_pF" in rows else None
    if len(signal) > FEW and len(np.unique(signal)) <= FEW:
        raise BadRecording(
            f"{where}: {'fluorescence' if fluorescent else 'V_mV'} must change along the sweep, "
            f"got {len(np.unique(signal))} different values ({signal[0]:g}, ...). Name the right "
            "column, or leave the sweep out."
        )
    if not fluorescent:
        check_voltage(where, signal)
    if Ca_i is not None:
        check_calcium(where, Ca_i)
    if stim is not None:
        check_stimulus(where, stim)
    return Measured(where, name, t, signal, fluorescent, Ca_i, stim, lengths[0])


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
