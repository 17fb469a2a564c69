"""Forgetting: masked-LM perplexity with the top k layers put back to pretrained (fig. 2 a, b).

A layer that forgot what pretraining taught raises the perplexity; putting it back lowers it again.
Mosbach et al. (2021), section 4.1, find that the top layers forget, in failed runs and, much less,
in successful ones. What the paper leaves open is settled here as follows: the masked-LM head
(its decoder included, which is the pretrained word embedding) is always the pretrained one; the
pooler and the classifier play no part; the embeddings are once as fine-tuned and once put back.
With everything put back the perplexity is that of the pretrained model, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from steadytune.checkpoints.masked_blocks import MaskedBlocks
from steadytune.checkpoints.perplexity import masked_loss
from steadytune.encoders import Pretrained
from steadytune.ledger import Points, measure
from steadytune.procedure import Parameter, Params


def put_back(
    tuned: Params, pretrained: Params, table: Sequence[Parameter], top: int, embeddings: bool
) -> Params:
    """Parameters with the ``top`` uppermost layers, and the embeddings if asked, as pretrained.

    Layers that share their weights count as one.
    """
    depth = max(p.depth for p in table if p.part == "layer")
    back = {p.name for p in table if p.part == "layer" and p.depth > depth - top}
    if embeddings:
        back |= {p.name for p in table if p.part == "embeddings"}
    return {name: pretrained[name] if name in back else tuned[name] for name in tuned}


def forgetting(
    encoder: Pretrained,
    tuned: Params,
    blocks: MaskedBlocks,
    path: Path,
    about: dict[str, Any],
    device: torch.device,
    watch: Callable[[int, int], None] = lambda done, wanted: None,
) -> Points:
    """Measure the loss for k = 0..L layers put back; continues a file that was begun.

    Columns: ``top`` (k), ``embeddings`` (1 put back, 0 as fine-tuned), ``loss`` (perplexity is its
    exponential), ``tokens``. One more point, top = -1, is the pretrained model itself.

    Args:
        encoder: the pretrained one, with its masked-LM head.
        tuned: parameters of a run of it.
        blocks: the text.
        path: of the file of results.
        about: which run and checkpoint this is.
        device: where to compute.
        watch: told of the progress.

    Raises:
        BadInput: the encoder has no masked-LM head, or the file holds something else.
    """
    head = encoder.masked_lm_head()
    table = [p for p in encoder.parameters(1) if p.part in ("embeddings", "layer")]
    pretrained = encoder.initial(1, 0)

    def value(point: Any) -> dict[str, float]:  # noqa: ANN401
        params = pretrained
        if point["top"] >= 0:
            back = point["embeddings"] == 1
            params = put_back(tuned, pretrained, table, point["top"], embeddings=back)
        return masked_loss(encoder, params, head, blocks, device)._asdict()

    points = [
        {"top": -1, "embeddings": 1},
        *({"top": k, "embeddings": e} for e in (0, 1) for k in range(encoder.depth + 1)),
    ]
    about = {"what": "forgetting", **about, **blocks.about, "encoder": encoder.facts.digest}
    return measure(path, about, points, value, watch)


def forgetting_along(
    encoder: Pretrained,
    tuned: Mapping[int, Callable[[], Params]],
    blocks: MaskedBlocks,
    path: Path,
    about: dict[str, Any],
    device: torch.device,
    watch: Callable[[int, int], None] = lambda done, wanted: None,
) -> Points:
    """Measure the loss along a training, nothing put back; continues a file that was begun.

    It tells which comes first in a failed run, forgetting or vanished gradients. Columns: ``step``
    (0: the pretrained model), ``loss``, ``tokens``.

    Args:
        encoder: the pretrained one, with its masked-LM head.
        tuned: by steps done, what loads the parameters of then.
        blocks: the text.
        path: of the file of results.
        about: which run this is.
        device: where to compute.
        watch: told of the progress.

    Raises:
        BadInput: the encoder has no masked-LM head, or the file holds something else.
    """
    head = encoder.masked_lm_head()
    loads = {0: lambda: encoder.initial(1, 0), **tuned}

    def value(point: Any) -> dict[str, float]:  # noqa: ANN401
        return masked_loss(encoder, loads[point["step"]](), head, blocks, device)._asdict()

    about = {"what": "forgetting along", **about, **blocks.about, "encoder": encoder.facts.digest}
    return measure(path, about, [{"step": step} for step in sorted(loads)], value, watch)
