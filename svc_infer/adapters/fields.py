"""The `FieldReader` port over `field/v1` datasets in the cache on disk."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError
from shared.fields.months import month_from_text, month_text
from shared.fields.store import open_fields
from shared.fields.values import FieldInput
from svc_infer.adapters.cache import ArtifactCache


class CachedFields:
    """Fetches and verifies a dataset once, and reads the months that are asked for."""

    def __init__(self, cache: ArtifactCache) -> None:
        self._cache = cache

    def read(self, dataset: DatasetVersion, *, last_month: str, months: int, leads: int) -> FieldInput:
        """Months up to the last one; see the port."""
        if dataset.kind != Kind.FIELD:
            reason = f"{dataset} is of the kind {dataset.kind!r}; forecasts go on from {Kind.FIELD.value!r}"
            raise InvalidInputError.of("dataset.dataset", reason)
        fields = open_fields(self._cache.folder(dataset.digest, kind=Kind.FIELD))
        last = month_from_text("dataset.last_month", last_month) if last_month else fields.months[-1]
        end = fields.row_of(last) + 1
        if end < months:
            reason = f"the model goes on from {months} months, and {dataset} begins with {month_text(fields.months[0])}"
            raise InvalidInputError.of("dataset.last_month", reason)
        return FieldInput(
            id="",
            channels=fields.channels,
            values=fields.stacked_anomalies(first=end - months, end=end),
            lat=fields.lat,
            lon=fields.lon,
            last_month=last,
            leads=leads,
        )
