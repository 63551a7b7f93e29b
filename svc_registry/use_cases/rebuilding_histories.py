"""Imported histories put back: which versions they made was announced, what they say stands in the bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.contracts.versions import ModelRef
from shared.errors import InvalidInputError
from svc_registry.domain.documents import read_document
from svc_registry.domain.events import HistoryImported, ModelRegistered
from svc_registry.domain.history import ImportedVersion
from svc_registry.domain.imported import graph_of_imported, version_of
from svc_registry.domain.records import ModelRecord
from svc_registry.domain.training_info import TrainingInfo, parse_training_info
from svc_registry.ports import Restorer
from svc_registry.use_cases.importing import TEXT, keep_file


class ImportedAgain:
    """Versions that came with files.

    Args:
        restorer: where they are put back.
    """

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._numbered: dict[str, ModelRegistered] = {}
        self._standing: dict[str, ModelRef] = {}

    def expect(self, fact: ModelRegistered) -> None:
        """A version has its number; the file that tells of it is still to come."""
        self._numbered[fact.run_id] = fact

    def stands(self, ref: ModelRef) -> None:
        """A version of a run of ours, from which an imported one may go on."""
        self._standing[ref.run_id] = ref

    @property
    def missing(self) -> Sequence[ModelRegistered]:
        """Versions that no file told of."""
        return tuple(self._numbered.values())

    def put_back(self, fact: HistoryImported, meta: Mapping[str, object]) -> int:
        """Put a file back, with the versions that came with it; how many these were.

        Raises:
            InvalidInputError: the manifest holds no such file, or one of its versions has no number.
        """
        info, _ = parse_training_info(read_document(str(meta.get(TEXT, "")).encode()))
        numbered = len(self._numbered)
        self._versions(info)
        if info.keys[-1] in self._restorer.histories.imported(info.keys):
            keep_file(self._restorer.histories, fact, info, self._restorer.histories.file(fact.path))
        return numbered - len(self._numbered)

    def _versions(self, info: TrainingInfo) -> None:
        parent: ModelRef | None = None
        for place, key in enumerate(info.keys):
            if key in self._numbered:
                self._standing[key] = self._version(info, place, self._numbered.pop(key), parent)
            if key not in self._standing:
                raise InvalidInputError.of(f"training_history[{place}]", "no stream says which number its version has")
            parent = self._standing[key]

    def _version(self, info: TrainingInfo, place: int, fact: ModelRegistered, parent: ModelRef | None) -> ModelRef:
        made = version_of(info, place, fact.run_id, parent)
        assert fact.registered_at is not None, "the log gives each fact a time"
        record = ModelRecord(id=fact.entry_id, version=fact.version, made=made, registered_at=fact.registered_at)
        self._restorer.model(record)
        kept = ImportedVersion(run_id=fact.run_id, base_model=info.base_model, entry=info.entries[place].raw)
        self._restorer.histories.add(kept)
        self._restorer.graph(graph_of_imported(made, fact.version))
        return record.ref
