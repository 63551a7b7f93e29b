"""The object store: any S3 through minio-py, or a local folder for tests and tools."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import InvalidResponseError, S3Error, ServerError

from shared.contracts.objects import StoredObject
from shared.errors import IntegrityError, NotFoundError, UnavailableError
from shared.runtime.settings import ServiceSettings

PART_BYTES = 8 * 2**20
CHUNK_BYTES = 2**20
MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject"}
TRANSIENT = {"InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "OperationAborted"}


class S3ObjectStore:
    """The `ObjectStore` port over S3."""

    def __init__(self, client: Minio, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def ensure_bucket(self) -> None:
        """Make the bucket when it is missing."""
        with _translated(self._bucket):
            if not self._client.bucket_exists(self._bucket):
                try:
                    self._client.make_bucket(self._bucket)
                except S3Error as error:
                    if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                        raise

    def put_file(self, key: str, path: Path) -> None:
        """Upload in parts; an object is visible only when it is whole."""
        with _translated(key):
            self._client.fput_object(self._bucket, key, str(path), part_size=PART_BYTES)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Upload bytes."""
        with _translated(key):
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))

    def get_bytes(self, key: str, *, max_bytes: int) -> bytes:
        """Read an object that is small."""
        with _translated(key):
            response = self._client.get_object(self._bucket, key)
            try:
                data: bytes = response.read(max_bytes + 1)
            finally:
                response.close()
                response.release_conn()
        if len(data) > max_bytes:
            raise IntegrityError(f"The object {key} is larger than {max_bytes} bytes")
        return data

    def get_file(self, key: str, path: Path) -> None:
        """Download through a temporary file beside the target, so that the target is whole or absent."""
        with _translated(key):
            self._client.fget_object(self._bucket, key, str(path))

    def exists(self, key: str) -> bool:
        """Whether the key holds an object."""
        try:
            with _translated(key):
                self._client.stat_object(self._bucket, key)
        except NotFoundError:
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under a prefix."""
        with _translated(prefix):
            for entry in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                yield entry.object_name

    def stat(self, key: str) -> StoredObject:
        """Ask for the headers alone."""
        with _translated(key):
            return _described(self._client.stat_object(self._bucket, key))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Objects under a prefix."""
        with _translated(prefix):
            yield from map(_described, self._client.list_objects(self._bucket, prefix=prefix, recursive=True))

    def chunks(self, key: str) -> Iterator[bytes]:
        """Read an object as it comes."""
        with _translated(key):
            response = self._client.get_object(self._bucket, key)
            try:
                yield from response.stream(CHUNK_BYTES)
            finally:
                response.close()
                response.release_conn()

    def delete(self, key: str) -> None:
        """Remove an object."""
        with _translated(key):
            self._client.remove_object(self._bucket, key)


class FolderObjectStore:
    """The `ObjectStore` port over a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def put_file(self, key: str, path: Path) -> None:
        """Copy a file under the key."""
        self.put_bytes(key, path.read_bytes())

    def put_bytes(self, key: str, data: bytes) -> None:
        """Write beside the target, then rename: readers see all or nothing."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._root, delete=False, prefix=".partial-") as partial:
            partial.write(data)
        os.replace(partial.name, target)  # noqa: PTH105

    def get_bytes(self, key: str, *, max_bytes: int) -> bytes:
        """Read an object that is small."""
        try:
            data = self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError(f"The object store has no {key}") from None
        if len(data) > max_bytes:
            raise IntegrityError(f"The object {key} is larger than {max_bytes} bytes")
        return data

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.get_bytes(key, max_bytes=2**62))

    def exists(self, key: str) -> bool:
        """Whether the key holds an object."""
        return self._path(key).is_file()

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under a prefix."""
        for path in sorted(self._root.rglob("*")):
            key = path.relative_to(self._root).as_posix()
            if path.is_file() and key.startswith(prefix) and not path.name.startswith(".partial-"):
                yield key

    def stat(self, key: str) -> StoredObject:
        """Size and time of change."""
        if not self.exists(key):
            raise NotFoundError(f"The object store has no {key}")
        found = self._path(key).stat()
        modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
        return StoredObject(key=key, size_bytes=found.st_size, modified_at=modified_at)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Objects under a prefix."""
        return map(self.stat, self.keys(prefix))

    def chunks(self, key: str) -> Iterator[bytes]:
        """Read a file piece by piece."""
        self.stat(key)
        with self._path(key).open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    def delete(self, key: str) -> None:
        """Remove a file."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / key


def object_store_for(settings: ServiceSettings) -> S3ObjectStore:
    """The object store the settings name; connects at the first call."""
    endpoint = urlsplit(settings.s3_endpoint)
    client = Minio(
        endpoint.netloc,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=endpoint.scheme == "https",
        region=settings.s3_region,
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60), retries=urllib3.Retry(total=2, backoff_factor=0.2), maxsize=16
        ),
    )
    return S3ObjectStore(client, settings.s3_bucket)


def _described(found: Object) -> StoredObject:
    assert found.object_name is not None
    assert found.size is not None
    assert found.last_modified is not None
    modified_at = found.last_modified.astimezone(UTC)
    return StoredObject(key=found.object_name, size_bytes=found.size, modified_at=modified_at)


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in MISSING:
            raise NotFoundError(f"The object store has no {key}") from error
        if error.code in TRANSIENT:
            raise UnavailableError(f"The object store cannot answer: {error.code}") from error
        raise
    except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError, ConnectionError) as error:
        raise UnavailableError(f"The object store does not answer: {type(error).__name__}") from error
