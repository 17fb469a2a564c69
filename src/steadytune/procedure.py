"""Procedure: a training as its slots, in the order in which the loop uses them.

A recipe is built into a Procedure; a stabilizer is a function from Procedure to Procedure that
refills some of the slots. A Procedure knows nothing of tasks, files or devices.

A slot keeps nothing in itself. What it has to remember from step to step (moments, an average, a
mask) it declares in ``init`` and finds again in ``Kept``, which belongs to the run's state and so
to its snapshots. What it draws comes from ``Draws``, keyed by (dropout seed, step, site). So a run
is the same whether it is computed alone, in a stack, or continued from a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from steadytune.parameters import Activations as Activations
from steadytune.parameters import Group as Group
from steadytune.parameters import Kept as Kept
from steadytune.parameters import Parameter as Parameter
from steadytune.parameters import Params as Params


@dataclass(frozen=True)
class Clipping:
    """How gradients are scaled down; the fields are those of Recipe."""

    clip: Literal["global", "tensor", "none"]
    max_grad_norm: float


@dataclass(frozen=True)
class OptimizerSettings:
    """What a recipe says of its optimizer; the fields are those of Recipe."""

    lr: float
    betas: tuple[float, float]
    eps: float
    eps_mode: Literal["torch", "hf"]
    bias_correction: bool


class Draws(Protocol):
    """The random tensors of one step, keyed by ``site``: the same site the same, others apart."""

    def keep(self, site: str, shape: tuple[int, ...], drop: float) -> Tensor:
        """A bool tensor of ``shape``: True with probability 1 - drop."""
        ...

    def uniform(self, site: str, shape: tuple[int, ...]) -> Tensor:
        """An fp32 tensor of ``shape``, uniform on [0, 1)."""
        ...


Perturb = Callable[[str, Tensor], Tensor]
"""perturb(site, rows) -> rows: called with what flows at each site of a pass, may change it.

Sites: ``embeddings.word``, the word vectors (T, E) of the batch's T tokens, one sentence after the
other; ``layers.0`` ... what each layer reads, (T, D), from the bottom; ``head``, the first tokens
of the B sentences after the last layer, (B, D). The result has the shape and dtype of ``rows``.
"""

Need = Literal["word_vectors", "layer_inputs", "backward"]
"""What a step takes besides plain passes and one backward pass: a perturbation of word vectors, of
other sites, or gradients at other parameters or in the middle of the loss. Encoders say which
perturbations they allow. A step with needs is computed for its run alone, also in a stack."""


class Forward(Protocol):
    """The forward passes over the batch of a step; each is computed once."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each of the B sentences."""
        ...

    @property
    def draws(self) -> Draws:
        """Those of the step."""
        ...

    def __call__(self, i: int, perturb: Perturb | None = None) -> Tensor:
        """Outputs (B, K) of the i-th pass.

        Passes with another ``i`` have dropout of their own; with the same ``i`` and another
        perturbation they share every mask.
        """
        ...

    def gradient(self, loss: Tensor, of: Tensor) -> Tensor:
        """Gradient of a loss with respect to a tensor that took part in its passes.

        The same backward pass gives the gradients of the parameters, which are added to those of
        the step. Passes made before cannot be used any further.
        """
        ...


@dataclass(frozen=True)
class Through:
    """A Forward seen through another numbering of its passes, and a perturbation of all of them.

    For losses that contain other losses: ``inner(Through(forward, perturb=noise), labels)``.
    """

    inner: Forward
    number: Callable[[int], int] = lambda i: i
    perturb: Perturb | None = None

    @property
    def lengths(self) -> tuple[int, ...]:
        """See Forward."""
        return self.inner.lengths

    @property
    def draws(self) -> Draws:
        """See Forward."""
        return self.inner.draws

    def __call__(self, i: int, perturb: Perturb | None = None) -> Tensor:
        """See Forward; the perturbation of this view comes first."""
        first, second = self.perturb, perturb
        if first is None or second is None:
            return self.inner(self.number(i), first or second)
        return self.inner(self.number(i), lambda site, rows: second(site, first(site, rows)))

    def gradient(self, loss: Tensor, of: Tensor) -> Tensor:
        """See Forward."""
        return self.inner.gradient(loss, of)


class Backward(Protocol):
    """Another backward pass of the run."""

    def __call__(
        self, params: Params | None = None, step: int | None = None, first_pass: int = 0
    ) -> Params:
        """Gradients of the loss, not clipped.

        Args:
            params: where; None: at the run's parameters.
            step: of which step's batch; None: of this one's.
            first_pass: number of the first forward pass: 0 has the dropout masks of the step.
        """
        ...


@dataclass(frozen=True)
class GradientContext:
    """What a gradient map may use.

    Attributes:
        step: steps done. epoch_steps: steps of one pass over the training split.
        table: all parameters. params: their values. start: those at step 0.
        kept: what the slots keep. draws: of the step.
        backward: gives gradients of other batches, or at other parameters.
        clipped: scales gradients down as the recipe says.
    """

    step: int
    epoch_steps: int
    table: Sequence[Parameter]
    params: Params
    start: Params
    kept: Kept
    draws: Draws
    backward: Backward
    clipped: Callable[[Params], Params]


class GradientMap(Protocol):
    """What happens to gradients after clipping and before the optimizer."""

    def init(self, params: Params, table: Sequence[Parameter]) -> Kept:
        """What it keeps, at step 0, for parameters that are not frozen."""
        ...

    def begin(self, context: GradientContext) -> None:
        """Called once before the first step, to fill what it keeps."""
        ...

    def __call__(self, grads: Params, context: GradientContext) -> Params:
        """The gradients that the optimizer is given."""
        ...


@dataclass(frozen=True)
class Update:
    """One step of an optimizer, as one value.

    Attributes:
        step: steps done before. lr: learning rate of the step, before the factors of groups.
        groups: how each parameter is treated.
        counts: how many updates each has had, this one included (1 for the first).
        scales: what each gradient is multiplied by first (clipping).
        start: values at step 0.
    """

    step: int
    lr: float
    groups: Mapping[str, Group]
    counts: Mapping[str, int]
    scales: Mapping[str, float]
    start: Params


class Optimizer(Protocol):
    """Turns gradients into new parameters."""

    @property
    def settings(self) -> OptimizerSettings:
        """Those of the recipe."""
        ...

    @property
    def elementwise(self) -> bool:
        """Whether an element's update depends on its own gradients alone.

        Where it does not, no word embeddings are left out of a training.
        """
        ...

    def init(self, params: Params) -> Kept:
        """What it keeps, at step 0, for parameters that are not frozen."""
        ...

    def step(self, params: Params, grads: Params, kept: Kept, update: Update) -> None:
        """One step, in place on ``params`` and ``kept``; ``grads`` may be overwritten.

        Parameters that are not among ``grads`` stay as they are.
        """
        ...


class EvaluatedView(Protocol):
    """From the parameters that are trained to those that are evaluated, kept and saved."""

    def init(self, params: Params, start: Params) -> Kept:
        """What it keeps, at step 0. A frozen tensor is the very one of ``start``."""
        ...

    def observe(self, params: Params, kept: Kept, step: int) -> None:
        """Called after each update; ``step`` counts from 1."""
        ...

    def view(self, params: Params, kept: Kept, step: int) -> Params:
        """The parameters to evaluate after ``step`` steps; the given ones are left alone."""
        ...


@dataclass(frozen=True)
class Procedure:
    """The slots, in the order of their use, and the list of what filled them.

    Attributes:
        table: the encoder's parameters -> those of the run: others added, some frozen.
        initial: (params, table, init seed) -> params at step 0.
        groups: (parameter, number of layers L, steps done) -> Group of the next step.
        parameters: (params, params at step 0, table, draws) -> the view used in the forward pass:
            all parameters of the encoder under their names.
        loss: (forward, labels) -> scalar.
        clipping: of the gradients of the step.
        gradients: maps applied one after the other.
        optimizer: what makes the update.
        schedule: step (0, 1, ...) -> factor on the learning rate.
        evaluated: views applied one after the other: parameters of the encoder come out.
        total_steps: steps of the run. warmup: of them, those that the schedule warms up over.
        needs: what a step takes besides plain passes and one backward pass.
        filled_by: one line for each stabilizer that was applied, in order.
    """

    table: Callable[[tuple[Parameter, ...]], tuple[Parameter, ...]]
    initial: Callable[[Params, Sequence[Parameter], int], Params]
    groups: Callable[[Parameter, int, int], Group]
    parameters: Callable[[Params, Params, Sequence[Parameter], Draws], Params]
    loss: Callable[[Forward, Tensor], Tensor]
    clipping: Clipping
    optimizer: Optimizer
    schedule: Callable[[float], float]
    total_steps: int
    warmup: int = 0
    gradients: tuple[GradientMap, ...] = ()
    evaluated: tuple[EvaluatedView, ...] = ()
    needs: frozenset[Need] = frozenset()
    filled_by: tuple[str, ...] = ()
