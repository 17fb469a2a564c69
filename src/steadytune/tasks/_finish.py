"""From what a source holds to a Task: subset, halves, headline metric, digest and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from steadytune import metrics
from steadytune.errors import BadInput
from steadytune.records import TaskFacts
from steadytune.score_scale import ScoreScale
from steadytune.study import TaskChoice
from steadytune.tasks import _splits
from steadytune.tasks._cautions import cautions
from steadytune.tasks._digest import content_digest
from steadytune.tasks._task import Split, Task


@dataclass(frozen=True)
class Contents:
    """What a source of examples gives, before the choices that hold for every task.

    Attributes:
        label_names: names of the K classes, or None where labels are scores.
        train: the training split. dev: dev splits by name.
        select: the dev split that selects and reports.
        metrics: what is reported; the first is the headline metric.
        cautions: sentences on what in the source may have been meant otherwise.
    """

    label_names: tuple[str, ...] | None
    train: Split
    dev: Mapping[str, Split]
    select: str
    metrics: tuple[str, ...]
    cautions: tuple[str, ...] = ()


def finish(choice: TaskChoice, contents: Contents) -> Task:
    """The Task that ``choice`` asks for.

    Raises:
        BadInput: the subset is larger than the training split or holds a single class, a half of
            dev would be too small, or the metric does not exist or does not fit the labels.
    """
    headline = _headline(choice, contents)
    train = _train(choice, contents)
    dev, select, report = _dev(choice, contents)
    reported = (headline, *(name for name in contents.metrics if name != headline))
    facts = TaskFacts(
        name=choice.title,
        digest=content_digest(contents.label_names, train, dev, reported, (select, report)),
        label_names=contents.label_names,
        metric=headline,
        train_examples=len(train),
        dev_examples={name: len(split) for name, split in dev.items()},
        select=select,
        report=report,
        baseline={
            name: metrics.baseline(reported, split.labels, _num_classes(contents))
            for name, split in dev.items()
        },
        scale=_scale(choice, contents, train),
        cautions=(*contents.cautions, *cautions(choice.name, contents.label_names, train, dev)),
    )
    return Task(
        name=choice.title,
        label_names=contents.label_names,
        train=train,
        dev=dev,
        metric=headline,
        metrics=reported,
        select=select,
        report=report,
        facts=facts,
    )


def _scale(choice: TaskChoice, contents: Contents, train: Split) -> ScoreScale | None:
    """The unit in which scores are trained; None for classes."""
    if contents.label_names is not None:
        return None
    try:
        return ScoreScale.of(train.labels)
    except BadInput as problem:
        raise BadInput(f"{choice.title}: {problem}") from None


def _num_classes(contents: Contents) -> int | None:
    return None if contents.label_names is None else len(contents.label_names)


def _headline(choice: TaskChoice, contents: Contents) -> str:
    if choice.metric is None:
        return contents.metrics[0]
    num_classes = _num_classes(contents)
    fitting = [name for name, metric in metrics.METRICS.items() if metric.fits(num_classes)]
    if choice.metric in fitting:
        return choice.metric
    labels = "scores" if num_classes is None else f"{num_classes} classes"
    close = get_close_matches(choice.metric, fitting, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    problem = "does not fit" if choice.metric in metrics.METRICS else "is not a metric for"
    raise BadInput(
        f"metric {choice.metric!r} {problem} the labels of {choice.name} ({labels}){hint}\n"
        f"metrics that fit: {', '.join(fitting)}"
    )


def _train(choice: TaskChoice, contents: Contents) -> Split:
    size, train = choice.train_size, contents.train
    if size is None or size == len(train):
        return train
    if size > len(train):
        raise BadInput(
            f"train_size is {size}, but the training split of {choice.name} has only"
            f" {len(train)} examples; give at most that many"
        )
    part = _splits.subset(train, size, choice.subset_seed)
    if contents.label_names is not None and part.labels.min() == part.labels.max():
        only = contents.label_names[int(part.labels[0])]
        raise BadInput(
            f"train_size {size} is too small for {choice.name}: with its class shares all of the"
            f" subset is of class {only!r}; give a larger train_size"
        )
    return part


def _dev(choice: TaskChoice, contents: Contents) -> tuple[dict[str, Split], str, str]:
    """Dev splits, the one that selects, the one that reports."""
    dev = dict(contents.dev)
    if choice.dev_protocol == "full":
        return dev, contents.select, contents.select
    whole = dev.pop(contents.select)
    if len(whole) < 4:
        raise BadInput(
            f"dev_protocol 'halves' needs at least 4 dev examples; {choice.name} has {len(whole)};"
            " give more, or use dev_protocol 'full'"
        )
    first, second = _splits.halves(whole, choice.dev_seed)
    return {"dev_select": first, "dev_report": second, **dev}, "dev_select", "dev_report"
