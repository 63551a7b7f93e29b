"""What svc_infer asks of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from shared.contracts.interfaces import Interface
from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.fields.values import FieldAnswer, FieldInput
from shared.planning.values import PlanAnswer, PlanInput
from shared.ports import Transaction
from svc_infer.domain.chunks import Reach, Rows
from svc_infer.domain.fields import DatasetFields
from svc_infer.domain.jobs import InferEvent
from svc_infer.domain.series import Answer, Series
from svc_infer.domain.texts import TextQuestion, TextReply


class Model(Protocol):
    """A loaded and certified version. One thread at a time may ask it, through the protocol of its interface."""

    @property
    def version(self) -> ModelVersion:
        """Which version it is."""

    @property
    def interface(self) -> Interface:
        """What it is asked."""


@runtime_checkable
class SeriesModel(Model, Protocol):
    """Answers series."""

    @property
    def reach(self) -> Reach:
        """How far it looks."""

    def predict(self, series: Sequence[Series]) -> list[Answer]:
        """One answer a series, in order."""


@runtime_checkable
class TextModel(Model, Protocol):
    """Answers conversations."""

    def converse(
        self, question: TextQuestion, *, say: Callable[[str], None], must_stop: Callable[[], bool]
    ) -> TextReply:
        """What it says next, also given piece by piece to `say`.

        Raises:
            InvalidInputError: the conversation leaves no room for an answer, or the model reads no such attachments.
            TimeoutError: `must_stop`, asked before each token, ended the answer.
        """


@runtime_checkable
class PlanModel(Model, Protocol):
    """Chooses a tool and a configuration for a task."""

    def plan(self, asked: PlanInput) -> PlanAnswer:
        """The plan; InvalidInputError when the state is not of the length that it reads."""


@runtime_checkable
class FieldModel(Model, Protocol):
    """Looks ahead from months of fields."""

    @property
    def history(self) -> int:
        """Months that it reads."""

    @property
    def horizon(self) -> int:
        """Months that it can look ahead."""

    def forecast(self, asked: FieldInput) -> FieldAnswer:
        """The months that come; InvalidInputError when grid, channels or months are not those that it reads."""


@runtime_checkable
class ValuesModel(Model, Protocol):
    """Answers JSON objects with JSON objects."""

    def ask(self, inputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """One answer an input, in order; InvalidInputError when one is not what its family reads."""


class ModelLoader(Protocol):
    """Fetches, verifies and certifies versions."""

    def load(self, version: ModelVersion) -> Model:
        """A model that answers as it was certified.

        Raises:
            IntegrityError: a file is damaged or missing, the base is another one, or the certificate does not hold.
            NotFoundError: there is no such bundle.
            UnavailableError: the object store does not answer.
        """


class SeriesReader(Protocol):
    """Reads the file of a `series/v1` dataset in bounded blocks."""

    def read(self, path: Path) -> Iterator[Rows]:
        """Rows in order; IntegrityError when the file is not laid out as `series/v1`."""


class FieldReader(Protocol):
    """Reads months of a stored `field/v1` dataset."""

    def read(self, dataset: DatasetVersion, *, last_month: str, months: int, leads: int) -> DatasetFields:
        """The anomalies of `months` months up to `last_month`, and the indices of up to `leads` months behind it.

        Args:
            dataset: the version.
            last_month: as `2009-06`; `2009` is its December, and empty the dataset's last one.
            months: to go on from.
            leads: months that are to be forecast.

        Raises:
            InvalidInputError: the dataset does not have those months, or is of another kind.
        """


class Lease(Protocol):
    """The right to do a piece of work."""

    @property
    def must_stop(self) -> bool:
        """End soon, and publish nothing."""


class InferStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[Transaction[InferEvent]]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[Transaction[InferEvent]]:
        """A transaction that only reads."""
