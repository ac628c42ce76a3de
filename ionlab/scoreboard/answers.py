"""What a method says of a pair, and how that is kept on disk."""

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ionlab.files import replacing

NOT_KNOWN = (float("nan"), float("nan"))  # of a method that gives no interval


@dataclass(frozen=True)
class Answer:
    """What a method says of a pair.

    Attributes
    ----------
    first : the current that changed first of all; "" without an answer.
    changed : currents that the method says have changed.
    ratios : current -> (ratio, low, high) of conductances treated over control, 90 % interval;
        the bounds are NaN where a method gives none.
    kind : "amount", "gating", "both", "no change" or "undecidable"; "" if it cannot tell.
    alternatives : sets of (kind of change, target), what fits about as well, most probable first.
    gate_shifts : gate -> shift of its steady state in mV, by the likeliest explanation that names
        it of those that cannot be told apart, 0 where none does; None if blind to it.
    seconds : that it took.
    error : why there is no answer, or "".
    """

    first: str = ""
    changed: tuple[str, ...] = ()
    ratios: dict = field(default_factory=dict)
    kind: str = ""
    alternatives: tuple[frozenset, ...] = ()
    gate_shifts: dict | None = None
    seconds: float = float("nan")
    error: str = ""

    def as_json(self):
        """Return plain values; what is not finite becomes None."""
        plain = asdict(self)
        plain["alternatives"] = [sorted(map(list, each)) for each in self.alternatives]
        return _plain(plain)

    @classmethod
    def of_json(cls, plain):
        """Return the `Answer` of `as_json`."""
        number = lambda x: float("nan") if x is None else float(x)  # noqa: E731
        shifts = plain["gate_shifts"]
        return cls(
            **{name: plain[name] for name in ("first", "kind", "error")},
            changed=tuple(plain["changed"]),
            ratios={name: tuple(map(number, x)) for name, x in plain["ratios"].items()},
            alternatives=tuple(
                frozenset(tuple(found) for found in each) for each in plain["alternatives"]
            ),
            gate_shifts=None if shifts is None else {g: number(x) for g, x in shifts.items()},
            seconds=number(plain["seconds"]),
        )


def _plain(x):
    """Return x as JSON would give it back: lists for tuples, None for what is not finite."""
    if isinstance(x, dict):
        return {str(key): _plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(value) for value in x]
    if isinstance(x, (str, bool)) or x is None:
        return x
    return float(x) if math.isfinite(x) else None


def described(pair):
    """Return a `Pair` as plain values."""
    return _plain(asdict(pair))


def file_of(folder, method, pair):
    """Return the path of the answer of a method to a pair."""
    return Path(folder) / method / (re.sub(r"[^\w.+-]+", "-", pair.name) + ".json")


def stored(folder, method, pair):
    """Return the `Answer` kept in a folder to just this pair, or None; failures are not kept."""
    path = file_of(folder, method, pair)
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    answer = Answer.of_json(kept["answer"])
    return None if answer.error or kept["pair"] != described(pair) else answer


def keep(folder, method, pair, answer):
    """Write an answer, and the pair that it belongs to."""
    text = json.dumps({"pair": described(pair), "answer": answer.as_json()}, indent=1)
    with replacing(file_of(folder, method, pair)) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
