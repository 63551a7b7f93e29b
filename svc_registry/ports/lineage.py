"""The graph, and who approved what went into it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shared.contracts.manifest import FileEntry
from svc_registry.domain.graph import Direction, Graph
from svc_registry.domain.reviews import ReviewedCandidate, Subject, UnreadSet


class Lineage(Protocol):
    """The graph."""

    def add(self, graph: Graph) -> None:
        """Join a graph in; a node that was seen stays seen."""

    def walk(self, key: str, direction: Direction, *, max_depth: int) -> Graph:
        """The sub-graph reached from a node, itself included, in one query; 0 means any depth."""

    def between(self, one: str, other: str) -> Graph:
        """Every way between two nodes, whichever is the older, in one query; only the two where there is none."""

    def below(self, subject: Subject, *, through_predictions: bool) -> tuple[frozenset[str], Graph]:
        """The nodes a subject stands for and what was made from them, in one query; see `Subject`."""


class ReviewIndex(Protocol):
    """Who approved which candidate, by review set. A set is named by its lineage node's key."""

    def lacking(self, dataset: str) -> Sequence[str]:
        """The review sets that went into a dataset (a node's key) and are not indexed."""

    def all_lacking(self, *, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str]]:
        """(review set, dataset it went into) for sets that are not indexed, in order and greater than `after`."""

    def put(self, key: str, batches: Iterable[Sequence[ReviewedCandidate]]) -> None:
        """Index a set; nothing changes when it is indexed already."""

    def put_unread(self, key: str, reason: str) -> None:
        """Remember why a set is not indexed; nothing changes when it is."""

    def unread(self, *, limit: int) -> Sequence[UnreadSet]:
        """Sets that went into a dataset and are not indexed, by key."""

    def reviewers(self, keys: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """By set, how many candidates each reviewer approved; sets that are not indexed are absent."""


class ReviewFiles(Protocol):
    """The review files of datasets."""

    def opened(self, entry: FileEntry) -> AbstractContextManager[Iterator[Sequence[ReviewedCandidate]]]:
        """What a file says was approved, in batches; IntegrityError when it is missing or not what it should be."""
