"""The labeler `points-without-outliers`: it makes a dataset of another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from shared.contracts.parameters import parameter
from svc_label.labelers.base import MadeDataset, StoredDataset
from toy_line.points import KIND, read_points, write_points


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierParameters:
    """What counts as far."""

    furthest: float = parameter(
        5.0, low=1.0, high=100.0, help="Median deviations from the median that a point's y may have."
    )


class PointsWithoutOutliers:
    """See `DatasetLabeler` in `svc_label/labelers/base.py`."""

    name = "points-without-outliers"
    summary = "Leaves out the points whose y is far from all others."
    kinds = (KIND,)
    makes = KIND
    parameters = OutlierParameters

    def make(
        self, dataset: StoredDataset, parameters: OutlierParameters, folder: Path, must_stop: Callable[[], bool]
    ) -> MadeDataset:
        """See `DatasetLabeler.make`."""
        del must_stop
        points = read_points(dataset.folder)
        middle = median(y for _, y in points)
        spread = median(abs(y - middle) for _, y in points)
        kept = [(x, y) for x, y in points if abs(y - middle) <= parameters.furthest * spread]
        return MadeDataset(kind=KIND, files=write_points(folder, kept), meta={"rows": len(kept)}, rows=len(kept))


LABELER = PointsWithoutOutliers()
