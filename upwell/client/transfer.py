"""Bytes to and from the object store by signed addresses: streamed, verified, and whole or absent."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Self, TypeVar, cast

import urllib3

from upwell.errors import ToolError

T = TypeVar("T")
CHUNK_BYTES = 2**20
FILES_AT_ONCE = 4
ATTEMPTS = 4
FIRST_DELAY_S = 0.2
TIMEOUT = urllib3.Timeout(connect=10, read=60)
# Called with the number of bytes that have gone through since the last call, from several threads; less than 0 takes
# bytes back that have to go again.
Progress = Callable[[int], None]


class ExpiredError(ToolError):
    """The address is of no use any more: ask for another one."""


class Transfer:
    """One pool of connections.

    Args:
        ca: PEM file of further roots to trust; None trusts the system's alone.
    """

    def __init__(self, ca: Path | None = None) -> None:
        context = ssl.create_default_context()
        if ca is not None:
            context.load_verify_locations(ca)
        self._ended = threading.Event()
        self._pool = urllib3.PoolManager(
            timeout=TIMEOUT, retries=False, maxsize=FILES_AT_ONCE, blocksize=CHUNK_BYTES, ssl_context=context
        )

    def end(self) -> None:
        """Close; transfers that still run in other threads fail at their next chunk."""
        self._ended.set()
        self._pool.clear()

    def read(self, url: str, *, max_bytes: int) -> bytes:
        """A small object; ToolError when it is larger, or cannot be had."""
        for attempt in _attempts():
            with attempt, self._get(url, 0) as response:
                data = response.read(max_bytes + 1)
                if len(data) > max_bytes:
                    raise ToolError(f"The object store sent more than {max_bytes} bytes.")
                return data
        raise AssertionError("the last attempt raises")

    def download(
        self, url: str, path: Path, *, sha256: str, size_bytes: int, partial: Path, progress: Progress
    ) -> None:
        """A blob into a file; what was half done before is gone on with.

        Args:
            url: where from.
            path: the file; it appears when it is whole.
            sha256: of its bytes.
            size_bytes: their number.
            partial: where the bytes lie until then.
            progress: told of each chunk.

        Raises:
            ExpiredError: the address is too old.
            ToolError: the object store does not answer, or sends other bytes.
        """
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.touch()
            found = ""
            for attempt in _attempts():
                with attempt:
                    found = self._go_on(url, partial, size_bytes, self._goes_on(progress))
                    break
            self._put_in_place(partial, path, is_whole=found == sha256)
        except OSError as error:
            raise ToolError(f"{path} cannot be written: {error.strerror}.") from error

    def _put_in_place(self, partial: Path, path: Path, *, is_whole: bool) -> None:
        if not is_whole:
            partial.unlink()
            raise ToolError(
                f"{path.name} is damaged in the object store: `upwell verify` tells which versions have it."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(path)

    def upload(self, url: str, path: Path, *, headers: Mapping[str, str], size_bytes: int, progress: Progress) -> None:
        """A file in one PUT; raises as `download` does, and ToolError when the file has changed meanwhile."""
        sent = {**headers, "Content-Length": str(size_bytes)}
        try:
            for attempt in _attempts():
                with attempt, path.open("rb") as file, _Tally(self._goes_on(progress)) as tally:
                    body = cast("IO[bytes]", _Body(file, tally))
                    response = self._pool.request("PUT", url, body=body, headers=sent, redirect=False)
                    if response.status == 400:
                        raise ToolError(f"{path} has changed while it was uploaded: try again.")
                    _check(response.status)
                    tally.keep()
                    return
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}.") from error

    def _go_on(self, url: str, partial: Path, size_bytes: int, progress: Progress) -> str:
        """Fetch what is missing; the digest of all bytes, which are hashed as they come."""
        have = partial.stat().st_size
        if have > size_bytes:
            partial.write_bytes(b"")
            have = 0
        with _Tally(progress) as tally, partial.open("r+b") as file:
            digest = hashlib.file_digest(file, "sha256")  # of what is there, up to its end
            tally.add(have)
            if have < size_bytes:
                with self._get(url, have) as response:
                    for chunk in response.stream(CHUNK_BYTES):
                        digest.update(chunk)
                        file.write(chunk)
                        tally.add(len(chunk))
            if tally.count != size_bytes:
                raise urllib3.exceptions.ProtocolError(f"{tally.count} of {size_bytes} bytes came")
            tally.keep()
            return digest.hexdigest()

    def _goes_on(self, progress: Progress) -> Progress:
        def told(count: int) -> None:
            if self._ended.is_set() and count > 0:
                raise ToolError("The transfer was broken off.")
            progress(count)

        return told

    @contextmanager
    def _get(self, url: str, start: int) -> Iterator[urllib3.BaseHTTPResponse]:
        headers = {"Range": f"bytes={start}-"} if start else {}
        response = self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        try:
            _check(response.status)
            if start and response.status != 206:
                raise ToolError("The object store does not go on where a download broke off.")
            yield response
        finally:
            response.close()
            response.release_conn()


class _Tally:
    """Counts bytes that go through, and takes them back unless they are kept: another attempt counts them again."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._kept = False
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self._progress(-self.count)

    def add(self, count: int) -> None:
        self._progress(count)
        self.count += count

    def keep(self) -> None:
        self._kept = True


class _Body:
    """A file as the body of a request, counted as it is read."""

    def __init__(self, file: BinaryIO, tally: _Tally) -> None:
        self._file = file
        self._tally = tally

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._tally.add(len(chunk))
        return chunk


def _check(status: int) -> None:
    if status == 403:
        raise ExpiredError("The object store refuses the address: it is too old, or was signed for another host.")
    if status == 404:
        raise ToolError("The object store does not have the file: `upwell verify` tells which versions lack one.")
    if status >= 500 or status == 429:
        raise urllib3.exceptions.HTTPError(f"it answers {status}")
    if status >= 300:
        raise ToolError(f"The object store answers {status}.")


def _attempts() -> Iterator[_Attempt]:
    for number in range(ATTEMPTS):
        yield _Attempt(is_last=number == ATTEMPTS - 1, delay_s=FIRST_DELAY_S * 3**number)


class _Attempt:
    """Swallows what may pass by itself, after a pause; the last one does not."""

    def __init__(self, *, is_last: bool, delay_s: float) -> None:
        self._is_last = is_last
        self._delay_s = delay_s

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, urllib3.exceptions.HTTPError | ConnectionError):
            return False
        if self._is_last:
            raise ToolError(f"The object store does not answer: {error}.") from error
        time.sleep(self._delay_s)
        return True


async def some_at_once(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Do the work for each item, a few at a time; the first error ends it all."""
    slots = asyncio.Semaphore(FILES_AT_ONCE)

    async def one(item: T) -> None:
        async with slots:
            await work(item)

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
