"""Recordings: signals whose upstrokes, scale and times are known; files that must be refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ionlab import lei2017
from ionlab.beats import find_beats, landmarks, resample
from ionlab.cells import hodgkin_huxley1952, tentusscher2004
from ionlab.errors import BadRecording, BadValue, IonlabError, UnknownName
from ionlab.perturb import LONG_QT
from ionlab.recordings import assemble, columns_of, from_traces, read_recording
from ionlab.simulate import pace
from ionlab.tables import COLUMNS, Measured, column, write_recording

CELL = tentusscher2004


def pulses(t_ms, onsets_ms, rest=-85.0, peak=25.0, rise_ms=2.0, last_ms=200.0):
    """Action potentials in closed form: a linear rise, then a smooth fall back to rest."""
    V = np.full(len(t_ms), rest)
    for onset in onsets_ms:
        since = t_ms - onset
        rise = np.clip(since / rise_ms, 0.0, 1.0)
        fall = np.clip(1.0 - ((since - rise_ms) / last_ms) ** 2, 0.0, 1.0) ** 2
        V = np.where(since > 0, rest + (peak - rest) * np.where(since < rise_ms, rise, fall), V)
    return V


def measured(t_ms, signal, fluorescent=False, **given):
    return Measured("test.csv, sweep 1", "1", t_ms, signal, fluorescent, **given)


def write(tmp_path, text, name="recording.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def paced():
    """Three beats and a half at 400 ms, from the kernel, with the true onsets."""
    cell = replace(CELL, stimulus=replace(CELL.stimulus, start_ms=10.4))
    traces = pace(cell, [400.0], duration_ms=20_200.0, record_last_ms=1400.0)
    onsets = traces.stimuli_ms[0] - traces.t_ms[0]
    return traces, onsets[(onsets >= 0) & (onsets < 1390)]


# --- resampling --------------------------------------------------------------------------


@pytest.mark.parametrize("rate_kHz", [0.5, 1.0, 2.0, 10.0, 25.0])
def test_resampling_keeps_a_slow_sine_in_place(rate_kHz):
    """Oracle: the sine itself. A shift of 0.5 ms would be off by 0.03."""
    t = np.arange(0.0, 400.0, 1.0 / rate_kHz)
    sine = resample(t + 7.0, np.sin(2 * np.pi * t / 100.0))
    clock = np.arange(float(len(sine)))
    assert len(sine) in (399, 400)
    assert np.abs(sine - np.sin(2 * np.pi * clock / 100.0))[1:-1].max() < 0.003
    assert np.abs(sine[[0, -1]] - np.sin(2 * np.pi * clock[[0, -1]] / 100.0)).max() < 0.02


def test_resampling_removes_what_is_too_fast():
    """Oracle: the mean of a sine over one period is zero; picking samples would fold it to DC."""
    t = np.arange(0.0, 200.0, 0.1)
    fast = np.cos(2 * np.pi * t)  # 1 kHz
    assert np.abs(resample(t, fast)[1:-1]).max() < 0.01


def test_resampling_at_1_kHz_changes_nothing(rng):
    x = rng.normal(size=500)
    np.testing.assert_array_equal(resample(np.arange(500.0), x), x)


# --- upstrokes, levels, cycle length -----------------------------------------------------


def test_landmarks_of_a_closed_form_signal(rng):
    t, onsets = np.arange(2000.0), np.array([100.0, 600.0, 1100.0, 1600.0])
    V = pulses(t, onsets)
    rest, peak, upstrokes = landmarks(V + rng.normal(0.0, 2.0, len(t)))
    assert rest == pytest.approx(-85.0, abs=1.0)
    assert peak == pytest.approx(25.0, abs=2.5)
    assert upstrokes == pytest.approx(onsets + 1.2, abs=0.7)  # 60 % of the rise of 2 ms


@pytest.mark.parametrize("rest, peak", [(-85.0, 25.0), (-50.0, 0.0), (-95.0, 45.0)])
@pytest.mark.parametrize("drift_mV", [0.0, 10.0])
def test_every_beat_is_found_at_any_level(rng, rest, peak, drift_mV):
    t, onsets = np.arange(4000.0), 50.0 + 400.0 * np.arange(9)
    V = pulses(t, onsets, rest, peak) + rng.normal(0.0, 2.0, len(t))
    V += drift_mV * np.sin(2 * np.pi * t / 3000.0) * (peak - rest) / 110.0
    beats = find_beats(measured(t, V), [])
    assert len(beats.upstrokes_ms) == 9
    assert np.abs(beats.upstrokes_ms - onsets - 1.2).max() < 1.0 + 0.05 * drift_mV
    assert beats.cycle_length_ms == pytest.approx(400.0, abs=1.0)


@pytest.mark.parametrize("noise_mV, within_ms", [(0.0, 0.1), (1.0, 0.15), (2.0, 0.2)])
def test_the_stimulus_is_placed_where_it_was(paced, rng, noise_mV, within_ms):
    """Oracle: the onsets that the simulation was given, 0.4 ms off the samples."""
    traces, onsets = paced
    V = traces["V"][0] + rng.normal(0.0, noise_mV, len(traces.t_ms))
    sweep = assemble("test", [measured(np.arange(len(V)), V)], CELL).sweeps[0]
    assert sweep.stimuli_ms == pytest.approx(onsets, abs=within_ms)
    assert sweep.cycle_length_ms == pytest.approx(400.0, abs=0.5)
    assert sweep.stimulus.start_ms == pytest.approx(onsets[0] % 400.0, abs=within_ms)
    assert sweep.stimulus.amplitude == CELL.stimulus.amplitude
    np.testing.assert_array_equal(sweep.V_mV, V)


def test_another_cell_gets_its_own_delay():
    traces = pace(hodgkin_huxley1952, [50.0], duration_ms=1000.0, record_last_ms=500.0)
    sweep = assemble(
        "test", [measured(np.arange(500.0), traces["V"][0])], hodgkin_huxley1952
    ).sweeps[0]
    onsets = traces.stimuli_ms[0] - 500.0
    assert sweep.stimuli_ms == pytest.approx(onsets[(onsets >= 0) & (onsets < 500)], abs=0.2)


def test_a_stimulus_channel_is_read_in_its_own_time(rng):
    t = np.arange(0.0, 1500.0, 0.1)
    onsets = np.array([100.3, 600.3, 1100.3])
    stim = -40.0 * ((t[:, None] >= onsets - 1e-6) & (t[:, None] < onsets + 2.5 - 1e-6)).any(1)
    V = pulses(t, onsets + 1.0) + rng.normal(0.0, 0.5, len(t))
    recording = assemble("test", [measured(t + 30.0, V, stim=stim)], CELL)
    sweep = recording.sweeps[0]
    assert sweep.stimuli_ms == pytest.approx(onsets, abs=1e-6)
    assert sweep.stimulus.amplitude == -40.0
    assert sweep.stimulus.duration_ms == pytest.approx(2.5)
    assert sweep.cycle_length_ms == 500.0
    assert sweep.stimulus.start_ms == pytest.approx(100.3)
    assert recording.warnings == ()
    turned = assemble("test", [measured(t, V, stim=-stim)], CELL)
    assert turned.sweeps[0].stimulus.amplitude == -40.0
    assert "positive" in turned.warnings[0]


def test_2_to_1_capture_is_named():
    """Oracle: 315 ms is below the edge of this cell (the stored map of capture)."""
    traces = pace(CELL, [300.0], record_last_ms=3000.0)
    V, t = traces["V"][0], np.arange(3000.0)
    stim = -52.0 * ((traces.t_ms - 10.0) % 300.0 < 1.0)
    with_channel = assemble("test", [measured(t, V, stim=stim)], CELL)
    with_length = assemble("test", [measured(t, V, cycle_length_ms=300.0)], CELL)
    for recording in (with_channel, with_length):
        assert len(recording.warnings) == 1
        assert "sweep 1" in recording.warnings[0] and "2:1" in recording.warnings[0]
        assert np.diff(recording.sweeps[0].stimuli_ms) == pytest.approx(300.0, abs=0.3)


def test_a_wrong_cycle_length_is_noticed(paced):
    V = paced[0]["V"][0]
    sweep = measured(np.arange(len(V)), V, cycle_length_ms=500.0)
    assert "400 ms apart" in assemble("test", [sweep], CELL).warnings[0]


# --- fluorescence ------------------------------------------------------------------------


@pytest.mark.parametrize("scale, offset", [(1.0, 0.0), (0.0007, 0.02), (25.0, 40_000.0)])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_fluorescence_comes_to_the_scale_of_the_cell(paced, rng, scale, offset, noise):
    """Oracle: the V from which the fluorescence was made; 5 % of the scale would be 5.5 mV."""
    V = paced[0]["V"][0]
    light = offset + scale * (V + rng.normal(0.0, noise * 110.0, len(V)))
    recording = assemble("test", [measured(np.arange(len(V)), light, True)], CELL)
    back = recording.sweeps[0].V_mV
    slope, shift = np.polyfit(V, back, 1)
    assert recording.sweeps[0].scaled and recording.warnings == ()
    assert slope == pytest.approx(1.0, abs=0.025)
    assert slope * -86.0 + shift == pytest.approx(-86.0, abs=1.0)


def test_inverted_and_drifting_fluorescence_is_mended_and_said(paced):
    V, t = paced[0]["V"][0], np.arange(1400.0)
    upright = assemble("test", [measured(t, V, True)], CELL).sweeps[0].V_mV
    turned = assemble("test", [measured(t, 7.0 - V, True)], CELL)
    assert "turned over" in turned.warnings[0]
    np.testing.assert_allclose(turned.sweeps[0].V_mV, upright, atol=1e-6)
    drifting = assemble("test", [measured(t, V - 0.01 * t, True)], CELL)
    assert "drifts" in drifting.warnings[0]
    assert np.abs(drifting.sweeps[0].V_mV - upright).max() < 1.5


# --- files -------------------------------------------------------------------------------


def test_write_and_read_back(tmp_path, paced):
    traces, onsets = paced
    t = np.arange(1400.0)
    file = tmp_path / "out.csv"
    stim = np.where((traces.t_ms - 11.0) % 400.0 < 1.0, -52.0, 0.0)
    columns = {
        "time_ms": np.tile(t, 2),
        "V_mV": np.tile(traces["V"][0], 2),
        "Ca_i_mM": np.tile(traces["Ca_i"][0], 2),
        "sweep": ["first"] * 1400 + ["second"] * 1400,
        "cycle_length_ms": np.full(2800, 400.0),
        "stim_pA_pF": np.tile(stim, 2),
    }
    write_recording(file, columns)
    recording = read_recording(file, CELL)
    assert recording.file == str(file) and recording.warnings == ()
    assert [s.name for s in recording.sweeps] == ["first", "second"]
    for sweep in recording.sweeps:
        np.testing.assert_allclose(sweep.V_mV, traces["V"][0], rtol=1e-6)
        np.testing.assert_allclose(sweep.Ca_i_mM, traces["Ca_i"][0], rtol=1e-6)
        assert sweep.stimuli_ms == pytest.approx(onsets, abs=0.1)  # between two samples
        assert sweep.t_ms[[0, -1]].tolist() == [0.0, 1399.0]
    assert [f.name for f in tmp_path.iterdir()] == ["out.csv"]


def test_what_simulate_writes_can_be_read(tmp_path, paced):
    traces = paced[0]
    columns = {column(s): traces[s.name][0] for s in CELL.states}
    assert {"V_mV", "Ca_i_mM", "K_i_mM", "xr1"} <= set(columns)
    write_recording(tmp_path / "trace.csv", {"time_ms": traces.t_ms, **columns})
    recording = read_recording(tmp_path / "trace.csv", CELL)
    assert "not used" in recording.warnings[0] and "xr1" in recording.warnings[0]


def test_writing_leaves_nothing_half_done(tmp_path):
    with pytest.raises(BadValue, match="cannot be written"):
        write_recording(tmp_path / "absent" / "x.csv", {"time_ms": [0.0]})
    with pytest.raises(ValueError):
        write_recording(tmp_path / "x.csv", {"time_ms": [0.0], "V_mV": [1.0, 2.0]})
    assert not list(tmp_path.iterdir())


def test_a_folder_is_read_in_natural_order(tmp_path):
    t = np.arange(400.0)
    for beat in (10, 2, 1):
        V = pulses(t, [50.0], last_ms=100.0 + 10 * beat)
        write_recording(tmp_path / f"beat{beat}.csv", {"time_ms": t, "V_mV": V})
    write(tmp_path, "not a recording", "notes.txt")
    recording = read_recording(tmp_path, CELL)
    assert [s.name for s in recording.sweeps] == ["beat1", "beat2", "beat10"]
    assert [s.cycle_length_ms for s in recording.sweeps] == [400.0] * 3
    assert len(recording.warnings) == 3 and "one beat" in recording.warnings[0]


@pytest.mark.parametrize("name, cell", [("control", CELL), ("long_qt", LONG_QT.apply(CELL))])
def test_the_shipped_recordings_are_what_they_say(name, cell, request):
    """Oracle: the kernel, which did not make them; what is left must be the noise and no more."""
    file = request.config.rootpath / "data" / "recordings" / f"{name}.csv"
    assert file.stat().st_size < 1e6
    recording = read_recording(file, CELL)
    lengths = [350.0, 500.0, 800.0]
    fresh = pace(cell, lengths, record_last_ms=5000.0)
    assert recording.warnings == ()
    assert [s.cycle_length_ms for s in recording.sweeps] == lengths
    for k, sweep in enumerate(recording.sweeps):
        onsets = fresh.stimuli_ms[k] - fresh.t_ms[0]
        onsets = onsets[(onsets >= 0) & (onsets < 5000)]
        assert sweep.stimuli_ms == pytest.approx(onsets)
        assert (sweep.stimulus.amplitude, sweep.stimulus.duration_ms) == (-52.0, 1.0)
        calm = (np.abs(sweep.t_ms[:, None] - onsets) > 5.0).all(1)
        noise = (sweep.V_mV - fresh["V"][k])[calm]
        assert noise.std() == pytest.approx(0.5, rel=0.05)
        assert abs(noise.mean()) < 0.03
        Ca_noise = (sweep.Ca_i_mM - fresh["Ca_i"][k]) / np.ptp(fresh["Ca_i"][k])
        assert Ca_noise.std() == pytest.approx(0.01, rel=0.05)
        assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.06
        assert not sweep.scaled


BEAT = "\n".join(f"{t:g},{V:.3f}" for t, V in enumerate(pulses(np.arange(400.0), [50.0])))
RAMP = "\n".join(f"{t},{-85 + 0.01 * t}" for t in range(400))
FLAT = "\n".join(f"{t},-85" for t in range(400))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"empty"),
        ("time_ms,V_mV\n", r"no samples"),
        ("0,-85\n1,-84\n", r"starts with numbers.*header"),
        ("time_ms;V_mV\n0;-85\n", r"separated by commas"),
        ("time_ms,V_mv\n" + BEAT, r'unknown column.*"V_mv".*Did you mean "V_mV"'),
        ("time_ms,V_mV,stim_pApF\n0,1,2\n", r'Did you mean "stim_pA_pF"'),
        ("V_mV\n-85\n", r"needs the column time_ms"),
        ("time_ms,sweep\n0,1\n", r"either V_mV or fluorescence.*has time_ms, sweep"),
        ("time_ms,V_mV,fluorescence\n0,1,2\n", r"either V_mV or fluorescence.*both"),
        ("time_ms,V_mV\n0,-85\n1,high\n", r'line 3: V_mV must be a number, got "high"'),
        ("time_ms,V_mV\n0,-85\n1,nan\n", r"line 3: V_mV must be a number"),
        ("time_ms,V_mV\n0,-85\n1,\n2,-85\n", r'line 3: V_mV must be a number, got ""'),
        ("time_ms,V_mV\n0,-85\n1,inf\n", r"line 3: V_mV must be a number"),
        ("time_ms,V_mV\n0,-85\nnow,-85\n", r'line 3: time_ms must be a number, got "now"'),
        ("time_ms,V_mV\n0,-85\n1,-85,7\n", r"must be a CSV text"),
        ("time_ms,V_mV\n0,-85\n2,-85\n1,-85\n", r"sweep 1, line 4: time_ms must rise.*1 after 2"),
        ("time_ms,V_mV\n" + BEAT + "\n0,-85", r"line 402: time_ms must rise.*column sweep"),
        ("time_ms,V_mV\n0,-85\n1,-85\n2,-85\n90,-85\n", r"line 5: samples must be at most 5 ms"),
        ("time_ms,V_mV,sweep\n0,-85,1\n1,-85,\n", r"line 3: sweep must be a name"),
        ("time_ms,V_mV\n" + FLAT, r"must change along the sweep, got 1 different.*right column"),
        ("time_ms,V_mV\n" + RAMP, r"upstroke from rest to peak; none was found"),
        ("time_ms,V_mV\n0,-85\n1,20\n2,-85\n", r"too short"),
        ("time_ms,V_mV\n" + "\n".join(BEAT.split("\n")[:100]), r"too short"),
        ("time_ms,V_mV,Ca_i_mM\n0,-85,1e-4\n1,-85,0\n", r"line 3: Ca_i_mM must be positive, got 0"),
        ("time_ms,V_mV,Ca_i_mM\n0,-85,0.1\n1,-85,0.2\n", r"Ca_i_mM must be in mM.*uM"),
        ("time_ms,V_mV,cycle_length_ms\n0,-85,350\n1,-85,400\n", r"one positive number.*350, 400"),
        ("time_ms,V_mV,cycle_length_ms\n0,-85,0\n1,-85,0\n", r"one positive number.*got 0"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason(tmp_path, text, says):
    file = write(tmp_path, text)
    with pytest.raises(IonlabError, match=says) as caught:
        read_recording(file, CELL)
    assert isinstance(caught.value, BadRecording | UnknownName)
    assert str(file) in str(caught.value)


def test_wrong_units_are_recognised(tmp_path):
    t, V = np.arange(400.0), pulses(np.arange(400.0), [50.0])
    for times, values, says in [
        (t, V / 1000.0, r"sweep 1: V_mV must be in mV.*volts.*by 1000"),
        (t / 1000.0, V, r"sweep 1: time_ms must be in ms.*seconds.*by 1000"),
    ]:
        write_recording(tmp_path / "x.csv", {"time_ms": times, "V_mV": values})
        with pytest.raises(BadRecording, match=says):
            read_recording(tmp_path / "x.csv", CELL)


def test_noise_without_a_beat_is_no_fluorescence(rng):
    with pytest.raises(BadRecording, match="none was found"):
        find_beats(measured(np.arange(3000.0), rng.normal(size=3000), True), [])


def test_errors_about_paths(tmp_path):
    with pytest.raises(BadRecording, match=r"absent\.csv does not exist"):
        read_recording(tmp_path / "absent.csv", CELL)
    with pytest.raises(BadRecording, match="has none"):
        read_recording(tmp_path, CELL)
    (tmp_path / "x.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00\x91")
    with pytest.raises(BadRecording, match="must be a CSV text"):
        read_recording(tmp_path / "x.csv", CELL)


def test_spaces_a_mark_and_blank_ends_do_no_harm(tmp_path):
    text = "\ufefftime_ms , V_mV\r\n" + BEAT.replace(",", ", ").replace("\n", "\r\n") + "\r\n\r\n"
    file = tmp_path / "x.csv"
    file.write_bytes(text.encode())
    assert len(read_recording(file, CELL).sweeps[0].V_mV) == 400


def test_calcium_of_a_cell_without_it_is_left_out(tmp_path):
    V = pulses(np.arange(400.0), [50.0])
    columns = {"time_ms": np.arange(400), "V_mV": V, "Ca_i_mM": np.full(400, 1e-4)}
    write_recording(tmp_path / "x.csv", columns)
    recording = read_recording(tmp_path / "x.csv", hodgkin_huxley1952)
    assert recording.sweeps[0].Ca_i_mM is None
    assert "no calcium" in recording.warnings[0]


def test_the_readme_lists_the_columns(request):
    readme = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (?:yes|no|this)", readme, re.MULTILINE) == list(COLUMNS)


# --- the real recordings -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("drug", "concentration_uM", "wells", "apd_ratio"),
    [
        ("dofetilide", 0.1, (20, 5), (1.5, 3.5)),  # blocks I_Kr: longer
        ("verapamil", 1.0, (20, 5), (0.3, 0.6)),  # blocks I_CaL: shorter
        ("paracetamol", 3.0, (19, 5), (0.8, 1.2)),  # no effect
    ],
)
def test_real_recordings(monkeypatch, ionlab_data, drug, concentration_uM, wells, apd_ratio):
    """Oracle: the manifest, and what the drug is known to do to the action potential."""
    monkeypatch.setenv(lei2017.MIRROR, str(ionlab_data))
    recordings = lei2017.load(drug, concentration_uM, CELL)
    assert tuple(len(r.sweeps) for r in recordings) == wells
    title = f"lei2017: {drug} {concentration_uM:g} uM"
    assert [r.file for r in recordings] == [f"{title}, baseline", f"{title}, drug"]
    own = pace(CELL, [1000.0], record_last_ms=1000.0)["V"][0]
    own_rest, own_peak = np.median(own), np.convolve(own, np.ones(5) / 5.0, "valid").max()
    durations = []
    for recording in recordings:
        said = " ".join(recording.warnings)
        assert "immature" in said and "unpaired" in said
        for sweep in recording.sweeps:
            V = sweep.V_mV
            assert sweep.scaled and sweep.Ca_i_mM is None
            assert sweep.stimuli_ms == pytest.approx([49.2], abs=1.5)  # as the authors cut them
            smooth = np.convolve(V, np.ones(5) / 5.0, "valid")
            assert smooth.max() == pytest.approx(own_peak, abs=0.5)
            assert np.median(V[V < -75.0]) == pytest.approx(own_rest, abs=2.5)
            assert smooth[:20].mean() < -60.0 < -10.0 < smooth[60:90].mean()
            assert 600.0 < sweep.cycle_length_ms < 2000.0
        above = [(s.V_mV[50:] > -50.0).sum() for s in recording.sweeps]
        durations.append(np.median(above))
    assert apd_ratio[0] < durations[1] / durations[0] < apd_ratio[1]


def test_lei2017_refuses_what_was_not_recorded():
    with pytest.raises(UnknownName, match='Did you mean "dofetilide"'):
        lei2017.load("dofetilid", 0.1, CELL)
    with pytest.raises(BadValue, match=r"recorded at 0\.01, 0\.1, 1 uM, got 3"):
        lei2017.load("verapamil", 3.0, CELL)


def test_a_changed_or_missing_file_of_the_mirror_is_noticed(monkeypatch, ionlab_data, tmp_path):
    monkeypatch.setenv(lei2017.MIRROR, str(tmp_path))
    with pytest.raises(BadRecording, match="is missing"):
        lei2017.load("dofetilide", 0.1, CELL)
    folder = tmp_path / "lei2017" / "optical" / "Group I"
    folder.mkdir(parents=True)
    for file in (ionlab_data / "lei2017" / "optical" / "Group I").iterdir():
        (folder / file.name).write_bytes(file.read_bytes().replace(b"0.0", b"0.1", 1))
    with pytest.raises(BadRecording, match=r"Group I.*must have the SHA-256"):
        lei2017.load("dofetilide", 0.1, CELL)


def test_the_source_is_asked_for_quoted_addresses_and_hashes(monkeypatch, tmp_path):
    """No network: pooch's downloader is replaced by one that writes something else."""
    asked = []

    def download(self, url, output_file, *args, **kwargs):
        asked.append(url)
        with open(output_file, "wb") as file:
            file.write(b"not the recording")

    monkeypatch.delenv(lei2017.MIRROR, raising=False)
    monkeypatch.setattr(lei2017.pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(
        lei2017.pooch.HTTPDownloader, "__call__", lambda self, *a: download(self, *a)
    )
    with pytest.raises(BadRecording, match="could not be fetched.*IONLAB_DATA"):
        lei2017.load("dofetilide", 0.1, CELL)
    assert asked == [lei2017.SOURCE + "optical/Group%20I/Well1Recording1.csv"]
    assert not list(tmp_path.rglob("*.csv"))


# --- simulated recordings ----------------------------------------------------------------


def test_simulated_runs_are_a_recording():
    """Oracle: the same runs written to a file and read back."""
    traces = pace(CELL, [300.0, 500.0], record_last_ms=3000.0)
    recording = from_traces(traces, "simulated")
    assert [sweep.name for sweep in recording.sweeps] == ["300", "500"]
    assert [sweep.answer for sweep in recording.sweeps] == ["2:1", "1:1"]
    assert len(recording.warnings) == 1
    assert "simulated, sweep 300" in recording.warnings[0] and "2:1" in recording.warnings[0]
    for k, sweep in enumerate(recording.sweeps):
        on = (traces.t_ms[:, None] == traces.stimuli_ms[k]).any(1)
        read = assemble(
            "file",
            [
                measured(
                    traces.t_ms,
                    traces["V"][k],
                    stim=-52.0 * on,
                    Ca_i_mM=traces["Ca_i"][k],
                    cycle_length_ms=traces.cycle_lengths_ms[k],
                )
            ],
            CELL,
        ).sweeps[0]
        np.testing.assert_array_equal(sweep.V_mV, read.V_mV)
        np.testing.assert_array_equal(sweep.Ca_i_mM, read.Ca_i_mM)
        assert sweep.stimuli_ms == pytest.approx(read.stimuli_ms)
        assert sweep.stimulus == read.stimulus
        assert (sweep.scaled, sweep.placed, sweep.answer) == (False, False, read.answer)


@pytest.mark.parametrize("sample_ms, exact", [(1.0, True), (0.25, True), (0.8, False)])
def test_simulated_runs_as_a_file(tmp_path, sample_ms, exact):
    """Oracle: the traces themselves. Steps of 0.8 ms miss the edges of a stimulus of 1 ms."""
    traces = pace(CELL, [400.0, 800.0], 8000.0, 2400.0, sample_ms=sample_ms)
    columns = columns_of(traces)
    assert list(columns)[:3] == ["time_ms", "V_mV", "Ca_i_mM"]
    assert ("stim_pA_pF" in columns) == exact
    write_recording(tmp_path / "trace.csv", columns)
    recording = read_recording(tmp_path / "trace.csv", CELL)
    assert [sweep.cycle_length_ms for sweep in recording.sweeps] == [400.0, 800.0]
    for k, sweep in enumerate(recording.sweeps):
        onsets = traces.stimuli_ms[k] - traces.t_ms[0]
        onsets = onsets[(onsets >= 0) & (onsets < 2400)]
        assert sweep.stimuli_ms == pytest.approx(onsets, abs=1e-6 if exact else 0.2)
        assert sweep.placed is not exact
        assert sweep.stimulus.duration_ms == pytest.approx(1.0)
        assert sweep.stimulus.amplitude == -52.0
        if sample_ms == 1.0:
            assert sweep.V_mV == pytest.approx(traces["V"][k], rel=1e-6)


def test_simulated_noise_has_its_size_and_seed():
    traces = pace(CELL, [500.0], record_last_ms=5000.0)
    noisy = [
        from_traces(traces, "x", 0.5, np.random.default_rng(seed), ("V",)) for seed in (1, 1, 2)
    ]
    first, again, other = (recording.sweeps[0] for recording in noisy)
    assert np.std(first.V_mV - traces["V"][0]) == pytest.approx(0.5, rel=0.04)
    assert (first.V_mV == again.V_mV).all() and (first.V_mV != other.V_mV).any()
    assert first.Ca_i_mM is None


@pytest.mark.parametrize(
    "run, observables, say",
    [
        ({"sample_ms": 0.5}, None, "1 ms apart"),
        ({"record_last_ms": 200.0}, None, "no stimulus"),
        ({}, ("Cai",), 'Did you mean "Ca_i"'),
    ],
)
def test_runs_that_are_no_recording(run, observables, say):
    traces = pace(CELL, [800.0], duration_ms=800.0, **{"record_last_ms": 800.0, **run})
    with pytest.raises(IonlabError, match=say):
        from_traces(traces, "x", observables=observables)
