"""Forecasts that go on from a stored dataset."""

from __future__ import annotations

from shared.contracts.versions import DatasetVersion
from shared.ports import Catalogue
from svc_infer.domain.fields import DatasetFields, DatasetMonths
from svc_infer.ports import FieldModel, FieldReader


def months_of_dataset(
    catalogue: Catalogue, reader: FieldReader, named: DatasetMonths, model: FieldModel, *, leads: int
) -> tuple[DatasetVersion, DatasetFields]:
    """As many months as the model goes on from, what came behind them, and the version they are of.

    Raises:
        NotFoundError: there is no such dataset.
        InvalidInputError: it does not have those months, or is of another kind.
    """
    dataset = catalogue.dataset(named.dataset)
    return dataset, reader.read(dataset, last_month=named.last_month, months=model.history, leads=leads)
