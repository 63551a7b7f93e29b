"""Importing a tree of histories, and telling what became of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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

# How our own exports name the weights of a version: they are in the object store already.
STORED_HERE = "upwell:"
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
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    files: dict[str, pb.ImportedFile] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """Whether a file was refused, here or by the service."""
        return bool(self.bad) or any(file.wrong for file in self.files.values())

    @property
    def new_versions(self) -> int:
        """Versions made known."""
        return sum(file.new_versions for file in self.files.values())

    def as_json(self) -> dict[str, Any]:
        """For programs: bad files with every wrong field, and the others."""
        return {
            "new_versions": self.new_versions,
            "files": [
                json_format.MessageToDict(file, preserving_proto_field_name=True)
                for _, file in sorted(self.files.items())
            ],
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
    prefix = f"{under.rstrip('/')}/" if under else ""
    files = {prefix + file.path: pb.HistoryFile(path=prefix + file.path, content=file.content) for file in tree.files}
    result = ImportReport(bad=tree.bad)
    for file, place in _places(tree):
        result.checkpoints[prefix + file.path] = find_checkpoint(tree.root, file.at, place)
    with progress_bar() as bar:
        task = bar.add_task("importing", total=len(files), note="")
        async for imported in upwell.history.import_files(list(files.values())):
            result.files[imported.path] = imported
            bar.update(task, advance=1)
        if store:
            await _bring_checkpoints(upwell, result, files, store)
    return result


async def _bring_checkpoints(
    upwell: Upwell, result: ImportReport, files: Mapping[str, pb.HistoryFile], store: CheckpointStore
) -> None:
    """Store what is at hand and missing there, and say so of each file: after the import, for some are refused."""
    for path, checkpoint in result.checkpoints.items():
        if checkpoint.files and result.files[path].checkpoint_missing:
            files[path].checkpoint_digest = await store(path, checkpoint.files)
            async for imported in upwell.history.import_files([files[path]]):
                first = result.files[path]
                first.checkpoint_missing = imported.checkpoint_missing
                if first.outcome == pb.IMPORT_OUTCOME_UNCHANGED:
                    first.outcome = imported.outcome


def _places(tree: Tree) -> list[tuple[FoundFile, str]]:
    found = [(file, document.get("final_checkpoint")) for file, document in documents(tree)]
    return [(file, place) for file, place in found if isinstance(place, str) and not place.startswith(STORED_HERE)]


def report(result: ImportReport) -> None:
    """Bad files first, field by field; then what is odd; then the sums, on stdout."""
    for bad in result.bad:
        say(f"{bad.path}: {WHOLE}: {bad.reason}")
    files = [file for _, file in sorted(result.files.items())]
    for file in files:
        for wrong in file.wrong:
            say(f"{file.path}: {wrong.field}: {wrong.reason}")
    for file in files:
        for remark in file.remarks:
            say(f"{file.path}: remark: {remark.field} {remark.reason}")
    for path, checkpoint in result.checkpoints.items():
        for name, reason in checkpoint.left_out.items():
            say(f"{path}: checkpoint: {name} {reason}")
    counts = Counter(OUTCOMES[file.outcome] for file in files)
    counts["refused"] += len(result.bad)
    told = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES.values() if counts[name] or name == "new")
    read = counted(len(files) + len(result.bad), "file")
    typer.echo(f"{read}: {told}; {counted(result.new_versions, 'new version')}")
    missing = sum(file.checkpoint_missing for file in files)
    if missing:
        say(f"{counted(missing, 'checkpoint')} not stored: the versions refer to them by path.")
