"""Where bases come from: built in, or brought as folders. Building and checking need torch, so a process does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from shared.contracts.canonical import digest_of
from shared.contracts.work import Failure
from shared.errors import InvalidInputError, UnavailableError
from shared.modeling.built_in import BUILT_IN
from svc_train.adapters.processes import Process
from svc_train.domain.bases import AvailableBase, BaseSource, Origin
from svc_train.domain.failures import FailedAttemptError, StoppedAttemptError
from svc_train.ports import PreparedBase

# What decides the bytes of a built-in base.
BUILDERS = ("upwell", "numpy", "tokenizers", "torch", "transformers")
WINDOW_S = 0.5
LOG_TAIL = 20
# For the one process that may ask the hub.
ONLINE = {"HF_HUB_OFFLINE": "0"}


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
            carried = {BUILT_IN[name].carrier: BUILT_IN[name].made_of} if name in BUILT_IN else {}
            made_of = {carrier: found for carrier, found in carried.items() if carrier}
            return digest_of({"built-in": {**{builder: version(builder) for builder in BUILDERS}, **made_of}})
        files = {path.name: path.stat() for path in folder.iterdir() if path.is_file()}
        return digest_of({path: [stat.st_size, stat.st_mtime_ns] for path, stat in files.items()})

    def prepare(self, name: str, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        """Build or check it in a process that answers with one line of JSON."""
        brought = self._folder(name)
        return self._answer(name, (str(brought or folder), *(["--brought"] if brought else [])), must_stop)

    def prepare_from(self, source: BaseSource, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        """What `prepare` does, with the place told; a base of the hub is fetched by a process that may ask it."""
        if source.origin is Origin.HUB:
            return self._answer(source.name, (str(folder), "--revision", source.revision), must_stop, **ONLINE)
        brought = self._folder(source.name) if source.origin is Origin.FOLDER else None
        if source.origin is Origin.FOLDER and brought is None:
            raise InvalidInputError.of("source", f"there is no folder {source.name!r}{self._brought_names()}")
        return self._answer(source.name, (str(brought or folder), *(["--brought"] if brought else [])), must_stop)

    def available(self) -> Sequence[AvailableBase]:
        """Folders, then built-in ones."""
        folders = [AvailableBase(name=name, origin=Origin.FOLDER) for name in self._folders()]
        built_in = [
            AvailableBase(name=name, origin=Origin.BUILT_IN, summary=base.summary, lacks=base.lacks)
            for name, base in sorted(BUILT_IN.items())
        ]
        return [*folders, *built_in]

    def _answer(
        self, name: str, arguments: Sequence[str], must_stop: Callable[[], bool], **environment: str
    ) -> PreparedBase:
        process = Process((*self._command, name, *arguments), environment={**self._environment, **environment})
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
        if "unreachable" in answer:
            raise UnavailableError(str(answer["unreachable"]))
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
        return f"; in the bases folder there is: {', '.join(self._folders()) or 'nothing'}"

    def _folders(self) -> list[str]:
        if self._bases_dir is None or not self._bases_dir.is_dir():
            return []
        return sorted(path.name for path in self._bases_dir.iterdir() if path.is_dir())
