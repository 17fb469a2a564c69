"""Recipes of published work, each number with its source; vary them with ``dataclasses.replace``.

"Mosbach et al." is Mosbach, Andriushchenko & Klakow, "On the Stability of Fine-tuning BERT" (ICLR
2021, arXiv 2006.04884); "their code" is github.com/uds-lsv/bert-stable-fine-tuning with its 85
configurations. Three things hold for all recipes here and differ from that code: segment ids are
given to the encoder (its ``pooler-*`` models omit them; ``segment_ids=False`` does the same),
batches are not padded to 128 tokens (which changes no value), and ``precision`` is ``auto``
where it computes in fp32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from steadytune.recipe import Recipe, StabilizerChoice


def devlin2019() -> Recipe:
    """The default recipe of BERT, as Mosbach et al. ran it on BERT-large.

    - ``lr`` 2e-5, ``epochs`` 3, ``batch_size`` 16, ``warmup`` 10 % of all steps and ``linear`` to
      zero, ``bias_correction`` off, ``betas`` (0.9, 0.999), ``eps`` 1e-6, ``weight_decay`` 0.01
      except for biases and LayerNorm, global ``max_grad_norm`` 1.0, ``max_length`` 128, all three
      dropout rates 0.1: the configurations of their code, confirmed by the text of the paper.
    - ``eps_mode`` hf: the optimizer of their code adds eps before the correction and decays after
      the update, scaled by the current learning rate.

    Devlin et al. (2019) themselves used batches of 32 for GLUE, chose lr among {2, 3, 4, 5}e-5 on
    dev, and restarted BERT-large several times on small data, keeping the best on dev. Epochs,
    warm-up and the missing bias correction are theirs.
    """
    return Recipe(
        name="devlin2019",
        source=(
            "BERT's default (Devlin et al., NAACL 2019) as run by Mosbach et al., ICLR 2021: "
            "3 epochs, no bias correction."
        ),
        lr=2e-5,
        epochs=3.0,
        batch_size=16,
        schedule="linear",
        warmup=0.1,
        betas=(0.9, 0.999),
        eps=1e-6,
        eps_mode="hf",
        bias_correction=False,
        weight_decay=0.01,
        clip="global",
        max_grad_norm=1.0,
        dropout=0.1,
        attention_dropout=0.1,
        classifier_dropout=0.1,
        max_length=128,
    )


def mosbach2021() -> Recipe:
    """The baseline that Mosbach et al. propose for BERT-large.

    ``devlin2019`` with ``bias_correction`` on and ``epochs`` 20 (the paper's table 1; their code).
    As warm-up is a share of all steps, it becomes longer too: 312 steps instead of 46 on RTE.
    """
    return replace(
        devlin2019(),
        name="mosbach2021",
        source="Mosbach et al., ICLR 2021: 20 epochs, bias correction.",
        epochs=20.0,
        bias_correction=True,
    )


def devlin2019_roberta() -> Recipe:
    """The default recipe for RoBERTa-large in Mosbach et al.

    Where it differs from ``devlin2019``: ``betas`` (0.9, 0.98), ``weight_decay`` 0.1, no clipping
    (the configurations of their code, after Liu et al. 2019). ``lr`` was 1e-5, 2e-5 or 3e-5 there;
    2e-5 is the middle one. The dense layer before the classifier is new in RoBERTa, not pretrained;
    their code leaves out the dropout in front of it.
    """
    return replace(
        devlin2019(),
        name="devlin2019_roberta",
        source=(
            "The 3-epoch default for RoBERTa-large (Liu et al., 2019) as run by Mosbach et al., "
            "ICLR 2021."
        ),
        betas=(0.9, 0.98),
        weight_decay=0.1,
        clip="none",
    )


def mosbach2021_roberta() -> Recipe:
    """What Mosbach et al. propose, with the hyperparameters of RoBERTa-large.

    ``devlin2019_roberta`` with ``bias_correction`` on and ``epochs`` 20. Their figures for RoBERTa
    are of 3 epochs; that long training with bias correction makes it more stable, too, is what the
    authors say (issue 1 of their code).
    """
    return replace(
        devlin2019_roberta(),
        name="mosbach2021_roberta",
        source=(
            "Mosbach et al., ICLR 2021, for RoBERTa-large: 20 epochs, bias correction, its betas "
            "and decay, no clipping."
        ),
        epochs=20.0,
        bias_correction=True,
    )


def devlin2019_albert() -> Recipe:
    """The default recipe for ALBERT-large-v2 in Mosbach et al.

    Where it differs from ``devlin2019``: ``weight_decay`` 0 and no dropout at all (the
    configurations of their code, after Lan et al. 2020). Gradients are clipped at 1.0. ``lr`` was
    1e-5, 2e-5 or 3e-5 there; 2e-5 is the middle one.
    """
    return replace(
        devlin2019(),
        name="devlin2019_albert",
        source=(
            "The 3-epoch default for ALBERT-large-v2 (Lan et al., ICLR 2020) as run by Mosbach et "
            "al., ICLR 2021."
        ),
        weight_decay=0.0,
        dropout=0.0,
        attention_dropout=0.0,
        classifier_dropout=0.0,
    )


def mosbach2021_albert() -> Recipe:
    """What Mosbach et al. propose, with the hyperparameters of ALBERT-large-v2.

    ``devlin2019_albert`` with ``bias_correction`` on and ``epochs`` 20. Their figures for ALBERT
    are of 3 epochs; see ``mosbach2021_roberta``.
    """
    return replace(
        devlin2019_albert(),
        name="mosbach2021_albert",
        source=(
            "Mosbach et al., ICLR 2021, for ALBERT-large-v2: 20 epochs, bias correction, no decay, "
            "no dropout."
        ),
        epochs=20.0,
        bias_correction=True,
    )


def lee2020() -> Recipe:
    """Mixout with decay toward the pretrained weights, for BERT-large.

    Lee, Cho & Kang, "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language
    Models" (ICLR 2020), the row "mixout(w_pre, 0.7) + wdecay(w_pre, 0.01)", with which
    Mosbach et al. compare.

    - Mixout ``p`` 0.7 (the paper's 0.7 to 0.9), one mask per input column with the gradient of
      the official code (github.com/bloodwass/mixout), classifier included.
    - ``batch_size`` 32, ``epochs`` 3, 20 restarts: the paper, as recalled; ``lr`` 2e-5, 10 %
      ``warmup``, ``linear``, ``weight_decay`` 0.01, clipping at 1.0: it follows Devlin et al.
    - ``bias_correction`` off is inferred from the optimizer of that time, not stated.
    - Dropout is 0 because Mixout takes its place; whether attention probabilities kept theirs is
      not certain. The rate 0.01 of the decay is recalled as well.
    """
    return replace(
        devlin2019(),
        name="lee2020",
        source=(
            "Mixout 0.7 with decay toward the pretrained weights (Lee, Cho & Kang, ICLR 2020), "
            "batch 32, 3 epochs."
        ),
        batch_size=32,
        dropout=0.0,
        attention_dropout=0.0,
        classifier_dropout=0.0,
        stabilizers=(
            StabilizerChoice(
                "mixout", {"p": 0.7, "kind": "column", "head": True, "gradient": "official"}
            ),
            StabilizerChoice("pretrained_decay", {"rate": 0.01}),
        ),
    )


def zhang2021() -> Recipe:
    """Re-initialized top layers and debiased Adam, for BERT-large.

    Zhang, Wu, Katiyar, Weinberger & Artzi, "Revisiting Few-sample BERT Fine-tuning" (ICLR 2021)
    and its code (github.com/asappresearch/revisit-bert-finetuning):

    - pooler and the top 5 layers re-initialized (the paper tries 1 to 6 and chooses per task; 5
      is its code's example for RTE), ``bias_correction`` on,
    - ``lr`` 2e-5, ``batch_size`` 32, ``epochs`` 3, ``warmup`` 10 %, ``linear``, ``weight_decay``
      0, clipping at 1.0, dropout 0.1. Its longer trainings (400 steps or more on RTE) are
      ``steps=400`` and so on.
    - ``eps_mode`` torch, ``eps`` 1e-8, ``betas`` (0.9, 0.999): its commands run with
      ``--use_torch_adamw``, which is torch.optim.AdamW, and leave ``--adam_epsilon`` and the betas
      at their defaults (its options.py and run_glue.py). It computes in fp16.

    It selects on one half of dev and reports on the other: ``dev_protocol: halves`` of a task.
    """
    return replace(
        devlin2019(),
        name="zhang2021",
        source=(
            "Top 5 layers and pooler re-initialized, bias correction (Zhang et al., ICLR 2021), "
            "batch 32, 3 epochs."
        ),
        batch_size=32,
        eps=1e-8,
        eps_mode="torch",
        bias_correction=True,
        weight_decay=0.0,
        stabilizers=(StabilizerChoice("reinit_layers", {"top": 5, "pooler": True}),),
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    make.__name__: make
    for make in (
        devlin2019,
        mosbach2021,
        lee2020,
        zhang2021,
        devlin2019_roberta,
        mosbach2021_roberta,
        devlin2019_albert,
        mosbach2021_albert,
    )
}
