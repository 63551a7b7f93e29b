"""The kind `points/v1`: a JSON list of pairs [x, y] in `points.json`."""

from __future__ import annotations

import json
from pathlib import Path

KIND = "points/v1"
FILE = "points.json"
Points = list[tuple[float, float]]


def write_points(folder: Path, points: Points) -> dict[str, Path]:
    """The files of a version: path in it -> file on the disk."""
    path = folder / FILE
    path.write_text(json.dumps(points), encoding="utf-8")
    return {FILE: path}


def read_points(folder: Path) -> Points:
    """The points of a version whose files lie in `folder`."""
    return [(x, y) for x, y in json.loads((folder / FILE).read_bytes())]
