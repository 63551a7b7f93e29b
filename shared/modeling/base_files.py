"""Tidying a base that transformers wrote: nothing in it depends on the library's release or on this machine."""

from __future__ import annotations

import json
from pathlib import Path

# Neither the release nor the place a model was loaded from is part of it.
TRACES = ("transformers_version", "_model_name_or_path", "_name_or_path", "is_local", "local_files_only")
FILES = ("config.json", "generation_config.json", "tokenizer_config.json")


def tidy(folder: Path) -> None:
    """Drop what a new release or another machine would write otherwise, and let everybody read the files."""
    for name in FILES:
        path = folder / name
        if path.is_file():
            body = json.loads(path.read_text(encoding="utf-8"))
            kept = {key: value for key, value in body.items() if key not in TRACES}
            path.write_text(json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)
