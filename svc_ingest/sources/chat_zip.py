"""Conversations that come with fields: a `.zip` of `geoformer_sft.json` and `features/*.npz`."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Self

from shared.contracts.chat import FEATURE_PATH, SHAREGPT_FILE, Conversation, check_marks
from shared.errors import InvalidInputError
from shared.fields.samples import FieldSample, read_sample
from svc_ingest.sources.zips import DAMAGED, check_zip

MOST_ENTRIES = 1_000_000


class ChatZip:
    """Gives out the conversations' file, and the features that they name.

    Args:
        packed: the open archive.
        folder: where the version's files go.
    """

    def __init__(self, packed: zipfile.ZipFile, folder: Path) -> None:
        self._packed = packed
        self._folder = folder
        self._members = frozenset(member.filename for member in packed.infolist() if not member.is_dir())
        self._prefix = _prefix(self._members)
        self._first: FieldSample | None = None
        self.files: dict[str, Path] = {}

    @classmethod
    @contextmanager
    def open(cls, path: Path, folder: Path) -> Iterator[Self]:
        """Open an archive; InvalidInputError when it is none, a bomb, or without `geoformer_sft.json`."""
        try:
            with zipfile.ZipFile(path) as packed:
                check_zip(packed, path.stat().st_size, most_entries=MOST_ENTRIES)
                yield cls(packed, folder)
        except DAMAGED as error:
            raise InvalidInputError.of("file", f"is no .zip file, or a damaged one: {error}") from error

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the fields."""
        return self._first.channels if self._first else ()

    @contextmanager
    def conversations_file(self) -> Iterator[Path]:
        """`geoformer_sft.json` on the disk for a while."""
        path = self._folder / SHAREGPT_FILE
        self._unpack(SHAREGPT_FILE, path)
        try:
            yield path
        finally:
            path.unlink()

    def take(self, conversation: Conversation, place: str) -> None:
        """Unpack and check the features of a conversation; InvalidInputError names the sample and the file."""
        check_marks(conversation, place)
        for path in conversation.features:
            if path in self.files:
                raise InvalidInputError.of("file", f"{place}: {path} is named twice; each mark has a file of its own")
            if f"{self._prefix}{path}" not in self._members:
                raise InvalidInputError.of("file", f"{place}: {path} is not in the archive")
            target = self._folder / path
            target.parent.mkdir(exist_ok=True)
            self._unpack(path, target)
            self.files[path] = target
            self._check(read_sample(target, f"{place}: {path}"), f"{place}: {path}")

    def check_all_taken(self) -> None:
        """InvalidInputError when a feature belongs to no conversation."""
        names = (name.removeprefix(self._prefix) for name in self._members)
        left = sorted(name for name in names if FEATURE_PATH.fullmatch(name) and name not in self.files)
        if left:
            raise InvalidInputError.of("file", f"{left[0]} belongs to no conversation of {SHAREGPT_FILE}")

    def _check(self, sample: FieldSample, place: str) -> None:
        if self._first is None:
            self._first = sample
        elif sample.grid != self._first.grid:
            shapes = [f"{'/'.join(one.channels)} {len(one.lat)} x {len(one.lon)}" for one in (sample, self._first)]
            reason = f"has the channels and grid {shapes[0]}, the first sample {shapes[1]}; all must have the same"
            raise InvalidInputError.of("file", f"{place}: {reason}")

    def _unpack(self, name: str, target: Path) -> None:
        with self._packed.open(f"{self._prefix}{name}") as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)


def _prefix(members: Collection[str]) -> str:
    """The folder within the archive; empty when the files lie at its top."""
    found = [name for name in members if PurePosixPath(name).name == SHAREGPT_FILE]
    if len(found) != 1:
        had = "several" if found else f"none, but {', '.join(sorted(members)[:3]) or 'nothing'}"
        raise InvalidInputError.of("file", f"must hold one {SHAREGPT_FILE} with features/*.npz beside it; it has {had}")
    return found[0].removesuffix(SHAREGPT_FILE)
