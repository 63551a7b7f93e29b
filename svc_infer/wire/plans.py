"""Tasks and states in, plans out."""

from __future__ import annotations

import numpy as np

from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError
from shared.planning.values import RESOURCES, Choice, PlanAnswer, PlanInput
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import plan_pb2 as pb

MAX_TASK_BYTES = 16 * 1024
MAX_TIMES = 4096


def plan_input(request: pb.PlanRequest) -> PlanInput:
    """The task and the state of a call; InvalidInputError names the field that is wrong."""
    size = len(request.task.encode())
    if size > MAX_TASK_BYTES:
        raise InvalidInputError.of("task", f"it has {size} bytes; send at most {MAX_TASK_BYTES} (16 KiB)")
    if not 1 <= len(request.used) <= MAX_TIMES:
        raise InvalidInputError.of("used", f"{len(request.used)} times were sent; send 1 to {MAX_TIMES}")
    used = np.array([[getattr(use, name) for name in RESOURCES] for use in request.used], dtype=np.float32)
    return PlanInput(id="", task=request.task, used=used)


def plan_response(version: ModelVersion, answer: PlanAnswer) -> pb.PlanResponse:
    """The plan, with the version that spoke."""
    return pb.PlanResponse(
        model=model_ref(version),
        choice=_choice(answer.choice),
        runner_up=_choice(answer.runner_up) if answer.runner_up else None,
        feasible=answer.feasible,
    )


def _choice(choice: Choice) -> pb.PlanChoice:
    return pb.PlanChoice(
        tool_id=choice.tool_id,
        config_id=choice.config_id,
        tool=choice.tool,
        configuration=choice.configuration,
        confidence=choice.confidence,
    )
