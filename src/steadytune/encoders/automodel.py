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

import torch
from torch import Tensor
from torch.func import functional_call
from transformers import PreTrainedConfig

from steadytune.encoders import checkpoint
from steadytune.encoders._encoder import Batch, Dropout, Sample, Tokenized
from steadytune.encoders.drop_rates import Rates, set_rates
from steadytune.encoders.impossible import refuse_broken
from steadytune.encoders.module_tree import position_offset, table
from steadytune.encoders.pretrained import digest, drawn
from steadytune.encoders.quiet import auto_model, quiet
from steadytune.encoders.tokenizer import Tokenizer
from steadytune.encoders.trial import try_out
from steadytune.encoders.verification import check
from steadytune.errors import BadInput
from steadytune.procedure import Parameter, Params, Perturb
from steadytune.records import EncoderFacts
from steadytune.seeds import ambient

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LISTED = 5  # parameters that a message lists
# Types whose configurations do not say how many token types there are: they compare them.
_ANY_TYPES = {"xlnet": 4, "funnel": 3}


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
        stored = checkpoint.stored(folder)  # says in plain words what is wrong with the files
        self.name = name
        self._config = config
        self._built: dict[tuple[int, Rates | None], PreTrainedModel] = {}
        model, missing = self._load(folder)
        self._buffers = dict(model.named_buffers())
        values = {n: p.detach() for n, p in model.named_parameters()}
        self._prefix: str = model.base_model_prefix
        known = values.keys() | {n.removeprefix(f"{self._prefix}.") for n in values}
        odd = {n: t for n, t in stored.items() if n in known and t.dtype != torch.float32}
        refuse_broken(values | odd, folder)
        self._inputs = frozenset(inspect.signature(model.forward).parameters)
        longest = getattr(config, "max_position_embeddings", None)
        if longest is not None:  # XLNet says -1 where there is no limit
            longest = longest - position_offset(model) if longest > 0 else None
        rows = getattr(config, "vocab_size", None)
        self._tokenizer = Tokenizer(folder, rows, longest, self._token_types())
        if getattr(config, "pad_token_id", None) is None:
            # Models that pool the last token find it by this id.
            config.pad_token_id = self._tokenizer.padding_id
        self._output = self._output_layer()
        self._fresh = frozenset(missing) | frozenset(self._output)
        self._weights = {n: value for n, value in values.items() if n not in self._fresh}
        self.depth = max(p.depth for p in self.parameters(2) if p.part == "layer")
        own = sorted(set(missing) - set(self._output))
        self.head_note = ""
        if own:
            self.head_note = f"{name} lacks {_few(own)}: drawn by the init seed, as the head is."
        self.facts = EncoderFacts(
            name=name,
            digest=digest(folder, self._weights, self._tokenizer.serialized),
            family=config.model_type,
            parameters=sum(tensor.numel() for tensor in self._weights.values()),
        )
        self._obeyed = try_out(self, config.model_type, self._tokenizer)

    def _token_types(self) -> int:
        """Token types that the model has an embedding of their own for."""
        if "token_type_ids" not in self._inputs:
            return 0
        types = _ANY_TYPES.get(self._config.model_type, 0)
        return getattr(self._config, "type_vocab_size", None) or types

    def _load(self, folder: Path) -> tuple[Any, list[str]]:
        try:
            with quiet(), ambient(0, "foreign", "load"):
                model, report = auto_model().from_pretrained(
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
            set_rates(config, rates or (None, None, None))
            with ambient(0, "foreign", "build"), torch.device("meta"):
                model: Any = auto_model().from_config(config)
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

    def token_counts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[int]:
        """Tokens of each example with special tokens, uncut."""
        return self._tokenizer.counts(texts, pairs)

    def parameters(self, num_outputs: int) -> tuple[Parameter, ...]:
        """The table of all parameters, under transformers' names, in the model's order."""
        deviation = getattr(self._config, "initializer_range", 0.02)
        return table(self._model(num_outputs, None), self._prefix, self._fresh, deviation)

    def initial(self, num_outputs: int, init_seed: int) -> dict[str, Tensor]:
        """fp32 parameters at step 0: the pretrained ones (not copies), and fresh ones drawn."""
        return {
            p.name: drawn(p, init_seed) if p.fresh else self._weights[p.name]
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
        """What transformers' tokenizer gives for the batch, token types where there are any."""
        ones = torch.ones_like(batch.tokens_T)
        packed = {
            "input_ids": (batch.tokens_T, self._tokenizer.padding_id),
            "attention_mask": (ones, 0),
        }
        if batch.segments_T.any():  # without any a model takes what it takes for none
            packed["token_type_ids"] = (batch.segments_T, 0)
        pad, side = torch.nn.utils.rnn.pad_sequence, self._tokenizer.padding_side
        return {
            name: pad(list(ids.split(batch.lengths)), True, fill, side)
            for name, (ids, fill) in packed.items()
            if name in self._inputs
        }

    def check_dropout(
        self, hidden: float | None, attention: float | None, classifier: float | None
    ) -> None:
        """Raise BadInput if the model cannot drop at those rates; None keeps its own."""
        self._obeyed.check((hidden, attention, classifier))

    def save(
        self,
        params: Params,
        folder: Path,
        label_names: tuple[str, ...] | None,
        sample: Sample | None = None,
    ) -> None:
        """Write a folder from which plain transformers predicts the same; see ``Encoder``."""
        num_outputs = params[self._output[0]].shape[0]
        model = copy.deepcopy(self._model(num_outputs, None))
        names = {id(p): n for n, p in model.named_parameters()}
        tensors = {  # one that is used in several places has a name for each
            n: params[names[id(p)]].detach()
            for n, p in model.named_parameters(remove_duplicate=False)
        }
        model.load_state_dict(tensors, strict=False, assign=True)
        model.config.dtype = next(iter(params.values())).dtype
        checkpoint.describe_outputs(model.config, num_outputs, label_names)
        with checkpoint.whole(folder) as fresh, quiet():
            model.save_pretrained(fresh)
            self._tokenizer.save(fresh, sample)
            check(self, params, fresh, sample)


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
