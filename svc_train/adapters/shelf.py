"""Where bases come from: built in, or brought as folders. Building and checking need torch, so a process does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from shared.contracts.canonical import digest_of
from shared.contracts.work import Failure
from shared.errors import InvalidInputError
from svc_train.adapters.processes import Process
from svc_train.domain.failures import FailedAttemptError, StoppedAttemptError
from svc_train.ports import PreparedBase

# What decides the bytes of a built-in base.
BUILDERS = ("upwell", "numpy", "tokenizers", "torch", "transformers")
WINDOW_S = 0.5
LOG_TAIL = 20


class ProcessShelf:
    """The `BaseShelf` port.

    Args:
        bases_dir: folder whose sub-folders are bases; they come before built-in ones of the same name.
        command: builds or checks one, see `prepare_base`.
        environment: of that process.
    """

    def __init__(self, bases_dir: Path | None, *, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._bases_dir = bases_dir
        self._command = tuple(command)
        self._environment = environment

    def fingerprint(self, name: str) -> str:
        """Of a folder: its files' names, sizes and times of change. Of a built-in base: the builders' versions."""
        folder = self._folder(name)
        if folder is None:
            return digest_of({"built-in": {builder: version(builder) for builder in BUILDERS}})
        files = {path.name: path.stat() for path in folder.iterdir() if path.is_file()}
        return digest_of({path: [stat.st_size, stat.st_mtime_ns] for path, stat in files.items()})

    def prepare(self, name: str, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        """Build or check it in a process that answers with one line of JSON."""
        brought = self._folder(name)
        arguments = (name, str(brought or folder), *(["--brought"] if brought else []))
        process = Process((*self._command, *arguments), environment=self._environment)
        answer, log = "", list[str]()
        try:
            while not process.ended:
                if must_stop():
                    raise StoppedAttemptError
                for line in process.read(WINDOW_S):
                    if line.is_output:
                        answer = line.text
                    else:
                        log = [*log[1 - LOG_TAIL :], line.text]
            code = process.exit_code()
        finally:
            process.stop()
        if code != 0:
            reason = f"Preparing the base {name!r} ended with exit code {code} and gave no reason"
            raise FailedAttemptError(Failure(cause="crashed", reason=reason, evidence=tuple(log)))
        return self._prepared(json.loads(answer))

    def _prepared(self, answer: Mapping[str, object]) -> PreparedBase:
        if "refused" in answer:
            raise InvalidInputError.of("base", f"{answer['refused']}{self._brought_names()}")
        files, meta = answer["files"], answer["meta"]
        assert isinstance(files, dict), "see prepare_base"
        assert isinstance(meta, dict), "see prepare_base"
        return PreparedBase(files={path: Path(source) for path, source in files.items()}, meta=meta)

    def _folder(self, name: str) -> Path | None:
        folder = self._bases_dir / name if self._bases_dir else None
        return folder.absolute() if folder and folder.is_dir() else None

    def _brought_names(self) -> str:
        if self._bases_dir is None or not self._bases_dir.is_dir():
            return "; no folder of bases is configured (UPWELL_BASES_DIR)"
        names = sorted(path.name for path in self._bases_dir.iterdir() if path.is_dir())
        return f"; in the bases folder there is: {', '.join(names) or 'nothing'}"
