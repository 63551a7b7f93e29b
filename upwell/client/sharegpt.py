"""The layout in which conversations with fields are handed to other tools: `geoformer_sft.json` beside `features/`."""

from __future__ import annotations

import json
from pathlib import Path

CHAT = "chat/v1"
LINES_FILE, SHAREGPT_FILE = "chat.jsonl", "geoformer_sft.json"
PARTIAL = ".partial"


def lay_out_sharegpt(folder: Path, manifest: bytes) -> None:
    """Write the conversations of a pulled version as one JSON array, when they come with fields; line by line.

    The version's own file stays where it is, so that another pull finds everything in place.
    """
    body = json.loads(manifest)
    if body.get("kind") != CHAT or not body.get("meta", {}).get("features"):
        return
    partial = folder / f"{SHAREGPT_FILE}{PARTIAL}"
    with (folder / LINES_FILE).open("rb") as lines, partial.open("wb") as target:
        target.write(b"[")
        for number, line in enumerate(lines):
            target.write(b",\n" if number else b"\n")
            target.write(line.rstrip(b"\n"))
        target.write(b"\n]\n")
    partial.replace(folder / SHAREGPT_FILE)
