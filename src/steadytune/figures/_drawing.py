"""Drawing: a matplotlib Figure outside pyplot that a notebook shows by itself."""

from __future__ import annotations

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure


class Drawing(Figure):
    """A figure with its caption; ``savefig`` writes it."""

    caption: str = ""
    settings: Any = None  # of matplotlib, which it was drawn with

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with rc_context(self.settings):
            self.savefig(stream, format="png")
        return stream.getvalue()
