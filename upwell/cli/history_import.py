"""Importing a tree of histories, and telling what became of each file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from google.protobuf import json_format

from upwell.cli.output import counted, progress_bar, say
from upwell.client import Upwell
from upwell.client.checkpoints import Checkpoint, CheckpointStore, find_checkpoint
from upwell.client.history_tree import WHOLE, BadFile, FoundFile, Tree, documents, find_histories
from upwell.registry.v1 import history_service_pb2 as pb

OUTCOMES = {
    pb.IMPORT_OUTCOME_NEW: "new",
    pb.IMPORT_OUTCOME_CHANGED: "changed",
    pb.IMPORT_OUTCOME_UNCHANGED: "unchanged",
    pb.IMPORT_OUTCOME_REFUSED: "refused",
}


@dataclass(slots=True)
class ImportReport:
    """What became of a tree."""

    bad: list[BadFile]
    checkpoints: dict[str, Checkpoint]
    files: list[pb.ImportedFile] = field(default_factory=list)

    @property
    def is_bad(self) -> bool:
        """Whether a file was refused, here or by the service."""
        return bool(self.bad) or any(file.wrong for file in self.files)

    @property
    def new_versions(self) -> int:
        """Versions made known."""
        return sum(file.new_versions for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """For programs: bad files with every wrong field, and the others."""
        return {
            "new_versions": self.new_versions,
            "files": [json_format.MessageToDict(file, preserving_proto_field_name=True) for file in self.files],
            "not_sent": [{"path": each.path, "reason": each.reason} for each in self.bad],
            "checkpoints": {
                path: {"missing": found.missing, "left_out": found.left_out} for path, found in self.checkpoints.items()
            },
        }


async def import_tree(
    upwell: Upwell, folder: Path, *, under: str = "", store: CheckpointStore | None = None
) -> ImportReport:
    """Send every file of a tree.

    Args:
        upwell: the client.
        folder: the tree.
        under: put before every path; empty puts nothing.
        store: stores checkpoints that are at hand; None refers to all of them as missing.

    Raises:
        ToolError: there is no such folder, or it holds too many files.
        UpwellClientError: a call failed.
    """
    tree = find_histories(folder)
    checkpoints = {file.path: find_checkpoint(tree.root, file.at, place) for file, place in _places(tree)}
    result = ImportReport(bad=tree.bad, checkpoints=checkpoints)
    with progress_bar() as bar:
        task = bar.add_task("importing", total=len(tree.files), note="")
        sent = [await _sent(file, under, checkpoints.get(file.path), store) for file in tree.files]
        async for imported in upwell.history.import_files(sent):
            result.files.append(imported)
            bar.update(task, advance=1)
    result.files.sort(key=lambda file: file.path)
    return result


def _places(tree: Tree) -> list[tuple[FoundFile, str]]:
    found = [(file, document.get("final_checkpoint")) for file, document in documents(tree)]
    return [(file, place) for file, place in found if isinstance(place, str) and place]


async def _sent(
    file: FoundFile, under: str, checkpoint: Checkpoint | None, store: CheckpointStore | None
) -> pb.HistoryFile:
    path = f"{under.rstrip('/')}/{file.path}" if under else file.path
    digest = await store(path, checkpoint.files) if store and checkpoint and checkpoint.files else ""
    return pb.HistoryFile(path=path, content=file.content, checkpoint_digest=digest)


def report(result: ImportReport) -> None:
    """Bad files first, field by field; then what is odd; then the sums, on stdout."""
    for bad in result.bad:
        say(f"{bad.path}: {WHOLE}: {bad.reason}")
    for file in result.files:
        for wrong in file.wrong:
            say(f"{file.path}: {wrong.field}: {wrong.reason}")
    for file in result.files:
        for remark in file.remarks:
            say(f"{file.path}: remark: {remark.field} {remark.reason}")
    for path, checkpoint in result.checkpoints.items():
        for name, reason in checkpoint.left_out.items():
            say(f"{path}: checkpoint: {name} {reason}")
    counts = Counter(OUTCOMES[file.outcome] for file in result.files)
    counts["refused"] += len(result.bad)
    told = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES.values() if counts[name] or name == "new")
    files = counted(len(result.files) + len(result.bad), "file")
    typer.echo(f"{files}: {told}; {counted(result.new_versions, 'new version')}")
    missing = sum(file.checkpoint_missing for file in result.files)
    if missing:
        say(f"{counted(missing, 'checkpoint')} not stored: the versions refer to them by path.")
