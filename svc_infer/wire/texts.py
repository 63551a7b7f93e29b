"""Conversations in, replies out."""

from __future__ import annotations

from shared.contracts.versions import ModelVersion
from svc_infer.domain.texts import TextQuestion, TextReply, question_of
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import text_pb2 as pb

FINISHES = {"stop": pb.FINISH_STOP, "length": pb.FINISH_LENGTH}


def text_question(request: pb.GenerateRequest) -> TextQuestion:
    """The conversation of a call; InvalidInputError names the field that is wrong."""
    messages = tuple({"role": one.role, "content": one.content} for one in request.messages)
    attachments = [(one.mark, one.npz) for one in request.attachments]
    return question_of(messages, request.max_new_tokens, attachments)


def generate_response(version: ModelVersion, reply: TextReply) -> pb.GenerateResponse:
    """The reply, with the version that spoke."""
    return pb.GenerateResponse(
        model=model_ref(version),
        text=reply.text,
        finish=FINISHES[reply.finish],
        tokens=reply.tokens,
        prompt_tokens=reply.prompt_tokens,
    )


def piece(version: ModelVersion, text: str) -> pb.GenerateStreamResponse:
    """A piece of a reply."""
    return pb.GenerateStreamResponse(model=model_ref(version), text=text)


def end(version: ModelVersion, reply: TextReply) -> pb.GenerateStreamResponse:
    """The last message of a reply that was said piece by piece."""
    return pb.GenerateStreamResponse(
        model=model_ref(version),
        finish=FINISHES[reply.finish],
        tokens=reply.tokens,
        prompt_tokens=reply.prompt_tokens,
    )
