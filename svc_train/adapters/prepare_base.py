"""Builds a built-in base, or checks one that somebody brought: `python -m svc_train.adapters.prepare_base`.

A process of its own, so that the service never loads torch. It answers with one line of JSON on standard output:
{"files": {path in the base: file}, "meta": {...}} or {"refused": "why"}.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import InvalidInputError
from shared.modeling.bases import CONFIG, base_files, build_base, content_digest

# What a person wants to know of a base before it is downloaded.
FACTS = ("model_type", "hidden_size", "num_hidden_layers", "vocab_size")


def main() -> None:
    """Answer for one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", help="the base's name")
    parser.add_argument("folder", type=Path, help="where to build it, or where it lies")
    parser.add_argument("--brought", action="store_true", help="the folder holds it already")
    options = parser.parse_args()
    try:
        answer = prepare(options.name, options.folder, is_brought=options.brought)
    except InvalidInputError as error:
        answer = {"refused": "; ".join(violation.reason for violation in error.violations)}
    print(json.dumps(answer), flush=True)  # noqa: T201 - standard output is the answer


def prepare(name: str, folder: Path, *, is_brought: bool) -> dict[str, Any]:
    """The files and facts of a base; InvalidInputError when there is none of that name, or it is none."""
    if not is_brought:
        build_base(name, folder)
    files = base_files(folder)
    return {
        "files": {path: str(file) for path, file in files.items()},
        "meta": {"content_digest": content_digest(folder), **_facts(json.loads(files[CONFIG].read_bytes()))},
    }


def _facts(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name] for name in FACTS if name in config}


if __name__ == "__main__":
    main()
