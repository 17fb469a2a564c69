"""Fixtures shared by all tests."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from steadytune.ledger import Ledger

# What "auto" stands for, whatever processor runs the tests; set it to bf16 to test that.
os.environ.setdefault("STEADYTUNE_PRECISION", "fp32")
torch.set_num_threads(1)  # as every study computes; another number of threads rounds otherwise

BESIDE = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with real GLUE data in the official layout; tests skip without it."""
    folder = Path(os.environ.get("STEADYTUNE_DATA", BESIDE / "data")) / "glue"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set STEADYTUNE_DATA to a folder that holds glue/")
    return folder


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Folder with small pretrained encoders that have a masked-LM head; tests skip without it."""
    folder = Path(os.environ.get("STEADYTUNE_MODELS", BESIDE / "models"))
    if not (folder / "minilm-l6-mlm" / "config.json").is_file():
        pytest.skip(f"no encoders at {folder}; set STEADYTUNE_MODELS to hold minilm-l6-mlm/")
    return folder


@pytest.fixture(scope="session")
def in_condition(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ledger]:
    """Ledgers of ``synthetic.CONDITIONS`` by name, each made once, to be read only."""
    from synthetic import CONDITIONS

    return cache(lambda name: CONDITIONS[name](tmp_path_factory.mktemp("study") / "study"))
