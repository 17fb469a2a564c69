"""Token ids for all examples of a split at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer

from steadytune.encoders._encoder import Tokenized
from steadytune.encoders.checkpoint import reason
from steadytune.errors import BadInput


class Tokenizer:
    """The fast tokenizer of a Hugging Face folder.

    Attributes:
        serialized: everything that decides its token ids.
        padding_id: the id that a padded batch is filled with.
        mask_id: the id that stands for a hidden token; None without one.
        size: number of token ids.
    """

    def __init__(self, folder: Path, vocabulary: int, longest: int | None, segments: bool) -> None:
        """Read the tokenizer and hold it against the model's sizes.

        Args:
            folder: as save_pretrained writes it.
            vocabulary: rows of the word embedding.
            longest: most tokens that the model takes; None for any number.
            segments: the model tells a second text by its segment ids.

        Raises:
            BadInput: no usable tokenizer, or one of another vocabulary.
        """
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            self.serialized: str = self._tokenizer.backend_tokenizer.to_str()
        except Exception as error:
            raise BadInput(
                f"no tokenizer could be read from {folder} ({reason(error)}): "
                "tokenizer.json or the family's vocabulary files are needed"
            ) from None
        ids = set(self._tokenizer.get_vocab().values())
        # Without any vocabulary file transformers makes up a tokenizer of special tokens alone.
        if ids <= set(self._tokenizer.all_special_ids):
            raise BadInput(
                f"no tokenizer could be read from {folder}: it has no vocabulary; "
                "tokenizer.json or the family's vocabulary files are needed"
            )
        if max(ids) >= vocabulary:
            raise BadInput(
                f"the vocabulary in {folder} does not match the weights: token ids go up to "
                f"{max(ids)}, the embedding has {vocabulary} rows"
            )
        self._longest = longest
        self._segments = segments
        self.padding_id: int = self._tokenizer.pad_token_id or 0
        self.mask_id: int | None = self._tokenizer.mask_token_id
        self.size = len(self._tokenizer)

    def __call__(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        max_length: int,
        segment_ids: bool,
    ) -> Tokenized:
        """Token ids with special tokens; see ``Encoder.tokenize``.

        Raises:
            BadInput: ``max_length`` is more than the model takes or leaves no room for text.
        """
        self._check(max_length, pairs is not None)
        encoded = self._tokenizer(
            list(texts),
            None if pairs is None else list(pairs),
            truncation="longest_first",
            max_length=max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=self._segments,
        )
        ids: list[list[int]] = encoded["input_ids"]
        offsets = np.zeros(len(ids) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in ids], out=offsets[1:])
        tokens = _flat(ids, int(offsets[-1]))
        segments = np.zeros_like(tokens)
        if segment_ids and self._segments and "token_type_ids" in encoded:
            segments = _flat(encoded["token_type_ids"], len(tokens))
        return Tokenized(tokens, segments, offsets)

    def counts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[int]:
        """Tokens of each example with special tokens, uncut."""
        encoded = self._tokenizer(
            list(texts),
            None if pairs is None else list(pairs),
            truncation=False,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return [len(row) for row in encoded["input_ids"]]

    def _check(self, max_length: int, pairs: bool) -> None:
        special = self._tokenizer.num_special_tokens_to_add(pair=pairs)
        least = special + (2 if pairs else 1)
        if max_length < least:
            raise BadInput(
                f"max_length {max_length} leaves no room for text: this encoder adds {special} "
                f"special tokens, so at least {least} is needed"
            )
        if self._longest is not None and max_length > self._longest:
            raise BadInput(
                f"max_length {max_length} is more than this encoder has positions for: "
                f"at most {self._longest}"
            )

    def blocks(self, text: str, length: int) -> NDArray[np.int64]:
        """(N, ``length``) ids of contiguous stretches of a text, each between special tokens.

        What does not fill a last block is dropped.

        Raises:
            BadInput: ``length`` is more than the model takes, or the text does not fill a block.
        """
        self._check(length, pairs=False)
        before, after = self._around()
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, truncation=False, padding=False, verbose=False
        )["input_ids"]
        room = length - len(before) - len(after)
        number = len(ids) // room
        if number == 0:
            raise BadInput(
                f"a text of {len(ids)} tokens does not fill a block of {length} "
                f"({length - room} of them special): give a longer text or a smaller block length"
            )
        inner = np.array(ids[: number * room], dtype=np.int64).reshape(number, room)
        return np.concatenate([np.tile(before, (number, 1)), inner, np.tile(after, (number, 1))], 1)

    def special_in(self, length: int) -> NDArray[np.bool_]:
        """(``length``,) which places of a block hold special tokens."""
        before, after = self._around()
        place = np.arange(length)
        return (place < len(before)) | (place >= length - len(after))

    def _around(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Special tokens before and after a single text: every family puts one before it."""
        special = np.array(self._tokenizer("")["input_ids"], dtype=np.int64)
        return special[:1], special[1:]

    def save(self, folder: Path) -> None:
        """Write the files that AutoTokenizer reads."""
        self._tokenizer.save_pretrained(folder)


def _flat(rows: list[list[int]], size: int) -> NDArray[np.int64]:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=size)
