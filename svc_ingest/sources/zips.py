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


def check_packing(archive: ZipFile) -> None:
    """InvalidInputError when a member is encrypted, or packed in an unusual way."""
    for member in archive.infolist():
        if member.flag_bits & ENCRYPTED:
            raise InvalidInputError.of("file", f"{member.filename} is encrypted: send the zip without a password")
        if member.compress_type not in PLAIN:
            reason = f"{member.filename} is packed by an unusual method: zip it by deflate, or store it"
            raise InvalidInputError.of("file", reason)
