"""What is known of a series once it is written: the facts its manifest carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from svc_ingest.domain.sampling import SamplingFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Downsampling:
    """How rows were left out: the method, the rows there were, and the points that were asked for."""

    method: str
    from_rows: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """Facts about the content alone, so that equal content has equal facts.

    `time` is `utc` or `index`; `start` and `end` are the times of the first and the last row (ns since 1970, or index).
    """

    rows: int
    channels: tuple[str, ...]
    time: str
    start: int
    end: int
    sampling: SamplingFacts
    downsampling: Downsampling | None = None

    def to_meta(self) -> dict[str, Any]:
        """The `meta` of the `series/v1` manifest, JSON values only."""
        meta: dict[str, Any] = {
            "rows": self.rows,
            "channels": [{"name": name} for name in self.channels],
            "time": self.time,
            "start": self.start,
            "end": self.end,
            "sampling": asdict(self.sampling),
        }
        if self.downsampling:
            meta["downsampling"] = asdict(self.downsampling)
        return meta
