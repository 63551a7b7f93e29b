"""Generate and GenerateStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from shared.contracts.interfaces import Interface
from svc_infer.domain.callers import Caller
from svc_infer.domain.interfaces import wrong_call
from svc_infer.domain.texts import TextReply
from svc_infer.ports import TextModel
from svc_infer.rpc.calls import Calls
from svc_infer.wire import texts as wire
from upwell.infer.v1 import text_pb2 as pb


class TextCalls(Calls):
    """Conversations."""

    async def Generate(self, request: pb.GenerateRequest, context: Any) -> pb.GenerateResponse:
        """Answer a conversation."""
        question = wire.text_question(request)
        async with self._caller(context) as caller:
            model = await self._text_model(request.model)

            def converse() -> TextReply:
                return model.converse(question, say=lambda _: None, must_stop=caller.is_gone)

            reply = await self._answer(model, converse, caller)
        return wire.generate_response(model.version, reply)

    async def GenerateStream(
        self, request: pb.GenerateStreamRequest, context: Any
    ) -> AsyncIterator[pb.GenerateStreamResponse]:
        """Answer a conversation piece by piece."""
        question = wire.text_question(request.request)
        caller = Caller(deadline=self._deadline(context))
        # However the call ends, also between two pieces: the model must not go on for nobody.
        context.add_done_callback(lambda _: caller.leave())
        pieces = _Pieces(caller)
        try:
            async with asyncio.timeout_at(caller.deadline):
                model = await self._text_model(request.request.model)

            def converse() -> TextReply:
                return model.converse(question, say=pieces.say, must_stop=caller.is_gone)

            answering = asyncio.ensure_future(self._answer(model, converse, caller))
            answering.add_done_callback(pieces.end)
            async for text in pieces:
                yield wire.piece(model.version, text)
            yield wire.end(model.version, await answering)
        except TimeoutError:
            await self._too_late(context)
        finally:
            caller.leave()

    async def _text_model(self, name: str) -> TextModel:
        model = await self._model(name)
        if not isinstance(model, TextModel):
            raise wrong_call(model.version, answers=model.interface, asked=Interface.TEXT)
        return model


class _Pieces:
    """What the model's thread says, on the loop; TimeoutError when the caller's deadline passes first."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._loop = asyncio.get_running_loop()
        # Bounded by the longest answer there may be.
        self._said: asyncio.Queue[str | None] = asyncio.Queue()

    def say(self, piece: str) -> None:
        """From the model's thread."""
        self._loop.call_soon_threadsafe(self._said.put_nowait, piece)

    def end(self, answering: asyncio.Future[TextReply]) -> None:
        """Nothing more is said."""
        self._said.put_nowait(None)
        if not answering.cancelled():
            # Where the caller has gone, nobody else looks how it ended, and asyncio would log an error for that.
            answering.exception()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            # Only while waiting: a timeout must not strike while a piece is on its way out.
            async with asyncio.timeout_at(self._caller.deadline):
                piece = await self._said.get()
            if piece is None:
                return
            yield piece
