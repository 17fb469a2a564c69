"""A study, however it is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steadytune.errors import BadInput

if TYPE_CHECKING:
    from steadytune.study import Study


def read_study(
    study: Study | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    overrides: Sequence[str] = (),
    *,
    tasks: Sequence[str] = (),
    encoders: Sequence[str] = (),
    recipes: Sequence[str] = (),
    seeds: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Study:
    """The Study that a file, a mapping or arguments describe, checked.

    >>> import steadytune
    >>> given = {"recipes": ["devlin2019"], "tasks": ["glue/rte"], "encoders": ["minilm"]}
    >>> study = steadytune.read_study(given, ["recipe.epochs=20"], seeds=3)
    >>> len(study.seeds), study.recipes[0].epochs
    (3, 20.0)

    Args:
        study: a Study; a mapping with the keys of a study file; the path of a study file; or None
            where the arguments say everything (recipe mosbach2021 and 5 seeds unless given).
        overrides: ``key=value`` each, as ``--set`` of the command line takes them.
        tasks: names or paths of files; like the other arguments they win over ``study``.
        encoders: names, folders or Hub ids.
        recipes: names.
        seeds: how many.
        data_dir: folder in the official GLUE layout, for every task.

    Raises:
        BadInput: all that is wrong, a line each.
    """
    from steadytune.catalogue import CATALOGUE
    from steadytune.paths import as_path
    from steadytune.study import Study
    from steadytune.study_file import Options, assemble, from_mapping, read

    folder = None if data_dir is None else str(as_path(data_dir))
    options = Options(tasks, encoders, recipes, seeds, folder)
    if study is None:
        return assemble(options, overrides, CATALOGUE)
    if isinstance(study, Study):
        if overrides or options != Options():
            raise BadInput(
                "a Study is complete: make another with dataclasses.replace, or give a mapping or "
                "the path of a study file with what is to be changed"
            )
        return study
    if isinstance(study, Mapping):
        return from_mapping(study, overrides, CATALOGUE, options)
    return read(as_path(study), overrides, CATALOGUE, options)
