"""The training half against plain transformers and torch, and the rules that always hold."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_scheduler

from small_studies import RECIPE, SmallStudy, kept, losses, make_task, of
from steadytune.errors import BadInput
from steadytune.recipe import StabilizerChoice
from steadytune.records import Diverged, Evaluation, Finished, Snapshot, Started, Step
from steadytune.training.memory import keep_freed_memory
from steadytune.training.ready import epoch_order

PLAIN = replace(RECIPE, dropout=0.0, attention_dropout=0.0, classifier_dropout=0.0)


def reference_trajectory(study, recipe, steps, folder):
    """transformers' model, torch's AdamW, clipping and schedule; padded batches; our data order."""
    ready = study.prepare(study.run)
    weights = ready.vocabulary.restored(ready.start, ready.procedure, 0)
    study.encoder.save(weights, folder, study.task.target)
    model = AutoModelForSequenceClassification.from_pretrained(folder).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.config.attention_probs_dropout_prob = 0.0
    tokenizer = AutoTokenizer.from_pretrained(folder)
    exempt = ("bias", "LayerNorm.weight", "layer_norm.weight")
    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if not n.endswith(exempt)], "weight_decay": 0.01},
        {"params": [p for n, p in named if n.endswith(exempt)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, eps=recipe.eps)
    schedule = get_scheduler("linear", optimizer, int(0.1 * steps), steps)
    split, found = study.task.train, []
    for step in range(steps):
        epoch, place = divmod(step, math.ceil(len(split) / recipe.batch_size))
        chosen = epoch_order(0, epoch, len(split))[place * recipe.batch_size :][: recipe.batch_size]
        batch = tokenizer(
            [split.texts[i] for i in chosen],
            [split.pairs[i] for i in chosen] if split.pairs else None,
            padding=True,
            truncation=True,
            max_length=recipe.max_length,
            return_tensors="pt",
        )
        loss = model(**batch, labels=torch.from_numpy(split.labels[chosen])).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        found.append((loss.item(), norm.item()))
    return found


@pytest.mark.parametrize(("family", "pairs"), [("bert", True), ("bert", False), ("albert", True)])
def test_trajectory_equals_transformers_and_torch_for_50_steps(tmp_path, family, pairs):
    recipe = replace(PLAIN, epochs=None, steps=50, max_length=48)
    study = SmallStudy(tmp_path, recipe, make_task(pairs), family)
    mine = [(e.loss, e.grad_norm) for e in of(Step, study.events())]
    theirs = reference_trajectory(study, recipe, 50, tmp_path / "saved")
    np.testing.assert_allclose(mine, theirs, rtol=2e-3, atol=2e-5)
    assert max(norm for _, norm in theirs) > recipe.max_grad_norm  # clipping took part
    np.testing.assert_allclose(mine[:10], theirs[:10], rtol=1e-4, atol=1e-6)


def test_it_learns(tmp_path):
    events = SmallStudy(tmp_path, replace(RECIPE, epochs=20), make_task(train_size=200)).events()
    assert of(Evaluation, events)[-1].metrics["accuracy"] > 0.9


def test_it_learns_scores(tmp_path):
    task = make_task(train_size=200, scores=True)
    events = SmallStudy(tmp_path, replace(RECIPE, epochs=20), task).events()
    last = of(Evaluation, events)[-1]
    assert last.outputs.shape == (40, 1)
    assert last.metrics["pearson"] > 0.7


def test_events_come_in_order(tmp_path):
    events = SmallStudy(tmp_path).events()
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [e.step for e in of(Step, events)] == list(range(1, 17))
    assert [e.step for e in of(Evaluation, events)] == [8, 16]
    assert of(Step, events)[0].lr == 0.0  # warm-up starts at zero, as in transformers


def test_same_run_same_numbers_bit_for_bit(tmp_path):
    one, two = SmallStudy(tmp_path).events(), SmallStudy(tmp_path).events()
    assert losses(one) == losses(two)
    assert (of(Evaluation, one)[-1].outputs == of(Evaluation, two)[-1].outputs).all()


@pytest.mark.parametrize("seed_name", ["init", "order", "dropout"])
def test_each_seed_changes_the_run(tmp_path, seed_name):
    study = SmallStudy(tmp_path)
    base = losses(study.events())
    seeds = replace(study.run.seeds, **{seed_name: 1})
    study.study = replace(study.study, seeds=(seeds,))
    assert losses(study.events()) != base


@pytest.mark.parametrize("evaluate", [1, 5, "end"])
def test_training_does_not_depend_on_how_often_it_is_evaluated(tmp_path, evaluate):
    base = losses(SmallStudy(tmp_path).events())
    events = SmallStudy(tmp_path, evaluate=evaluate).events()
    assert losses(events) == base
    expected = {1: 16, 5: 4, "end": 1}[evaluate]
    assert len(of(Evaluation, events)) == expected


@pytest.mark.parametrize("keep", ["none", "best"])
def test_a_run_continued_from_a_snapshot_is_the_same_run(tmp_path, keep):
    recipe = replace(RECIPE, stabilizers=(StabilizerChoice("mixout", {"p": 0.5}),))
    whole = SmallStudy(tmp_path, recipe, keep=keep, evaluate=3).events()
    study_id = of(Started, whole)[0].run
    begun = SmallStudy(tmp_path, recipe, keep=keep, evaluate=3).events(
        snapshot_due=lambda run: True
    )
    snapshot = of(Snapshot, begun)[6]
    assert snapshot.step == 7
    rest = SmallStudy(tmp_path, recipe, keep=keep, evaluate=3).events(snapshot)
    assert rest[0] == Started(study_id, 7, 16)
    assert losses(rest) == losses(whole)[7:]
    for a, b in zip(of(Evaluation, rest), of(Evaluation, whole)[2:], strict=True):
        assert (a.outputs == b.outputs).all()
    if keep == "best":
        mine, theirs = kept(rest), kept(whole)
        assert all((mine[name] == theirs[name]).all() for name in theirs)


def test_vocabulary_trimming_changes_nothing(tmp_path):
    study = SmallStudy(tmp_path, keep="last", evaluate="end")
    trimmed = study.events()
    word = study.encoder.word_embedding
    assert word is not None
    assert (
        len(study.prepare(study.run).vocabulary.kept) < study.encoder.initial(2, 0)[word].shape[0]
    )
    untrimmed_encoder = Untrimmed(study.encoder)
    study.prepare = replace(study.prepare, encoders={study.name: untrimmed_encoder})
    untrimmed = study.events()
    np.testing.assert_allclose(losses(trimmed), losses(untrimmed), rtol=1e-6)
    for name, whole in kept(untrimmed).items():
        np.testing.assert_allclose(kept(trimmed)[name], whole, rtol=2e-5, atol=1e-7)
    start = study.encoder.initial(2, 0)[word].numpy()
    moved = (kept(trimmed)[word] != start).any(axis=1)
    assert moved[start.any(axis=1)].all()  # decay reached every row but that of zeros


class Untrimmed:
    """An encoder that does not let its vocabulary be trimmed."""

    word_embedding = None

    def __init__(self, encoder):
        self._encoder = encoder

    def __getattr__(self, name):
        return getattr(self._encoder, name)


def test_a_run_that_stops_being_finite_ends_there(tmp_path):
    events = SmallStudy(tmp_path, replace(RECIPE, lr=1e30, warmup=0, epochs=10)).events()
    assert isinstance(events[-1], Diverged)
    assert events[-1].step == len(of(Step, events)) + 1
    assert all(math.isfinite(loss) for loss in losses(events))
    assert events[-1].tensor


def test_tensor_clipping_bounds_each_tensor(tmp_path):
    clipped = SmallStudy(tmp_path, replace(RECIPE, clip="tensor", max_grad_norm=0.01)).events()
    free = SmallStudy(tmp_path, replace(RECIPE, clip="none")).events()
    num_tensors = len(SmallStudy(tmp_path).prepare(SmallStudy(tmp_path).run).table)
    for event in of(Step, clipped):
        assert event.clipped_norm <= 0.01 * math.sqrt(num_tensors) + 1e-6
    assert all(e.clipped_norm == pytest.approx(e.grad_norm) for e in of(Step, free))


def test_global_clipping_bounds_the_whole(tmp_path):
    events = of(Step, SmallStudy(tmp_path, replace(RECIPE, max_grad_norm=0.05)).events())
    assert all(e.clipped_norm <= 0.05 + 1e-6 for e in events)
    assert max(e.grad_norm for e in events) > 0.05


def test_folded_correction_equals_correction(tmp_path):
    """Correction off with its factor folded into the schedule is the same training, up to eps."""
    recipe = replace(RECIPE, eps_mode="hf", weight_decay=0.0)
    on = losses(SmallStudy(tmp_path, recipe).events())
    off = replace(recipe, bias_correction=False, fold_bias_correction=True)
    np.testing.assert_allclose(losses(SmallStudy(tmp_path, off).events()), on, rtol=1e-5)
    without = replace(recipe, bias_correction=False)
    assert not np.allclose(losses(SmallStudy(tmp_path, without).events()), on, rtol=1e-3)


def test_bf16_follows_fp32(tmp_path):
    fp32 = losses(SmallStudy(tmp_path, RECIPE).events())
    bf16 = losses(SmallStudy(tmp_path, replace(RECIPE, precision="bf16")).events())
    assert bf16 != fp32
    np.testing.assert_allclose(bf16, fp32, rtol=0.1, atol=0.05)


def test_segment_ids_can_be_left_out(tmp_path):
    task = make_task(pairs=True)
    on = losses(SmallStudy(tmp_path, RECIPE, task).events())
    off = losses(SmallStudy(tmp_path, replace(RECIPE, segment_ids=False), task).events())
    assert on[0] != off[0]


def test_every_example_is_seen_once_an_epoch():
    orders = [epoch_order(3, epoch, 50) for epoch in range(2)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert (orders[0] != orders[1]).any()


def test_what_breaks_in_the_last_step_is_not_called_finished(tmp_path):
    recipe = replace(RECIPE, epochs=None, steps=1, warmup=0, lr=1e37, weight_decay=0.0)
    events = SmallStudy(tmp_path, recipe).events()
    assert isinstance(events[-1], Diverged)
    assert events[-1].step == 1
    assert not of(Finished, events)


def test_best_weights_are_decayed_as_long_as_they_were_trained(tmp_path):
    recipe = replace(RECIPE, schedule="constant", warmup=0, weight_decay=0.1, lr=3e-2)
    study = SmallStudy(tmp_path, recipe, keep="best", evaluate=4)
    events = study.events()
    merits = [event.metrics["accuracy"] for event in of(Evaluation, events)]
    best_step = 4 * (merits.index(max(merits)) + 1)
    assert best_step < 16
    word, ready = study.encoder.word_embedding, study.prepare(study.run)
    assert word is not None
    pretrained = study.encoder.initial(2, 0)[word].numpy()
    row = next(i for i in range(len(pretrained)) if i not in ready.vocabulary.kept and i > 0)
    shrunk = pretrained[row] * (1 - recipe.lr * 0.1) ** best_step
    np.testing.assert_allclose(kept(events)[word][row], shrunk, rtol=1e-5)


def test_warmup_longer_than_the_training_is_refused(tmp_path):
    study = SmallStudy(tmp_path, replace(RECIPE, warmup=500))
    with pytest.raises(BadInput, match="500 steps is longer than the 16 steps"):
        study.prepare(study.run)


@pytest.mark.parametrize("family", ["deberta-v2", "modernbert"])
def test_foreign_encoders_train_through_the_same_loop(tmp_path, family):
    mixout = (StabilizerChoice("mixout", {"p": 0.3}), StabilizerChoice("layerwise_lr_decay"))
    recipe = replace(RECIPE, stabilizers=mixout)
    one, two = (SmallStudy(tmp_path, recipe, family=family).events() for _ in range(2))
    assert losses(one) == losses(two)
    assert losses(one)[-1] < losses(one)[0]
    assert isinstance(one[-1], Finished)


def test_freed_memory_can_be_kept():
    assert keep_freed_memory() == sys.platform.startswith("linux")
