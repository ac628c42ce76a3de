"""What all figures share: how they are shown, their style, labels and legends.

Every function returns a `Drawing`: a matplotlib figure that needs no pyplot, shows itself in a
notebook and says in words what it shows. What was measured or simulated is a solid line, what a
network makes of it is dashed, unless both are networks.
"""

import base64
import io
from functools import wraps

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, RED, PURPLE, GREY = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1")
GREEN = "#009e73"  # of Okabe and Ito: told from the blue and red above by all readers
STYLE = [
    "petroff6",
    {
        "font.size": 9.0,
        "axes.titlesize": 9.5,
        "figure.titlesize": 11.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.limits": (-3, 4),
        "axes.formatter.use_mathtext": True,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
    },
]
PIXELS = 144  # per inch, shown at half that: sharp on dense screens


class Drawing(Figure):
    """A figure that notebooks show as a PNG, with `alt`, a text for those who cannot see it."""

    def __init__(self, *args, alt="", **settings):
        super().__init__(*args, **settings)
        self.alt = alt
        FigureCanvasAgg(self)

    def png(self):
        """Return the picture as bytes."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=PIXELS)
        return picture.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = {"width": round(96 * self.get_figwidth()), "alt": self.alt}
        picture = base64.b64encode(self.png()).decode()
        return {"image/png": picture, "text/plain": self.alt}, {"image/png": shown}


def styled(draw):
    """Run a drawing function in the style of the project."""

    @wraps(draw)
    def inside(*args, **named):
        with matplotlib.style.context(STYLE):
            return draw(*args, **named)

    return inside


def label(name, units):
    """Name and unit of an axis; gates have no unit."""
    unit = units[name]
    return name if unit in ("", "1") else f"{name} ({unit})"


def legend(figure, handles, ncols=6):
    """One legend for all panels, above them."""
    figure.legend(handles=handles, loc="outside upper right", ncols=ncols)


def grid(count, columns):
    """Rows and columns for so many panels."""
    columns = min(columns, count)
    return -(-count // columns), columns
