"""Tiny random checkpoints of many model types, each with its own kind of tokenizer."""

import inspect
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from tiny_models import WORDS

# Taken as far as a configuration knows them.
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "embedding_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 64,
    "max_position_embeddings": 96,
    # Larger than usual, so that a wrong token shows in the outputs.
    "initializer_range": 0.1,
}
_DECODER = {"decoder_layers": 2, "encoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
_XLM = {"causal": False, "use_lang_emb": False, "n_langs": 1}
_AXIAL = {
    "attn_layers": ["local", "lsh"],
    "axial_pos_shape": [8, 8],
    "axial_pos_embds_dim": [16, 16],
    "num_buckets": 2,
    "feed_forward_size": 64,
    "max_position_embeddings": 64,
    "attention_head_size": 8,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "bart": _DECODER,
    "bert": {},
    "big_bird": {},
    "bloom": {},
    "camembert": {},
    "canine": {"num_hash_buckets": 256, "max_position_embeddings": 256},
    "convbert": {},
    "data2vec-text": {},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "distilbert": {"hidden_dim": 64},
    "electra": {"embedding_size": 16},
    "ernie": {"task_type_vocab_size": 3},
    "esm": {"position_embedding_type": "rotary"},
    "eurobert": {},
    "flaubert": _XLM,
    "fnet": {},
    "funnel": {"block_sizes": [1, 1], "d_inner": 64, "num_decoder_layers": 1, "d_head": 8},
    "gemma": {},
    "gpt2": {},
    "gpt_neox": {},
    "ibert": {},
    "layoutlm": {"max_2d_position_embeddings": 8},
    "llama": {},
    "longformer": {"attention_window": 8},
    "mbart": _DECODER,
    "megatron-bert": {},
    "mobilebert": {"intra_bottleneck_size": 16, "true_hidden_size": 16},
    "modernbert": {"local_attention": 16, "global_attn_every_n_layers": 2},
    "mpnet": {},
    "mra": {},
    "nomic_bert": {},
    "nystromformer": {"num_landmarks": 16, "segment_means_seq_len": 16},
    "openai-gpt": {},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "qwen2": {},
    "reformer": _AXIAL,
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
    "roberta": {"type_vocab_size": 1},
    "roberta-prelayernorm": {},
    "roformer": {},
    "squeezebert": {},
    "t5": {"d_ff": 64, "d_kv": 8, "num_decoder_layers": 2, "decoder_start_token_id": 0},
    "xlm": _XLM,
    "xlm-roberta": {"type_vocab_size": 1},
    "xlnet": {"d_inner": 64, "d_head": 8},
    "xmod": {"languages": ["en"], "default_language": "en", "type_vocab_size": 1},
    "yoso": {"type_vocab_size": 2},
}
_NO_LENGTH = ("xlnet", "funnel")  # configurations that refuse some of the sizes above
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make_type(folder: Path, model_type: str, **changes: Any) -> Path:
    """Write a random checkpoint of a model type of transformers; returns ``folder``."""
    tokenizer = _tokenizer(model_type)
    plain = AutoConfig.for_model(model_type)
    sizes = {key: value for key, value in _SIZES.items() if hasattr(plain, key)}
    if model_type in _NO_LENGTH:
        sizes = {k: v for k, v in sizes.items() if k not in _REFUSED}
    special = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")
    }
    settings = {**sizes, "vocab_size": len(tokenizer), **special, **SETTINGS[model_type], **changes}
    config = AutoConfig.for_model(model_type, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias") or "norm" in name.lower():
                    parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


_REFUSED = ("max_position_embeddings", "num_hidden_layers", "head_dim")


def _tokenizer(model_type: str) -> Any:
    """A tokenizer of the class that transformers takes for the type, with a tiny vocabulary."""
    found = TOKENIZER_MAPPING_NAMES.get(model_type)
    kind = getattr(transformers, found, None) if found else None
    model = getattr(getattr(kind, "model", None), "__name__", None)
    if model == "WordPiece":
        pieces = [*_specials(kind), *WORDS, *_LETTERS[1:], *(f"##{c}" for c in _LETTERS)]
        return kind(vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))})
    if model == "Unigram":
        return kind(vocab=_unigram(kind))
    return _bytes()


def _unigram(kind: Any) -> list[tuple[str, float]]:
    words = [f"▁{word}" for word in WORDS]
    special = _specials(kind)
    pieces = [*special, "▁", *words, *_LETTERS, *(".,!?-")]
    return [
        (piece, 0.0 if piece in special else -2.0 - len(piece)) for piece in dict.fromkeys(pieces)
    ]


def _specials(kind: Any) -> list[str]:
    parameters = inspect.signature(kind.__init__).parameters
    defaults = {k: p.default for k, p in parameters.items() if k.endswith("_token")}
    order = [
        "pad_token",
        "unk_token",
        "cls_token",
        "sep_token",
        "bos_token",
        "eos_token",
        "mask_token",
    ]
    return list(dict.fromkeys(str(defaults[k]) for k in order if isinstance(defaults.get(k), str)))


def _bytes() -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = ((f"Ġ{w}"[:k], f"Ġ{w}"[k]) for w in WORDS for k in range(1, len(w) + 1))
    merges = list(dict.fromkeys(pairs))
    pieces = [*_ROBERTA_SPECIAL, *alphabet, *("".join(pair) for pair in merges)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = ("bos", "pad", "eos", "unk", "mask")
    special = {f"{name}_token": s for name, s in zip(names, _ROBERTA_SPECIAL, strict=True)}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="<s>", sep_token="</s>", **special
    )
