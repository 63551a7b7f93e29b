"""Where bases come from, apart from building them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_train.adapters.processes import model_environment
from svc_train.adapters.shelf import ProcessShelf
from svc_train.domain.failures import FailedAttemptError, StoppedAttemptError


def make_base(folder: Path, **extra: str) -> Path:
    """A folder that looks like a base to everybody who does not load it."""
    folder.mkdir(parents=True)
    files = {
        "config.json": '{"model_type": "qwen2", "hidden_size": 128, "secret_sauce": 1}',
        "model.safetensors": "weights",
        "tokenizer.json": "{}",
        "README.md": "not part of it",
    }
    for name, content in {**files, **extra}.items():
        (folder / name).write_text(content)
    return folder


def shelf(bases: Path | None, code: str = "") -> ProcessShelf:
    """A shelf whose process runs the code instead of loading torch."""
    return ProcessShelf(bases, command=(sys.executable, "-c", code), environment=model_environment(threads=1))


def prepare(shelf: ProcessShelf, name: str, folder: Path) -> Any:
    return shelf.prepare(name, folder, must_stop=lambda: False)


def test_a_fingerprint_tells_when_a_brought_base_may_have_changed(tmp_path: Path):
    base = make_base(tmp_path / "mine")
    before = shelf(tmp_path).fingerprint("mine")
    assert shelf(tmp_path).fingerprint("mine") == before
    (base / "model.safetensors").write_text("other weights")
    assert shelf(tmp_path).fingerprint("mine") != before


def test_a_brought_base_comes_before_a_built_in_one_of_its_name(tmp_path: Path):
    built_in = shelf(tmp_path).fingerprint("tiny-qwen")
    assert shelf(None).fingerprint("tiny-qwen") == built_in
    make_base(tmp_path / "tiny-qwen")
    assert shelf(tmp_path).fingerprint("tiny-qwen") != built_in


def test_the_process_is_told_where_to_build_or_where_a_brought_base_lies(tmp_path: Path):
    echo = "import json, sys; print('noise'); print(json.dumps({'files': {}, 'meta': {'told': sys.argv[1:]}}))"
    make_base(tmp_path / "bases/mine")
    bases = shelf(tmp_path / "bases", echo)
    work = tmp_path / "work"
    assert prepare(bases, "mine", work).meta == {"told": ["mine", str(tmp_path / "bases/mine"), "--brought"]}
    assert prepare(bases, "tiny-qwen", work).meta == {"told": ["tiny-qwen", str(work)]}


def test_a_refused_name_is_told_with_what_there_is(tmp_path: Path):
    refuse = f"print({json.dumps(json.dumps({'refused': 'no base of that name'}))})"
    make_base(tmp_path / "mine")
    with pytest.raises(InvalidInputError, match="base: no base of that name; in the bases folder there is: mine"):
        prepare(shelf(tmp_path, refuse), "yours", tmp_path / "work")
    with pytest.raises(InvalidInputError, match="no folder of bases is configured"):
        prepare(shelf(None, refuse), "yours", tmp_path / "work")


def test_a_process_that_dies_leaves_evidence(tmp_path: Path):
    with pytest.raises(FailedAttemptError, match="exit code 7") as caught:
        prepare(shelf(None, "import sys; print('boom', file=sys.stderr); sys.exit(7)"), "tiny-qwen", tmp_path)
    assert caught.value.failure.evidence == ("boom",)


@pytest.mark.heavy
def test_a_brought_base_is_checked_where_it_lies_and_only_its_files_are_taken(tmp_path: Path):
    from svc_train.adapters.prepare_base import prepare

    base = make_base(tmp_path / "mine")
    answer = prepare("mine", base, is_brought=True)
    assert answer["files"] == {
        name: str(base / name) for name in ("config.json", "model.safetensors", "tokenizer.json")
    }
    assert answer["meta"].pop("content_digest")
    assert answer["meta"] == {"model_type": "qwen2", "hidden_size": 128}
    with pytest.raises(InvalidInputError, match="no base 'mine' is built in"):
        prepare("mine", tmp_path / "work", is_brought=False)


def test_preparing_ends_when_the_attempt_has_to(tmp_path: Path):
    with pytest.raises(StoppedAttemptError):
        shelf(None).prepare("tiny-qwen", tmp_path / "work", must_stop=lambda: True)


def test_a_bases_folder_may_hold_links(tmp_path: Path):
    elsewhere = make_base(tmp_path / "elsewhere/model")
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases/linked").symlink_to(elsewhere)
    linked = shelf(tmp_path / "bases").fingerprint("linked")
    shutil.rmtree(elsewhere)
    assert shelf(tmp_path / "bases").fingerprint("linked") != linked
