"""Datasets and models by reference."""

from __future__ import annotations

from shared.contracts.names import DEFAULT_ALIAS, Reference, parse_dataset_reference, parse_reference
from shared.errors import NotFoundError
from svc_registry.domain.records import DatasetRecord, ModelRecord
from svc_registry.ports import RegistryTransaction


def find_dataset(tx: RegistryTransaction, reference: str) -> DatasetRecord:
    """The version `name@3`, or the newest of `name`; NotFoundError says what there is."""
    parsed = parse_dataset_reference("reference", reference)
    newest = tx.datasets.newest(parsed.name)
    if newest is None:
        raise NotFoundError(f"There is no dataset {parsed.name!r}")
    record = newest if parsed.version is None else tx.datasets.at(parsed.name, parsed.version)
    if record is None:
        raise NotFoundError(f"There is no dataset version {parsed}: the newest is {parsed.name}@{newest.version}")
    return record


def find_model(tx: RegistryTransaction, reference: str) -> ModelRecord:
    """The version `name@4`, `name:alias`, or the champion of `name`; NotFoundError says which is missing."""
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
