"""What svc_infer asks of the world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from shared.contracts.versions import ModelVersion
from shared.ports import Transaction
from svc_infer.domain.chunks import Reach, Rows
from svc_infer.domain.jobs import InferEvent
from svc_infer.domain.series import Answer, Series
from svc_infer.domain.texts import TextQuestion, TextReply


class Model(Protocol):
    """A loaded and certified version. One thread at a time may ask it."""

    @property
    def version(self) -> ModelVersion:
        """Which version it is."""

    @property
    def reach(self) -> Reach:
        """How far it looks; InvalidInputError when it is not for series."""

    def predict(self, series: Sequence[Series]) -> list[Answer]:
        """One answer a series, in order; InvalidInputError when it is not for series."""


@runtime_checkable
class TextModel(Protocol):
    """A loaded and certified version that answers conversations. One thread at a time may ask it."""

    def converse(self, question: TextQuestion) -> TextReply:
        """What it says next; InvalidInputError when the conversation leaves no room for an answer."""


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
