"""Names and numbers that stand for recipes and seeds where a Study is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steadytune.bounds import MOST_RUNS
from steadytune.errors import BadInput, not_known
from steadytune.named_recipes import RECIPES
from steadytune.recipe import Recipe


def made(make: Callable[[Any], object], given: Any, place: str) -> object:  # noqa: ANN401
    """What a maker makes; its BadInput becomes a ValueError, which pydantic gathers with others."""
    try:
        return make(given)
    except BadInput as problem:
        raise ValueError(f"{place}: {str(problem).splitlines()[0]}") from None


def first_seeds(seeds: int) -> tuple[int, ...]:
    """Seeds 0 to n - 1."""
    if not 1 <= seeds <= MOST_RUNS:
        raise ValueError(
            f"seeds: {seeds} given; must be how many seeds (1 to {MOST_RUNS}), or a list of seeds "
            "such as [1, 2, 3]"
        )
    return tuple(range(seeds))


def recipe_of(name: str) -> Recipe:
    """The named recipe; BadInput where there is none."""
    if name not in RECIPES:
        raise BadInput(not_known("recipe", name, RECIPES))
    return RECIPES[name]()


def is_whole(value: object) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)
