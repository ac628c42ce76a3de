"""What a lesson lets its reader move: a module for each lesson, on the one pattern of `explorer`.

A lesson imports what it opens: `from ionlab.widgets.gating_layer import one_step`.
"""

import os

# A control that a reader moves need not be told of its own move: a tenth of the time to a picture.
os.environ.setdefault("JUPYTER_WIDGETS_ECHO", "0")

from ionlab.widgets.explorer import Choose, Explorer, Picture, Slide, Tick, Training  # noqa: E402

__all__ = ["Choose", "Explorer", "Picture", "Slide", "Tick", "Training"]
