"""Token ids for all examples of a split at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer

from steadytune.encoders._encoder import Sample, Tokenized
from steadytune.encoders.checkpoint import reason
from steadytune.errors import BadInput

_RARE = "zq \u16a0\u2603 \U0001f9ea"  # what no small vocabulary has: it asks for the unknown token
_CONFIG = "tokenizer_config.json"


class Tokenizer:
    """The tokenizer of a Hugging Face folder.

    Attributes:
        serialized: everything that decides its token ids.
        padding_id: the id that a padded batch is filled with. padding_side: where, right or left.
        longest: most tokens that the model takes; None for any number.
        mask_id: the id that stands for a hidden token; None without one.
        size: number of token ids.
    """

    def __init__(
        self, folder: Path, vocabulary: int | None, longest: int | None, segments: int
    ) -> None:
        """Read the tokenizer and hold it against the model's sizes.

        Args:
            folder: as save_pretrained writes it.
            vocabulary: rows of the word embedding; None where it has none of a fixed size.
            longest: most tokens that the model takes; None for any number.
            segments: token types that the model tells apart, which mark a second text; 0 for none.

        Raises:
            BadInput: no usable tokenizer, or one of another vocabulary.
        """
        self._tokenizer = _read(folder)
        self.serialized = _serialized(self._tokenizer)
        self.longest = longest
        self._segments = segments > 1
        self.padding_id: int = self._padding(folder)
        self.padding_side: str = self._tokenizer.padding_side
        self.mask_id: int | None = self._tokenizer.mask_token_id
        self.size = len(self._tokenizer)
        self._check_vocabulary(folder, vocabulary, segments)

    def _padding(self, folder: Path) -> int:
        if self._tokenizer.pad_token_id is not None:
            return self._tokenizer.pad_token_id
        token = self._tokenizer.eos_token or "[PAD]"
        raise BadInput(
            f"the tokenizer in {folder} has no padding token, without which texts cannot share a "
            f'batch: set "pad_token": "{token}" in its {_CONFIG}'
        )

    def _check_vocabulary(self, folder: Path, vocabulary: int | None, segments: int) -> None:
        ids = set(self._tokenizer.get_vocab().values())
        # Without any vocabulary file transformers makes up a tokenizer of special tokens alone.
        if ids <= set(self._tokenizer.all_special_ids):
            raise BadInput(
                f"no tokenizer could be read from {folder}: it has no vocabulary; "
                "tokenizer.json or the family's vocabulary files are needed"
            )
        if vocabulary is not None and max(ids) >= vocabulary:
            raise BadInput(
                f"the vocabulary in {folder} does not match the weights: token ids go up to "
                f"{max(ids)}, the embedding has {vocabulary} rows"
            )
        try:
            encoded = self._tokenizer(_RARE, _RARE, return_token_type_ids=self._segments)
        except Exception as error:
            raise BadInput(
                f"the tokenizer in {folder} cannot read words that are not in its vocabulary "
                f"({reason(error)}): add its unknown token, such as [UNK], to the vocabulary"
            ) from None
        types = max(encoded.get("token_type_ids") or [0])
        if types >= max(segments, 1):
            raise BadInput(
                f"the tokenizer in {folder} marks texts by token types up to {types}, of which the "
                f"model has {segments}: take the tokenizer that the model was pretrained with"
            )

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
        if self.marks(segment_ids) and "token_type_ids" in encoded:
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

    def marks(self, segment_ids: bool) -> bool:
        """Whether texts get segment ids, where a recipe asks for them (or does not)."""
        return segment_ids and self._segments

    def _check(self, max_length: int, pairs: bool) -> None:
        special = self._tokenizer.num_special_tokens_to_add(pair=pairs)
        least = special + (2 if pairs else 1)
        if max_length < least:
            raise BadInput(
                f"max_length {max_length} leaves no room for text: this encoder adds {special} "
                f"special tokens, so at least {least} is needed"
            )
        if self.longest is not None and max_length > self.longest:
            raise BadInput(
                f"max_length {max_length} is more than this encoder has positions for: "
                f"at most {self.longest}"
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

    def save(self, folder: Path, sample: Sample | None) -> None:
        """Write the files that AutoTokenizer reads.

        What it reads back emits by itself what the model was trained on: segment ids or none, and
        with ``truncation=True`` as many tokens.

        Args:
            folder: is there.
            sample: how texts were read; None for all that the model takes.
        """
        self._tokenizer.save_pretrained(folder)
        path = folder / _CONFIG
        settings = json.loads(path.read_text(encoding="utf-8"))
        first, *others = self._tokenizer.model_input_names
        marked = self.marks(sample is None or sample.segment_ids)
        marks = ["token_type_ids"] if marked else []
        others = [name for name in others if name not in ("token_type_ids", "attention_mask")]
        limits = [settings.get("model_max_length"), self.longest, sample and sample.max_length]
        settings |= {
            "model_input_names": [first, *marks, "attention_mask", *others],
            "padding_side": self.padding_side,
            "truncation_side": self._tokenizer.truncation_side,
            "model_max_length": min(limit for limit in limits if limit is not None),
        }
        path.write_text(json.dumps(settings, indent=2, ensure_ascii=False), encoding="utf-8")


def _read(folder: Path) -> Any:  # noqa: ANN401
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise BadInput(
            f"no tokenizer could be read from {folder} ({reason(error)}): "
            "tokenizer.json or the family's vocabulary files are needed, whole"
        ) from None


def _serialized(tokenizer: Any) -> str:  # noqa: ANN401
    """What decides the token ids; of a tokenizer written in Python, its class and settings."""
    if hasattr(tokenizer, "backend_tokenizer"):
        return tokenizer.backend_tokenizer.to_str()
    places = ("name_or_path", "tokenizer_file", "vocab_file", "merges_file")
    settings = {key: value for key, value in tokenizer.init_kwargs.items() if key not in places}
    vocabulary = sorted(tokenizer.get_vocab().items())
    named = [type(tokenizer).__name__, settings, vocabulary]
    return json.dumps(named, sort_keys=True, default=str)


def _flat(rows: list[list[int]], size: int) -> NDArray[np.int64]:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=size)
