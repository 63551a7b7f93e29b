"""The import folder: what lies under it may be read, nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

from shared.errors import InvalidInputError, NotFoundError

FIELD = "path"


def file_in_folder(folder: Path, path: str) -> Path:
    """The real path of the regular file that `path` names under `folder`.

    Raises:
        InvalidInputError: the path is absolute, has '..', leads outside through a link, or is no regular file.
        NotFoundError: there is no such file.
    """
    if not path or "\0" in path:
        raise InvalidInputError.of(FIELD, f"{path!r} is not a path")
    relative = Path(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise InvalidInputError.of(FIELD, f"{path!r} must be relative to the import folder and may not hold '..'")
    root = folder.resolve()
    try:
        real = (root / relative).resolve(strict=True)
        mode = real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {path!r} in the import folder") from None
    except (OSError, RuntimeError) as error:
        raise InvalidInputError.of(FIELD, f"{path!r} cannot be followed: {type(error).__name__}") from error
    if not real.is_relative_to(root):
        raise InvalidInputError.of(FIELD, f"{path!r} is a link that leaves the import folder")
    if not stat.S_ISREG(mode):
        raise InvalidInputError.of(FIELD, f"{path!r} is not a regular file")
    return real
