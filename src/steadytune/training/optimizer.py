"""``steadytune.AdamW``: the exact AdamW of ``training.adamw`` as a torch optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor

from steadytune.training.adamw import AdamStep, EpsMode, update

_UPDATE_OPTIONS = ("lr", "betas", "eps", "weight_decay", "eps_mode", "bias_correction")
_DEFAULTS: dict[str, Any] = {
    "lr": 1e-3,
    "betas": (0.9, 0.999),
    "eps": 1e-8,
    "weight_decay": 1e-2,
    "eps_mode": "torch",
    "bias_correction": True,
    "toward_start": False,
}
# Options of torch.optim.AdamW that change what is computed, and their value here. Its other ones
# (foreach, fused, capturable, differentiable) say how; a group may hold them and they do nothing.
_FIXED = {"amsgrad": False, "maximize": False, "decoupled_weight_decay": True}
_OF_TORCH = ("foreach", "fused", "capturable", "differentiable")
_BESIDES = ("params", "param_names", "initial_lr", "name")  # by torch, its schedules, and callers


class AdamW(torch.optim.Optimizer):
    """AdamW with the switches that torch's own lacks, for any training loop.

    ``steadytune.AdamW(model.parameters(), lr=2e-5, bias_correction=False, eps_mode="hf")`` is the
    optimizer that BERT was fine-tuned with; the defaults are torch.optim.AdamW. A state_dict of
    torch.optim.AdamW can be loaded, and one of this class into it as long as ``eps_mode``,
    ``bias_correction`` and ``toward_start`` have their defaults: torch ignores them. ``amsgrad``,
    ``maximize``, complex parameters and sparse gradients are not supported.

    Args:
        params: parameters or parameter groups; every option may differ per group.
        lr: learning rate, a number or a tensor with one element.
        betas: decay rates of the two moments.
        eps: added to the denominator.
        weight_decay: decoupled weight decay, times ``lr``.
        eps_mode: ``torch`` or ``hf``; see the formulas in ``steadytune.training.adamw``.
        bias_correction: whether the moments are corrected.
        toward_start: decay toward the values that a parameter has at its first step, not zero.

    Raises:
        ValueError: an option of a group is unknown or out of range, or a parameter is complex.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        eps_mode: EpsMode = "torch",
        bias_correction: bool = True,
        toward_start: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "eps_mode": eps_mode,
            "bias_correction": bias_correction,
            "toward_start": toward_start,
        }
        _check_options(defaults, "AdamW")
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own.

        Raises:
            ValueError: an option is unknown or out of range, or a parameter is complex.
        """
        where = f"parameter group {len(self.param_groups)}"
        if isinstance(param_group, dict):  # torch says what else is wrong
            _check_options(param_group, where)
        super().add_param_group(param_group)
        complex_ = [p for p in self.param_groups[-1]["params"] if p.is_complex()]
        if complex_:
            self.param_groups.pop()
            raise ValueError(
                f"{where} holds complex parameters; AdamW takes real ones: pass "
                "torch.view_as_real(parameter)"
            )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over moments, steps and options that were saved by this class or by torch's AdamW.

        Options that torch's AdamW does not have keep the values that they have here.

        Raises:
            ValueError: it is of another optimizer, was saved with options that are not supported
                here, or does not fit the parameters.
        """
        groups = [dict(group) for group in state_dict["param_groups"]]
        for number, (group, own) in enumerate(zip(groups, self.param_groups, strict=False)):
            where = f"parameter group {number} of the state_dict"
            missing = [key for key in ("lr", "betas", "eps", "weight_decay") if key not in group]
            if missing:
                raise ValueError(f"{where} has no {', '.join(missing)}: it is not that of an AdamW")
            _check_options(group, where)
            for key in _DEFAULTS:
                group.setdefault(key, own[key])
        for state in state_dict["state"].values():
            if state and not {"step", "exp_avg", "exp_avg_sq"} <= state.keys():
                raise ValueError(
                    f"the state_dict keeps {', '.join(sorted(map(str, state)))} of a parameter; "
                    "AdamW needs step, exp_avg and exp_avg_sq: it is of another optimizer"
                )
        super().load_state_dict({**state_dict, "param_groups": groups})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step on every parameter that has a gradient.

        Raises:
            ValueError: an option was changed to an impossible value, or a gradient is sparse; no
                parameter is changed then.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for number, group in enumerate(self.param_groups):
            _check_options(group, f"parameter group {number}")
            if any(p.grad is not None and p.grad.layout != torch.strided for p in group["params"]):
                raise ValueError(
                    f"parameter group {number} has a sparse gradient; AdamW takes dense ones: "
                    "build the embedding with sparse=False"
                )
        for group in self.param_groups:
            options = {key: group[key] for key in _UPDATE_OPTIONS}
            options["lr"] = float(options["lr"])
            for param in group["params"]:
                if param.grad is not None:
                    self._step_one(param, options, group["toward_start"])
        return loss

    def _step_one(self, param: Tensor, options: dict[str, Any], toward_start: bool) -> None:
        state, data = self.state[param], param.detach()
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)  # as torch keeps it
            for moment in ("exp_avg", "exp_avg_sq"):
                state[moment] = torch.zeros_like(data, memory_format=torch.contiguous_format)
        if toward_start and "start" not in state:
            state["start"] = data.clone()
        state["step"] += 1
        assert param.grad is not None
        # ``update`` works in place on memory in order; torch's moments lie as the parameter does.
        held = [data, state["exp_avg"], state["exp_avg_sq"]]
        ordered = [tensor.contiguous() for tensor in held]
        update(
            ordered[0],
            param.grad,
            *ordered[1:],
            AdamStep(step=int(state["step"]), **options),
            toward=state["start"] if toward_start else None,
        )
        for tensor, result in zip(held, ordered, strict=True):
            if tensor is not result:
                tensor.copy_(result)


def _check_options(options: Mapping[str, Any], where: str) -> None:
    """Raise ValueError for an option that is unknown, not supported, or out of range."""
    known = (*_DEFAULTS, *_FIXED, *_OF_TORCH, *_BESIDES)
    unknown = [str(key) for key in options if key not in known]
    if unknown:
        raise ValueError(
            f"{where}: unknown option {', '.join(unknown)}; there are {', '.join(_DEFAULTS)}"
        )
    for key, value in _FIXED.items():
        if options.get(key, value) != value:
            raise ValueError(
                f"{where}: {key} is {options[key]}; steadytune.AdamW supports {value} alone"
            )
    for key in ("lr", "eps", "weight_decay"):
        if key in options and not _at_least_zero(options[key]):
            raise ValueError(f"{where}: {key} is {options[key]}; it must be a number of at least 0")
    betas = options.get("betas", (0.9, 0.999))
    if not (isinstance(betas, tuple | list) and len(betas) == 2 and all(map(_is_rate, betas))):
        raise ValueError(f"{where}: betas are {betas}; they must be two numbers in [0, 1)")
    if options.get("eps_mode", "torch") not in ("torch", "hf"):
        raise ValueError(
            f"{where}: eps_mode is {options['eps_mode']!r}; it must be 'torch' or 'hf'"
        )
    for key in ("bias_correction", "toward_start"):
        if not isinstance(options.get(key, True), bool):
            raise ValueError(f"{where}: {key} is {options[key]!r}; it must be True or False")


def _at_least_zero(value: object) -> bool:
    return (number := _number(value)) is not None and 0 <= number < math.inf


def _is_rate(value: object) -> bool:
    return (number := _number(value)) is not None and 0 <= number < 1


def _number(value: object) -> float | None:
    """The number that an option is: a Python or NumPy number, or a tensor with one element."""
    if isinstance(value, str | bool):
        return None
    if isinstance(value, Tensor) and value.numel() != 1:
        return None
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return None
