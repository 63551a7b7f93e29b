"""Conversations with fields come as a zip; each fault is told with its sample and its file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.contracts.chat import CHAT_FILE, conversation_of_line
from shared.errors import InvalidInputError
from shared.fields.samples import write_sample
from svc_ingest.domain.made import Made
from svc_ingest.sources import zips
from svc_ingest.sources.base import NoParameters, source_for_path
from svc_ingest.sources.chat import SOURCE
from tests.support.oceans import ocean_sample


def row(number: int, **changes: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<geoformer>\n多暖？"}, {"from": "gpt", "value": "+0.4 °C"}]
    return {"id": f"q{number}", "conversations": turns, "features": [f"features/{number}.npz"], **changes}


def npz(**changes: Any) -> bytes:
    buffer = io.BytesIO()
    write_sample(buffer, replace(ocean_sample(), **changes))  # type: ignore[arg-type]
    return buffer.getvalue()


def zipped(folder: Path, rows: Any, features: Mapping[str, bytes], prefix: str = "") -> Path:
    path = folder / "in.chat.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{prefix}geoformer_sft.json", json.dumps(rows, ensure_ascii=False))
        for name, data in features.items():
            packed.writestr(f"{prefix}features/{name}.npz", data)
    return path


def make(folder: Path, path: Path) -> Made:
    (folder / "made").mkdir(exist_ok=True)
    return SOURCE.make(path, NoParameters(), folder / "made", lambda: False)


@pytest.mark.parametrize("prefix", ["", "pacific/"])
def test_a_zip_becomes_lines_and_features(tmp_path: Path, prefix: str) -> None:
    path = zipped(tmp_path, [row(1), row(2)], {"1": npz(), "2": npz(facts="[]")}, prefix)
    assert source_for_path(path.name) is SOURCE
    made = make(tmp_path, path)
    assert set(made.files) == {CHAT_FILE, "features/1.npz", "features/2.npz"}
    lines = made.files[CHAT_FILE].read_bytes().splitlines()
    assert [conversation_of_line(line, "x").features for line in lines] == [("features/1.npz",), ("features/2.npz",)]
    assert (made.rows, made.meta["features"], made.meta["channels"]) == (2, 2, ["sst", "taux"])
    assert {one.name for one in (tmp_path / "made").iterdir()} == {CHAT_FILE, "features"}


BROKEN: dict[str, tuple[Any, dict[str, bytes], str]] = {
    "missing": ([row(1)], {}, r"item 1: features/1\.npz is not in the archive"),
    "twice": ([row(1), row(2, features=["features/1.npz"])], {"1": npz()}, "item 2: features/1.npz is named twice"),
    "mark alone": ([row(1), row(2, features=[])], {"1": npz()}, "item 2: .* have 1 <geoformer> and 'features' has 0"),
    "mark and a file that nobody names": ([row(1, features=[])], {"1": npz()}, "item 1: .* have 1 <geoformer> and"),
    "left over": ([row(1)], {"1": npz(), "2": npz()}, "features/2.npz belongs to no conversation"),
    "no npz": ([row(1)], {"1": b"zip"}, r"item 1: features/1\.npz: is no \.npz file"),
    "marks": ([row(1, features=["features/1.npz"] * 2)], {"1": npz()}, "have 1 <geoformer> and 'features' has 2"),
    "path": ([row(1, features=["../1.npz"])], {"1": npz()}, r"'features' has '\.\./1\.npz'; a path is such as"),
    "no list": ([row(1, features="features/1.npz")], {"1": npz()}, "'features' is 'features/1.npz'; it is a list"),
    "other grid": (
        [row(1), row(2)],
        {"1": npz(), "2": npz(lon=ocean_sample().lon + 1)},
        r"item 2: features/2\.npz: has the channels and grid",
    ),
    "other shapes": (
        [row(1)],
        {"1": npz(history_TCYX=np.zeros((8, 2, 5, 3), np.float32))},
        r"item 1: features/1\.npz: 'history' is float32 of the shape \[8, 2, 5, 3\]; needed is float \[months, 2",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    rows, features, reason = BROKEN[name]
    with pytest.raises(InvalidInputError, match=reason):
        make(tmp_path, zipped(tmp_path, rows, features))


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, history=np.array([{}], dtype=object))
    with pytest.raises(InvalidInputError, match=r"item 1: features/1\.npz: 'history' holds pickled objects"):
        make(tmp_path, zipped(tmp_path, [row(1)], {"1": buffer.getvalue()}))


@pytest.mark.parametrize("files", [1, 16])
def test_a_bomb_is_not_unpacked_be_it_one_file_or_many(
    tmp_path: Path, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "SLACK_BYTES", 0)
    path = zipped(tmp_path, [row(1)], {str(number): bytes(2**22 // files) for number in range(1, files + 1)})
    with pytest.raises(InvalidInputError, match=r"the zip of \d+ bytes unpacks to 4194\d+, over 200 times as much"):
        make(tmp_path, path)
    assert not any((tmp_path / "made").iterdir())


def test_other_zips_and_damaged_ones(tmp_path: Path) -> None:
    path = tmp_path / "in.chat.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("chat.json", "[]")
    with pytest.raises(InvalidInputError, match=r"must hold one geoformer_sft\.json .*; it has none, but chat\.json"):
        make(tmp_path, path)
    whole = zipped(tmp_path, [row(1)], {"1": npz()}).read_bytes()
    place = whole.index(b"features/1.npz") + 200
    path.write_bytes(whole[:place] + b"\0" * 40 + whole[place + 40 :])
    with pytest.raises(InvalidInputError, match=r"is no \.zip file, or a damaged one"):
        make(tmp_path, path)


def test_words_alone_may_stand_beside_fields(tmp_path: Path) -> None:
    words = [{"from": "human", "value": "多暖？"}, {"from": "gpt", "value": "+0.4 °C"}]
    made = make(tmp_path, zipped(tmp_path, [row(1), row(2, conversations=words, features=[])], {"1": npz()}))
    assert (made.rows, made.meta["features"]) == (2, 1)


def test_lines_cannot_bring_features(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps([row(1)]))
    with pytest.raises(InvalidInputError, match=r"item 1: names features/1\.npz; send a \.zip"):
        make(tmp_path, path)


def test_a_mark_of_the_models_own_is_refused(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<geoformer>"}, {"from": "gpt", "value": "<geoformer>"}]
    with pytest.raises(InvalidInputError, match="stands in a turn of 'gpt'; only the person shows fields"):
        make(tmp_path, zipped(tmp_path, [row(1, conversations=turns)], {"1": npz()}))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_method_of_packing_is_refused(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path, [row(1)], {})
    with zipfile.ZipFile(path, "a", method) as packed:
        packed.writestr("features/1.npz", npz())
    with pytest.raises(InvalidInputError, match=r"features/1\.npz is packed by an unusual method"):
        make(tmp_path, path)
