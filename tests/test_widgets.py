"""The pattern of all widgets: it draws, marks changes, resets, trains, and never hides an error.

Oracle: the arithmetic of a picture whose only curve is the line y = a x.
"""

import base64
import io
import itertools
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ionlab.errors import UnknownName
from ionlab.plot.live import Curve, Live, Panel
from ionlab.widgets import Choose, Explorer, Picture, Slide, Tick, Training
from ionlab.widgets import explorer as module

ROOT = Path(__file__).resolve().parents[1]
PANEL = Panel((Curve("line", "y = a x", {"color": "k"}),), "x (mV)", "y (1)", (0, 1), (-4, 4))
CONTROLS = {
    "a": Slide("slope a", "1/mV", 0.0, 10.0, 1.0, 0.5, "How steep"),
    "sign": Choose("sign", (("up", 1), ("down", -1)), 1, "Which way"),
    "shown": Tick("show it", True, "Whether it is drawn"),
}


def draw(a, sign, shown, trained=None):
    if a == 9.0:
        raise ValueError("a must not be 9 <here>")
    y = (trained or sign) * a
    return Picture({"line": ([0, 1], [0, y])} if shown else {}, f"at x = 1 mV y is {y:g}")


@pytest.fixture
def explorer():
    return Explorer(CONTROLS, [PANEL], draw, "A line", (300, 200))


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)


def test_a_move_changes_the_picture_and_says_so(explorer):
    before = explorer.image.value
    explorer["a"].value = 2.0
    assert explorer.image.value != before
    assert "y is 2" in explorer.readout.value
    assert "slope a (was 1)" in explorer.changed_line.value
    assert explorer["a"].style.handle_color != explorer["a"].style.trait_defaults("handle_color")


def test_reset_brings_back_the_first_picture(explorer):
    first = explorer.image.value
    explorer["a"].value, explorer["sign"].value, explorer["shown"].value = 2.0, -1, False
    assert "sign (was up)" in explorer.changed_line.value
    assert "show it (was on)" in explorer.changed_line.value
    explorer.reset()
    assert explorer.image.value == first
    assert explorer.values == {"a": 1.0, "sign": 1, "shown": True}


def test_every_control_has_a_label_with_its_unit_and_a_help(explorer):
    assert explorer["a"].description == "slope a (1/mV)"
    assert all(control.description and control.tooltip for control in explorer.controls.values())


def test_an_unknown_control_is_suggested(explorer):
    with pytest.raises(UnknownName, match="shown"):
        explorer["show"]


def test_an_exception_is_shown_and_raised(explorer):
    with pytest.raises(ValueError, match="must not be 9"):
        explorer["a"].value = 9.0
    assert "must not be 9 &lt;here&gt;" in explorer.readout.value
    assert 'role="alert"' in explorer.readout.value


def test_a_person_sees_the_exception_and_the_kernel_lives(explorer, monkeypatch):
    monkeypatch.setattr(module, "_moved_by_a_person", lambda: True)
    explorer["a"].value = 9.0
    assert "must not be 9" in explorer.readout.value
    explorer["a"].value = 2.0
    assert "y is 2" in explorer.readout.value


def test_pages_without_a_kernel_get_the_picture(explorer):
    explorer["a"].value = 2.0
    data, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert metadata["image/png"]["alt"] == "A line. at x = 1 mV y is 2"
    still = pixels(base64.b64decode(data["image/png"]))
    moving = pixels(explorer.image.value)
    sizes = np.array(still.shape) / moving.shape
    assert np.allclose(sizes, 1.44, atol=0.01)
    assert (still < 128).mean() == pytest.approx((moving < 128).mean(), rel=0.35)  # the line, too
    explorer["a"].value = 3.0
    assert "y is 3" in explorer.readout.value


def test_training_shows_progress_and_can_be_stopped():
    seen = []

    def run(watch, a, sign, shown):
        for k in range(1000):
            time.sleep(0.002)
            if watch(k, 1000, 0.25):
                break
            seen.append(k)
        return 5

    explorer = Explorer(
        CONTROLS, [PANEL], draw, "A line", (300, 200), training=Training("Train it here", "h", run)
    )
    explorer.start.click()  # in a thread of its own
    while len(seen) < 5:
        time.sleep(0.01)
    assert not explorer.stop.disabled and "loss 0.25" in explorer.progress_text.value
    explorer.stop.click()
    for _ in range(200):
        if explorer.stop.disabled and "y is 5" in explorer.readout.value:
            break
        time.sleep(0.01)
    assert "y is 5" in explorer.readout.value and len(seen) < 1000
    assert "stopped" in explorer.progress_text.value
    explorer.reset()
    assert "y is 1" in explorer.readout.value  # what was trained is forgotten


@pytest.mark.parametrize(("scale", "y"), [("linear", (0.0, 4.0)), ("log", (0.1, 10.0))])
def test_axes_hold_all_that_is_drawn(scale, y):
    panel = Panel((Curve("line"),), "x", "y", (0, 1), y, yscale=scale)
    live = Live([panel], (300, 200))
    for value in (1.0, 3.9, 25.0, 2000.0, 1.0):
        live.draw({"line": ([0, 1], [0.5, value])})
        low, high = live.axes[0].get_ylim()
        assert low <= 0.5 and high >= value
    assert (low, high) == pytest.approx(y)  # the first limits, once all is within again


def test_axes_that_grow_are_drawn_as_if_all_were():
    """Oracle: the same picture with nothing kept from before."""
    panels = [PANEL, Panel((Curve("b", "b"),), "x", "y", (0, 1), (0, 4)), PANEL]
    live = Live(panels, (600, 400), 2)
    live.draw({})
    laid_out, whole = [], live.figure.draw
    live.figure.draw = lambda renderer: (laid_out.append(1), whole(renderer))
    curves = {"line": ([0, 1], [0, 1]), "b": ([0, 1], [0, 7])}
    grown = live.draw(curves)
    assert not laid_out  # only the axes that changed
    live.limits, live.rooms = None, []
    assert grown == live.draw(curves) and laid_out


def test_labels_that_no_longer_fit_lay_out_all_anew():
    live = Live([PANEL], (300, 200))
    live.draw({})
    before = live.axes[0].get_position().x0
    live.draw({"line": ([0, 1], [0, -123456.7])})
    assert live.axes[0].get_position().x0 > before
    tight = live.axes[0].get_tightbbox()
    assert 0 <= tight.x0 and tight.x1 <= 300


def test_the_picture_is_the_canvas():
    """Oracle: Pillow's decoder."""
    live = Live([PANEL], (300, 200))
    png = live.draw({"line": ([0, 1], [0, 3])})
    seen = np.asarray(Image.open(io.BytesIO(png)))
    np.testing.assert_array_equal(seen, np.asarray(live.figure.canvas.buffer_rgba())[..., :3])
    assert seen.min() < 128


def test_a_picture_that_is_printed_changes_nothing():
    live = Live([PANEL, PANEL], (300, 200))
    curves = {"line": ([0, 1], [0, 3])}
    before = live.draw(curves)
    live.sharp()
    drawn = live.background
    assert live.draw(curves) == before and live.background is drawn


def test_a_curve_that_is_left_out_is_not_drawn():
    live = Live([PANEL], (300, 200))
    shown, hidden = (pixels(live.draw(c)) for c in ({"line": ([0, 1], [0, 4])}, {}))
    assert (shown < 128).sum() > (hidden < 128).sum() + 50


def test_no_pattern_that_loses_exceptions_or_hangs():
    """interact and Output make papermill hang and swallow exceptions (jupyter/nbclient#312)."""
    banned = re.compile(
        r"\b(interact|interactive_output|interactive)\(|widgets\.Output\(|import pyplot|\.pyplot "
    )
    files = itertools.chain(ROOT.glob("ionlab/**/*.py"), ROOT.glob("notebooks/*.ipynb"))
    found = [p.name for p in files if banned.search(p.read_text(encoding="utf-8"))]
    assert not found
