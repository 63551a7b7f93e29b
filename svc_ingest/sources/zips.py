"""What every source asks of a zip before it reads a byte of it, and how one that is damaged shows."""

from __future__ import annotations

import zlib
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from shared.errors import InvalidInputError

# What the library raises while a damaged or an odd zip is opened and unpacked.
DAMAGED = (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error)
# Other ways to compress fail in ways of their own when the bytes are damaged.
PLAIN = (ZIP_STORED, ZIP_DEFLATED)
ENCRYPTED = 1
# Deflate makes nothing real so much smaller (text some twentyfold); fields of zeros come near 1000.
MOST_EXPANSION = 200
SLACK_BYTES = 64 * 2**20


def check_zip(archive: ZipFile, size_bytes: int, *, most_entries: int) -> None:
    """Refuse a zip of too many files, and one that unpacks to far more than it is.

    Args:
        archive: open.
        size_bytes: its length as it came.
        most_entries: files and folders it may have.

    Raises:
        InvalidInputError: it is such a zip, encrypted, or packed in an unusual way.
    """
    entries = archive.infolist()
    if len(entries) > most_entries:
        raise InvalidInputError.of("file", f"the zip has {len(entries)} entries; at most {most_entries}")
    check_packing(archive)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_EXPANSION * size_bytes + SLACK_BYTES:
        reason = f"the zip of {size_bytes} bytes unpacks to {unpacked}, over {MOST_EXPANSION} times as much: refused"
        raise InvalidInputError.of("file", reason)


def check_packing(archive: ZipFile) -> None:
    """InvalidInputError when a member is encrypted, or packed in an unusual way."""
    for member in archive.infolist():
        if member.flag_bits & ENCRYPTED:
            raise InvalidInputError.of("file", f"{member.filename} is encrypted: send the zip without a password")
        if member.compress_type not in PLAIN:
            reason = f"{member.filename} is packed by an unusual method: zip it by deflate, or store it"
            raise InvalidInputError.of("file", reason)
