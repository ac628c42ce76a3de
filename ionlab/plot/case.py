"""Lessons 10 to 12: what each second pass says of every current, beside the truth."""

from matplotlib.ticker import FixedLocator, NullLocator

from ionlab.plot.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Drawing, styled


@styled
def ratio_rows(rows, truth, title):
    """Draw the ratio of each current, one mark for each row, and the truth as a bar.

    rows : name of a method -> {current: ratio}; truth : {current: ratio} of those that changed.

    >>> figure = ratio_rows({"N2": {"I_Kr": 1.5, "I_Ks": 0.9}}, {"I_Kr": 0.5}, "Ratios")
    >>> figure.alt
    'Ratios: treated over control; N2: I_Kr 1.50, I_Ks 0.90; truth: I_Kr 0.50, all others 1.'
    """
    names = list(next(iter(rows.values())))
    said = [f"{row}: {_said(ratio)}" for row, ratio in rows.items()]
    figure = Drawing(
        figsize=(8.0, 3.0),
        layout="constrained",
        alt=f"{title}: treated over control; {'; '.join(said)}; "
        f"truth: {_said(truth)}, all others 1.",
    )
    ax = figure.subplots()
    ax.axhline(1.0, color=GREY, lw=1.0, ls=":")
    for x, name in enumerate(names):
        (bar,) = ax.plot(
            [x - 0.35, x + 0.35], [truth.get(name, 1.0)] * 2, color=ORANGE, lw=4, label="truth"
        )
    marks = []
    for k, (row, ratio) in enumerate(rows.items()):
        at = [x + 0.16 * (k - 0.5 * (len(rows) - 1)) for x in range(len(names))]
        look = {"color": (BLUE, RED, GREEN, PURPLE)[k], "marker": "osD^"[k], "ms": 6, "ls": ""}
        marks += ax.plot(at, [ratio[name] for name in names], label=row, **look)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.4), max(high, 2.5))
    ax.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1.0, 2.0, 5.0]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xticks(range(len(names)), names)
    ax.set_ylabel("area, treated over control")
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(handles=[bar, *marks], loc="outside lower center", ncols=5)
    return figure


def _said(ratios):
    return ", ".join(f"{name} {x:.2f}" for name, x in ratios.items())
