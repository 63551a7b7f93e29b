"""Datasets and models by reference."""

from __future__ import annotations

from typing import TypeVar

from shared.contracts.names import DEFAULT_ALIAS, Reference, parse_dataset_reference, parse_reference
from shared.errors import NotFoundError, StateError
from svc_registry.domain.records import DatasetRecord, Deletion, ModelRecord
from svc_registry.ports import RegistryTransaction

RecordT = TypeVar("RecordT", DatasetRecord, ModelRecord)


def find_dataset(tx: RegistryTransaction, reference: str) -> DatasetRecord:
    """The version `name@3`, or the newest of `name`; NotFoundError says what there is."""
    return standing(locate_dataset(tx, reference))


def locate_dataset(tx: RegistryTransaction, reference: str) -> DatasetRecord:
    """As `find_dataset`, a deleted version too."""
    parsed = parse_dataset_reference("reference", reference)
    newest = tx.datasets.newest(parsed.name)
    record = newest if parsed.version is None else tx.datasets.at(parsed.name, parsed.version)
    if record:
        return record
    if newest is None:
        raise NotFoundError(f"There is no dataset {parsed.name!r}")
    raise NotFoundError(f"There is no dataset version {parsed}: the newest is {newest}")


def find_dataset_by_digest(tx: RegistryTransaction, name: str, digest: str) -> DatasetRecord:
    """The version by its key; NotFoundError when there is none, or no longer."""
    record = tx.datasets.find(name, digest)
    if record is None:
        raise NotFoundError(f"{name!r} has no version {digest[:12]}")
    return standing(record)


def find_version(tx: RegistryTransaction, name: str, version: int) -> ModelRecord:
    """The model version by its number; NotFoundError when there is none, or no longer."""
    record = tx.models.at(name, version)
    if record is None:
        raise NotFoundError(f"There is no model version {name}@{version}")
    return standing(record)


def standing(record: RecordT) -> RecordT:
    """The record itself; NotFoundError when it is deleted."""
    if record.deletion:
        raise NotFoundError(f"{record} {deleted_words(record.deletion)}")
    return record


def with_bundle(record: ModelRecord) -> ModelRecord:
    """The record itself; StateError when it was imported without a bundle, so that nobody could serve it."""
    if not record.made.bundle_digest:
        raise StateError(f"{record} was imported without a bundle, so that nobody could serve it")
    return record


def deleted_words(deletion: Deletion) -> str:
    """Who deleted something, when and why."""
    return f"was deleted by {deletion.deleted_by} at {deletion.deleted_at:%Y-%m-%d %H:%M:%S} UTC: {deletion.reason}"


def find_model(tx: RegistryTransaction, reference: str) -> ModelRecord:
    """The version `name@4`, `name:alias`, or the champion of `name`; NotFoundError says which is missing."""
    return standing(locate_model(tx, reference))


def locate_model(tx: RegistryTransaction, reference: str) -> ModelRecord:
    """As `find_model`, a deleted version too."""
    parsed = parse_reference("reference", reference)
    if parsed.version is not None:
        record = tx.models.at(parsed.name, parsed.version)
    else:
        record = tx.models.named(parsed.name, parsed.alias or DEFAULT_ALIAS)
    if record is None:
        raise NotFoundError(_missing_model(tx, parsed))
    return record


def _missing_model(tx: RegistryTransaction, reference: Reference) -> str:
    newest = tx.models.page(name=reference.name, before_id=0, limit=1)
    if not newest:
        return f"There is no model {reference.name!r}"
    if reference.version is not None:
        return f"There is no model version {reference}: the newest is {reference.name}@{newest[0].version}"
    alias = reference.alias or DEFAULT_ALIAS
    return (
        f"No version of {reference.name!r} has the alias {alias!r}: name a version such as "
        f"{reference.name}@{newest[0].version}, or promote one"
    )
