"""The slot ``evaluated``: views applied one after the other, each to what the one before gives."""

from __future__ import annotations

from collections.abc import Sequence

from steadytune.parameters import Kept, Params
from steadytune.procedure import EvaluatedView


def init(views: Sequence[EvaluatedView], params: Params, start: Params, kept: Kept) -> None:
    """Add what they keep, at step 0, to what is kept; some look at what an optimizer keeps."""
    for each in views:
        kept |= each.init(params, start)
        params = each.view(params, kept, 0)


def observe(views: Sequence[EvaluatedView], params: Params, kept: Kept, step: int) -> None:
    """Show them the parameters after ``step`` steps."""
    for i, each in enumerate(views):
        each.observe(params, kept, step)
        if i + 1 < len(views):
            params = each.view(params, kept, step)


def view(views: Sequence[EvaluatedView], params: Params, kept: Kept, step: int) -> Params:
    """The parameters to evaluate; the given ones where there is no view."""
    for each in views:
        params = each.view(params, kept, step)
    return params
