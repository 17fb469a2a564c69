"""Tiny random checkpoints as transformers writes them, each with a tokenizer, made offline."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertTokenizer,
    PreTrainedTokenizerFast,
)

_TEXT = """
the a cat cats dog dogs sat sits on mat barks bark because nobody every sleeps runs quickly happy
sad very never ever it they him herself who which that
"""
WORDS = _TEXT.split()
_BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
_BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 96,
    # Larger than usual, so that a wrong term shows in the outputs of two layers.
    "initializer_range": 0.1,
}
_ROBERTA: dict[str, Any] = {"type_vocab_size": 1, "max_position_embeddings": 98}
SETTINGS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": {"max_position_embeddings": 98},
    "eurobert": {
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "mask_token_id": 4,
        "num_key_value_heads": 2,
    },
    "nomic_bert": {},
    "albert": {"embedding_size": 16},
    "electra": {"embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "deberta-v2": {
        "relative_attention": True,
        "position_buckets": 8,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pooler_hidden_size": 32,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "modernbert": {
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
        "local_attention": 16,
        "global_attn_every_n_layers": 2,
    },
}


def make_tiny(
    folder: Path,
    family: str = "bert",
    architecture: str = "ForSequenceClassification",
    **config: Any,
) -> Path:
    """Write a random checkpoint with a tokenizer; returns ``folder``.

    Args:
        folder: made if it is not there.
        family: a key of ``SETTINGS``. ``bert`` takes any ``config`` of BertConfig, and so on.
        architecture: ending of the class of transformers that is saved, such as ``ForMaskedLM``.
        config: settings other than those of ``SETTINGS``.
    """
    tokenizer = _byte_tokenizer() if SETTINGS[family] is _ROBERTA else _word_tokenizer()
    sizes = {} if family == "distilbert" else _SIZES
    if family == "distilbert":
        sizes = {k: _SIZES[k] for k in ("max_position_embeddings", "initializer_range")}
    settings = {**sizes, **SETTINGS[family], "vocab_size": len(tokenizer), **config}
    model_config = AutoConfig.for_model(family, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = _model(model_config, architecture)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias") or "norm" in name.lower():
                    parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _model(config: Any, architecture: str) -> Any:
    import transformers

    known = type(AutoModelForSequenceClassification.from_config(config)).__name__
    return getattr(transformers, known.replace("ForSequenceClassification", architecture))(config)


def sentences(number: int, longest: int, seed: int = 0) -> list[str]:
    """Random sentences of 1 to ``longest`` words; the first has one word, the second all."""
    draw = random.Random(seed)
    lengths = [1, longest, *(draw.randint(1, longest) for _ in range(number))][:number]
    return [" ".join(draw.choices(WORDS, k=k)) for k in lengths]


def _word_tokenizer() -> PreTrainedTokenizerFast:
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*_BERT_SPECIAL, *WORDS, *letters[1:], *(f"##{c}" for c in letters)]
    return BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})


def _byte_tokenizer() -> PreTrainedTokenizerFast:
    merges = _merges([f"Ġ{word}" for word in WORDS])
    pieces = [*_ROBERTA_SPECIAL, *_BYTES, *("".join(pair) for pair in merges)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = ("bos", "pad", "eos", "unk", "mask")
    special = {f"{name}_token": s for name, s in zip(names, _ROBERTA_SPECIAL, strict=True)}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="<s>", sep_token="</s>", **special
    )


def _merges(words: Sequence[str]) -> list[tuple[str, str]]:
    """Merge rules that build each word from the left."""
    pairs = ((word[:k], word[k]) for word in words for k in range(1, len(word)))
    return list(dict.fromkeys(pairs))
