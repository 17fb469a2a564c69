"""The report of a study: one HTML file that needs nothing else, no network above all.

Text from records and data sets reaches the page in two ways only: through the template, which
escapes it, and as JSON that the script puts into text nodes. The page's own policy forbids every
connection and every script but the one whose digest it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from steadytune.ledger import Ledger
from steadytune.recipe import Seeds
from steadytune.records import State
from steadytune.reports.answer import conclude
from steadytune.reports.bad_runs import bad_runs
from steadytune.reports.instability_data import instability_data
from steadytune.reports.spread_sources import spread_table
from steadytune.reports.study_data import study_data
from steadytune.reports.summary_tables import SHOWN, summary_tables
from steadytune.results.conditions import Condition, conditions
from steadytune.results.outcomes import Outcome, outcome
from steadytune.study import Study
from steadytune.study_file.writing import dump, recipe_fields

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("draw", "state", "boxes", "runs", "curves", "failed", "instability", "main")


def report(ledger: Ledger, now: datetime | None = None) -> str:
    """The page, for a study in any condition: not begun, all failed, or whole.

    Args:
        ledger: the study.
        now: the time that the page says it was made at.
    """
    found = conditions(ledger)
    script = "\n".join((PAGE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n{script}'
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration  # pyright: ignore[reportUnknownMemberType]
    environment.filters["setting"] = setting  # pyright: ignore[reportUnknownMemberType]
    return environment.get_template("page.html.j2").render(
        study=ledger.study,
        folder=ledger.folder.resolve().name,  # the rest of the path is nobody else's business
        version=metadata.version("steadytune"),
        now=(now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        style=(PAGE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=digest,
        data=embedded({**study_data(found), "instability": instability_data(found)}),
        answer=conclude(found),
        counts=_counts(ledger),
        headings=SHOWN,
        size=_size(ledger.study),
        seeds=_seeds(ledger.study.seeds),
        tables=summary_tables(found),
        spread=spread_table(found),
        bad=bad_runs(found),
        recipes=[recipe_fields(recipe) for recipe in ledger.study.recipes],
        facts=[facts for facts in (_facts(cell) for cell in _first_of_groups(found)) if facts],
        environments=ledger.environments,
        costs=[cost for name in _recipes(found) if (cost := _cost(name, found))],
        study_file=dump(ledger.study),
    )


def embedded(value: object) -> str:
    """JSON that can stand in a script element whatever it holds: no tag can end there."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _counts(ledger: Ledger) -> dict[str, int]:
    rows = ledger.records()
    results = [outcome(row.record) for row in rows if row.record is not None]
    return {
        "planned": len(rows),
        "ended": sum(row.state.ended for row in rows),
        "success": results.count(Outcome.SUCCESS),
        "failed": results.count(Outcome.FAILED),
        "diverged": results.count(Outcome.DIVERGED),
        "crashed": sum(row.state is State.CRASHED for row in rows),
    }


def _size(study: Study) -> str:
    """How many of each there are, as a product."""
    axes = {
        "recipe": len(study.recipes),
        "task": len(study.tasks),
        "encoder": len(study.encoders),
        "seed": len(study.seeds),
    }
    return " x ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in axes.items())


def _seeds(seeds: Sequence[Seeds]) -> str:
    """The seeds in words; a range where they are one."""
    tied = [one.init for one in seeds if one.init == one.order == one.dropout]
    if len(tied) < len(seeds):
        return f"{', '.join(map(str, seeds))} (initialization-order-dropout)"
    whole = tied == list(range(tied[0], tied[0] + len(tied))) and len(tied) > 2
    text = f"{tied[0]} to {tied[-1]}" if whole else ", ".join(map(str, tied))
    return f"{text}; initialization, data order and dropout share the number"


def setting(value: object) -> str:
    """A field of a recipe as a study file writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _first_of_groups(found: Sequence[Condition]) -> list[Condition]:
    first = dict[tuple[str, str], Condition]()
    for cell in found:
        if cell.records:
            first.setdefault((cell.task, cell.encoder), cell)
    return list(first.values())


def _facts(cell: Condition) -> dict[str, Any] | None:
    if not cell.records:
        return None
    return {"title": cell.task, "task": cell.records[0].task, "encoder": cell.records[0].encoder}


def _recipes(found: Sequence[Condition]) -> list[str]:
    return list(dict.fromkeys(cell.recipe for cell in found))


def _cost(recipe: str, found: Sequence[Condition]) -> dict[str, Any] | None:
    records = [record for cell in found if cell.recipe == recipe for record in cell.records]
    steps = sum(record.step for record in records)
    if not steps:
        return None
    training = sum(record.seconds.get("steps", 0.0) for record in records)
    evaluating = sum(record.seconds.get("evaluations", 0.0) for record in records)
    return {
        "recipe": recipe,
        "runs": len(records),
        "steps": steps,
        "tokens": sum(record.tokens for record in records),
        "training": training,
        "evaluating": evaluating,
        "a_step": training / steps,
    }


def duration(seconds: float) -> str:
    """Seconds as hours, minutes or seconds, whichever reads best."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.3g} s"
