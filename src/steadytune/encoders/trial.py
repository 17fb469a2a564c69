"""Whether a foreign encoder can be fine-tuned and saved: tried before a study depends on it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from steadytune.encoders._encoder import Batch, Dropout, Encoder, Sample
from steadytune.encoders.checkpoint import reason
from steadytune.encoders.drop_rates import Obeyed, Rates
from steadytune.encoders.pretrained import Pretrained
from steadytune.encoders.tokenizer import Tokenizer
from steadytune.encoders.verification import PredictsOtherwise, check_tokens
from steadytune.errors import BadInput
from steadytune.procedure import Params

_TEXTS = ("a", "a few words", "more words than the others have, and punctuation, too. " * 20)
_LENGTH = 128
_STEP = 1e-3
_SHARE = 1e-3  # of the outputs, that rounding in fp32 stays far below


def try_out(encoder: Encoder, model_type: str, tokenizer: Tokenizer) -> Obeyed:
    """Classify texts and train on them; some models cannot, or only if padded on one side.

    Args:
        encoder: everything but tried.
        model_type: of transformers, for messages.
        tokenizer: of the encoder; its ``padding_side`` is set to the one that works.

    Returns:
        Which of a recipe's drop rates it obeys.

    Raises:
        BadInput: it fails, or a text's outputs depend on its neighbour.
    """

    def refuse(what: str) -> BadInput:
        return BadInput(f"{encoder.name}: a {model_type!r} model cannot be fine-tuned here: {what}")

    longest = min(_LENGTH, tokenizer.longest or _LENGTH)
    tokenized = encoder.tokenize(_TEXTS, None, longest, True)
    each = [tokenized.batch(np.array([i]), torch.device("cpu")) for i in range(len(_TEXTS))]
    batch = tokenized.batch(np.arange(len(_TEXTS)), torch.device("cpu"))
    params = encoder.initial(2, 0)

    def fits() -> bool:
        with torch.no_grad():
            together = encoder.outputs(params, batch, None)
            alone = torch.cat([encoder.outputs(params, one, None) for one in each])
        # A fresh head gives small outputs: what differs is held against their size.
        return bool((together - alone).abs().max() <= _SHARE * together.abs().max())

    try:
        if not fits():
            tokenizer.padding_side = "left" if tokenizer.padding_side == "right" else "right"
            if not fits():
                raise refuse("what it says of a text depends on the padding of the batch")
    except BadInput:
        raise
    except Exception as error:
        raise refuse(f"classifying three texts fails: {reason(error)}") from None
    short = tokenized.batch(np.arange(len(_TEXTS) - 1), torch.device("cpu"))
    try:
        _step(encoder, params, short, (None, None, None))
        return Obeyed.observed(model_type, lambda rates: _step(encoder, params, batch, rates))
    except Exception as error:
        raise refuse(f"a training step fails: {reason(error)}") from None


def _step(encoder: Encoder, params: Params, batch: Batch, rates: Rates) -> None:
    """Forward with dropout, backward, update on copies, forward."""
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    loss = encoder.outputs(leaves, batch, Dropout(*rates, seed=0, moment=(0, 0))).square().sum()
    if not bool(torch.isfinite(loss)):
        raise FloatingPointError("the loss is not finite")
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    if all(gradient is None or not gradient.any() for gradient in found):
        raise FloatingPointError("no parameter has a gradient")
    moved = {
        name: value.detach() if gradient is None else value.detach() - _STEP * gradient
        for (name, value), gradient in zip(leaves.items(), found, strict=True)
    }
    with torch.no_grad():
        encoder.outputs(moved, batch, None)


def try_saving(
    encoder: Encoder, num_outputs: int, label_names: tuple[str, ...] | None, sample: Sample
) -> None:
    """Save the encoder as it is before training, and read it with plain transformers.

    Of the families' encoders only the tokenizer is tried: their weights are written by us, to names
    that are known.

    Raises:
        BadInput: that fails, or it predicts otherwise.
    """
    with TemporaryDirectory() as workplace:
        try:
            if isinstance(encoder, Pretrained):
                encoder.save_tokenizer(Path(workplace), sample)
                check_tokens(encoder, Path(workplace), sample)
            else:
                params = encoder.initial(num_outputs, 0)
                encoder.save(params, Path(workplace) / "model", label_names, sample)
        except PredictsOtherwise as problem:
            raise BadInput(
                f"{encoder.name}: a model of this encoder predicts otherwise in plain transformers "
                f"once saved: {problem}; keep no weights (keep: none), or take another encoder"
            ) from None
        except OSError:
            raise
        except Exception as error:
            raise BadInput(
                f"{encoder.name}: transformers cannot save a model of this encoder "
                f"({reason(error)}); keep no weights (keep: none), or take another encoder"
            ) from None
