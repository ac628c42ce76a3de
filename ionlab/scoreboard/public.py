"""The fixed public set of pairs on which the methods are compared."""

from ionlab.scoreboard.pairs import Imperfect, Pair

FAST = (350.0, 500.0, 800.0)  # for cells that also follow 330 ms, see `drawn.follows`
MEDIUM = (400.0, 600.0, 900.0)
SLOW = (450.0, 700.0, 1000.0)
SLOWER = (600.0, 800.0, 1000.0)

V_ALONE = ("V",)
BOTH = ("V", "Ca_i")


def _shift(gate, mV):
    return {gate: (mV, 1.0, 1.0)}


def _pace(gate, slower):
    return {gate: (0.0, 1.0, slower)}


ONE = (  # current, factor, lengths, observables, noise_mV
    ("I_Na", 0.5, FAST, BOTH, 0.5),
    ("I_Na", 1.8, SLOW, V_ALONE, 0.5),
    ("I_CaL", 0.25, FAST, BOTH, 0.5),
    ("I_CaL", 0.5, FAST, V_ALONE, 0.5),
    ("I_CaL", 1.4, SLOW, BOTH, 1.0),
    ("I_Kr", 0.25, SLOW, V_ALONE, 0.5),
    ("I_Kr", 0.5, MEDIUM, BOTH, 0.5),
    ("I_Kr", 2.5, FAST, BOTH, 2.0),
    ("I_Ks", 0.4, MEDIUM, BOTH, 0.5),
    ("I_Ks", 2.5, FAST, V_ALONE, 0.5),
    ("I_K1", 0.6, SLOW, BOTH, 0.5),
    ("I_K1", 1.6, FAST, V_ALONE, 0.5),
    ("I_to", 0.3, MEDIUM, V_ALONE, 1.0),
    ("I_to", 3.0, FAST, BOTH, 0.5),
)
TWO = (
    ({"I_Kr": 0.5, "I_CaL": 0.7}, MEDIUM, BOTH, 0.5),
    ({"I_Kr": 2.0, "I_Ks": 0.5}, FAST, BOTH, 0.5),
    ({"I_Ks": 0.5, "I_CaL": 1.3}, SLOW, V_ALONE, 0.5),
    ({"I_Na": 0.6, "I_to": 2.0}, FAST, BOTH, 0.5),
    ({"I_K1": 0.7, "I_CaL": 0.6}, FAST, V_ALONE, 0.5),
    ({"I_Kr": 0.7, "I_to": 0.4}, MEDIUM, BOTH, 1.0),
)
SHIFTED = (
    ("f", 5.0, SLOW, BOTH, 0.5),
    ("f", -6.0, FAST, V_ALONE, 0.5),
    ("h", 5.0, MEDIUM, BOTH, 0.5),
    ("h", -4.0, FAST, BOTH, 0.5),
    ("d", 4.0, FAST, BOTH, 0.5),
    ("d", -3.0, MEDIUM, V_ALONE, 0.5),
    ("xr1", 8.0, MEDIUM, BOTH, 0.5),
    ("xr1", -6.0, FAST, V_ALONE, 0.5),
)
PACES = (
    ("xs", 0.5, FAST, BOTH, 0.5),
    ("xs", 2.0, MEDIUM, V_ALONE, 0.5),
    ("f", 0.5, FAST, BOTH, 0.5),
    ("f", 1.7, SLOWER, BOTH, 1.0),
    ("f", 0.7, FAST, V_ALONE, 0.5),
)
AMOUNTS = (
    ("I_Kr", 0.5, {"I_Ks": 1.4, "I_CaL": 0.8, "I_K1": 1.2}, MEDIUM, BOTH, 0.5),
    ("I_Kr", 2.0, {"I_Kr": 0.8, "I_to": 1.3, "I_Na": 0.8}, FAST, V_ALONE, 0.5),
    ("I_CaL", 0.5, {"I_Kr": 1.3, "I_Ks": 0.7, "I_to": 0.8}, FAST, BOTH, 0.5),
    ("I_CaL", 1.4, {"I_Ks": 1.3, "I_Na": 1.2, "I_CaL": 0.9}, MEDIUM, V_ALONE, 0.5),
    ("I_Ks", 0.4, {"I_CaL": 0.9, "I_Kr": 1.2, "I_K1": 0.8}, SLOW, BOTH, 0.5),
    ("I_K1", 1.6, {"I_Na": 1.3, "I_Ks": 0.8, "I_Kr": 1.2}, MEDIUM, BOTH, 1.0),
    ("I_to", 2.5, {"I_to": 0.7, "I_CaL": 1.1, "I_Ks": 1.4}, MEDIUM, V_ALONE, 0.5),
    ("I_Na", 0.5, {"I_K1": 0.9, "I_to": 1.4, "I_CaL": 0.8}, FAST, BOTH, 0.5),
)
KINETICS = (
    ("I_Kr", 0.5, {"f": (-3.0, 1.0, 0.9), "xs": (0.0, 1.0, 1.25)}, MEDIUM, BOTH, 0.5),
    ("I_Kr", 2.0, {"xr1": (3.0, 1.0, 1.0), "d": (2.0, 1.0, 1.0)}, FAST, V_ALONE, 0.5),
    ("I_CaL", 0.5, {"f": (2.0, 1.0, 1.2), "xr1": (-3.0, 1.0, 1.0)}, MEDIUM, BOTH, 0.5),
    ("I_Ks", 2.5, {"xs": (-4.0, 1.0, 0.8), "h": (2.0, 1.0, 1.0)}, FAST, BOTH, 0.5),
    ("I_K1", 0.6, {"d": (-2.0, 1.0, 1.0), "f": (0.0, 1.0, 0.75)}, SLOW, V_ALONE, 0.5),
    ("I_to", 2.0, {"s": (3.0, 1.0, 1.3), "r": (-2.0, 1.0, 1.0)}, SLOW, BOTH, 1.0),
)
AMOUNTS_OFF = Imperfect({"I_Ks": 1.4, "I_CaL": 0.8, "I_to": 0.7})
KINETICS_OFF = Imperfect(gates={"f": (-3.0, 1.0, 0.8), "xr1": (2.0, 1.0, 1.3)})
UNCHANGED = (
    (Imperfect(), FAST, BOTH, 0.0),
    (Imperfect(), FAST, BOTH, 0.5),
    (Imperfect(), MEDIUM, V_ALONE, 0.5),
    (Imperfect(), SLOW, BOTH, 2.0),
    (AMOUNTS_OFF, FAST, BOTH, 0.5),
    (AMOUNTS_OFF, MEDIUM, V_ALONE, 0.5),
    (Imperfect({"I_Na": 0.7, "I_Kr": 1.3, "I_K1": 1.2}), MEDIUM, BOTH, 1.0),
    (KINETICS_OFF, FAST, BOTH, 0.5),
    (KINETICS_OFF, MEDIUM, V_ALONE, 0.5),
    (Imperfect(gates={"xs": (3.0, 1.0, 1.3), "h": (-2.0, 1.0, 1.0)}), SLOW, BOTH, 0.5),
)
FEW = (  # little to go by: one sweep, or one beat
    ("one-current", {"I_Kr": 0.5}, (500.0,), 2000.0, BOTH),
    ("one-current", {"I_CaL": 0.5}, (500.0,), 500.0, BOTH),
    ("one-current", {"I_to": 2.5}, (800.0,), 2000.0, V_ALONE),
    ("no-change", {}, (500.0,), 500.0, V_ALONE),
)


def label(factors, gates):
    """Return in words what changed, such as "I_Kr x0.5" or "f +5 mV"."""
    words = [f"{current} x{factor:.3g}" for current, factor in factors.items()]
    for gate, (shift_mV, stretch, slower) in gates.items():
        words += [f"{gate} {shift_mV:+.3g} mV"] if shift_mV else []
        words += [f"{gate} width x{stretch:.3g}"] if stretch != 1.0 else []
        words += [f"{gate} tau x{slower:.3g}"] if slower != 1.0 else []
    return ", ".join(words) or "nothing"


def _public():
    """Yield (kind, factors, gates, imperfect, lengths_ms, record_ms, observables, noise_mV)."""
    model, s = Imperfect(), 2000.0
    for current, factor, lengths, seen, noise in ONE:
        yield "one-current", {current: factor}, {}, model, lengths, s, seen, noise
    for factors, lengths, seen, noise in TWO:
        yield "two-currents", factors, {}, model, lengths, s, seen, noise
    for gate, mV, lengths, seen, noise in SHIFTED:
        yield "shift", {}, {gate: (mV, 1.0, 1.0)}, model, lengths, s, seen, noise
    for gate, slower, lengths, seen, noise in PACES:
        yield "tau", {}, {gate: (0.0, 1.0, slower)}, model, lengths, s, seen, noise
    for current, factor, off, lengths, seen, noise in AMOUNTS:
        own = Imperfect(off)
        yield "imperfect-amounts", {current: factor}, {}, own, lengths, s, seen, noise
    for current, factor, moved, lengths, seen, noise in KINETICS:
        own = Imperfect(gates=moved)
        yield "imperfect-kinetics", {current: factor}, {}, own, lengths, s, seen, noise
    for own, lengths, seen, noise in UNCHANGED:
        yield "no-change", {}, {}, own, lengths, s, seen, noise
    for kind, factors, lengths, record_ms, seen in FEW:
        yield kind, factors, {}, model, lengths, record_ms, seen, 0.5


def numbered(rows):
    """Return rows of `Pair` fields as pairs with names and seeds by their number from 1."""
    return tuple(
        Pair(f"{k:02d} {label(factors, gates)}", kind, factors, gates, *rest, seed=k)
        for k, (kind, factors, gates, *rest) in enumerate(rows, 1)
    )


PAIRS = numbered(_public())
