"""Numbers of one case: from what was measured to rates, shares, and a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from benchmarks.ours import EPOCHS, SEEDS
from benchmarks.turns import Result

_REFERENCES = ("Trainer fp32", "Trainer bf16", "Trainer bf16 (emulated)")


def row(result: Result, needed: Mapping[str, float]) -> dict[str, Any]:
    """The numbers of one competitor.

    Args:
        result: what was measured.
        needed: ``flops_per_token`` of our step, ``product_rate`` of the machine (FLOP/s; the
            key has the precision in front), ``steps_per_epoch``.
    """
    competitor = result.competitor
    if not result.rounds:
        return {"name": competitor.name, "skipped": result.skipped}
    seconds = result.seconds
    tokens = statistics.mean(found.tokens for found in result.rounds)
    rate = needed.get(f"{competitor.precision} product_rate")
    joules = [found.joules for found in result.rounds if found.joules is not None]
    return {
        "name": competitor.name,
        "seconds_median": statistics.median(seconds),
        "n": len(seconds),
        "seconds_min": min(seconds),
        "seconds_max": max(seconds),
        "parallel": result.rounds[0].parallel,
        "run_steps_per_second": result.rate,
        "tokens_per_run_step": tokens,
        "tokens_per_second": result.rate * tokens,
        "study_seconds": SEEDS * EPOCHS * needed["steps_per_epoch"] / result.rate,
        "share_of_product_rate": (
            result.rate * tokens * needed["flops_per_token"] / rate if rate else None
        ),
        "peak_bytes": result.peak_bytes,
        "joules_per_run_step": statistics.mean(joules) if joules else None,
        **({"skipped_later": result.skipped} if result.skipped else {}),
        "seconds": seconds,
    }


def ratios(results: Sequence[Result]) -> dict[str, float]:
    """Run-steps a second against the Trainer's, all from this run."""
    rates = {r.competitor.name: r.rate for r in results if r.rounds}
    return {
        f"{name} / {reference}": rate / rates[reference]
        for reference in _REFERENCES
        if reference in rates
        for name, rate in rates.items()
        if name != reference
    }


def memory_a_run(results: Sequence[Result]) -> dict[str, float]:
    """Bytes that one more run adds to a stack: the slope of peak memory over its size."""
    points: dict[str, list[tuple[int, int]]] = {}
    for result in results:
        competitor = result.competitor
        if competitor.kind == "stack" and result.rounds:
            how = f"{'uniform' if competitor.uniform else 'ragged'} {competitor.precision}"
            points.setdefault(how, []).append((competitor.places, result.peak_bytes))
    return {
        how: float(np.polyfit([n for n, _ in found], [size for _, size in found], 1)[0])
        for how, found in points.items()
        if len(found) > 1
    }


def text(case: Mapping[str, Any]) -> str:
    """A case as a Markdown table with a line on what the machine multiplies."""
    lines = [
        f"### {case['shape']}, {case['task']}",
        "",
        "| | s a run-step | n | min - max | run-steps/s | tokens/s | study, h | share | peak GiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(each) for each in case["rows"]),
        "",
        *(
            f"{name}: {rate / 1e9:.0f} GFLOP/s in all processes together; "
            f"our step: {case['flops_per_token'] / 1e6:.1f} MFLOP a token"
            for name, rate in case["product_rates"].items()
        ),
        *(
            f"one more run in a {how} stack: {size / 2**20:.0f} MiB"
            for how, size in case["bytes_a_run"].items()
        ),
        *(f"{name}: {ratio:.2f} x" for name, ratio in case["ratios"].items()),
    ]
    return "\n".join(lines)


def _line(each: Mapping[str, Any]) -> str:
    if "seconds" not in each:
        return f"| {each['name']} | skipped: {each['skipped']} | | | | | | | |"
    share = each["share_of_product_rate"]
    cells = (
        each["name"],
        f"{each['seconds_median']:.3f}",
        str(each["n"]),
        f"{each['seconds_min']:.3f} - {each['seconds_max']:.3f}",
        f"{each['run_steps_per_second']:.2f}",
        f"{each['tokens_per_second']:.0f}",
        f"{each['study_seconds'] / 3600:.2f}",
        f"{share:.0%}" if share is not None else "",
        f"{each['peak_bytes'] / 2**30:.2f}",
    )
    return f"| {' | '.join(cells)} |"
