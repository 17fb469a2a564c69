"""How often verdicts are right: what became of the same runs with the remedy that was advised.

A verdict cannot be held against a truth, but its advice can: for every failed run, each of its
remedies is looked for among the other runs of the ledgers, with the same task, encoder and seeds
and a recipe that differs in that remedy alone. Of a right verdict the first remedy helps where
chance (any other seed) does not: the share of failed runs among all runs of the untreated recipe
is printed beside it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from steadytune.diagnosis import Case, Verdict, judge, read_case
from steadytune.ledger import Ledger
from steadytune.results.conditions import conditions
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.summary import wilson

SILENT = ("name", "source")  # of a recipe: say nothing of the training


class Judged(NamedTuple):
    """A run that has ended, and the verdict on it."""

    case: Case
    verdict: Verdict

    @property
    def failed(self) -> bool:
        """Whether it failed or diverged."""
        return self.verdict.outcome is not Outcome.SUCCESS

    @property
    def place(self) -> tuple[str, str, str]:
        """What a comparison keeps: task, encoder and seeds."""
        record = self.case.record
        return record.task.digest, record.encoder.digest, json.dumps(dict(record.seeds))


def read(folders: list[Path]) -> Iterator[Judged]:
    """All ended runs of the ledgers."""
    for folder in folders:
        for condition in conditions(Ledger.open(folder)):
            for case in (read_case(condition, record) for record in condition.records):
                if outcome(case.record) is not None:
                    yield Judged(case, judge(case))


def recipe_key(recipe: dict[str, Any]) -> str:
    """A recipe without its name; numbers that are written differently are the same."""
    fields = {k: v for k, v in recipe.items() if k not in SILENT}
    plain = {k: float(v) if isinstance(v, int | float) else v for k, v in fields.items()}
    return json.dumps(plain, sort_keys=True)


def treated(recipe: dict[str, Any], setting: str) -> dict[str, Any]:
    """The recipe with the setting of a remedy, such as ``recipe.lr=1e-4``."""
    name, _, value = setting.removeprefix("recipe.").partition("=")
    found = yaml.safe_load(value)
    return {**recipe, name: float(found) if name == "lr" else found}


def told(part: int, whole: int) -> str:
    """``3/5 (0.23 to 0.88)``."""
    interval = wilson(part, whole)
    return "0/0" if interval is None else f"{part}/{whole} ({interval[0]:.2f} to {interval[1]:.2f})"


def main() -> None:
    """Read the ledgers, print the causes by task, and what each remedy did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledgers", nargs="+", type=Path)
    runs = list(read(parser.parse_args().ledgers))
    causes = Counter((run.case.record.task.name, run.verdict.cause) for run in runs)
    for (task, cause), number in sorted(causes.items()):
        print(f"{task:36} {cause:24} {number}")

    at = {(run.place, recipe_key(dict(run.case.recipe))): run for run in runs}
    kept, untreated = dict[tuple[str, str], list[bool]](), dict[tuple[str, str], set[str]]()
    for run in runs:
        finding = run.verdict.finding
        for remedy in () if finding is None or not run.failed else finding.remedies:
            if remedy.setting is None:
                continue
            recipe = dict(run.case.recipe)
            other = at.get((run.place, recipe_key(treated(recipe, remedy.setting))))
            if other is not None:
                key = (run.verdict.cause, remedy.name)
                kept.setdefault(key, []).append(not other.failed)
                untreated.setdefault(key, set()).add(recipe_key(recipe))
    for (cause, remedy), helped in sorted(kept.items()):
        alike = [r for r in runs if recipe_key(dict(r.case.recipe)) in untreated[cause, remedy]]
        print(
            f"{cause}: with {remedy}, same seeds, {told(sum(helped), len(helped))} no longer fail; "
            f"without it {told(sum(r.failed for r in alike), len(alike))} of all runs fail"
        )


if __name__ == "__main__":
    main()
