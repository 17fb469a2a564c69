"""What is trained: encoders of several shapes, and tasks of several lengths.

Speed does not depend on what the weights are, so shapes without a checkpoint get random ones.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from transformers import BertConfig, BertModel

from steadytune.encoders import find
from steadytune.seeds import generator
from steadytune.study import TaskChoice

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)
_EXAMPLES = 2000  # of a task with synthetic sentences
_WORDS = 5000  # that they are made of: about what RTE uses
_SPECIAL = 2  # tokens that the tokenizer adds to a sentence


@dataclass(frozen=True)
class Shape:
    """Layers, width, attention heads and inner width of a BERT."""

    depth: int
    width: int
    heads: int
    inner: int


PACKAGED = "minilm"  # the only one with a checkpoint at hand
SHAPES = {
    "minilm-2": Shape(2, 384, 12, 1536),
    PACKAGED: Shape(6, 384, 12, 1536),
    "minilm-12": Shape(12, 384, 12, 1536),
    "bert-base": Shape(12, 768, 12, 3072),
    "bert-large": Shape(24, 1024, 16, 4096),
}
GLUE = ("rte", "mrpc", "cola")
LENGTHS = {f"length-{tokens}": tokens for tokens in (16, 64, 128)}


def encoder_folder(shape: str, into: Path) -> Path:
    """A folder that ``AutoModel`` loads, made in ``into`` unless it is there already."""
    packaged = find(PACKAGED)
    if shape == PACKAGED:
        return packaged
    folder = into / shape
    if not folder.is_dir():
        BertModel(_config(SHAPES[shape])).save_pretrained(folder)
        for name in _TOKENIZER_FILES:
            shutil.copy(packaged / name, folder / name)
    return folder


def _config(shape: Shape) -> BertConfig:
    return BertConfig(
        num_hidden_layers=shape.depth,
        hidden_size=shape.width,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
    )


def task_choice(task: str, data_dir: str | None, into: Path) -> TaskChoice:
    """A GLUE task from ``data_dir``, or synthetic sentences written into ``into``."""
    if task in GLUE:
        return TaskChoice(f"glue/{task}", data_dir=data_dir)
    path = into / f"{task}.csv"
    if not path.is_file():
        path.write_text(_sentences(LENGTHS[task]), encoding="utf-8")
    return TaskChoice(str(path))


def _sentences(tokens: int) -> str:
    """A CSV of random words, each of which is one token, with labels in turns."""
    vocabulary = (find(PACKAGED) / "vocab.txt").read_text(encoding="utf-8").split()
    words = [w for w in vocabulary if w.isascii() and w.isalpha() and len(w) > 2][:_WORDS]
    drawn = generator("text", tokens).integers(len(words), size=(_EXAMPLES, tokens - _SPECIAL))
    lines = [f"{' '.join(words[i] for i in row)},{n % 2}" for n, row in enumerate(drawn)]
    return "\n".join(["text,label", *lines, ""])
