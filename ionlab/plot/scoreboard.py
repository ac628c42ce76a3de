"""Lesson 15: how often each method is right, by kind of pair."""

from ionlab.plot.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Drawing, styled

COLOURS = (GREY, ORANGE, PURPLE, BLUE, RED, GREEN)
MARKS = "vsD^oP"


@styled
def shares(found, title):
    """Draw how often each method was right, with the 90 % interval of each share.

    found : method -> {kind: (share, low, high, of)}, shares from 0 to 1, `of` so many pairs.

    >>> figure = shares({"A": {"shift": (0.5, 0.2, 0.8, 8)}}, "Right current first")
    >>> figure.alt
    'Right current first, in %; A: shift 50.'
    """
    kinds = list(dict.fromkeys(kind for mine in found.values() for kind in mine))
    said = [
        f"{method}: {', '.join(f'{kind} {100 * mine[kind][0]:.0f}' for kind in mine)}"
        for method, mine in found.items()
    ]
    figure = Drawing(
        figsize=(8.0, 3.2), layout="constrained", alt=f"{title}, in %; {'; '.join(said)}."
    )
    ax = figure.subplots()
    for k, (method, mine) in enumerate(found.items()):
        colour, offset = COLOURS[k % len(COLOURS)], 0.14 * (k - 0.5 * (len(found) - 1))
        at = [kinds.index(kind) + offset for kind in mine]
        share, low, high, _ = zip(*mine.values(), strict=True)
        ax.vlines(at, [100 * x for x in low], [100 * x for x in high], color=colour, lw=1.2)
        look = {"color": colour, "marker": MARKS[k % len(MARKS)], "ls": "", "ms": 6}
        ax.plot(at, [100 * x for x in share], label=method, **look)
    counts = {kind: max(mine[kind][3] for mine in found.values() if kind in mine) for kind in kinds}
    names = [f"{kind.replace('-', chr(10), 1)}\n({counts[kind]} pairs)" for kind in kinds]
    ax.set(ylim=(-4.0, 104.0), ylabel="right (% of pairs)", xlim=(-0.5, len(kinds) - 0.5))
    ax.set_xticks(range(len(kinds)), names)
    for edge in range(1, len(kinds)):
        ax.axvline(edge - 0.5, color=GREY, lw=0.6, ls=":")
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(loc="outside lower center", ncols=5)
    return figure
