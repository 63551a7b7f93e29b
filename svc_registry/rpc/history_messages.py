"""Between histories and protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from shared.contracts.versions import ModelRef
from shared.errors import FieldViolation
from shared.runtime.convert import model_ref, struct, timestamp
from svc_registry.domain.comparison import Comparison
from svc_registry.domain.history import Chain, ImportResult, ModelSummary, dataset_text, to_text
from svc_registry.domain.records import ModelRecord
from svc_registry.wire.versions import model_message
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import history_service_pb2 as pb


def history_message(chain: Chain, document: Mapping[str, Any]) -> pb.GetHistoryResponse:
    """A chain for the caller."""
    last = chain.last.made
    kept = chain.imported.get(last.run_id)
    return pb.GetHistoryResponse(
        entries=[_entry(chain, record, total) for record, total in chain.with_total_steps()],
        training_info=to_text(document),
        base=common.BaseRef(name=chain.base_model, digest=chain.records[0].made.base.digest),
        unknown_parent=model_ref(chain.unknown_parent),
        checkpoint=kept.checkpoint if kept else "",
        checkpoint_digest=kept.checkpoint_digest if kept else last.bundle_digest,
    )


def _entry(chain: Chain, record: ModelRecord, total_steps: int) -> pb.HistoryEntry:
    made = record.made
    return pb.HistoryEntry(
        model=model_ref(ModelRef(name=made.name, version=record.version, run_id=made.run_id)),
        stage=made.stage,
        recipe=made.recipe,
        dataset=dataset_text(made.dataset),
        steps=made.total_steps,
        total_steps=total_steps,
        epochs=made.epochs,
        metrics=dict(made.metrics),
        hyperparameters=struct(made.hyperparameters),
        started_at=timestamp(made.started_at),
        finished_at=timestamp(made.finished_at),
        imported=made.run_id in chain.imported,
    )


def summary_message(summary: ModelSummary) -> pb.ModelHistory:
    """A model's summary for the caller."""
    return pb.ModelHistory(
        model=summary.model,
        version_count=summary.version_count,
        newest_version=summary.newest_version,
        stages=summary.stages,
        total_steps=summary.total_steps,
        datasets=summary.datasets,
        last_updated=timestamp(summary.last_updated),
        imported_count=summary.imported_count,
    )


def imported_message(result: ImportResult) -> pb.ImportedFile:
    """What became of a file, for the caller."""
    return pb.ImportedFile(
        path=result.path,
        outcome=_outcome(result),
        model=model_ref(result.model),
        new_versions=result.new_versions,
        wrong=_remarks(result.wrong),
        remarks=_remarks(result.remarks),
        checkpoint_missing=result.checkpoint_missing,
    )


def _outcome(result: ImportResult) -> pb.ImportOutcome.ValueType:
    if result.wrong:
        return pb.IMPORT_OUTCOME_REFUSED
    if result.is_new:
        return pb.IMPORT_OUTCOME_NEW
    return pb.IMPORT_OUTCOME_CHANGED if result.is_changed else pb.IMPORT_OUTCOME_UNCHANGED


def _remarks(violations: Sequence[FieldViolation]) -> list[pb.FieldRemark]:
    return [pb.FieldRemark(field=each.field, reason=each.reason) for each in violations]


def comparison_message(comparison: Comparison) -> pb.CompareModelsResponse:
    """Versions beside each other, for the caller."""
    return pb.CompareModelsResponse(
        models=[model_message(record) for record in comparison.records],
        facts=[
            pb.ComparedFact(group=fact.group, name=fact.name, values=_values(fact.values), differs=fact.differs)
            for fact in comparison.facts
        ],
        lineage=[
            pb.LineageDifference(key=each.node.key, type=each.node.type, label=each.node.label, present=each.present)
            for each in comparison.lineage
        ],
        steps_before=comparison.steps_before,
    )


def _values(values: Sequence[Any]) -> struct_pb2.ListValue:
    message = struct_pb2.ListValue()
    message.extend(list(values))
    return message
