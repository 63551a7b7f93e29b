"""Some conversations of a stored chat dataset, for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from shared.contracts.canonical import check_digest
from shared.contracts.chat import CHAT_FILE, Conversation, conversation_of_line
from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from shared.ports import ArtifactStore
from svc_ingest.domain.chats import ChatPreview
from svc_ingest.domain.pages import page_of
from svc_ingest.ports import SeriesCache

DEFAULT_COUNT = 5
# gRPC clients take answers of 4 MiB unless they are told otherwise; long turns are shortened on the wire.
MAX_TURNS = 400


class ChatPreviews:
    """Looks at conversations without handing out the dataset."""

    def __init__(self, *, artifacts: ArtifactStore, cache: SeriesCache) -> None:
        self._artifacts = artifacts
        self._cache = cache

    def preview(self, digest: str, *, start_row: int, count: int) -> ChatPreview:
        """Up to `count` conversations from `start_row` on; 0 means 5.

        Raises:
            InvalidInputError: naming the wrong field.
            NotFoundError: there is no such manifest.
            IntegrityError: what is stored is damaged.
        """
        manifest = self._artifacts.manifest(check_digest("manifest_digest", digest))
        if manifest.kind != Kind.CHAT:
            raise InvalidInputError.of("manifest_digest", f"this is {manifest.kind}, not {Kind.CHAT}")
        rows = int(manifest.meta["rows"])
        page = page_of(start_row=start_row, count=count or DEFAULT_COUNT, rows=rows)
        with self._cache.file(manifest.file(CHAT_FILE)) as path, path.open("rb") as lines:
            found = [
                conversation_of_line(line, f"line {number}")
                for number, line in enumerate(islice(lines, page.start, page.stop), start=page.start + 1)
            ]
        return ChatPreview(conversations=_bounded(found), rows=rows)


def _bounded(found: Sequence[Conversation]) -> Sequence[Conversation]:
    turns = 0
    for number, conversation in enumerate(found):
        turns += len(conversation.turns)
        if number and turns > MAX_TURNS:
            return found[:number]
    return found
