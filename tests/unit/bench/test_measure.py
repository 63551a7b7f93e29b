"""What a benchmark's command line is read as."""

from __future__ import annotations

import pytest

from bench.measure import settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("learning_rate=1e-3", 0.001),
        ("max_steps=20", 20),
        ("tokens=-1", -1),
        ("gradient_checkpointing=true", True),
        ("lora_targets=[1, 2]", [1, 2]),
        ("adapter=linear", "linear"),
        ("train_end=2004-12", "2004-12"),
        ("note=a=b", "a=b"),
        ("channels=", ""),
    ],
)
def test_a_setting_is_json_or_text(text: str, value: object) -> None:
    (read,) = settings([text]).values()
    assert (read, type(read)) == (value, type(value))


def test_each_setting_has_its_name() -> None:
    assert settings(["a=1", "b=x"]) == {"a": 1, "b": "x"}
