"""Study: recipes x tasks x encoders x seeds asked one question, and the Runs it consists of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from steadytune.bounds import (
    MOST_RUNS,
    Column,
    Examples,
    FolderName,
    Label,
    PathText,
    Seed,
    Steps,
    Text,
    plain_arguments,
)
from steadytune.errors import BadInput
from steadytune.recipe import Recipe, Seeds, digest
from steadytune.records import EncoderFacts, TaskFacts

Keep = Literal["none", "last", "best", "every", "states"]
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT)
class TaskChoice:
    """A task by name, or a user's file by path, with the choices that make its splits.

    Attributes:
        name: a name such as ``glue/rte`` or ``builtin/acceptability``, or the path of a file.
        data_dir: folder in the official GLUE layout; without it GLUE tasks come from the Hub.
        train_size: keep this many training examples, drawn by ``subset_seed``, stratified by
            class; None keeps all. Generated tasks are made in this size.
        subset_seed: decides which examples a subset holds.
        dev: path of the dev file for a user's file; None holds part of the training file out.
        dev_share: the share held out then, drawn by ``dev_seed``, stratified by class.
        dev_seed: decides the held-out part and the halves.
        dev_protocol: ``full`` selects and reports on all of dev; ``halves`` selects the best
            checkpoint on one stratified half and reports on the other (Zhang et al. 2021).
        text: column of the (first) text in a user's file.
        pair: column of the second text, if there is one.
        label: column of the label.
        labels: whether labels are ``classes`` or ``scores`` (regression); ``auto`` decides: numbers
            that are not all whole are scores.
        separator: what parts fields in a user's CSV or TSV file; None takes the suffix's.
        quoting: ``standard``: fields may be in double quotes (RFC 4180); ``none``: a double quote
            is a character; None is standard for CSV and none for TSV.
        encoding: of a user's text file, such as ``cp1252``; None is UTF-8.
        columns: names of the columns of a user's CSV or TSV file that has no header.
        metric: the headline metric; None takes the task's own.
    """

    name: PathText
    data_dir: PathText | None = None
    train_size: Examples | None = None
    subset_seed: Seed = 0
    dev: PathText | None = None
    dev_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    dev_seed: Seed = 0
    dev_protocol: Literal["full", "halves"] = "full"
    text: Column = "text"
    pair: Column | None = None
    label: Column = "label"
    labels: Literal["auto", "classes", "scores"] = "auto"
    separator: Literal["comma", "semicolon", "tab", "pipe"] | None = None
    quoting: Literal["standard", "none"] | None = None
    encoding: Label | None = None
    columns: Annotated[tuple[Column, ...], Field(min_length=2, strict=False)] | None = None
    metric: Label | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:  # noqa: ANN401
        return plain_arguments(given)

    @property
    def title(self) -> str:
        """The name and every choice that differs from the default: unique within a study."""
        silent = ("name", "data_dir")
        choices = [
            f"{f.name}={_shown(getattr(self, f.name))}"
            for f in fields(TaskChoice)  # pyright: ignore[reportArgumentType]
            if f.name not in silent and getattr(self, f.name) != f.default
        ]
        return f"{self.name}[{','.join(choices)}]" if choices else self.name


def _shown(value: object) -> str:
    return "|".join(cast(tuple[str, ...], value)) if isinstance(value, tuple) else str(value)


def check_size(recipes: int, tasks: int, encoders: int, seeds: int) -> None:
    """Refuse a study of more runs than can be kept in one folder.

    Raises:
        BadInput: it says how many runs there would be, and what to do.
    """
    runs = math.prod((recipes, tasks, encoders, seeds))
    if runs > MOST_RUNS:
        raise BadInput(
            f"{recipes} recipes x {tasks} tasks x {encoders} encoders x {seeds} seeds are {runs} "
            f"runs; a study holds at most {MOST_RUNS}: take fewer seeds, or split it into several "
            "studies"
        )


@dataclass(frozen=True, config=_STRICT)
class Study:
    """Recipes x tasks x encoders x seeds asked one question.

    Attributes:
        recipes: what is compared; names must differ.
        tasks: what it is compared on.
        encoders: names, folders or Hub ids of pretrained encoders.
        seeds: the seeds of the runs in each cell.
        name: what the study is called; a plain name, as a folder may take it.
        question: what it asks, for the report.
        evaluate: when the dev splits are predicted: after every ``epoch``, at the ``end`` only, or
            every so many steps (and at the end). Has no influence on the training.
        keep: which weights of each run are saved as a Hugging Face folder: those at its end or of
            its best evaluation, or one folder for ``every`` evaluation. ``states`` keeps only what
            comparing the runs' representations takes: the states of 256 dev examples at the end.
        diagnostics: which diagnostics are measured: none, those that cost next to nothing, or all.
            Has no influence on the training, and may change when a study is continued.
        stop_hopeless: end runs early that the early warning calls hopeless and that are no better
            than a constant then. They count as failed.
        keep_texts: whether the texts of the dev splits are copied into the study's folder, where
            the report and the figure of flipping examples find them.
    """

    recipes: Annotated[tuple[Recipe, ...], Field(min_length=1, strict=False)]
    tasks: Annotated[tuple[TaskChoice, ...], Field(min_length=1, strict=False)]
    encoders: Annotated[tuple[PathText, ...], Field(min_length=1, strict=False)]
    seeds: Annotated[tuple[Seeds, ...], Field(min_length=1, strict=False)]
    name: FolderName = "study"
    question: Text = ""
    evaluate: Literal["epoch", "end"] | Steps = "epoch"
    keep: Keep = "none"
    diagnostics: Literal["off", "economy", "full"] = "economy"
    stop_hopeless: bool = False
    keep_texts: bool = True

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:  # noqa: ANN401
        return plain_arguments(given)

    @model_validator(mode="after")
    def _no_duplicates(self) -> Study:
        axes = {
            "recipes": [recipe.name for recipe in self.recipes],
            "tasks": [task.title for task in self.tasks],
            "encoders": list(self.encoders),
            "seeds": [str(seeds) for seeds in self.seeds],
        }
        problems = [
            f"{axis}: {name!r} is given twice; each must be named differently"
            for axis, names in axes.items()
            for name in sorted(name for name, times in Counter(names).items() if times > 1)
        ]
        try:
            check_size(*map(len, axes.values()))
        except BadInput as problem:
            problems.append(str(problem))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def evaluate_every(self, steps_per_epoch: int) -> int | None:
        """Steps between evaluations; None means at the end only."""
        if self.evaluate == "end":
            return None
        return steps_per_epoch if self.evaluate == "epoch" else self.evaluate


@dataclass(frozen=True)
class Run:
    """One Recipe, one Task, one Encoder, one Seeds.

    ``id`` is a digest of what decides the result: the recipe without its name, the content of the
    task, the content of the encoder, and the seeds.
    """

    id: str
    recipe: Recipe
    task: TaskChoice
    encoder: str
    seeds: Seeds


def plan(
    study: Study, tasks: Mapping[str, TaskFacts], encoders: Mapping[str, EncoderFacts]
) -> tuple[Run, ...]:
    """All runs of a study, seeds innermost; ``tasks`` by title and ``encoders`` by name.

    Two recipes that differ in nothing but their name share a run: it is computed once.
    """
    return tuple(
        Run(
            id=run_id(recipe, tasks[task.title], encoders[encoder], seeds),
            recipe=recipe,
            task=task,
            encoder=encoder,
            seeds=seeds,
        )
        for task in study.tasks
        for encoder in study.encoders
        for recipe in study.recipes
        for seeds in study.seeds
    )


def run_id(recipe: Recipe, task: TaskFacts, encoder: EncoderFacts, seeds: Seeds) -> str:
    """The digest that names a run."""
    decisive: dict[str, Any] = {
        "recipe": recipe.decisive(),
        "task": task.digest,
        "encoder": encoder.digest,
        "seeds": asdict(seeds),  # pyright: ignore[reportArgumentType]
    }
    return digest(decisive)


STUDY = TypeAdapter(Study)
