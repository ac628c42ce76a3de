"""Real recordings, before and after a drug: Lei et al. 2017, doi:10.3389/fphys.2017.00986.

Optical action potentials of heart cells derived from human stem cells, one spontaneous beat a file:
time (s) and fluorescence at 10 kHz, no header. The files (BSD-3-Clause) stay at their source and
are fetched when asked for; `data/lei2017_manifest.csv` has the SHA-256 of each.
"""

import os
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pooch
from tqdm import tqdm

from ionlab.errors import BadRecording, BadValue, known
from ionlab.recordings import assemble
from ionlab.tables import Measured

SOURCE = (
    "https://raw.githubusercontent.com/CardiacModelling/tailored-ipsc-models/"
    "27b92f6b4d3396c5d620238599bde50a6022ca48/"
)
MANIFEST = Path(__file__).resolve().parents[1] / "data" / "lei2017_manifest.csv"
MIRROR = "IONLAB_DATA"  # names a folder that holds lei2017/, to be read instead of the source
NEXT_BEAT_ms = 50.0  # the upstroke stands this far from the start: the next beat begins then
CAUTION = (
    "lei2017: these cells are immature and beat by themselves; they were not paced, and a stimulus "
    "is placed at each upstroke.",
    "lei2017: the baseline and drug wells are not stated to be the same cells: compare the groups "
    "as unpaired.",
)


def load(drug, concentration_uM, cell):
    """Return the `Recording` of a drug's baseline wells and that of the wells with the drug.

    Files come from the mirror that IONLAB_DATA names, or from the cache or the source; either way
    their SHA-256 must be that of the manifest, else `BadRecording` is raised. Raises `UnknownName`
    for a drug and `BadValue` for a concentration that was not recorded.

    >>> from ionlab.cells import tentusscher2004
    >>> control, treated = load("dofetilide", 0.1, tentusscher2004)  # doctest: +SKIP
    >>> len(control.sweeps), len(treated.sweeps)  # doctest: +SKIP
    (20, 5)
    """
    manifest = pd.read_csv(MANIFEST)
    drugs = sorted(manifest["drug"].unique())
    of_drug = manifest[manifest["drug"] == known("drug", drug, drugs)]
    baseline = of_drug[of_drug["phase"] == "baseline"]
    with_drug = of_drug[of_drug["phase"] == "drug"]
    treated = with_drug[np.isclose(with_drug["concentration_uM"], concentration_uM)]
    if not len(treated):
        recorded = ", ".join(f"{x:g}" for x in sorted(with_drug["concentration_uM"].unique()))
        raise BadValue(
            f"{drug} was recorded at {recorded} uM, got {concentration_uM:g}. Choose one of these."
        )
    title = f"lei2017: {drug} {concentration_uM:g} uM"
    files = fetch(pd.concat([baseline, treated]))
    return tuple(
        assemble(f"{title}, {phase}", [_measured(files, row) for row in rows], cell, CAUTION)
        for phase, rows in (
            ("baseline", list(baseline.itertuples())),
            ("drug", list(treated.itertuples())),
        )
    )


def fetch(manifest):
    """Return path -> local file for the rows of a manifest; every file has its SHA-256."""
    hashes = dict(zip(manifest["path"], manifest["sha256"], strict=True))
    if mirror := os.environ.get(MIRROR):
        return {path: _checked(Path(mirror) / "lei2017" / path, hashes[path]) for path in hashes}
    shelf = pooch.create(
        path=pooch.os_cache("ionlab") / "lei2017",
        base_url=SOURCE,
        registry=hashes,
        urls={path: SOURCE + quote(path) for path in hashes},
    )
    pooch.get_logger().setLevel("WARNING")  # the bar says it all
    try:
        bar = tqdm(hashes, desc="lei2017", unit="file", delay=0.5)
        return {path: Path(shelf.fetch(path)) for path in bar}
    except (OSError, ValueError) as error:  # no network or disk; a hash that does not match
        raise BadRecording(
            f"the recordings of Lei et al. 2017 could not be fetched from their source: {error} "
            f"Try again, or set {MIRROR} to a folder that holds lei2017/."
        ) from error


def _checked(file, sha256):
    """Return a file of the mirror if it is there and unchanged."""
    advice = f"Mend the mirror, or unset {MIRROR} to fetch from the source."
    if not file.is_file():
        raise BadRecording(
            f"{MIRROR} must name a folder with all files; {file} is missing. {advice}"
        )
    if (found := pooch.file_hash(file)) != sha256:
        raise BadRecording(
            f"{file} must have the SHA-256 {sha256[:12]}..., got {found[:12]}... {advice}"
        )
    return file


def _measured(files, row):
    """Return the one beat of a row of the manifest as a `Measured` sweep."""
    t_s, fluorescence = np.loadtxt(files[row.path], delimiter=",", unpack=True)
    t_ms = 1000.0 * (t_s - t_s[0])
    beat = t_ms < row.cycle_length_ms - NEXT_BEAT_ms
    return Measured(
        where=f"lei2017, {row.path}",
        name=row.path.removeprefix("optical/").removesuffix(".csv"),
        t_ms=t_ms[beat],
        signal=fluorescence[beat],
        fluorescent=True,
        cycle_length_ms=row.cycle_length_ms,
    )
