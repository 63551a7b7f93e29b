"""Assignments on the command line: `--set key=value`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import typer


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """The values by key, each read as JSON where it is JSON and as text where it is not.

    Raises:
        typer.BadParameter: a pair has no `=` or no key.
    """
    settings: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r}: write KEY=VALUE, for example max_steps=200", param_hint="--set")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings
