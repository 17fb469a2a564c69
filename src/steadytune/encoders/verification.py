"""What is trained is what is saved: a written folder is read back and predicts the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steadytune.encoders._encoder import Encoder, Sample, Tokenized
from steadytune.encoders.checkpoint import reason
from steadytune.encoders.quiet import auto_model, auto_tokenizer, quiet
from steadytune.procedure import Params
from steadytune.tolerance import check_outputs

MOST_EXAMPLES, MOST_TOKENS = 16, 1024  # of a sample: enough to see a fault, cheap on one core


class PredictsOtherwise(Exception):
    """A folder that was just written does not give the predictions of the model in memory."""


def spread(lengths: NDArray[np.int64]) -> list[int]:
    """Examples of all lengths, from the shortest to the longest, as many as a check may cost."""
    most = min(MOST_EXAMPLES, MOST_TOKENS // int(lengths.max()), len(lengths))
    order = np.argsort(lengths, kind="stable")
    places = np.linspace(0, len(lengths) - 1, max(most, min(2, len(lengths)))).round()
    return [int(order[int(place)]) for place in places]


def check(encoder: Encoder, params: Params, folder: Path, sample: Sample | None) -> None:
    """Read a folder with plain transformers and compare tokens and outputs, batched and alone.

    Both sides compute in fp32, whatever the run did. What differs by more than that may is computed
    once more in fp64: weights that blew up magnify rounding, which is no fault of the folder.

    Args:
        encoder: that wrote the folder.
        params: of the model in it, fp32.
        folder: with model and tokenizer.
        sample: what to predict; None or no texts: nothing is checked.

    Raises:
        PredictsOtherwise: the folder gives other tokens or other outputs, or cannot be read.
    """
    if sample is None or not sample.texts:
        return
    tokenized = encoder.tokenize(sample.texts, sample.pairs, sample.max_length, sample.segment_ids)
    batch = tokenized.batch(np.arange(len(tokenized)), torch.device("cpu"))
    try:
        with quiet():
            tokenizer = auto_tokenizer().from_pretrained(folder)
            model = auto_model().from_pretrained(folder).eval()
        _compare_tokens(tokenizer, sample, tokenized)
        problem = None
        for dtype in (torch.float32, torch.float64):
            with torch.no_grad():
                mine = {name: tensor.detach().to(dtype) for name, tensor in params.items()}
                expected = encoder.outputs(mine, batch, None).double().numpy()
            found = _predict(tokenizer, model.to(dtype), sample, tokenized.lengths)
            problem = _first_problem(expected, found)
            if problem is None:
                return
    except PredictsOtherwise:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {reason(error)}"
        raise PredictsOtherwise(f"it cannot be used there ({said})") from error
    raise PredictsOtherwise(problem)


def check_tokens(encoder: Encoder, folder: Path, sample: Sample) -> None:
    """Compare the tokens alone, which takes no model.

    Raises:
        PredictsOtherwise: the tokenizer in the folder gives other tokens.
    """
    tokenized = encoder.tokenize(sample.texts, sample.pairs, sample.max_length, sample.segment_ids)
    with quiet():
        tokenizer = auto_tokenizer().from_pretrained(folder)
    _compare_tokens(tokenizer, sample, tokenized)


def _compare_tokens(tokenizer: Any, sample: Sample, tokenized: Tokenized) -> None:  # noqa: ANN401
    encoded = tokenizer(list(sample.texts), _second(sample), truncation=True)
    for i in range(len(tokenized)):
        span = slice(int(tokenized.offsets[i]), int(tokenized.offsets[i + 1]))
        if encoded["input_ids"][i] != tokenized.tokens[span].tolist():
            raise PredictsOtherwise(f"its tokenizer gives other token ids (example {i})")
        segments = tokenized.segments[span].tolist()
        types = encoded["token_type_ids"][i] if "token_type_ids" in encoded else [0] * len(segments)
        if types != segments:
            raise PredictsOtherwise(f"its tokenizer gives other token type ids (example {i})")


def _second(sample: Sample) -> list[str] | None:
    return None if sample.pairs is None else list(sample.pairs)


@torch.no_grad()
def _predict(
    tokenizer: Any,  # noqa: ANN401
    model: Any,  # noqa: ANN401
    sample: Sample,
    lengths: NDArray[np.int64],
) -> dict[str, tuple[list[int], NDArray[np.float64]]]:
    """Outputs of all texts padded in one batch, and of the shortest and the longest alone."""

    def logits(chosen: Sequence[int]) -> NDArray[np.float64]:
        texts = [sample.texts[i] for i in chosen]
        pairs = None if sample.pairs is None else [sample.pairs[i] for i in chosen]
        inputs = tokenizer(texts, pairs, truncation=True, padding=True, return_tensors="pt")
        return model(**inputs).logits.double().numpy()

    together = list(range(len(sample.texts)))
    ends = sorted({int(lengths.argmin()), int(lengths.argmax())})
    return {
        "in a padded batch": (together, logits(together)),
        "alone": (ends, np.concatenate([logits([i]) for i in ends])),
    }


def _first_problem(
    expected: NDArray[np.float64], found: dict[str, tuple[list[int], NDArray[np.float64]]]
) -> str | None:
    for how, (chosen, outputs) in found.items():
        problem = check_outputs(expected[chosen], outputs, "fp32")
        if problem is not None:
            return f"{problem}, {how}"
    return None
