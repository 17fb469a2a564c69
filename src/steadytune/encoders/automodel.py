"""Any other model of transformers that classifies sentences, behind the same protocol.

Its forward pass is transformers' own, on padded batches, so a foreign encoder is slower and runs
one at a time; recipes, stabilizers and records are the same.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from transformers import PreTrainedConfig
from transformers.utils import logging

from steadytune.encoders import checkpoint
from steadytune.encoders._encoder import Batch, Dropout, Tokenized
from steadytune.encoders.module_tree import position_offset, table
from steadytune.encoders.pretrained import digest, drawn
from steadytune.encoders.tokenizer import Tokenizer
from steadytune.errors import BadInput
from steadytune.procedure import Parameter, Params, Perturb
from steadytune.records import EncoderFacts
from steadytune.seeds import ambient

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_RATES = {
    "hidden": ("hidden_dropout_prob", "hidden_dropout", "embedding_dropout", "mlp_dropout"),
    "attention": ("attention_probs_dropout_prob", "attention_dropout"),
    "classifier": (
        "classifier_dropout",
        "classifier_dropout_prob",
        "cls_dropout",
        "pooler_dropout",
        "seq_classif_dropout",
    ),
}
_LISTED = 5  # parameters that a message lists

Rates = tuple[float | None, float | None, float | None]


class Foreign:
    """An Encoder whose forward pass is that of transformers; see ``Encoder``.

    The output layer is always fresh; other parts of the head keep what the checkpoint holds.
    Dropout draws from torch's global generator, keyed for the length of each pass.
    """

    word_embedding: str | None = None
    perturbable: frozenset[str] = frozenset({"word_vectors"})

    def __init__(self, name: str, folder: Path, config: PreTrainedConfig) -> None:
        """Read weights and tokenizer.

        Args:
            name: as the study names it.
            folder: with weights and tokenizer files.
            config: of transformers, read from the same folder.

        Raises:
            BadInput: transformers cannot build the model, weights or tokenizer are missing or
                corrupt, the encoder's own weights are incomplete, or it cannot be trained.
        """
        checkpoint.stored(folder)  # says in plain words what is wrong with the files
        self.name = name
        self._config = config
        self._built: dict[tuple[int, Rates | None], PreTrainedModel] = {}
        model, missing = self._load(folder)
        self._buffers = dict(model.named_buffers())
        values = {n: p.detach() for n, p in model.named_parameters()}
        self._prefix: str = model.base_model_prefix
        self._output = self._output_layer()
        self._fresh = frozenset(missing) | frozenset(self._output)
        self._weights = {n: value for n, value in values.items() if n not in self._fresh}
        self._accepts_segments = "token_type_ids" in inspect.signature(model.forward).parameters
        self.depth = max(p.depth for p in self.parameters(2) if p.part == "layer")
        own = sorted(set(missing) - set(self._output))
        self.head_note = ""
        if own:
            self.head_note = f"{name} lacks {_few(own)}: drawn by the init seed, as the head is."
        segments = self._accepts_segments and getattr(config, "type_vocab_size", 0) > 1
        longest = getattr(config, "max_position_embeddings", None)
        if longest is not None:  # XLNet says -1 where there is no limit
            longest = longest - position_offset(model) if longest > 0 else None
        self._tokenizer = Tokenizer(folder, config.vocab_size, longest, segments)
        self.facts = EncoderFacts(
            name=name,
            digest=digest(folder, self._weights, self._tokenizer.serialized),
            family=config.model_type,
            parameters=sum(tensor.numel() for tensor in self._weights.values()),
        )
        self._try_out()

    def _try_out(self) -> None:
        """Classify two texts together and alone: some models cannot, or need other padding.

        Raises:
            BadInput: it fails, or a text's outputs depend on its neighbour.
        """
        texts = ["a few words", "more words than the other text has, and some punctuation, too"]
        params, cpu = self.initial(2, 0), torch.device("cpu")
        tokenized = self.tokenize(texts, None, 16, True)
        try:
            with torch.no_grad():
                pair = self.outputs(params, tokenized.batch(np.arange(2), cpu), None)
                each = [tokenized.batch(np.array([i]), cpu) for i in (0, 1)]
                alone = [self.outputs(params, batch, None) for batch in each]
        except Exception as error:
            raise BadInput(
                f"a {self._config.model_type!r} model cannot be fine-tuned here: classifying two "
                f"texts fails: {checkpoint.reason(error)}"
            ) from None
        if not torch.allclose(pair, torch.cat(alone), rtol=1e-2, atol=1e-3):
            raise BadInput(
                f"a {self._config.model_type!r} model cannot be fine-tuned here: its outputs "
                "depend on the padding of the batch"
            )

    def _load(self, folder: Path) -> tuple[Any, list[str]]:
        try:
            with _quiet(), ambient(0, "foreign", "load"):
                model, report = _auto_model().from_pretrained(
                    folder,
                    num_labels=2,
                    trust_remote_code=False,
                    dtype=torch.float32,
                    ignore_mismatched_sizes=True,
                    output_loading_info=True,
                )
        except Exception as error:
            raise BadInput(
                f"transformers cannot load {folder} for classification (model_type "
                f"{self._config.model_type!r}): {checkpoint.reason(error)}"
            ) from None
        changed = [entry[0] for entry in report["mismatched_keys"]]
        missing = sorted({*report["missing_keys"], *changed})
        prefix = f"{model.base_model_prefix}."
        lost = [n for n in missing if n.startswith(prefix) and "pooler" not in n]
        if lost:
            raise BadInput(
                f"the weights in {folder} do not fit its config.json: missing or of another shape "
                f"are {_few(lost)}"
            )
        return model, missing

    def _output_layer(self) -> list[str]:
        """The parameters whose shape depends on the number of outputs."""
        two = dict(self._model(2, None).named_parameters())
        three = dict(self._model(3, None).named_parameters())
        return [name for name in two if two[name].shape != three[name].shape]

    def _model(self, num_outputs: int, rates: Rates | None) -> PreTrainedModel:
        """The model without weights, for so many outputs and drop rates; no dropout if None."""
        key = (num_outputs, rates)
        if key not in self._built:
            config = copy.deepcopy(self._config)
            config.num_labels = num_outputs
            for names, rate in zip(_RATES.values(), rates or (None, None, None), strict=True):
                for name in names:
                    if rate is not None and hasattr(config, name):
                        setattr(config, name, rate)
            with ambient(0, "foreign", "build"), torch.device("meta"):
                model: Any = _auto_model().from_config(config)
            for name, value in self._buffers.items():
                owner, _, leaf = name.rpartition(".")
                setattr(model.get_submodule(owner), leaf, value)
            self._built[key] = model.eval() if rates is None else model.train()
        return self._built[key]

    def tokenize(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        max_length: int,
        segment_ids: bool,
    ) -> Tokenized:
        """Token ids with special tokens, cut to ``max_length`` from the longer text."""
        return self._tokenizer(texts, pairs, max_length, segment_ids)

    def parameters(self, num_outputs: int) -> tuple[Parameter, ...]:
        """The table of all parameters, under transformers' names, in the model's order."""
        return table(self._model(num_outputs, None), self._prefix, self._fresh)

    def initial(self, num_outputs: int, init_seed: int) -> dict[str, Tensor]:
        """fp32 parameters at step 0: the pretrained ones (not copies), and fresh ones drawn."""
        deviation = getattr(self._config, "initializer_range", 0.02)
        return {
            p.name: drawn(p, init_seed, deviation) if p.fresh else self._weights[p.name]
            for p in self.parameters(num_outputs)
        }

    def outputs(
        self,
        params: Params,
        batch: Batch,
        dropout: Dropout | None,
        perturb: Perturb | None = None,
    ) -> Tensor:
        """Logits (B, K), computed in the dtype of ``params``; no dropout if None.

        The one site of a perturbation is ``embeddings.word``.
        """
        num_outputs = params[self._output[0]].shape[0]
        inputs = self._padded(batch)
        if dropout is None:
            return self._call(self._model(num_outputs, None), params, inputs)
        rates = (dropout.hidden, dropout.attention, dropout.classifier)
        model = self._model(num_outputs, rates)
        with ambient(dropout.seed, *dropout.moment, "foreign"):
            if perturb is None:
                return self._call(model, params, inputs)
            with _perturbed(model, inputs["attention_mask"].bool(), perturb):
                return self._call(model, params, inputs)

    def _call(self, model: PreTrainedModel, params: Params, inputs: dict[str, Tensor]) -> Tensor:
        device = inputs["input_ids"].device
        buffers = {name: value.to(device) for name, value in self._buffers.items()}
        return functional_call(model, buffers | dict(params), kwargs=inputs).logits

    def _padded(self, batch: Batch) -> dict[str, Tensor]:
        tokens = list(batch.tokens_T.split(batch.lengths))
        lengths = torch.tensor(batch.lengths, device=batch.tokens_T.device)
        place = torch.arange(max(batch.lengths), device=batch.tokens_T.device)
        pad = torch.nn.utils.rnn.pad_sequence
        inputs = {
            "input_ids": pad(tokens, True, self._tokenizer.padding_id),
            "attention_mask": (place < lengths[:, None]).long(),
        }
        if self._accepts_segments:
            inputs["token_type_ids"] = pad(list(batch.segments_T.split(batch.lengths)), True)
        return inputs

    def save(self, params: Params, folder: Path, label_names: tuple[str, ...] | None) -> None:
        """Write a folder that transformers' AutoModelForSequenceClassification loads."""
        num_outputs = params[self._output[0]].shape[0]
        model = copy.deepcopy(self._model(num_outputs, None))
        model.load_state_dict({n: t.detach() for n, t in params.items()}, False, assign=True)
        model.config.dtype = next(iter(params.values())).dtype
        checkpoint.describe_outputs(model.config, num_outputs, label_names)
        with checkpoint.whole(folder) as fresh, _quiet():
            model.save_pretrained(fresh)
            self._tokenizer.save(fresh)


@contextmanager
def _perturbed(model: PreTrainedModel, real_BL: Tensor, perturb: Perturb) -> Iterator[None]:
    """With the word vectors of real tokens perturbed."""

    def changed(module: torch.nn.Module, given: Any, vectors: Tensor) -> Tensor:  # noqa: ANN401
        return vectors.index_put((real_BL,), perturb("embeddings.word", vectors[real_BL]))

    hook = model.get_input_embeddings().register_forward_hook(changed)
    try:
        yield
    finally:
        hook.remove()


def _few(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars and its advice to train what is about to be trained."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _auto_model() -> Any:  # noqa: ANN401
    """Transformers' table of models, imported when it is needed: that alone takes seconds."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification
