"""Model versions along their parents, in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import func, literal
from sqlmodel import Session, col, select

from shared.contracts.versions import DatasetVersion
from shared.errors import IntegrityError
from svc_registry.adapters.histories import SqlHistories
from svc_registry.adapters.models import SqlModels
from svc_registry.adapters.tables import ImportedVersionRow, ModelRow
from svc_registry.domain.history import Chain, ModelSummary, dataset_text
from svc_registry.domain.records import ModelRecord

# Nobody trains so many stages: a longer chain goes round in a circle, which only a forged event can make.
LONGEST_CHAIN = 5000


class SqlChains:
    """The `Chains` port."""

    def __init__(self, session: Session, models: SqlModels) -> None:
        self._session = session
        self._models = models
        self._histories = SqlHistories(session)

    def of(self, run_id: str) -> Chain | None:
        """One recursive query walks the parents, whatever the length."""
        start = select(ModelRow.run_id, ModelRow.parent_run_id, literal(0).label("place"))
        chain = start.where(ModelRow.run_id == run_id).cte("chain", recursive=True)
        above = (
            select(ModelRow.run_id, ModelRow.parent_run_id, chain.c.place + 1)
            .join(chain, col(ModelRow.run_id) == chain.c.parent_run_id)
            .where(chain.c.place < LONGEST_CHAIN)
        )
        chain = chain.union_all(above)
        query = select(ModelRow).join(chain, col(ModelRow.run_id) == chain.c.run_id).order_by(chain.c.place.desc())
        records = tuple(self._models.records(self._session.exec(query).all()))
        if len(records) > LONGEST_CHAIN:
            raise IntegrityError(f"The parents of {records[-1].made.name}@{records[-1].version} go round in a circle")
        if not records:
            return None
        return Chain(records=records, imported=self._histories.imported([each.made.run_id for each in records]))

    def own_after(self, *, model: str, after_id: int, limit: int) -> Sequence[ModelRecord]:
        """Oldest first."""
        query = (
            select(ModelRow)
            .outerjoin(ImportedVersionRow, col(ImportedVersionRow.run_id) == ModelRow.run_id)
            .where(col(ImportedVersionRow.run_id).is_(None), col(ModelRow.id) > after_id)
            .order_by(col(ModelRow.id))
            .limit(limit)
        )
        if model:
            query = query.where(ModelRow.name == model)
        return self._models.records(self._session.exec(query).all())

    def summaries(self, *, after: str, limit: int) -> Sequence[ModelSummary]:
        """One grouped query, and one for what is listed."""
        ended = func.max(func.coalesce(col(ModelRow.finished_at), col(ModelRow.registered_at)))
        query = (
            sa.select(
                col(ModelRow.name),
                func.count(col(ModelRow.id)).label("versions"),
                func.max(col(ModelRow.version)).label("newest"),
                func.sum(col(ModelRow.total_steps)).label("steps"),
                func.count(col(ImportedVersionRow.run_id)).label("imported"),
                ended.label("ended"),
            )
            .outerjoin(ImportedVersionRow, col(ImportedVersionRow.run_id) == col(ModelRow.run_id))
            .where(col(ModelRow.name) > after)
            .group_by(col(ModelRow.name))
            .order_by(col(ModelRow.name))
            .limit(limit)
        )
        rows = self._session.connection().execute(query).all()
        listed = self._listed([row.name for row in rows])
        return [
            ModelSummary(
                model=row.name,
                version_count=row.versions,
                newest_version=row.newest,
                total_steps=int(row.steps),
                imported_count=row.imported,
                last_updated=row.ended,
                stages=tuple(sorted({stage for stage, _ in listed[row.name] if stage})),
                datasets=tuple(sorted({dataset for _, dataset in listed[row.name]})),
            )
            for row in rows
        ]

    def _listed(self, names: Sequence[str]) -> Mapping[str, set[tuple[str, str]]]:
        """(stage, dataset) of each name's versions."""
        dataset = (col(ModelRow.dataset_name), col(ModelRow.dataset_digest), col(ModelRow.dataset_version))
        query = sa.select(col(ModelRow.name), col(ModelRow.stage), *dataset).where(col(ModelRow.name).in_(names))
        listed: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for row in self._session.connection().execute(query.distinct()):
            learned_from = DatasetVersion(name=row.dataset_name, digest=row.dataset_digest, version=row.dataset_version)
            listed[row.name].add((row.stage, dataset_text(learned_from)))
        return listed
