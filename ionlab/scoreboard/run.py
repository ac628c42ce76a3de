"""The scoreboard from pairs to tables; what has finished is kept, so that a stopped run goes on."""

import io
import json
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr, suppress
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from ionlab.cells import tentusscher2004
from ionlab.errors import BadValue, known
from ionlab.files import replacing
from ionlab.scoreboard import table
from ionlab.scoreboard.answers import Answer, described, keep, stored
from ionlab.scoreboard.methods import METHODS
from ionlab.scoreboard.pairs import KINDS, recordings

ROWS, SUMMARY, ALL = "scoreboard.csv", "summary.csv", "scoreboard.json"
PROCESSES = 2  # that simulate; the methods run one after the other, so that their times hold


def chosen(pairs, only=(), count=None):
    """Return the pairs of these kinds, all if none is named, and `count` of them, evenly spread.

    >>> from ionlab.scoreboard import PAIRS
    >>> [pair.name for pair in chosen(PAIRS, ["tau"], 2)]
    ['29 xs tau x0.5', '33 f tau x0.7']
    """
    for kind in only:
        known("kind", kind, KINDS)
    kept = [pair for pair in pairs if not only or pair.kind in only]
    if count is None or count >= len(kept):
        return kept
    if count < 1:
        raise BadValue(f"a scoreboard needs one pair at least, got {count}. Try 6.")
    step = (len(kept) - 1) / max(count - 1, 1)
    return [kept[round(k * step)] for k in range(count)]


def run(out, pairs, methods=tuple(METHODS), model=tentusscher2004):
    """Put methods to pairs; return the summary, a DataFrame. Writes three files into a folder.

    scoreboard.csv : a row for each pair and method. summary.csv : for each view and method, see
    `table`. scoreboard.json : pairs and answers in full. Traces and answers are kept in `traces`
    and `answers`; delete `answers/METHOD` to have that method answer anew. A failure is an answer
    with its reason, and is tried again by the next run.
    """
    for name in methods:
        known("method", name, METHODS)
    out = Path(out)
    answered = {
        pair.name: all(stored(out / "answers", name, pair) for name in methods) for pair in pairs
    }
    if todo := [pair for pair in pairs if not answered[pair.name]]:
        simulate(todo, out / "traces", model)
    scores = []
    for name in methods:
        answers = answer(name, pairs, out, model)
        scores += [table.score(name, pair, answers[pair.name], model) for pair in pairs]
    return write(out, scores, model)


def simulate(pairs, folder, model=tentusscher2004):
    """Have the traces of pairs in a folder, by `PROCESSES` processes of their own.

    A pair that fails here fails again where it is answered, and the failure is recorded there.
    """
    work = partial(_make, model=model, folder=folder)
    ends = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends them at once
    context = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, signal.signal, ends) as pool:
        made = as_completed([pool.submit(work, pair) for pair in pairs])
        try:
            for _ in tqdm(made, total=len(pairs), desc="simulate", unit="pair", disable=None):
                pass
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


def _make(pair, model, folder):
    """Have the traces of a pair in a folder; errors and progress bars stay in this process."""
    with suppress(Exception), redirect_stderr(io.StringIO()):
        recordings(pair, model, folder)


def answer(name, pairs, out, model=tentusscher2004):
    """Return pair name -> `Answer` of one method, those kept in `out / "answers"` included."""
    method, folder = METHODS[name], Path(out) / "answers"
    found = {pair.name: stored(folder, name, pair) for pair in pairs}
    todo = [pair for pair in pairs if found[pair.name] is None]
    with tqdm(total=len(pairs), desc=name, unit="pair", disable=None) as bar:
        bar.update(len(pairs) - len(todo))
        for some in _together(todo, method.at_once):
            for pair, answered in zip(some, _answers(method, some, out, model), strict=True):
                keep(folder, name, pair, answered)
                found[pair.name] = answered
                if answered.error:
                    tqdm.write(f"{name}: {pair.name}: {answered.error}", file=sys.stderr)
                bar.update()
    return found


def _together(pairs, at_once):
    """Give lists of pairs of one shape: sweeps and samples."""
    shape = lambda pair: (len(pair.lengths_ms), pair.record_ms)  # noqa: E731
    for _, alike in groupby(sorted(pairs, key=shape) if at_once > 1 else pairs, shape):
        alike = list(alike)
        for k in range(0, len(alike), at_once):
            yield alike[k : k + at_once]


def _answers(method, pairs, out, model):
    """Return the answers to pairs of one shape; a failure of one becomes its answer."""
    found = [None] * len(pairs)
    able = []
    for k, pair in enumerate(pairs):
        lacking = [name for name in method.needs if name not in pair.observables]
        if lacking:
            found[k] = Answer(error=f"needs {' and '.join(lacking)}, which was not recorded")
        else:
            able.append(k)
    try:
        made = [recordings(pairs[k], model, Path(out) / "traces") for k in able]
        answered = method.answers(made, model) if able else []
    except Exception as error:  # whatever it is, the other pairs are still to be answered
        if len(able) == 1:
            answered = [Answer(error=f"{type(error).__name__}: {error}")]
        else:
            answered = [_answers(method, [pairs[k]], out, model)[0] for k in able]
    for k, one in zip(able, answered, strict=True):
        found[k] = one
    return found


def write(out, scores, model=tentusscher2004):
    """Write the three files; return the summary."""
    summarised = table.summary(scores)
    frames = {ROWS: table.rows(scores, model), SUMMARY: summarised}
    for name, frame in frames.items():
        with replacing(out / name) as aside:
            frame.to_csv(aside, index=False, float_format="%.5g")
    full = [
        {"method": s.method, "pair": described(s.pair), "answer": s.answer.as_json()}
        for s in scores
    ]
    with replacing(out / ALL) as aside:
        aside.write_text(json.dumps(full, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return summarised
