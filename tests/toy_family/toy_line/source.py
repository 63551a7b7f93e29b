"""The source `points`: text files with a pair `x y` in each line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from svc_ingest.domain.made import Made
from toy_line.points import KIND, Points, write_points


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsParameters:
    """How points are read."""

    scale: float = parameter(1.0, low=-1e6, high=1e6, help="Every y is multiplied by it.")


class PointsSource:
    """See `DatasetSource` in `svc_ingest/sources/base.py`."""

    name = "points"
    summary = "Points from text files with a pair of numbers in each line."
    suffixes = (".xy",)
    kind = KIND
    parameters = PointsParameters

    def make(self, path: Path, parameters: PointsParameters, folder: Path, must_stop: Callable[[], bool]) -> Made:
        """See `DatasetSource.make`; a file this small is read before anybody could ask to stop."""
        del must_stop
        points = [(x, y * parameters.scale) for x, y in _read(path)]
        return Made(kind=KIND, files=write_points(folder, points), meta={"rows": len(points)}, rows=len(points))


def _read(path: Path) -> Points:
    points = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            x, y = map(float, line.split())
        except ValueError as error:
            raise InvalidInputError.of("file", f"line {number}: {line!r} is no pair `x y` of numbers") from error
        points.append((x, y))
    return points


SOURCE = PointsSource()
