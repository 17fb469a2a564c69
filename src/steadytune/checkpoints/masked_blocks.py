"""A text as blocks of tokens with some of them masked: what masked-LM perplexity is measured on.

The protocol of Devlin et al. (2019) as the language-modelling script of transformers 2.5 has it:
contiguous blocks, the last partial one dropped; each token but the special ones around a block is
selected with probability 0.15; of the selected 80 % become the mask token, 10 % a random token,
10 % stay.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.encoders import Pretrained, Tokenized
from steadytune.errors import BadInput
from steadytune.seeds import generator

SELECTED = 0.15
MASKED, RANDOM = 0.8, 0.1  # of the selected


@dataclass(frozen=True)
class MaskedBlocks:
    """N blocks of P tokens, M of them selected.

    Attributes:
        tokens: (N, P) ids as the encoder sees them.
        selected: (N, P) bool, which tokens are to be predicted.
        targets: (N, P) the ids that the text has.
        about: text, block length, mask seed and number of blocks, for the file of results.
    """

    tokens: NDArray[np.int64]
    selected: NDArray[np.bool_]
    targets: NDArray[np.int64]
    about: dict[str, Any]

    @property
    def tokenized(self) -> Tokenized:
        """The blocks as examples of one text each."""
        number, length = self.tokens.shape
        flat = self.tokens.ravel()
        return Tokenized(flat, np.zeros_like(flat), np.arange(number + 1) * length)


def masked_blocks(
    encoder: Pretrained, text: str, length: int, mask_seed: int, most: int | None = None
) -> MaskedBlocks:
    """A text cut into blocks and masked; block i is masked alike however many blocks are taken.

    Args:
        encoder: its tokenizer cuts the text.
        text: such as the whole of WikiText-2's test file.
        length: tokens of a block, special ones included: 512 for published BERTs; no more than
            the position embeddings were trained for.
        mask_seed: which tokens are selected, and what stands in their place.
        most: take at most so many blocks, from the beginning.

    Raises:
        BadInput: the tokenizer has no mask token, or length and text do not fit.
    """
    if encoder.mask_id is None:
        raise BadInput(f"{encoder.name}: its tokenizer has no mask token, which perplexity needs")
    if most is not None and most < 1:
        raise BadInput(f"{most} blocks: give at least 1, or none to take the whole text")
    targets = encoder.blocks(text, length)[:most]
    tokens, selected = targets.copy(), np.zeros(targets.shape, dtype=np.bool_)
    special = encoder.special_in(length)
    for i, row in enumerate(tokens):
        draw = generator("mask", mask_seed, i)
        selected[i] = (draw.random(length) < SELECTED) & ~special
        fate = draw.random(length)
        words = draw.integers(0, encoder.token_ids, length)
        row[selected[i] & (fate < MASKED)] = encoder.mask_id
        random = selected[i] & (fate >= MASKED) & (fate < MASKED + RANDOM)
        row[random] = words[random]
    about = {
        "text": hashlib.sha256(text.encode()).hexdigest()[:16],
        "block_length": length,
        "blocks": len(tokens),
        "mask_seed": mask_seed,
        "selected": int(selected.sum()),
    }
    return MaskedBlocks(tokens, selected, targets, about)
