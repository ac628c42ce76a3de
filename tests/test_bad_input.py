"""What a person may bring by mistake: simulated beats, spoiled in a known way, and real ones."""

import struct

import numpy as np
import pandas as pd
import pytest

from ionlab import lei2017
from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.errors import BadRecording, BadValue
from ionlab.recordings import from_arrays, read_recording
from ionlab.simulate import pace
from ionlab.tables import write_recording

CELL, LENGTH_ms = tentusscher2004, 500.0
ONSETS_ms = 110.0 + LENGTH_ms * np.arange(5)


@pytest.fixture(scope="module")
def clean():
    """Five beats at 10 kHz: columns as a person would bring them."""
    traces = pace(CELL, [LENGTH_ms], 20_000.0, 2600.0, sample_ms=0.1)
    t = traces.t_ms - traces.t_ms[0]
    return {"time_ms": t, "V_mV": traces["V"][0], "Ca_i_mM": traces["Ca_i"][0]}


def slower(columns, samples=10):
    return {name: values[::samples] for name, values in columns.items()}


def with_stimulus(columns, amplitude=-52.0, base=0.0):
    since = (columns["time_ms"] - ONSETS_ms[0] + 1e-6) % LENGTH_ms
    on = (since < 1.0) & (columns["time_ms"] > 100.0)
    return {**columns, "stim_pA_pF": np.where(on, amplitude, base)}


def as_light(columns, scale=200.0, offset=9000.0):
    return {"time_ms": columns["time_ms"], "fluorescence": offset + scale * columns["V_mV"]}


def refused(columns, *says, cell=CELL):
    with pytest.raises(BadRecording) as caught:
        from_arrays(columns, cell)
    for part in says:
        assert part in str(caught.value), str(caught.value)


def read(columns, cell=CELL):
    recording = from_arrays(columns, cell)
    return recording.sweeps[0], recording.warnings


def test_what_is_clean_is_read_without_a_word(clean):
    for columns in (clean, slower(clean), with_stimulus(clean), as_light(clean)):
        sweep, warnings = read(columns)
        assert warnings == () and sweep.answer == "1:1"
        assert sweep.stimuli_ms == pytest.approx(ONSETS_ms, abs=0.1)


# --- units: asked for ----------------------------------------------------------------------


@pytest.mark.parametrize("samples", [1, 10, 40])
@pytest.mark.parametrize("light", [False, True], ids=["V", "fluorescence"])
@pytest.mark.parametrize(
    ("factor", "question"),
    [
        (1e-3, "Did you mean seconds? Then multiply time_ms by 1000."),
        (1e3, "Did you mean microseconds? Then divide time_ms by 1000."),
    ],
)
def test_time_in_another_unit(clean, samples, light, factor, question):
    """Oracle: the factor; samples 0.1, 1 and 4 ms apart."""
    columns = slower(as_light(clean) if light else clean, samples)
    refused({**columns, "time_ms": factor * columns["time_ms"]}, "must be in ms", question)


def test_a_slow_camera_in_seconds(clean):
    columns = slower(as_light(clean), 100)
    refused({**columns, "time_ms": columns["time_ms"]}, "slow camera", "250 samples a second")
    refused({**columns, "time_ms": 1e-3 * columns["time_ms"]}, "Did you mean seconds?")


def test_samples_counted_for_time(clean):
    refused(
        {**clean, "time_ms": np.arange(len(clean["time_ms"]))},
        "number of the sample",
        "samples per ms",
    )


@pytest.mark.parametrize(
    ("change", "question"),
    [
        (lambda V: V / 1000.0, "Did you mean volts? Then multiply V_mV by 1000."),
        (lambda V: V * 1000.0, "Did you mean microvolts? Then divide V_mV by 1000."),
        (lambda V: V / 100.0, "in volts? Then multiply V_mV by 1000 and divide it by the gain."),
        (lambda V: V * 10.0, "in mV? Then divide V_mV by the gain."),
        (lambda V: 2000.0 + V * 20.0, "name the column fluorescence"),
        (lambda V: V + 86.0, "unknown zero? Then name the column fluorescence"),
        (lambda V: V - 60.0, "unknown zero? Then name the column fluorescence"),
        (lambda V: -V, "swapped electrodes? Then multiply V_mV by -1."),
    ],
)
@pytest.mark.parametrize("samples", [1, 10])
def test_voltage_in_another_unit(clean, change, question, samples):
    columns = slower(clean, samples)
    refused({**columns, "V_mV": change(columns["V_mV"])}, "V_mV must", question)


@pytest.mark.parametrize(
    ("change", "question"),
    [
        (lambda Ca: Ca * 1e3, "Did you mean uM? Then divide Ca_i_mM by 1000."),
        (lambda Ca: Ca * 1e6, "Did you mean nM? Then divide Ca_i_mM by 1000000."),
        (lambda Ca: Ca * 1e-3, "Did you mean M? Then multiply Ca_i_mM by 1000."),
        (lambda Ca: 1.0 + 500.0 * Ca, "its ratio? Then leave the column out."),
        (lambda Ca: 0.0 * Ca + 1e-4, "must change with every beat"),
    ],
)
def test_calcium_in_another_unit(clean, change, question):
    refused({**clean, "Ca_i_mM": change(clean["Ca_i_mM"])}, "Ca_i_mM must", question)


# --- the stimulus channel ------------------------------------------------------------------


def test_stimuli_in_another_unit(clean):
    refused(with_stimulus(clean, -5200.0), "Did you mean pA?", "the capacitance of the cell in pF")
    refused(with_stimulus(clean, 0.0, -30.0), "must be 0 between the stimuli", "-30", "holding")
    sweep, warnings = read(with_stimulus(clean, 52.0))
    assert sweep.stimulus.amplitude == -52.0 and "its sign was changed" in warnings[0]


def test_a_trigger_only_tells_the_time(clean):
    """Oracle: a switch of 5 V for 1 ms, which is no current."""
    sweep, warnings = read(with_stimulus(clean, 5.0))
    assert sweep.stimuli_ms == pytest.approx(ONSETS_ms, abs=0.05) and not sweep.placed
    assert sweep.stimulus.amplitude == CELL.stimulus.amplitude
    assert len(warnings) == 1 and "taken for a trigger" in warnings[0]


def test_a_missing_stimulus_channel_is_replaced_by_the_upstrokes(clean):
    silent, warnings = read({**clean, "stim_pA_pF": 0.0})
    assert silent.placed and "zero throughout" in warnings[0]
    assert silent.stimuli_ms == pytest.approx(read(clean)[0].stimuli_ms)


@pytest.mark.parametrize("height_mV", [90.0, 400.0, -60.0])
@pytest.mark.parametrize("lasts_ms", [0.5, 2.0])
@pytest.mark.parametrize("channel", [True, False], ids=["channel", "no channel"])
def test_the_artefact_of_a_stimulus_is_bridged(clean, height_mV, lasts_ms, channel):
    """Oracle: the sweep without artefacts, which end 4 ms before each upstroke."""
    t, V = clean["time_ms"], clean["V_mV"].copy()
    for onset in ONSETS_ms:
        V[(t >= onset - 6.0) & (t < onset - 6.0 + lasts_ms)] += height_mV
    columns = {**clean, "V_mV": V}
    sweep, warnings = read(with_stimulus(columns) if channel else columns)
    assert len(warnings) == 1 and "5 spikes of up to 4 ms" in warnings[0]
    assert sweep.stimuli_ms == pytest.approx(ONSETS_ms, abs=0.1)
    assert np.abs(sweep.V_mV - read(clean)[0].V_mV).max() < 0.5


@pytest.mark.parametrize("samples", [1, 10])
def test_an_artefact_that_runs_into_the_upstroke_does_no_harm(clean, samples):
    """Oracle: the onsets, to the width of the artefact, and the sweep without artefacts."""
    t, V = clean["time_ms"], clean["V_mV"].copy()
    for onset in ONSETS_ms:
        V[(t >= onset - 1.0) & (t < onset + 1.0)] += 150.0
    plain = read(clean)[0]
    for columns in ({**clean, "V_mV": V}, with_stimulus({**clean, "V_mV": V})):
        sweep, warnings = read(slower(columns, samples))
        assert warnings == () and sweep.answer == "1:1"
        assert sweep.stimuli_ms == pytest.approx(ONSETS_ms, abs=0.01 if not sweep.placed else 2.3)
        off = np.abs((sweep.t_ms - ONSETS_ms[0] + 250.0) % LENGTH_ms - 250.0) > 5.0
        assert np.abs(sweep.V_mV - plain.V_mV)[off].max() < 0.1


def test_artefacts_do_not_count_as_answers(clean):
    """Oracle: every second beat is cut out, and only its artefact is left."""
    t, V = slower(clean)["time_ms"], slower(clean)["V_mV"].copy()
    for onset in ONSETS_ms[1::2]:
        V[(t >= onset) & (t < onset + 480.0)] = V[(t >= onset - 20.0) & (t < onset)].mean()
    V[np.isin(t, ONSETS_ms[1::2])] += 100.0
    sweep, warnings = read({"time_ms": t, "V_mV": V, "cycle_length_ms": LENGTH_ms})
    assert sweep.answer == "2:1" and any("2:1, not 1:1" in said for said in warnings)


def test_short_action_potentials_are_no_artefacts():
    """Oracle: the axon, whose action potentials last 2 ms; no voltage may be changed."""
    traces = pace(hodgkin_huxley1952, [50.0], 1000.0, 500.0)
    columns = {"time_ms": np.arange(500.0), "V_mV": traces["V"][0]}
    sweep, warnings = read(columns, hodgkin_huxley1952)
    assert warnings == ()
    np.testing.assert_array_equal(sweep.V_mV, traces["V"][0])


# --- clipped -------------------------------------------------------------------------------


@pytest.mark.parametrize("noise_mV", [0.0, 1.0])
@pytest.mark.parametrize("samples", [1, 10])
@pytest.mark.parametrize(
    ("clip", "which"),
    [
        (lambda V: np.minimum(V, 15.0), "ceiling, 15,"),
        (lambda V: np.minimum(V, -5.0), "ceiling, -5,"),
        (lambda V: np.maximum(V, -75.0), "floor, -75,"),
    ],
)
def test_a_clipped_signal_is_refused(clean, rng, noise_mV, samples, clip, which):
    columns = slower(clean, samples)
    V = columns["V_mV"] + rng.normal(0.0, noise_mV, len(columns["V_mV"]))
    V = clip(np.round(V / 0.03) * 0.03)  # 12 bits
    refused({**columns, "V_mV": V}, "is clipped at its " + which, "with less gain")
    light = as_light({**columns, "V_mV": V})
    refused(light, "is clipped at its " + which.split(",")[0], "or light")


def test_a_clipped_spike_is_told(clean):
    """Oracle: the spike of the upstroke stands above 30 mV for 2 ms at most."""
    sweep, warnings = read({**clean, "V_mV": np.minimum(clean["V_mV"], 30.0)})
    assert len(warnings) == 1 and "is clipped at its ceiling, 30, for" in warnings[0]
    assert sweep.stimuli_ms == pytest.approx(ONSETS_ms, abs=0.1)


@pytest.mark.parametrize("bits", [5, 6, 8, 12])
@pytest.mark.parametrize("samples", [1, 10])
@pytest.mark.parametrize("noise_mV", [0.0, 0.5])
def test_few_bits_are_not_clipping(clean, rng, bits, samples, noise_mV):
    """Oracle: the converter spans more than the signal, so nothing was cut off."""
    columns = slower(clean, samples)
    V = columns["V_mV"] + rng.normal(0.0, noise_mV, len(columns["V_mV"]))
    step = 200.0 / 2**bits
    columns["V_mV"] = step * np.round(V / step)
    sweep, warnings = read(columns)
    assert warnings == () and sweep.answer == "1:1"
    light, warnings = read(as_light({**columns, "V_mV": V / step}, 1.0, 100.0))
    assert warnings == () and light.answer == "1:1"


# --- noise, hum, uneven beats ----------------------------------------------------------------


@pytest.mark.parametrize("smooth_ms", [1, 20, 60])
@pytest.mark.parametrize("light", [False, True], ids=["V", "fluorescence"])
def test_noise_without_a_beat_is_refused(rng, smooth_ms, light):
    """Oracle: there is no beat; smooth noise crosses the levels of an upstroke all the time."""
    for _ in range(10):
        noise = np.convolve(rng.normal(size=4000), np.ones(smooth_ms), "same")
        signal = 40.0 * noise / noise.std() - 40.0
        name = "fluorescence" if light else "V_mV"
        with pytest.raises(
            BadRecording, match="none was found|alike|must rest|must rise|must be fast"
        ):
            from_arrays({"time_ms": np.arange(4000.0), name: signal}, CELL)


def test_nothing_but_rest_is_refused(clean, rng):
    t = np.arange(3000.0)
    refused({"time_ms": t, "V_mV": -85.0 + rng.normal(0.0, 1.0, 3000)}, "none was found")
    refused({"time_ms": t, "V_mV": -60.0 + 20.0 * np.sin(t / 200.0)}, "takes 161 ms to rise")
    refused({"time_ms": t, "V_mV": -85.0}, "must change along the sweep", "right column")
    refused({"time_ms": t, "V_mV": np.where(t % 500 < 5, -52.0, 0.0)}, "2 different values")
    refused({"time_ms": t, "V_mV": -85.0 + 0.01 * t}, "none was found")


@pytest.mark.parametrize("Hz", [50.0, 60.0])
@pytest.mark.parametrize("noise_mV", [0.0, 1.0])
def test_mains_hum_is_told(clean, rng, Hz, noise_mV):
    """Oracle: its amplitude, 1 mV."""
    t = clean["time_ms"]
    hum = np.sin(2.0 * np.pi * Hz * t / 1000.0 + 0.4) + rng.normal(0.0, noise_mV, len(t))
    _, warnings = read({**clean, "V_mV": clean["V_mV"] + hum})
    assert len(warnings) == 1 and f"hum of {Hz:g} Hz" in warnings[0]
    assert float(warnings[0].split("swings by ")[1].split()[0]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("length_ms", [300.0, 350.0, 500.0, 600.0, 1000.0])
@pytest.mark.parametrize("noise_mV", [0.0, 2.0])
def test_without_hum_none_is_told(rng, length_ms, noise_mV):
    """Oracle: nothing was added, though 50 and 60 Hz are harmonics of these beats."""
    V = pace(CELL, [length_ms], record_last_ms=4000.0)["V"][0]
    _, warnings = read({"time_ms": np.arange(4000.0), "V_mV": V + rng.normal(0.0, noise_mV, 4000)})
    assert not [said for said in warnings if "hum" in said]


def test_uneven_beats_are_told(clean):
    """Oracle: beats of the cell set 420 to 640 ms apart, as those of one that paces itself."""
    beat = slower(clean)["V_mV"][100:600]
    gaps = [500, 430, 640, 420, 560]
    V = np.concatenate([np.pad(beat, (0, 200), mode="edge")[:gap] for gap in gaps])
    sweep, warnings = read({"time_ms": np.arange(len(V)), "V_mV": V})
    assert len(warnings) == 1 and "uneven, 420 to 640 ms apart" in warnings[0]
    assert len(sweep.stimuli_ms) == 5


# --- gaps, repeated times, shapes ------------------------------------------------------------


def test_missing_samples(clean):
    columns = slower(clean)
    holes = columns["V_mV"].copy()
    holes[200:203] = np.nan
    refused({**columns, "V_mV": holes}, 'sample 200: V_mV must be a number, got "nan"', "3 rows")
    few = {name: np.delete(values, [200, 201, 202]) for name, values in columns.items()}
    sweep, warnings = read(few)
    assert warnings == () and len(sweep.V_mV) == 2600
    assert np.abs(sweep.V_mV - columns["V_mV"]).max() < 0.05
    many = {name: np.delete(values, np.arange(200, 230)) for name, values in columns.items()}
    refused(many, "sample 200: samples must be at most 5 ms apart, got 31 ms", "Cut the sweep")


def test_times_that_repeat(clean):
    refused({**clean, "time_ms": np.round(clean["time_ms"])}, "must rise", "with more decimals")
    twice = {name: np.concatenate([values, values]) for name, values in slower(clean).items()}
    refused(twice, "sample 2600: time_ms must rise", "add the column sweep")


def test_too_short(clean):
    part = {name: values[:3000] for name, values in clean.items()}
    refused(part, "needs one beat", "too short. Record longer.")
    refused(
        {name: values[:50] for name, values in clean.items()}, "samples over 4.9 ms are too short"
    )


def test_arrays_of_unlike_lengths(clean):
    for columns in (
        {**clean, "V_mV": clean["V_mV"][:-1]},
        {"time_ms": clean["time_ms"], "V_mV": np.zeros((2, len(clean["time_ms"])))},
        {"time_ms": 0.0, "V_mV": -85.0},
    ):
        with pytest.raises(BadValue, match="one length each"):
            from_arrays(columns, CELL)


def test_arrays_are_read_as_their_file_is(clean, tmp_path):
    """Oracle: the same columns through a file, two sweeps of it."""
    columns = {name: np.concatenate([values, values]) for name, values in clean.items()}
    columns["sweep"] = np.repeat(["first", "second"], len(clean["time_ms"]))
    write_recording(tmp_path / "x.csv", columns)
    for ours, theirs in zip(
        from_arrays(columns, CELL).sweeps,
        read_recording(tmp_path / "x.csv", CELL).sweeps,
        strict=True,
    ):
        assert ours.name == theirs.name
        np.testing.assert_allclose(ours.V_mV, theirs.V_mV, atol=1e-4)
        assert ours.stimuli_ms == pytest.approx(theirs.stimuli_ms, abs=0.021)


# --- nothing good is refused: real recordings --------------------------------------------------


def read_abf(file):
    """The times (S, M) in ms and voltages (S, M) in mV of an ABF 2 file of one channel."""
    raw = file.read_bytes()
    (sweeps,) = struct.unpack_from("<I", raw, 12)
    (protocol,), (adc,), (data, _, count) = (
        struct.unpack_from(layout, raw, at) for layout, at in (("<I", 76), ("<I", 92), ("<3I", 236))
    )
    (interval_us,) = struct.unpack_from("<f", raw, 512 * protocol + 2)
    (range_V,) = struct.unpack_from("<f", raw, 512 * protocol + 110)
    (steps,) = struct.unpack_from("<i", raw, 512 * protocol + 118)
    (V_per_mV,) = struct.unpack_from("<f", raw, 512 * adc + 40)
    V = np.frombuffer(raw, "<i2", count, 512 * data).reshape(sweeps, -1)
    t = np.arange(V.shape[1]) * interval_us / 1000.0
    return np.broadcast_to(t, V.shape), V * range_V / steps / V_per_mV


def test_an_abf_recording_is_read_through_its_csv(ionlab_data, tmp_path):
    """Oracle: what pyabf 2.3 says of the file (range, number of samples) and its spikes by eye.

    A neuron, so its spikes are no artefacts and its rest is far from that of a heart cell.
    """
    t, V = read_abf(ionlab_data / "pyabf" / "17o05027_ic_ramp.abf")
    assert V.shape == (2, 20_000) and t[0, 1] == pytest.approx(0.05)
    assert (V[0].min(), V[0].max()) == pytest.approx((-49.468994, 30.975342))
    columns = {"time_ms": t.ravel(), "V_mV": V.ravel(), "sweep": np.repeat([1, 2], V.shape[1])}
    write_recording(tmp_path / "abf.csv", columns)
    recording = read_recording(tmp_path / "abf.csv", CELL)
    assert [len(sweep.stimuli_ms) for sweep in recording.sweeps] == [6, 9]
    assert len(recording.warnings) == 2
    assert all("uneven" in said for said in recording.warnings)


def test_a_real_current_clamp_is_read(ionlab_data):
    """Oracle: it is paced every second at 50 ms and goes from -83 to 54 mV."""
    file = ionlab_data / "lei2017" / "current-clamp" / "170123-cell-2-middle.csv"
    t, V = np.loadtxt(file, delimiter=",", unpack=True)
    sweep, warnings = read({"time_ms": t, "V_mV": V})
    assert warnings == () and sweep.drift_mV == 0.0 and not sweep.scaled
    assert sweep.cycle_length_ms == pytest.approx(1000.0, abs=0.5)
    assert sweep.stimuli_ms == pytest.approx([50.0, 1050.0], abs=1.5)
    assert sweep.interval_ms == pytest.approx(0.04)


def test_every_real_optical_beat_is_read(ionlab_data):
    """Oracle: none of the 74 files is spoiled; each holds one beat that the authors cut."""
    folder = ionlab_data / "lei2017"
    manifest = pd.read_csv(lei2017.MANIFEST).set_index("path")
    files = sorted((folder / "optical").rglob("*.csv"))
    assert len(files) == 74
    sweeps = []
    for file in files:
        path = file.relative_to(folder).as_posix()
        t_s, light = np.loadtxt(file, delimiter=",", unpack=True)
        length = manifest.loc[path, "cycle_length_ms"]
        t_ms = 1000.0 * (t_s - t_s[0])
        sweep = pd.DataFrame({"time_ms": t_ms, "fluorescence": light, "cycle_length_ms": length})
        sweeps.append(sweep[t_ms < length - lei2017.NEXT_BEAT_ms].assign(sweep=path))
        refused({"time_ms": t_s, "fluorescence": light}, "Did you mean seconds?")
    recording = from_arrays(pd.concat(sweeps, ignore_index=True).to_dict("series"), CELL)
    assert [len(sweep.stimuli_ms) for sweep in recording.sweeps] == [1] * 74
    (told,) = recording.warnings
    assert "Group V/Well20.csv: mains hum of 50 Hz" in told  # 4 % of its range
