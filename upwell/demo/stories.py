"""The stories there are, each loaded when it is told."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module

from upwell.demo.stage import Story


class StoryName(StrEnum):
    """The family of models that a story is about."""

    SERIES = "series"
    PLANNER = "planner"
    OCEAN = "ocean"


def story_named(name: StoryName) -> Story:
    """The story."""
    story: Story = import_module(f"upwell.demo.{name}.story").STORY
    return story
