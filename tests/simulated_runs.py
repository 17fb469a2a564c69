"""Runs with a known truth, for tests of the statistics."""

import numpy as np
from scipy import stats

from steadytune.results.runs import Runs


def simulated_runs(
    values,
    failed=None,
    recipe="a",
    seeds=None,
    metric="accuracy",
    examples=277,
    losses=None,
    task="glue/rte",
    **more,
):
    values = np.asarray(values, dtype=np.float64)
    seeds = range(len(values)) if seeds is None else seeds
    return Runs(
        task=task,
        encoder="bert-large",
        recipe=recipe,
        metric=metric,
        values=values,
        failed=np.zeros(len(values), bool) if failed is None else np.asarray(failed),
        losses=np.arange(len(values)) / 100 if losses is None else np.asarray(losses),
        seeds=tuple((seed, seed, seed) for seed in seeds),
        ids=tuple(f"{recipe}{seed}" for seed in seeds),
        examples=examples,
        **more,
    )


def two_groups(rng, shape, share=0.3, failed=0.53, good=0.70, std=0.02):
    """Accuracies of which a share is at the majority class's."""
    return np.where(rng.random(shape) < share, failed, rng.normal(good, std, shape))


def exactly(mean, std, best, fails=0, failed_at=0.0, n=25):
    """(n,) scores with just this mean, std (ddof = 1) and maximum; and which of them failed.

    ``fails`` runs lie near ``failed_at``, the others are skewed to the left, as runs are. The
    maximum is set; the rest is moved and stretched so that mean and std come out.
    """
    levels = np.linspace(0.02, 0.98, n - fails)
    good = (n * mean - fails * failed_at) / (n - fails)
    shape = stats.gumbel_l.ppf(levels)
    wide = std**2 - fails / n * (1 - fails / n) * (good - failed_at) ** 2
    wide = min(max(wide, 0.01 * std**2), ((best - good) / 1.6) ** 2)
    up = good + (shape - shape.mean()) / shape.std() * np.sqrt(wide)
    low = failed_at + np.linspace(-1, 1, fails) * 0.05 * std
    rest = np.sort(np.concatenate([low, up]))[:-1]
    center = (n * mean - best) / (n - 1)
    squares = (n - 1) * std**2 - (best - mean) ** 2 - (n - 1) * (center - mean) ** 2
    stretch = np.sqrt(squares / np.sum((rest - rest.mean()) ** 2))
    values = np.append(center + stretch * (rest - rest.mean()), best)
    failed = np.arange(n) < fails
    assert values.max() == best
    return values, failed
