"""Builds a built-in base, fetches one from the hub, or checks one that somebody brought.

`python -m svc_train.adapters.prepare_base`
A process of its own, so that the service never loads torch. It answers with one line of JSON on standard output:
{"files": {path in the base: file}, "meta": {...}}, {"refused": "why"} or, of the hub, {"unreachable": "why"}.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import InvalidInputError, UnavailableError
from shared.modeling.bases import CONFIG, base_files, build_base, content_digest
from shared.modeling.hub import fetch

# What a person wants to know of a base before it is downloaded.
FACTS = ("model_type", "hidden_size", "num_hidden_layers", "vocab_size")


def main() -> None:
    """Answer for one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", help="the base's name")
    parser.add_argument("folder", type=Path, help="where to build it, or where it lies")
    parser.add_argument("--revision", default="", help="fetch it from the hub, where the name is its id")
    parser.add_argument("--brought", action="store_true", help="the folder holds it already")
    options = parser.parse_args()
    try:
        answer = prepare(options.name, options.folder, is_brought=options.brought, revision=options.revision)
    except UnavailableError as error:
        answer = {"unreachable": str(error)}
    except InvalidInputError as error:
        answer = {"refused": "; ".join(violation.reason for violation in error.violations)}
    print(json.dumps(answer), flush=True)  # noqa: T201 - standard output is the answer


def prepare(name: str, folder: Path, *, is_brought: bool, revision: str = "") -> dict[str, Any]:
    """The files and facts of a base.

    Raises:
        InvalidInputError: there is none of that name, or it is none.
        UnavailableError: the hub does not answer.
    """
    came_from = {}
    if revision:
        came_from = {"hub": name, "revision": fetch(name, revision, folder)}
    elif not is_brought:
        build_base(name, folder)
    files = base_files(folder)
    facts = _facts(json.loads(files[CONFIG].read_bytes()))
    return {
        "files": {path: str(file) for path, file in files.items()},
        "meta": {"content_digest": content_digest(folder), **facts, **came_from},
    }


def _facts(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name] for name in FACTS if name in config}


if __name__ == "__main__":
    main()
