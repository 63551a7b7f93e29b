"""Versions along their parents, and what was imported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from svc_registry.domain.history import Chain, HistoryFile, ImportedVersion, ModelSummary
from svc_registry.domain.records import ModelRecord


class Chains(Protocol):
    """Model versions along their parents."""

    def of(self, run_id: str) -> Chain | None:
        """The chain of the version a run made, in one walk; None when there is no such version."""

    def own_after(self, *, model: str, after_id: int, limit: int) -> Sequence[ModelRecord]:
        """Versions that were not imported, with a larger id, oldest first; an empty model does not narrow."""

    def summaries(self, *, after: str, limit: int) -> Sequence[ModelSummary]:
        """Models whose names come after one, in order."""


class Histories(Protocol):
    """What is kept of imported histories."""

    def one_at_a_time(self) -> None:
        """Wait until no other transaction imports; held to the end of this one."""

    def imported(self, run_ids: Sequence[str]) -> Mapping[str, ImportedVersion]:
        """Those of the versions that were imported, by run."""

    def add(self, version: ImportedVersion) -> None:
        """Keep what a version was imported from."""

    def claim(self, version: ImportedVersion, *, stage: str) -> None:
        """A version has a file of its own: its checkpoint, and its stage where that was not known."""

    def file(self, path: str) -> HistoryFile | None:
        """The file imported under a path."""

    def file_of(self, run_id: str) -> HistoryFile | None:
        """The file of a version; the one imported last where it has several."""

    def put_file(self, file: HistoryFile, *, imported_by: str, imported_at: datetime) -> None:
        """Keep a file in place of what stood at its path."""

    def files_after(self, *, model: str, after: str, limit: int) -> Sequence[HistoryFile]:
        """Files whose paths come after one, in order; an empty model does not narrow."""
