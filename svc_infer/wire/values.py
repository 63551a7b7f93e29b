"""JSON values in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError
from shared.runtime.convert import json_values, struct
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import values_pb2 as pb

MAX_INPUTS = 64


def json_inputs(request: pb.AskRequest) -> list[dict[str, Any]]:
    """The inputs of a call; InvalidInputError names the one that is wrong."""
    if not 1 <= len(request.inputs) <= MAX_INPUTS:
        raise InvalidInputError.of("inputs", f"{len(request.inputs)} were sent; send 1 to {MAX_INPUTS}")
    values = []
    for number, message in enumerate(request.inputs):
        try:
            values.append(json_values(message))
        except ValueError as error:
            raise InvalidInputError.of(f"inputs[{number}]", f"is no JSON: {error}") from error
    return values


def ask_response(version: ModelVersion, answers: Sequence[Mapping[str, Any]]) -> pb.AskResponse:
    """The answers, with the version that spoke."""
    return pb.AskResponse(model=model_ref(version), answers=[struct(answer) for answer in answers])
