"""Which examples a split holds: keyed subsets, held-out parts and halves, stratified.

Every draw is keyed by a seed of the task's choice, so what one draw takes never moves another.
The target says what is stratified: classes; of several labels at once the rarest that an example
has; scores are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from steadytune.seeds import Purpose, generator
from steadytune.targets import Target
from steadytune.tasks._task import Split

Indices = NDArray[np.int64]


def take(split: Split, indices: Indices) -> Split:
    """The given examples of a split, in the order of ``indices``."""
    return Split(
        texts=tuple(split.texts[i] for i in indices),
        pairs=None if split.pairs is None else tuple(split.pairs[i] for i in indices),
        labels=split.labels[indices],
    )


def subset(split: Split, target: Target, size: int, seed: int) -> Split:
    """``size`` examples in their old order; smaller subsets lie within larger ones."""
    return take(split, np.sort(_drawn(_strata(split, target), size, "subset", seed, "train")))


def hold_out(split: Split, target: Target, share: float, seed: int) -> tuple[Split, Split]:
    """A split cut into (kept, held out), each in the old order.

    ``share`` of the examples are held out, rounded; where that would take all examples of a class,
    one of them stays, so that no label is seen only in the held-out part.
    """
    strata = _strata(split, target)
    held = _drawn(strata, round(share * len(split)), "split", seed, "dev")
    stays = np.ones(len(split), dtype=np.bool_)
    stays[held] = False
    for members in strata:
        if not stays[members].any():
            stays[members[0]] = True
    everything = np.arange(len(split))
    return take(split, everything[stays]), take(split, everything[~stays])


def halves(split: Split, target: Target, seed: int) -> tuple[Split, Split]:
    """A split cut into two stratified halves; the second is one larger where the size is odd."""
    first = np.sort(_drawn(_strata(split, target), len(split) // 2, "split", seed, "halves"))
    second = np.setdiff1d(np.arange(len(split)), first)
    return take(split, first), take(split, second)


def _strata(split: Split, target: Target) -> list[Indices]:
    """The examples of each stratum, in the order on disk."""
    of = target.strata(split.labels)
    order = np.argsort(of, kind="stable")
    _, starts = np.unique(of[order], return_index=True)
    return np.split(order, starts[1:])


def _drawn(strata: list[Indices], size: int, purpose: Purpose, seed: int, place: str) -> Indices:
    """The first ``size`` examples of a keyed, stratified order of all examples."""
    shuffled = [
        iter(generator(purpose, seed, place, which).permutation(members))
        for which, members in enumerate(strata)
    ]
    turns = _turns([len(members) for members in strata])
    drawn = [int(next(shuffled[next(turns)])) for _ in range(size)]
    return np.array(drawn, dtype=np.int64)


def _turns(sizes: list[int]) -> Iterator[int]:
    """Whose turn it is: an order of classes that keeps every prefix stratified.

    After n turns a class of share s had its turn less than one time more or less often than n s:
    the chairman assignment of Tijdeman (1980), Discrete Mathematics 32, 323-330: of the classes
    that are due, those that had n s - 1 / slack turns or fewer, the one whose n s - count reaches
    1 - 1 / slack soonest. Integers throughout, so that no rounding decides.
    """
    if len(sizes) == 1:
        yield from [0] * sizes[0]
        return
    total, slack = sum(sizes), 2 * len(sizes) - 2
    exact = 2 * total.bit_length()  # turns / size that differ at all differ by more than 2**-exact
    counts = [0] * len(sizes)
    waiting = [(_begins(total, slack, size, 0), which) for which, size in enumerate(sizes)]
    heapify(waiting)
    due: list[tuple[int, int]] = []
    for turn in range(1, total + 1):
        while waiting and waiting[0][0] <= turn:
            _, which = heappop(waiting)
            ends = (slack - 1 + slack * counts[which]) * total  # / (slack size) is the turn
            heappush(due, ((ends << exact) // sizes[which], which))
        _, chosen = heappop(due)
        counts[chosen] += 1
        heappush(waiting, (_begins(total, slack, sizes[chosen], counts[chosen]), chosen))
        yield chosen


def _begins(total: int, slack: int, size: int, count: int) -> int:
    """The first turn n with n size / total - count >= 1 / slack."""
    return -(-total * (1 + slack * count) // (slack * size))
