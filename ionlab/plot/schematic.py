"""Figure 1 of the paper: the two networks as boxes and arrows."""

from matplotlib.patches import FancyBboxPatch

from ionlab.plot.drawing import BLUE, GREY, ORANGE, RED, Drawing, styled

LINE = {"color": "0.25", "lw": 1.4, "arrowstyle": "-|>", "mutation_scale": 12}


@styled
def network_schematic(observables, gates, others):
    """Draw N1 and N2 (Fig. 1) with the names of the states that go in and come out.

    >>> network_schematic(["V"], ["m", "h"], ["V"]).alt[:50]
    'The network of Figure 1. The observables V at time'
    """
    figure = Drawing(
        figsize=(8.2, 3.7),
        layout="constrained",
        alt=(
            f"The network of Figure 1. The observables {', '.join(observables)} at time t go into "
            "N1: phi1, two dense layers, then the gating layer, which keeps the gates "
            f"{', '.join(gates)} from step to step. The gates at t + dt come out, and go into N2 "
            "together with the observables, which reach it by a bypass. N2 is phi2, two dense "
            "layers, then an LSTM with a memory of its own, then phi3, one dense layer. Out of it "
            f"come the other states at t + dt: {', '.join(others)}."
        ),
    )
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set(xlim=(0, 16.4), ylim=(0, 7.4))

    def box(x, y, width, text, colour):
        shape = {"boxstyle": "round,pad=0.08", "fc": colour, "ec": "0.25", "alpha": 0.35}
        ax.add_patch(FancyBboxPatch((x, y), width, 1.2, **shape))
        ax.text(x + width / 2, y + 0.6, text, ha="center", va="center")

    def arrow(start, end, curve=""):
        path = {"connectionstyle": curve} if curve else {}
        ax.annotate("", end, start, arrowprops=LINE | path | {"shrinkA": 0, "shrinkB": 0})

    def frame(x, y, width, height, name, note):
        shape = {"boxstyle": "round,pad=0.1", "fc": "none", "ec": GREY, "ls": "--"}
        ax.add_patch(FancyBboxPatch((x, y), width, height, **shape))
        ax.text(x, y + height + 0.22, name, weight="bold", va="bottom")
        ax.text(x + width, y + height + 0.22, note, va="bottom", ha="right", color="0.35")

    frame(3.0, 4.4, 6.6, 1.9, "N1", "can be read")
    frame(5.6, 0.5, 7.2, 1.9, "N2", "cannot be read")
    ax.text(1.1, 5.2, f"observables\n{', '.join(observables)}\nat t", ha="center", va="center")
    box(3.2, 4.6, 2.2, "phi1\n2 dense layers", BLUE)
    box(6.6, 4.6, 2.8, f"gating layer\n{len(gates)} gates", RED)
    box(5.8, 0.7, 2.2, "phi2\n2 dense layers", BLUE)
    box(8.7, 0.7, 1.6, f"LSTM\n{len(others)} units", ORANGE)
    box(11.0, 0.7, 1.6, "phi3\n1 dense", BLUE)
    arrow((2.3, 5.2), (3.1, 5.2))
    arrow((5.5, 5.2), (6.5, 5.2))
    arrow((9.5, 5.2), (11.0, 5.2))
    arrow((1.1, 4.2), (5.7, 1.3), "angle,angleA=-90,angleB=180,rad=6")
    ax.text(1.4, 1.5, "bypass", color="0.35", va="bottom")
    ax.plot([10.3, 10.3, 6.9], [5.2, 3.6, 3.6], color=LINE["color"], lw=LINE["lw"])
    arrow((6.9, 3.6), (6.9, 2.0))
    arrow((8.1, 1.3), (8.6, 1.3))
    arrow((10.4, 1.3), (10.9, 1.3))
    arrow((12.7, 1.3), (13.7, 1.3))
    for x, y in ((8.0, 5.9), (9.5, 2.0)):  # the state that a recurrent layer keeps
        arrow((x + 0.5, y), (x - 0.5, y), "arc3,rad=1.1")
    half = -(-len(gates) // 2)
    rows = ", ".join(gates[:half]), ", ".join(gates[half:])
    ax.text(11.2, 5.2, "gates at t + dt\n" + ",\n".join(rows), va="center")
    half = -(-len(others) // 2)
    rows = ", ".join(others[:half]), ", ".join(others[half:])
    ax.text(13.9, 1.3, "the rest at t + dt\n" + ",\n".join(rows), va="center")
    return figure
