"""A base of the hub, fetched by the process that prepares bases, from a hub on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shared.errors import InvalidInputError, UnavailableError
from svc_train.adapters.processes import model_environment
from svc_train.adapters.shelf import ProcessShelf
from svc_train.domain.bases import parse_source
from tests.component.train.fake_hub import COMMIT, fake_hub
from tests.component.train.test_shelf import make_base

pytestmark = pytest.mark.heavy

CLOSED = "http://127.0.0.1:9"


def shelf(address: str, folder: Path) -> ProcessShelf:
    hub = {"HF_ENDPOINT": address, "HF_HOME": str(folder / "cache"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = (sys.executable, "-m", "svc_train.adapters.prepare_base")
    return ProcessShelf(None, command=command, environment={**model_environment(threads=1), **hub})


def test_what_decides_a_model_is_fetched_and_the_commit_recorded(tmp_path: Path) -> None:
    make_base(tmp_path / "hub/Qwen/tiny", **{"pytorch_model.bin": "pickled", "modeling.py": "code"})
    with fake_hub(tmp_path / "hub") as hub:
        source = parse_source("hub:Qwen/tiny", "")
        prepared = shelf(hub.address, tmp_path).prepare_from(source, tmp_path / "out", must_stop=lambda: False)
    assert sorted(prepared.files) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert prepared.files["model.safetensors"].read_text() == "weights"
    assert (prepared.meta["hub"], prepared.meta["revision"]) == ("Qwen/tiny", COMMIT)
    assert prepared.meta["hidden_size"] == 128
    assert not any(path.endswith((".bin", ".py", ".md")) for path in hub.asked)


def test_what_the_hub_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    make_base(tmp_path / "hub/Qwen/tiny")
    with fake_hub(tmp_path / "hub") as hub:
        for source, revision, reason in (
            ("hub:Qwen/huge", "", "the hub has no model 'Qwen/huge'"),
            ("hub:Qwen/tiny", "v9", "Qwen/tiny has no revision 'v9'"),
        ):
            with pytest.raises(InvalidInputError, match=reason):
                shelf(hub.address, tmp_path).prepare_from(
                    parse_source(source, revision), tmp_path / "out", must_stop=lambda: False
                )


def test_a_hub_that_does_not_answer_is_told_as_that(tmp_path: Path) -> None:
    source = parse_source("hub:Qwen/tiny", "")
    with pytest.raises(UnavailableError, match="The hub does not answer for Qwen/tiny"):
        shelf(CLOSED, tmp_path).prepare_from(source, tmp_path / "out", must_stop=lambda: False)
