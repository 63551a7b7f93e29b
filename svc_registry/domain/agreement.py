"""Does a file agree with what the catalogue knows of the versions it speaks of?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shared.contracts.canonical import canonical_json
from shared.errors import FieldViolation
from svc_registry.domain.documents import WHOLE
from svc_registry.domain.history import HistoryFile, ImportedVersion, dataset_text
from svc_registry.domain.records import ModelRecord
from svc_registry.domain.training_info import TrainingInfo


def contradictions(
    info: TrainingInfo, keys: Sequence[str], known: Mapping[str, ModelRecord], imported: Mapping[str, ImportedVersion]
) -> Iterator[FieldViolation]:
    """What the file says otherwise of versions that are known; only entries that name their run can."""
    for place, key in enumerate(keys):
        if key not in known:
            continue
        field = f"training_history[{place}].run_id"
        record, entry = known[key], info.entries[place]
        name = f"{record.made.name}@{record.version}"
        if key in imported:
            same = canonical_json(dict(imported[key].entry)) == canonical_json(dict(entry.raw))
        else:
            said = (entry.dataset, entry.steps)
            same = said == (dataset_text(record.made.dataset), record.made.total_steps)
        if not same:
            yield FieldViolation(field, f"is the run of {name}, of which the catalogue knows something else")
        elif place and (record.made.parent is None or record.made.parent.run_id != keys[place - 1]):
            yield FieldViolation(field, f"is the run of {name}, which did not go on from the entry before")


def takes_a_place(keys: Sequence[str], standing: HistoryFile | None) -> Iterator[FieldViolation]:
    """A file may take the place of one whose history it goes on from, and of no other."""
    if standing and standing.run_id not in keys:
        yield FieldViolation(WHOLE, "another history stands under this path: import this one under another folder")
