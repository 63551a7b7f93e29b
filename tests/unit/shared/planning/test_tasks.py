"""Tasks in words, and states."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from shared.planning.profile import Tool
from shared.planning.states import draw_use
from shared.planning.tasks import LANGUAGES, PHRASINGS, draw_task

TOOL = Tool(name="重采样", description="Brings pictures to size.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_task_names_the_job_and_the_size_of_its_input(language: str) -> None:
    rng = np.random.default_rng(0)
    texts = {draw_task(rng, TOOL, 2.5, [language], is_held_out=i % 2 == 0) for i in range(400)}
    assert len(texts) > 100
    for text in texts:
        assert "2.5" in text
        assert TOOL.name in text or TOOL.description in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_phrasings_are_not_in_training(language: str) -> None:
    ways = PHRASINGS[language]
    assert len(ways.trained) == len(set(ways.trained)) > len(ways.held_out)
    assert not set(ways.trained) & set(ways.held_out)
    trained = [sentence.split("{")[0] for sentence in ways.trained if not sentence.startswith("{")]
    for opening, sentence in product(trained, ways.held_out):
        assert not sentence.startswith(opening)
    rng = np.random.default_rng(1)
    for _ in range(200):
        text = draw_task(rng, TOOL, 3, [language], is_held_out=True)
        values = {"name": TOOL.name, "description": TOOL.description, "size": "3"}
        assert any(sentence.format(**values) in text for sentence in ways.held_out)
        assert not any(sentence.format(**values) in text for sentence in ways.trained)


@pytest.mark.parametrize("window", [1, 2, 16])
def test_use_stays_between_nothing_and_the_capacity(window: int) -> None:
    capacity = np.array([40.0, 160.0, 120.0, 0.0])
    rng = np.random.default_rng(0)
    use = np.stack([draw_use(rng, window, capacity) for _ in range(300)])
    assert (use.dtype, use.shape) == (np.float32, (300, window, 4))
    assert (use >= 0).all()
    assert (use <= capacity).all()
    last = use[:, -1, 0] / capacity[0]
    # Idle, half full and full systems all occur.
    assert np.histogram(last, bins=5, range=(0, 1))[0].min() > 20
