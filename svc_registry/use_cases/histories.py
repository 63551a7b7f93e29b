"""Histories read and exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import NotFoundError
from svc_registry.domain.history import Chain, ModelSummary, own_path, to_text
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import find_model

# A page of files ends early where it holds so much, far below what a message may have.
PAGE_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far an export has come: the last imported file's path; then, with `own`, the last own version's id."""

    path: str = ""
    own: bool = False
    id: int = 0


def history_of(store: RegistryStore, reference: str) -> tuple[Chain, Mapping[str, Any]]:
    """The chain of a version, and its `training_info.json`: as imported where it was, else made from the chain."""
    with store.reading() as tx:
        run_id = find_model(tx, reference).made.run_id
        chain = chain_of(tx, run_id)
        file = tx.histories.file_of(run_id)
        return chain, file.document if file else chain.document()


def summaries(store: RegistryStore, *, after: str, limit: int) -> Sequence[ModelSummary]:
    """Models whose names come after one, each summed up."""
    with store.reading() as tx:
        return tx.chains.summaries(after=after, limit=limit)


def export_page(
    store: RegistryStore, *, model: str, after: Place, limit: int
) -> tuple[Sequence[tuple[str, str]], Place | None]:
    """Some (path, text), imported files first and then our own versions; where to go on, None at the end."""
    found: list[tuple[str, str]] = []
    characters = 0
    place = after
    with store.reading() as tx:
        while len(found) < limit and characters < PAGE_CHARACTERS:
            file, place_after = _next(tx, model, place)
            if place_after is None:
                return found, None
            place = place_after
            if file:
                found.append(file)
                characters += len(file[1])
    return found, place


def _next(tx: RegistryTransaction, model: str, place: Place) -> tuple[tuple[str, str] | None, Place | None]:
    """The file after a place and its own place; no place at the end, no file where imported ones have ended."""
    if not place.own:
        files = tx.histories.files_after(model=model, after=place.path, limit=1)
        if not files:
            return None, Place(own=True)
        return (files[0].path, to_text(files[0].document)), Place(path=files[0].path)
    records = tx.chains.own_after(model=model, after_id=place.id, limit=1)
    if not records:
        return None, None
    chain = chain_of(tx, records[0].made.run_id)
    path = own_path(records[0])
    if tx.histories.file(path):
        path = f"{records[0].made.run_id}/{path}"
    return (path, to_text(chain.document())), Place(own=True, id=records[0].id)


def chain_of(tx: RegistryTransaction, run_id: str) -> Chain:
    """The chain of the version a run made; NotFoundError when there is none."""
    chain = tx.chains.of(run_id)
    if chain is None:
        raise NotFoundError(f"The run {run_id!r} has no registered model version")
    return chain
