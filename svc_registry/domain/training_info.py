"""`training_info.json`: how a model came about, stage by stage, as tools of several makers write it.

What is wrong is named by its path; what is merely odd is a remark and hinders nothing. Fields that are not known here
are allowed and kept. Times that name no zone are taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.canonical import canonical_json
from shared.contracts.ids import ID, derived_id
from shared.contracts.names import NAME, RULE
from shared.errors import FieldViolation
from svc_registry.domain.documents import raise_if
from svc_registry.domain.fields import Fields

MAX_ENTRIES = 1000
NOT_IN_NAMES = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One training of the history, the oldest first; `raw` is the object as it was written.

    `run_id` is empty unless the entry names its run, as our own exports do. `epochs` is 0 where none were counted.
    """

    dataset: str
    steps: int
    epochs: float
    metrics: Mapping[str, float]
    hyperparameters: Mapping[str, Any]
    started_at: datetime | None
    finished_at: datetime | None
    run_id: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInfo:
    """A file: model and stage are those of the last entry. `document` is the whole as it was written."""

    model: str
    stage: str
    final_checkpoint: str
    base_model: str
    entries: tuple[Entry, ...]
    document: Mapping[str, Any]

    @property
    def total_steps(self) -> int:
        """Steps of all entries."""
        return sum(entry.steps for entry in self.entries)

    @property
    def keys(self) -> tuple[str, ...]:
        """The run id of each entry's version: its own, else one derived from the base and all entries up to it."""
        keys: list[str] = []
        for entry in self.entries:
            before = keys[-1] if keys else f"base {self.base_model}"
            derived = derived_id("history", before, canonical_json(dict(entry.raw)).decode())
            keys.append(entry.run_id or derived)
        return tuple(keys)


def parse_training_info(document: Any) -> tuple[TrainingInfo, Sequence[FieldViolation]]:
    """The file's meaning, and remarks on what is odd in it.

    Raises:
        InvalidInputError: names every wrong field by its path, with what is allowed.
    """
    wrong: list[FieldViolation] = []
    fields = Fields(document, path="", wrong=wrong)
    entries = fields.objects("training_history", at_most=MAX_ENTRIES)
    info = TrainingInfo(
        model=_model_name(fields),
        stage=_stage(fields),
        final_checkpoint=fields.text("final_checkpoint"),
        base_model=fields.text("base_model"),
        entries=tuple(_entry(entry) for entry in entries),
        document=fields.raw,
    )
    fields.count("total_steps")
    fields.moment("created_at")
    fields.moment("last_updated")
    fields.text("last_dataset")
    _note_twins(fields, info)
    raise_if(wrong)
    return info, tuple(_remarks(info))


def _model_name(fields: Fields) -> str:
    """The name to register under: what a name may not hold becomes '-'; the document keeps what was written."""
    written = fields.text("model_name", required=True)
    name = NOT_IN_NAMES.sub("-", written).strip("-._")
    if written and not NAME.fullmatch(name):
        fields.note("model_name", f"{written!r} makes no name: use {RULE}")
    return name


def _stage(fields: Fields) -> str:
    value = fields.raw.get("stage")
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole else fields.text("stage")


def _entry(fields: Fields) -> Entry:
    entry = Entry(
        dataset=fields.text("dataset", required=True),
        steps=fields.count("steps", required=True) or 0,
        epochs=fields.number("epochs") or 0.0,
        metrics=dict(_numbers("", fields.mapping("metrics"))),
        hyperparameters=fields.mapping("hyperparams"),
        started_at=fields.moment("start_time"),
        finished_at=fields.moment("end_time"),
        run_id=_run_id(fields),
        raw=fields.raw,
    )
    if entry.started_at and entry.finished_at and entry.finished_at < entry.started_at:
        start, end = fields.raw["start_time"], fields.raw["end_time"]
        if _names_zone(start) == _names_zone(end):  # else one of them may be a local time
            fields.note("end_time", f"{end!r} is before start_time {start!r}")
    return entry


def _run_id(fields: Fields) -> str:
    run_id = fields.text("run_id")
    if run_id and not ID.fullmatch(run_id):
        fields.note("run_id", f"{run_id!r} is not an id: use 1 to 100 of A-Z a-z 0-9 . _ -")
        return ""
    return run_id


def _numbers(prefix: str, metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Metrics that are numbers, nested ones as `eval.f1`; what is no number stays in the document alone."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _numbers(f"{prefix}{name}.", value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _note_twins(fields: Fields, info: TrainingInfo) -> None:
    first: dict[str, int] = {}
    for place, entry in enumerate(info.entries):
        if entry.run_id and first.setdefault(entry.run_id, place) != place:
            fields.note(f"training_history[{place}].run_id", f"is that of training_history[{first[entry.run_id]}]")


def _remarks(info: TrainingInfo) -> Iterator[FieldViolation]:
    """What is odd: the file's own figures do not agree with its history. The history decides."""
    said = info.document.get("total_steps")
    if said is not None and said != info.total_steps:
        yield FieldViolation("total_steps", f"says {said:g}; the steps of the history add up to {info.total_steps}")
    last = info.document.get("last_dataset")
    if last and last != info.entries[-1].dataset:
        yield FieldViolation("last_dataset", f"says {last!r}; the last entry's is {info.entries[-1].dataset!r}")
    if not info.base_model:
        yield FieldViolation("base_model", "is not given: the base stays unknown")


def _names_zone(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None
