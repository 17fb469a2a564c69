"""Each stabilizer against its equation, written out in plain torch, step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from small_studies import kept
from stabilized import CALM, UNDROPPED, Hugging, Stabilized, decays, rate, reference, task_loss
from steadytune.seeds import keep_rate
from steadytune.stabilizers.child_tuning import FISHER_PASS


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_r_drop_is_two_losses_and_the_symmetric_divergence(tmp_path, reduction):
    run = Stabilized(tmp_path, "r_drop", {"alpha": 0.7, "reduction": reduction}, CALM)

    def loss(params, step, labels):
        p, q = (run.outputs(params, step, i).softmax(1) for i in (0, 1))
        forth, back = ((a * (a / b).log()).sum(1).mean() for a, b in ((p, q), (q, p)))
        picked = torch.arange(len(labels))
        task = -(p[picked, labels].log().mean() + q[picked, labels].log().mean())
        return (task + 0.7 / 2 * (forth + back)) / (2 if reduction == "mean" else 1)

    run.check(*reference(run, loss))


def test_r_drop_of_scores_compares_them_by_squared_error(tmp_path):
    run = Stabilized(tmp_path, "r_drop", {"alpha": 2.0}, CALM, scores=True)

    def loss(params, step, labels):
        a, b = (run.outputs(params, step, i)[:, 0] for i in (0, 1))
        task = ((a - labels) ** 2).mean() + ((b - labels) ** 2).mean()
        return (task + 2.0 * ((a - b) ** 2).mean()) / 2

    run.check(*reference(run, lambda *given: loss(*given).float()))


def test_lora_is_a_low_rank_difference(tmp_path):
    run = Stabilized(tmp_path, "lora", {"rank": 4, "alpha": 12}, CALM)
    own = run.own
    added = {p.name for p in own.table} - {p.name for p in run.ready.table}
    assert len(added) == 2 * 2 * run.ready.encoder.depth  # A and B of query and value
    trained = {p.name for p in own.table if not p.frozen}
    assert trained == added | {"head.output.weight", "head.output.bias"}

    def whole(params):
        found = {name: params[name] for name in run.ready.start}
        for name in added:
            if name.endswith("lora_down"):
                stem = name.removesuffix("lora_down")
                product = params[f"{stem}lora_up"] @ params[name]
                found[f"{stem}weight"] = found[f"{stem}weight"] + 12 / 4 * product
        return found

    found, params = reference(
        run,
        lambda params, step, labels: task_loss(run.outputs(whole(params), step), labels),
        start=dict(own.start),
        trainable=lambda name, step: name in trained,
        decay=lambda name: name in added or decays(run.ready, name),
    )
    run.check(found, whole(params))


def test_lora_equals_peft(tmp_path):
    peft = pytest.importorskip("peft", reason="peft is the reference of this test")
    run = Stabilized(tmp_path, "lora", {"rank": 4, "alpha": 8})
    theirs = Hugging(run, tmp_path / "saved")
    config = peft.LoraConfig(
        task_type="SEQ_CLS", r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["query", "value"]
    )
    theirs.model = peft.get_peft_model(theirs.model, config).train()
    with torch.no_grad():
        for name, p in theirs.model.named_parameters():
            if "lora_A" in name:
                layer, role = name.split(".layer.")[1].split(".")[0], name.split(".lora_A")[0]
                ours = f"layers.{layer}.attention.{role.rsplit('.', 1)[1]}.lora_down"
                p.copy_(run.own.start[ours])

    def backward(step):
        ids, real, labels = theirs.batch(step)
        value = theirs.model(input_ids=ids, attention_mask=real.long(), labels=labels).loss
        value.backward()
        return value.item()

    np.testing.assert_allclose(run.losses, theirs.train(backward), rtol=1e-4)


def test_child_tuning_f_masks_every_gradient_anew(tmp_path):
    run = Stabilized(tmp_path, "child_tuning", {"variant": "F", "p": 0.4}, CALM)

    def mapped(params, step):
        for name, p in params.items():
            keep = run.draws(step).keep(f"child_tuning.{name}", tuple(p.shape), 0.6)
            p.grad *= keep / keep_rate(0.6)

    run.check(*reference(run, mapped=mapped))


def test_child_tuning_d_trains_what_has_the_largest_fisher_information(tmp_path):
    run = Stabilized(tmp_path, "child_tuning", {"variant": "D", "p": 0.25}, CALM)
    ready = run.ready
    fisher = {n: torch.zeros_like(x) for n, x in ready.start.items() if n.startswith("layers.")}
    steps = -(-60 // run.recipe.batch_size)
    for step in range(steps):
        params = {name: x.clone().requires_grad_() for name, x in ready.start.items()}
        _, labels = ready.batch(step)
        task_loss(run.outputs(params, step, FISHER_PASS), labels).backward()
        for name, total in fisher.items():
            grad = params[name].grad
            torch.nn.utils.clip_grad_norm_([params[name]], 1.0)
            assert grad is not None
            total += grad**2 / steps
    least = np.percentile(np.concatenate([x.numpy().ravel() for x in fisher.values()]), 75)
    share = np.mean(np.concatenate([(x >= least).numpy().ravel() for x in fisher.values()]))
    assert share == pytest.approx(0.25, abs=1e-3)

    def mapped(params, step):
        for name, total in fisher.items():
            params[name].grad *= total >= least

    run.check(*reference(run, mapped=mapped))


def test_ema_is_the_weighted_mean_of_all_weights_since_step_1(tmp_path):
    run, seen = Stabilized(tmp_path, "ema", {"decay": 0.8}, CALM), []
    found, _ = reference(
        run, after=lambda params, step: seen.append({n: p.clone() for n, p in params.items()})
    )
    powers = torch.tensor([0.8 ** (len(seen) - 1 - t) for t in range(len(seen))])
    mean = {
        name: torch.einsum(
            "t,t...->...", powers / powers.sum(), torch.stack([w[name] for w in seen])
        )
        for name in seen[0]
    }
    run.check(found, mean)


def test_ema_reaches_rows_that_no_example_uses(tmp_path):
    """A row without gradient only decays; the average of that is known in closed form."""
    recipe = replace(CALM, weight_decay=5.0, lr=1e-2)
    run = Stabilized(tmp_path, "ema", {"decay": 0.5}, recipe)
    word = run.study.encoder.word_embedding
    assert word is not None
    weights = kept(run.study.events())[word]
    start = run.study.encoder.initial(2, 0)[word].numpy()
    row = next(i for i in range(len(start)) if i not in run.own.vocabulary.kept and start[i].any())
    left, average = 1.0, 0.0
    for step in range(8):
        left *= 1 - 1e-2 * rate(recipe, step) * 5.0
        average = 0.5 * average + 0.5 * left
    np.testing.assert_allclose(weights[row], start[row] * average / (1 - 0.5**8), rtol=1e-5)


def depth_of(run, name):
    return next(p.depth for p in run.ready.table if p.name == name)


def test_gradual_unfreezing_is_requires_grad_switched_from_the_top(tmp_path):
    run = Stabilized(tmp_path, "gradual_unfreezing", {"until": 0.75}, CALM)
    joins = {3: 0, 2: 2, 1: 4, 0: 6}  # depth to step: 6 of 8 steps for 3 units below the head
    run.check(*reference(run, trainable=lambda name, step: step >= joins[depth_of(run, name)]))


def test_lp_ft_trains_the_head_then_everything_on_a_schedule_of_its_own(tmp_path):
    recipe = replace(CALM, steps=10, warmup=0.2)
    run = Stabilized(tmp_path, "lp_ft", {"share": 0.5, "head_lr_factor": 3.0}, recipe)

    def scheduled(step):
        return 1.0 if step < 5 else rate(recipe, 2 * (step - 5))

    run.check(
        *reference(
            run,
            trainable=lambda name, step: step >= 5 or name.startswith("head."),
            factor=lambda name, step: 3.0 if step < 5 else 1.0,
            scheduled=scheduled,
        )
    )


def test_frozen_layers_stay_as_they_are(tmp_path):
    run = Stabilized(tmp_path, "frozen_layers", {"bottom": 1}, CALM)
    run.check(*reference(run, trainable=lambda name, step: depth_of(run, name) > 1))
    assert torch.equal(
        run.weights["layers.0.mlp.up.weight"], run.ready.start["layers.0.mlp.up.weight"]
    )


@pytest.mark.parametrize("max_norm", [0.0, 0.15])
def test_free_lb_is_the_official_loop(tmp_path, max_norm):
    """On transformers' model, padded, as github.com/zhuchen03/FreeLB has it."""
    settings = {"steps": 3, "step_size": 0.1, "max_norm": max_norm}
    run = Stabilized(tmp_path, "free_lb", settings)
    theirs = Hugging(run, tmp_path / "saved")
    embed = theirs.model.get_input_embeddings()

    def backward(step):
        ids, real, labels = theirs.batch(step)
        delta, total = torch.zeros(*ids.shape, embed.weight.shape[1]), 0.0
        for k in range(3):
            delta.requires_grad_()
            outputs = theirs.model(
                inputs_embeds=embed(ids) + delta, attention_mask=real.long(), labels=labels
            )
            (outputs.loss / 3).backward()
            total += outputs.loss.item() / 3
            if k == 2:
                break
            assert delta.grad is not None
            grad = delta.grad.detach() * real[:, :, None]
            norm = grad.flatten(1).norm(dim=1).clamp(min=1e-8)[:, None, None]
            delta = (delta + 0.1 * grad / norm).detach()
            if max_norm:
                size = delta.flatten(1).norm(dim=1)[:, None, None]
                delta = delta * torch.where(size > max_norm, max_norm / size, 1.0)
        return total

    np.testing.assert_allclose(run.losses, theirs.train(backward), rtol=1e-4)


def test_free_lb_has_one_dropout_mask_for_all_passes(tmp_path):
    """With noise of no size all passes are the same, so the training is the plain one."""
    run = Stabilized(tmp_path, "free_lb", {"step_size": 1e-12}, CALM)
    run.check(*reference(run))


def test_neftune_adds_noise_by_the_length_of_each_sentence(tmp_path):
    run = Stabilized(tmp_path, "neftune", {"alpha": 7.0})
    theirs = Hugging(run, tmp_path / "saved")
    embed = theirs.model.get_input_embeddings()

    def backward(step):
        ids, real, labels = theirs.batch(step)
        vectors = embed(ids)
        width, noise = vectors.shape[2], torch.zeros_like(vectors)
        drawn = run.draws(step).uniform("neftune", (int(real.sum()), width))
        noise[real] = drawn * 2 - 1
        noise *= 7.0 / (real.sum(1) * width).sqrt()[:, None, None]
        value = theirs.model(
            inputs_embeds=vectors + noise, attention_mask=real.long(), labels=labels
        ).loss
        value.backward()
        return value.item()

    np.testing.assert_allclose(run.losses, theirs.train(backward), rtol=1e-4)


def test_noisy_tune_shakes_pretrained_tensors_by_their_own_deviation(tmp_path):
    run = Stabilized(tmp_path, "noisy_tune", {"noise": 0.4})
    for p in run.own.table:
        before, after = run.ready.start[p.name], run.own.start[p.name]
        if p.fresh:
            assert torch.equal(before, after)
            continue
        whole = run.study.encoder.initial(2, 0)[p.name]
        shift = (after - before) / whole.std()
        assert shift.abs().max() <= 0.2 * (1 + 1e-4)
        if p.kind == "linear":
            assert shift.std() == pytest.approx(0.4 / 12**0.5, rel=0.1)
            assert abs(shift.mean()) < 0.02


@pytest.mark.parametrize("r", [0.0, 1.0])
def test_schedule_free_in_its_three_points(tmp_path, r):
    """As the paper states it: x is an average of z, the gradient is taken between them."""
    recipe = replace(CALM, betas=(0.8, 0.95))
    run = Stabilized(tmp_path, "schedule_free", {"r": r}, recipe)
    z = {name: v.clone() for name, v in run.ready.start.items()}
    x = {name: v.clone() for name, v in z.items()}
    v = {name: torch.zeros_like(each) for name, each in z.items()}
    found, weights = [], 0.0
    for t in range(1, 9):
        y = {n: (0.2 * z[n] + 0.8 * x[n]).requires_grad_() for n in z}
        _, labels = run.ready.batch(t - 1)
        value = task_loss(run.outputs(y, t - 1), labels)
        value.backward()
        torch.nn.utils.clip_grad_norm_(y.values(), 1.0)
        found.append(value.item())
        lr = recipe.lr * min(1.0, t / 2)
        weight = t**r * lr**2
        weights += weight
        for n in z:
            g = y[n].grad
            assert g is not None
            v[n] = 0.95 * v[n] + 0.05 * g**2
            step = g / ((v[n] / (1 - 0.95**t)).sqrt() + recipe.eps)
            decay = recipe.weight_decay if decays(run.ready, n) else 0.0
            z[n] = z[n] - lr * (step + decay * y[n].detach())
            x[n] = (1 - weight / weights) * x[n] + weight / weights * z[n]
    run.check(found, x, rtol=5e-4)


def test_schedule_free_equals_its_package(tmp_path):
    package = pytest.importorskip("schedulefree", reason="the reference of this test")
    recipe = replace(CALM, warmup=0.25)
    run = Stabilized(tmp_path, "schedule_free", {}, recipe)
    params = {n: x.clone().requires_grad_() for n, x in run.ready.start.items()}
    groups = [
        {"params": [p], "weight_decay": recipe.weight_decay * decays(run.ready, n)}
        for n, p in params.items()
    ]
    optimizer = package.AdamWScheduleFree(
        groups, lr=recipe.lr, betas=recipe.betas, eps=recipe.eps, warmup_steps=2
    )
    optimizer.train()
    found = []
    for step in range(8):
        _, labels = run.ready.batch(step)
        value = F.cross_entropy(run.outputs(params, step), labels)
        value.backward()
        torch.nn.utils.clip_grad_norm_(params.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        found.append(value.item())
    optimizer.eval()
    run.check(found, params)


def test_what_is_not_dropped_is_used(tmp_path):
    """The recipe of these tests has no dropout, so that transformers' model can be compared."""
    assert UNDROPPED.dropout == 0
    plain = Stabilized(tmp_path, "layerwise_lr_decay", {"factor": 1.0})
    plain.check(*reference(plain))
