"""Fakes with behaviour, shared by the tests of svc_infer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from shared.contracts.interfaces import Interface
from shared.contracts.series import Segment
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion
from shared.errors import NotFoundError, UnavailableError
from svc_infer.domain.chunks import Reach
from svc_infer.domain.series import Answer, Series
from svc_infer.ports import Model

WAIT_S = 10.0


def version(number: int = 1, *, name: str = "pump", run_id: str = "") -> ModelVersion:
    return ModelVersion(
        name=name,
        version=number,
        run_id=run_id or f"{name}-run-{number}",
        bundle_digest=f"{number:064x}",
        base=BaseVersion(name="tiny", digest="b" * 64),
    )


def series(values: Sequence[float] = (0.0, 9.0, 0.0), *, name: str = "") -> Series:
    column = np.array(values, dtype=np.float64)
    return Series(id=name, channels=("value",), values=column[:, None], times=np.arange(len(column)))


class FakeModel:
    """Calls every run of values above 5 an anomaly; its scores are a tenth of the values.

    It answers at once, unless `gate` is closed: then it waits for it, which keeps the model thread busy.
    """

    interface = Interface.SERIES

    def __init__(self, of: ModelVersion | None = None, *, reach: Reach | None = None) -> None:
        self.version = of or version()
        self.reach = reach or Reach(window=8, stride=4)
        self.batches: list[list[str]] = []
        self.rows: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.poison: str | None = None

    def predict(self, asked: Sequence[Series]) -> list[Answer]:
        self.batches.append([one.id for one in asked])
        self.rows += [len(one.values) for one in asked]
        self.entered.set()
        assert self.gate.wait(WAIT_S), "nobody opened the gate"
        if self.poison is not None and any(one.id == self.poison for one in asked):
            raise RuntimeError(f"cannot stand {self.poison}")
        return [self._answer(one) for one in asked]

    def _answer(self, one: Series) -> Answer:
        scores = np.clip(np.nan_to_num(one.values) / 10, 0, 1).astype(np.float32)
        segments = [
            Segment(
                start_row=start,
                end_row=end,
                start_time=int(one.times[start]),
                end_time=int(one.times[end - 1]),
                channel=channel,
                confidence=float(column[start:end].max()),
            )
            for channel, column in zip(one.channels, scores.T, strict=True)
            for start, end in _runs(column > 0.5)
        ]
        segments.sort(key=lambda segment: -segment.confidence)
        return Answer(id=one.id, segments=tuple(segments), scores=scores, text=f"{self.version} saw {len(segments)}")


def _runs(inside: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(inside.astype(int), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


class FakeLoader:
    """Loads fake models; under a version's run there may be an error instead, or another model.

    `gate` holds loads back.
    """

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}
        self.errors: dict[str, Exception] = {}
        self.loads: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def load(self, of: ModelVersion) -> Model:
        self.loads.append(str(of))
        self.entered.set()
        assert self.gate.wait(WAIT_S), "nobody opened the gate"
        if of.run_id in self.errors:
            raise self.errors[of.run_id]
        return self.models.get(of.run_id) or FakeModel(of)


class FakeCatalogue:
    """The registry: datasets, model versions and aliases; `is_down` makes it unavailable.

    It goes down after the question that `goes_down_after` says.
    """

    def __init__(self) -> None:
        self.datasets: dict[str, DatasetVersion] = {}
        self.models: list[ModelVersion] = []
        self.standing: dict[tuple[str, str], ModelVersion] = {}
        self.is_down = False
        self.goes_down_after = ""
        self.asked: list[str] = []

    def promote(self, of: ModelVersion, alias: str = "champion") -> None:
        if of not in self.models:
            self.models.append(of)
        self.standing[of.name, alias] = of

    def dataset(self, reference: str) -> DatasetVersion:
        self._answer(reference)
        if reference not in self.datasets:
            raise NotFoundError(f"There is no dataset {reference!r}")
        return self.datasets[reference]

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:
        return next(found for found in self.datasets.values() if (found.name, found.digest) == (name, digest))

    def model(self, reference: str) -> ModelVersion:
        self._answer(reference)
        name, _, alias = reference.partition(":")
        known = {str(model): model for model in self.models}
        found = known.get(reference) or self.standing.get((name, alias or "champion"))
        if found is None:
            raise NotFoundError(f"There is no model {reference!r}")
        return found

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        self._answer("aliases")
        return dict(self.standing)

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.is_down:
            raise UnavailableError("svc_registry does not answer")
        self.is_down = question == self.goes_down_after


class FakeClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
