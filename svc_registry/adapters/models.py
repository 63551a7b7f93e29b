"""Model versions, aliases and the ledger in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.database import insert_or_ignore
from svc_registry.adapters.chunks import in_chunks
from svc_registry.adapters.tables import AliasMoveRow, AliasRow, ModelNameRow, ModelRow
from svc_registry.domain.records import AliasMove, ModelRecord, NewModel


class SqlModels:
    """The `Models` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_run(self, run_id: str) -> ModelRecord | None:
        """By key."""
        return self._maybe(self._session.exec(select(ModelRow).where(ModelRow.run_id == run_id)).one_or_none())

    def at(self, name: str, version: int) -> ModelRecord | None:
        """By number."""
        query = select(ModelRow).where(ModelRow.name == name, ModelRow.version == version)
        return self._maybe(self._session.exec(query).one_or_none())

    def named(self, name: str, alias: str) -> ModelRecord | None:
        """By alias, in one query."""
        query = (
            select(ModelRow)
            .join(AliasRow, (col(AliasRow.model) == ModelRow.name) & (col(AliasRow.version) == ModelRow.version))
            .where(AliasRow.model == name, AliasRow.alias == alias)
        )
        return self._maybe(self._session.exec(query).one_or_none())

    def add(self, model: NewModel) -> ModelRecord:
        """Number a version under the lock of its name."""
        insert_or_ignore(self._session, ModelNameRow, [{"name": model.name, "last_version": 0}])
        query = select(ModelNameRow).where(ModelNameRow.name == model.name).with_for_update()
        owner = self._session.exec(query).one()
        standing = self.by_run(model.run_id)  # another replica may have come first while the lock was waited for
        if standing:
            return standing
        owner.last_version += 1
        row = model_row(model, version=owner.last_version, registered_at=datetime.now(UTC))
        self._session.add(row)
        self._session.flush()
        return _record(row, ())

    def of_runs(self, run_ids: Collection[str]) -> Sequence[ModelRecord]:
        """Newest first."""
        rows: list[ModelRow] = []
        for some in in_chunks(run_ids):
            rows += self._session.exec(select(ModelRow).where(col(ModelRow.run_id).in_(some)))
        aliases = self._aliases_of({row.name for row in rows})
        records = [_record(row, aliases.get((row.name, row.version), ())) for row in rows]
        return sorted(records, key=lambda record: record.id, reverse=True)

    def page(self, *, name: str, before_id: int, limit: int) -> Sequence[ModelRecord]:
        """Newest first."""
        query = select(ModelRow).order_by(col(ModelRow.id).desc()).limit(limit)
        if name:
            query = query.where(ModelRow.name == name)
        if before_id:
            query = query.where(col(ModelRow.id) < before_id)
        return self.records(self._session.exec(query).all())

    def records(self, rows: Sequence[ModelRow]) -> Sequence[ModelRecord]:
        """Rows that were found, with the aliases of their versions."""
        aliases = self._aliases_of({row.name for row in rows})
        return [_record(row, aliases.get((row.name, row.version), ())) for row in rows]

    def move_alias(self, record: ModelRecord, alias: str, *, moved_by: str, reason: str) -> tuple[AliasMove, bool]:
        """Move an alias under the lock of its model's name."""
        model = record.made.name
        self._session.exec(select(ModelNameRow).where(ModelNameRow.name == model).with_for_update()).one()
        standing = self._session.get(AliasRow, (model, alias))
        if standing and standing.version == record.version:
            return _move(self._session.get_one(AliasMoveRow, standing.ledger_id)), False
        entry = AliasMoveRow(
            model=model,
            alias=alias,
            from_version=standing.version if standing else 0,
            to_version=record.version,
            moved_by=moved_by,
            reason=reason,
            moved_at=datetime.now(UTC),
        )
        self._session.add(entry)
        self._session.flush()
        assert entry.id is not None, "the row is stored"
        self._session.merge(AliasRow(model=model, alias=alias, ledger_id=entry.id, version=record.version))
        return _move(entry), True

    def moves(self, name: str) -> Sequence[AliasMove]:
        """The ledger of a model."""
        query = select(AliasMoveRow).where(AliasMoveRow.model == name).order_by(col(AliasMoveRow.id).desc())
        return [_move(row) for row in self._session.exec(query)]

    def aliases(self, name: str) -> Sequence[tuple[AliasMove, ModelRecord]]:
        """Where the aliases stand."""
        query = (
            select(AliasMoveRow, ModelRow)
            .join(AliasRow, col(AliasRow.ledger_id) == AliasMoveRow.id)
            .join(ModelRow, (col(AliasRow.model) == ModelRow.name) & (col(AliasRow.version) == ModelRow.version))
            .order_by(AliasMoveRow.model, AliasMoveRow.alias)
        )
        if name:
            query = query.where(AliasRow.model == name)
        rows = self._session.exec(query).all()
        aliases = self._aliases_of({row.name for _, row in rows})
        return [(_move(move), _record(row, aliases[row.name, row.version])) for move, row in rows]

    def _maybe(self, row: ModelRow | None) -> ModelRecord | None:
        if row is None:
            return None
        return _record(row, self._aliases_of({row.name}).get((row.name, row.version), ()))

    def _aliases_of(self, names: set[str]) -> dict[tuple[str, int], tuple[str, ...]]:
        found: dict[tuple[str, int], tuple[str, ...]] = {}
        query = select(AliasRow).where(col(AliasRow.model).in_(names)).order_by(AliasRow.alias)
        for row in self._session.exec(query):
            found[row.model, row.version] = (*found.get((row.model, row.version), ()), row.alias)
        return found


def model_row(model: NewModel, *, version: int, registered_at: datetime) -> ModelRow:
    """A row that has no id yet."""
    return ModelRow(
        name=model.name,
        version=version,
        run_id=model.run_id,
        recipe=model.recipe,
        bundle_digest=model.bundle_digest,
        base_name=model.base.name,
        base_digest=model.base.digest,
        dataset_name=model.dataset.name,
        dataset_version=model.dataset.version,
        dataset_digest=model.dataset.digest,
        metrics=dict(model.metrics),
        hyperparameters=dict(model.hyperparameters),
        registered_at=registered_at,
        stage=model.stage,
        parent_name=model.parent.name if model.parent else "",
        parent_version=model.parent.version if model.parent else 0,
        parent_run_id=model.parent.run_id if model.parent else "",
        total_steps=model.total_steps,
        epochs=model.epochs,
        tokens=model.tokens,
        started_at=model.started_at,
        finished_at=model.finished_at,
        environment=dict(model.environment),
    )


def _record(row: ModelRow, aliases: tuple[str, ...]) -> ModelRecord:
    assert row.id is not None, "the row is stored"
    made = NewModel(
        name=row.name,
        run_id=row.run_id,
        recipe=row.recipe,
        bundle_digest=row.bundle_digest,
        base=BaseVersion(name=row.base_name, digest=row.base_digest),
        dataset=DatasetVersion(name=row.dataset_name, digest=row.dataset_digest, version=row.dataset_version),
        metrics=row.metrics,
        hyperparameters=row.hyperparameters,
        stage=row.stage,
        parent=_parent(row),
        total_steps=row.total_steps,
        epochs=row.epochs,
        tokens=row.tokens,
        started_at=row.started_at,
        finished_at=row.finished_at,
        environment=row.environment,
    )
    return ModelRecord(id=row.id, version=row.version, made=made, registered_at=row.registered_at, aliases=aliases)


def _parent(row: ModelRow) -> ModelRef | None:
    if not row.parent_run_id:
        return None
    return ModelRef(name=row.parent_name, version=row.parent_version, run_id=row.parent_run_id)


def _move(row: AliasMoveRow) -> AliasMove:
    assert row.id is not None, "the row is stored"
    return AliasMove(
        ledger_id=row.id,
        model=row.model,
        alias=row.alias,
        from_version=row.from_version,
        to_version=row.to_version,
        moved_by=row.moved_by,
        reason=row.reason,
        moved_at=row.moved_at,
    )
