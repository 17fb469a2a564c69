"""Loss and gradient norm on the plane through three sets of weights (fig. 7, 13).

f(a, b) is the training loss at pretrained + a * (failed - pretrained) + b * (successful -
pretrained): raw differences, neither normalized nor made orthogonal, as in Hao et al. (2019) and
Mosbach et al. (2021), section 6.1. The pretrained weights lie at (0, 0), the failed run at (1, 0),
the successful one at (0, 1).

The head is treated as any parameter, so all three corners are complete models and both runs lie on
the plane exactly. Pretraining has no head: at (0, 0) stands the fresh one that one of the two runs
started from (as also the pooler, where the checkpoint has none). The other run started from
another, so for it a straight line from (0, 0) does not begin quite where its training did; with a
fresh head of N(0, 0.02^2) both starts have the loss of guessing, ln K, up to a few hundredths.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from steadytune.checkpoints.objective import Objective
from steadytune.errors import BadInput
from steadytune.ledger import Points, measure
from steadytune.procedure import Params

REACH = 1.5
RESOLUTION = 31  # a step of 0.1, so that 0 and 1 are on the grid


def on_plane(pretrained: Params, failed: Params, successful: Params, a: float, b: float) -> Params:
    """The weights at (a, b); at the corners they are those given, to the last bit.

    Raises:
        BadInput: the three are not of one architecture.
    """
    _check(pretrained, failed)
    _check(pretrained, successful)
    return {
        name: (1 - a - b) * tensor + a * failed[name] + b * successful[name]
        for name, tensor in pretrained.items()
    }


def on_segment(one: Params, other: Params, t: float) -> Params:
    """The weights (1 - t) * one + t * other."""
    _check(one, other)
    return {name: (1 - t) * tensor + t * other[name] for name, tensor in one.items()}


def axis(resolution: int = RESOLUTION, reach: float = REACH) -> tuple[float, ...]:
    """``resolution`` places from -reach to reach.

    With a reach of 1.5 the corners are among them at 7, 13, 19, 25, 31, 61, 91 ...
    """
    return _places(-reach, reach, resolution)


def surface(
    objective: Objective,
    corners: tuple[Params, Params, Params],
    path: Path,
    about: dict[str, Any],
    places: tuple[float, ...] | None = None,
    gradient: bool = True,
    watch: Callable[[int, int], None] = lambda done, wanted: None,
) -> Points:
    """Measure the plane at ``places`` x ``places``; continues a file that was begun.

    Columns: ``a``, ``b``, ``loss``, ``gradient_norm``, ``encoder_gradient_norm``.

    Args:
        objective: the training loss.
        corners: pretrained, failed and successful weights.
        path: of the file of results.
        about: which runs and checkpoints these are, and how their heads were treated.
        places: of both axes; None for ``axis()``.
        gradient: also measure the gradient, which takes three times as long.
        watch: told of the progress.

    Raises:
        BadInput: the corners are not of one architecture, or the file holds something else.
    """
    places = axis() if places is None else places
    points = [{"a": a, "b": b} for a in places for b in places]
    about = {"what": "surface", **about, **_settings(objective, places, gradient)}
    return measure(
        path,
        about,
        points,
        lambda at: objective(on_plane(*corners, at["a"], at["b"]), gradient)._asdict(),
        watch,
    )


def segment(
    objective: Objective,
    ends: tuple[Params, Params],
    path: Path,
    about: dict[str, Any],
    resolution: int = 21,
    gradient: bool = True,
    watch: Callable[[int, int], None] = lambda done, wanted: None,
) -> Points:
    """Measure the straight line between two sets of weights; continues a file that was begun.

    Columns: ``t`` from 0 to 1, ``loss``, ``gradient_norm``, ``encoder_gradient_norm``; the
    arguments are those of ``surface``. ``stats.barrier`` makes the barrier of it.
    """
    places = _places(0.0, 1.0, resolution)
    about = {"what": "segment", **about, **_settings(objective, places, gradient)}
    return measure(
        path,
        about,
        [{"t": t} for t in places],
        lambda at: objective(on_segment(*ends, at["t"]), gradient)._asdict(),
        watch,
    )


def _places(first: float, last: float, number: int) -> tuple[float, ...]:
    if number < 2:
        raise BadInput(f"a resolution of {number}: give at least 2")
    # Rounded, so that 1 is 1 and not its neighbour.
    return tuple(round(x, 12) + 0.0 for x in np.linspace(first, last, number).tolist())


def _settings(objective: Objective, places: tuple[float, ...], gradient: bool) -> dict[str, Any]:
    return {
        **objective.about,
        "places": [places[0], places[-1], len(places)],
        "gradient": gradient,
    }


def _check(one: Params, other: Params) -> None:
    shapes = [{name: tuple(x.shape) for name, x in params.items()} for params in (one, other)]
    if shapes[0] != shapes[1]:
        raise BadInput(
            "weights of different encoders or numbers of classes span no line or plane: give runs "
            "of one encoder on one task"
        )
