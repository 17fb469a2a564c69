"""The matrix products of our step: which they are, and how fast the machine multiplies them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import torch
from benchmarks.clock import Clock
from benchmarks.measurement import Measured, Spec, peak_bytes
from benchmarks.ours import loaded
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from steadytune.seeds import generator
from steadytune.training.precision import DTYPES, default_device
from steadytune.training.ready import RunState
from steadytune.training.step import plain_step
from steadytune.training.threads import one_thread

_COUNTED = 3  # steps


class _Products(TorchDispatchMode):
    """Takes down the sizes of products with weights; those inside attention are batched."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Counter[tuple[int, int, int]]()

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: Any = (),  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        if func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default):
            a, b = args[-2:]
            self.found[(a.shape[0], a.shape[1], b.shape[1])] += 1
        return func(*args, **(kwargs or {}))


def count(spec: Spec) -> Measured:
    """Floating-point operations of a step and its products, from what the step really computes."""
    study, products, flops, tokens = loaded(spec, 1), _Products(), list[float](), list[int]()
    with one_thread():
        state = RunState.begin(study.prepare(study.runs[0]))
        clock = Clock(_COUNTED, math.inf)
        for _ in range(_COUNTED):
            products.found.clear()
            with FlopCounterMode(display=False) as counter, products:
                result = plain_step(state)
            state.step += 1
            flops.append(counter.get_total_flops())
            tokens.append(result.tokens)
            clock.tick()
    return Measured(
        seconds=clock.seconds,
        ends=clock.ends,
        tokens=sum(tokens) / _COUNTED,
        peak_bytes=peak_bytes(study.device),
        products=tuple((times, *sizes) for sizes, times in products.found.items()),
        flops=sum(flops) / _COUNTED,
    )


def multiply(spec: Spec) -> Measured:
    """Seconds of all products of one step by ``torch.mm`` alone, on one thread."""
    dtype, device = DTYPES[spec.precision], default_device()
    stream = generator("init", spec.seed)

    def drawn(rows: int, columns: int) -> torch.Tensor:
        return torch.from_numpy(stream.standard_normal((rows, columns))).to(device, dtype)

    work = [
        (times, drawn(m, k), drawn(k, n), torch.empty(m, n, dtype=dtype, device=device))
        for times, m, k, n in spec.products
    ]
    with one_thread():
        clock = Clock(spec.steps, spec.limit)
        while True:
            for times, a, b, result in work:
                for _ in range(times):
                    torch.mm(a, b, out=result)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if clock.tick():
                break
    flops = float(sum(2 * times * m * k * n for times, m, k, n in spec.products))
    return Measured(
        clock.seconds, clock.ends[clock.warm_up :], 0.0, peak_bytes(device), flops=flops
    )
