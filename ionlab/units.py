"""Columns in another unit than their name says are recognised; the error asks what was meant."""

import numpy as np

from ionlab.errors import BadRecording

GAP_ms = 5.0  # samples further apart cannot be joined
RESTS_mV = (-120.0, -25.0)  # cells rest in between
LONGEST_AP_ms = 2000.0


def ask(where, rule, got, *meant):
    """Raise `BadRecording`: the rule, what arrived, and what may have been meant instead.

    meant : pairs of a unit and its remedy.

    >>> ask("x.csv", "time_ms must be in ms", "steps of 0.001", ("seconds", "multiply by 1000"))
    Traceback (most recent call last):
    ionlab.errors.BadRecording: x.csv: time_ms must be in ms, got steps of 0.001. Did you mean \
seconds? Then multiply by 1000.
    """
    questions = " ".join(f"Did you mean {unit}? Then {remedy}." for unit, remedy in meant)
    raise BadRecording(f"{where}: {rule}, got {got}. {questions}")


def check_time(where, t_ms):
    """Raise if times (M,) are recognisably in seconds or us."""
    if len(t_ms) < 2:
        return
    step = np.median(np.diff(t_ms))
    got = f"steps of {step:g}"
    if step < 0.006 or (step <= 0.02 and np.ptp(t_ms) < 100.0 and len(t_ms) > 100):
        ask(where, "time_ms must be in ms", got, ("seconds", "multiply time_ms by 1000"))
    if step > GAP_ms:
        rule = f"time_ms must be in ms, with samples at most {GAP_ms:g} ms apart"
        meant = [("microseconds", "divide time_ms by 1000")]
        if step < 40.0:  # 25 kHz in us
            meant.append(("ms, of a slow camera", "record at 250 samples a second or more"))
        ask(where, rule, got, *meant)


def check_voltage(where, V_mV):
    """Raise if voltages (M,) are recognisably in volts or uV, or as an amplifier gave them out."""
    size = np.percentile(np.abs(V_mV), 98.0)  # without the artefacts of stimuli
    rule, got = "V_mV must be in mV", f"values from {V_mV.min():g} to {V_mV.max():g}"
    column = "fluorescence, which is scaled to the cell,"
    if 0 < size <= 0.3:
        ask(where, rule, got, ("volts", "multiply V_mV by 1000"))
    if 0 < size <= 12.0:
        what = "the output of an amplifier, in volts"
        ask(where, rule, got, (what, "multiply V_mV by 1000 and divide it by the gain"))
    if size >= 5000.0:
        ask(where, rule, got, ("microvolts", "divide V_mV by 1000"))
    if size > 250.0:
        what = "the output of an amplifier, in mV"
        other = ("counts of a camera or converter", f"name the column {column} or scale it")
        ask(where, rule, got, (what, "divide V_mV by the gain"), other)


def check_calcium(where, Ca_i_mM):
    """Raise if concentrations (M,) are constant, or recognisably in M, uM or nM."""
    middle = np.median(Ca_i_mM)
    rule, got = "Ca_i_mM must be in mM (0.0001 at rest)", f"a median of {middle:g}"
    if not np.ptp(Ca_i_mM) > 0:
        raise BadRecording(
            f"{where}: Ca_i_mM must change with every beat, got {middle:g} throughout. "
            "Name the right column, or leave it out."
        )
    if middle > 10.0:
        ask(where, rule, got, ("nM", "divide Ca_i_mM by 1000000"))
    if middle > 0.02:
        ratio = ("a fluorescence or its ratio", "leave the column out")
        ask(where, rule, got, ("uM", "divide Ca_i_mM by 1000"), ratio)
    if middle < 1e-6:
        ask(where, rule, got, ("M", "multiply Ca_i_mM by 1000"))


def check_stimulus(where, stim_pA_pF):
    """Raise if a stimulus current (M,) is recognisably not per capacitance, or never off."""
    strongest = np.abs(stim_pA_pF).max()
    if strongest > 500.0:
        rule, got = "stim_pA_pF must be in pA/pF", f"up to {strongest:g}"
        remedy = "divide stim_pA_pF by the capacitance of the cell in pF"
        ask(where, rule, got, ("pA", remedy))
    if strongest > 0 and np.mean(np.abs(stim_pA_pF) > 0.5 * strongest) > 0.5:
        raise BadRecording(
            f"{where}: stim_pA_pF must be 0 between the stimuli, got {np.median(stim_pA_pF):g} "
            "for most of the sweep. Subtract the holding current, or leave the column out."
        )


def check_rest(where, rest, peak):
    """Raise if the resting level of a voltage, in mV, is that of no cell."""
    low, high = RESTS_mV
    if not low <= rest <= high:
        rule = f"V_mV must rest between {low:g} and {high:g} mV"
        remedy = "name the column fluorescence: it is scaled to the rest and peak of the cell"
        got = f"{rest:.4g} mV, with peaks at {peak:.4g} mV"
        ask(where, rule, got, ("a voltage from an unknown zero", remedy))


def check_duration(where, durations_ms):
    """Raise if action potentials last longer than any: samples were counted, not timed."""
    if len(durations_ms) and (lasts := np.median(durations_ms)) > LONGEST_AP_ms:
        rule = f"time_ms must be in ms, and no action potential lasts {LONGEST_AP_ms:g} ms"
        remedy = "divide time_ms by the samples per ms"
        ask(where, rule, f"{lasts:.0f} ms", ("the number of the sample", remedy))
