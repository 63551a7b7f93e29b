"""Runs the index of review sets: at once for a dataset that was registered, and beside for all that is lacking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from shared.errors import RetryableError
from svc_registry.domain.reviews import UnreadSet
from svc_registry.use_cases.reviewing import ReviewIndexing

log = structlog.get_logger(__name__)
CATCH_UP_EVERY_S = 600.0
RETRY_S = 30.0


class ReviewIndexer:
    """Indexes in threads and tells the log what could not be read.

    Args:
        indexing: the use case.
        every_s: how often it is tried again.
        retry_s: how soon, when the database or the object store did not answer.
    """

    def __init__(
        self, indexing: ReviewIndexing, *, every_s: float = CATCH_UP_EVERY_S, retry_s: float = RETRY_S
    ) -> None:
        self._indexing = indexing
        self._every_s = every_s
        self._retry_s = retry_s

    async def index_dataset(self, name: str, digest: str) -> None:
        """Index what went into a dataset; a file that cannot be read costs the dataset nothing."""
        _tell(await asyncio.to_thread(self._indexing.index_dataset, name, digest))

    async def run(self) -> None:
        """Catch up, now and every so often."""
        while True:
            try:
                _tell(await asyncio.to_thread(self._indexing.catch_up))
                pause_s = self._every_s
            except RetryableError as error:
                log.warning("review sets wait to be indexed", reason=str(error))
                pause_s = self._retry_s
            await asyncio.sleep(pause_s)


def _tell(unread: Sequence[UnreadSet]) -> None:
    for lacking in unread:
        log.warning(
            "a review set is not indexed: questions about reviewers and candidates miss what was trained on it",
            reviews=lacking.key,
            reason=lacking.reason,
        )
