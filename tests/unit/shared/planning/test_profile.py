"""The files of a profile, and its configurations as sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import IntegrityError, InvalidInputError
from shared.planning.profile import TABLE_FILE, TOOLS_FILE, read_profile, write_profile
from shared.planning.template import describe, descriptions, number_text, parse_description
from tests.unit.shared.planning.profiles import profile_of

PROFILE = profile_of([(1, [1, 2, 4.5, 0, 0, 1234567.0]), (0, [0.25, 32, 128, 96, 64, 0.1]), (1, [1, 4, 4, 0, 0, 7])])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    files = write_profile(PROFILE, tmp_path)
    first = {name: path.read_bytes() for name, path in files.items()}
    found = read_profile(tmp_path)
    assert found.tools == PROFILE.tools
    assert found.tool_ids.tolist() == [1, 0, 1]
    assert found.numbers.tolist() == PROFILE.numbers.tolist()
    assert found.tool_ids.tolist() == [1, 0, 1]
    assert found.needs.shape == (3, 4)
    assert found.configuration(1)["gpu_sm"] == 96
    assert {name: path.read_bytes() for name, path in write_profile(found, tmp_path).items()} == first


@pytest.mark.parametrize("name", [TOOLS_FILE, TABLE_FILE])
def test_damaged_files_are_no_profile(tmp_path: Path, name: str) -> None:
    write_profile(PROFILE, tmp_path)
    (tmp_path / name).write_bytes(b"[{}]")
    with pytest.raises(IntegrityError, match="do not hold a profile"):
        read_profile(tmp_path)


def test_a_configuration_is_a_sentence_and_back() -> None:
    texts = descriptions(PROFILE)
    assert texts[1] == (
        "工具-0: input size 0.25, 32 CPU cores, 128 GB memory, 96 GPU SMs, 64 GB GPU memory, latency 0.1 ms."
    )
    assert descriptions(PROFILE, [1]) == texts[1:2]
    for text, tool_id, numbers in zip(texts, PROFILE.tool_ids, PROFILE.numbers, strict=True):
        tool, found = parse_description(text)
        assert tool == PROFILE.tools[tool_id].name
        assert list(found.values()) == pytest.approx(numbers, rel=1e-5)


def test_a_tool_may_be_named_like_a_sentence() -> None:
    configuration = PROFILE.configuration(0)
    name = describe("a: input size 3", configuration)
    assert parse_description(describe(name, configuration))[0] == name


@pytest.mark.parametrize("text", ["", "resize: 3", descriptions(PROFILE)[0] + " And so on.", "a" * 9999])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="does not read like"):
        parse_description(text)


def test_numbers_are_short_and_without_exponent() -> None:
    assert [number_text(x) for x in (0.0, 1e9, 1.5, 123.4567891, 0.00012345678, np.float64(3))] == [
        "0", "1000000000", "1.5", "123.457", "0.000123457", "3",
    ]  # fmt: skip
