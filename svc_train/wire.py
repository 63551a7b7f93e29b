"""Between the values of svc_train and protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from google.protobuf.message import Message

from shared.contracts.versions import BaseVersion
from shared.runtime.convert import STATES, dataset_ref, doubles, duration, failure_message, model_ref, struct, timestamp
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.domain.events import BaseProduced, RunCancelled, RunCompleted, RunFailed, RunStarted, TrainEvent
from svc_train.domain.request import RunRequest
from svc_train.domain.run import Run, RunProgress, StepMetric
from svc_train.recipes.base import Recipe
from svc_train.recipes.hyperparameters import describe
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import events_pb2 as registry
from upwell.train.v1 import events_pb2 as events
from upwell.train.v1 import metrics_pb2 as metrics
from upwell.train.v1 import train_service_pb2 as pb


def to_message(event: TrainEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case BaseProduced():
            base = event.base
            return registry.BaseProduced(name=base.name, manifest_digest=base.digest), f"{base.name}/{base.digest}"
        case RunStarted():
            return _started(event), f"{event.run_id}/{event.attempt}"
        case RunCompleted():
            return _completed(event), event.run_id
        case RunFailed():
            failed = events.TrainFailed(
                run_id=event.run_id,
                attempt=event.attempt,
                recipe=event.recipe,
                model=event.model,
                failure=failure_message(event.failure),
            )
            # A request may be refused again under its id, for another reason.
            return failed, f"{event.run_id}/{event.attempt}/{event.failure.reason}"
        case RunCancelled():
            cancelled = events.TrainCancelled(run_id=event.run_id, cancelled_by=event.cancelled_by)
            return cancelled, f"{event.run_id}/{event.cancelled_at.isoformat()}"


def _started(event: RunStarted) -> events.TrainStarted:
    return events.TrainStarted(
        run_id=event.run_id,
        attempt=event.attempt,
        recipe=event.recipe,
        model=event.model,
        dataset=dataset_ref(event.dataset),
        base=_base_ref(event.base),
    )


def _completed(event: RunCompleted) -> events.TrainCompleted:
    return events.TrainCompleted(
        run_id=event.run_id,
        attempt=event.attempt,
        recipe=event.recipe,
        model=event.model,
        bundle_digest=event.bundle_digest,
        dataset=dataset_ref(event.dataset),
        base=_base_ref(event.base),
        metrics=dict(event.metrics),
        hyperparameters=struct(event.hyperparameters),
        stage=event.stage,
        started_at=timestamp(event.started_at),
        finished_at=timestamp(event.finished_at),
        environment=dict(event.environment),
        parent=model_ref(event.parent),
        total_steps=event.total_steps,
        epochs=event.epochs,
        tokens=event.tokens,
        wall_time=duration(event.wall_s),
        device_time=duration(event.device_s),
        peak_memory_bytes=event.peak_memory_bytes,
    )


def run_request(message: events.TrainRequested) -> RunRequest:
    """What was asked for, unchecked."""
    return RunRequest(
        recipe=message.recipe,
        dataset=message.dataset,
        model=message.model,
        base=message.base,
        stage=message.stage,
        parent=message.parent,
        parent_run=message.parent_run,
        hyperparameters=doubles(message.hyperparameters),
    )


def run_message(run: Run) -> pb.Run:
    """A run for the caller."""
    work, request = run.work, run.request
    return pb.Run(
        run_id=work.id,
        request=events.TrainRequested(
            run_id=work.id,
            recipe=request.recipe,
            dataset=request.dataset,
            model=request.model,
            base=request.base,
            stage=request.stage,
            parent=request.parent,
            parent_run=request.parent_run,
            hyperparameters=struct(request.hyperparameters),
        ),
        state=STATES[work.state],
        attempt=work.attempt,
        progress=progress_message(run.progress) if run.progress else None,
        metrics=work.result.get("metrics", {}),
        bundle_digest=work.result.get("bundle_digest", ""),
        failure=failure_message(work.failure),
        waiting_for=work.waiting_for,
        created_at=timestamp(work.created_at),
        finished_at=timestamp(work.finished_at),
        queue_position=run.queue_position,
        checkpoint=_checkpoint_message(run.checkpoint),
        retried_with=struct(run.notes.retried_with) if run.notes.retried_with else None,
        last_failure=failure_message(run.notes.last_failure),
    )


def _checkpoint_message(checkpoint: SavedCheckpoint | None) -> pb.Checkpoint | None:
    if checkpoint is None:
        return None
    return pb.Checkpoint(
        step=checkpoint.step,
        attempt=checkpoint.attempt,
        size_bytes=checkpoint.size_bytes,
        saved_at=timestamp(checkpoint.saved_at),
    )


def metric_message(metric: StepMetric) -> metrics.StepMetric:
    """One number of a run."""
    return metrics.StepMetric(
        step=metric.step,
        name=metric.name,
        value=metric.value,
        attempt=metric.attempt,
        recorded_at=timestamp(metric.recorded_at),
    )


def progress_message(report: RunProgress) -> events.TrainProgress:
    """The progress of an attempt."""
    progress = report.progress
    return events.TrainProgress(
        run_id=report.run_id,
        attempt=report.attempt,
        step=progress.step,
        total_steps=progress.total_steps,
        loss=progress.loss,
        learning_rate=progress.learning_rate,
        tokens_per_second=progress.tokens_per_s,
        metrics=dict(progress.metrics),
        eta=duration(progress.eta_s),
    )


def recipe_message(recipe: Recipe) -> pb.Recipe:
    """A recipe for the caller: each hyperparameter with its default, type, help, and what is allowed."""
    described = {
        one.name: {"default": one.default, "type": one.type, **_said(asdict(one.rule))}
        for one in describe(recipe.config_type)
    }
    return pb.Recipe(
        name=recipe.name,
        summary=recipe.summary,
        dataset_kinds=recipe.dataset_kinds,
        hyperparameters=struct(described),
        default_base=recipe.default_base,
        parent_families=recipe.parent_families,
    )


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in rule.items() if value not in (None, "", ())}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def _base_ref(base: BaseVersion) -> common.BaseRef | None:
    return common.BaseRef(name=base.name, digest=base.digest) if base.digest else None
