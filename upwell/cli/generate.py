"""`upwell generate` and `upwell chat`."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from upwell.cli import error_message
from upwell.cli.output import counted, print_json, say, version_name
from upwell.cli.session import DataOption, JsonOption, TimeoutOption, run
from upwell.client import Upwell
from upwell.client.infer import DEADLINE_S
from upwell.errors import ToolError, UpwellClientError
from upwell.infer.v1 import text_pb2

ModelArgument = Annotated[
    str, typer.Argument(help="A model that converses: NAME@4, NAME:alias, or NAME for its champion.")
]
SystemOption = Annotated[str, typer.Option(help="What the model is told before the conversation.")]
TokensOption = Annotated[int, typer.Option(min=0, max=1024, help="The longest answer in tokens.", show_default="256")]
AttachOption = Annotated[
    list[Path] | None,
    typer.Option("--attach", help="A .npz file that stands at the next mark in the text; again for each mark."),
]
MarkOption = Annotated[str, typer.Option(help="The mark at which attachments stand.")]
GEOFORMER = "<geoformer>"


def generate(
    model: ModelArgument,
    text: Annotated[str, typer.Argument(help="What is asked; - reads stdin.")],
    *,
    system: SystemOption = "",
    attach: AttachOption = None,
    mark: MarkOption = GEOFORMER,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer while the model speaks.")] = False,
    max_new_tokens: TokensOption = 0,
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a model for its next turn and print it.

    Attachments stand at marks in the text; where the text has none, one is put before it for each.

    Examples:
    - `upwell generate helper "What is unusual in rows 120 to 180?"`
    - `upwell generate ocean-helper "Will it get warmer?" --attach features/000001.npz --stream`
    """
    asked = sys.stdin.read() if text == "-" else text
    attachments = [(mark, _content(path)) for path in attach or ()]
    turns = [*_system(system), ("user", _marked(asked, attachments))]

    async def work(upwell: Upwell) -> None:
        if stream and not as_json:
            reply = upwell.infer.stream(
                model, turns, max_new_tokens=max_new_tokens, attachments=attachments, deadline_s=timeout
            )
            await _print_pieces(reply)
            return
        answer = await upwell.infer.generate(
            model, turns, max_new_tokens=max_new_tokens, attachments=attachments, deadline_s=timeout
        )
        if as_json:
            print_json(answer)
            return
        typer.echo(answer.text)
        _say_end(answer)

    run(data, work)


def chat(
    model: ModelArgument,
    *,
    system: SystemOption = "",
    attach: AttachOption = None,
    mark: MarkOption = GEOFORMER,
    max_new_tokens: TokensOption = 0,
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
) -> None:
    """Converse with a model, a line a turn, until the input ends (Ctrl-D).

    A question that cannot be answered is told and forgotten, and the conversation goes on. Where the input is no
    terminal, exit code 1 says that there was one.

    Attachments stand at marks in the first turn; where it has none, one is put before it for each. The turns that
    follow are about them as well.

    Examples:
    - `upwell chat helper`
    - `upwell chat helper:champion --system "Answer in one sentence."`
    - `upwell chat ocean-helper --attach features/000001.npz`
    """
    attachments = [(mark, _content(path)) for path in attach or ()]

    async def work(upwell: Upwell) -> None:
        turns = _system(system)
        first = len(turns)
        failed = False
        while asked := _next_line():
            turns.append(("user", _marked(asked, attachments) if len(turns) == first else asked))
            reply = upwell.infer.stream(
                model, turns, max_new_tokens=max_new_tokens, attachments=attachments, deadline_s=timeout
            )
            try:
                said = await _print_pieces(reply)
            except UpwellClientError as error:
                if error.code == "NOT_FOUND" and len(turns) == first + 1:
                    raise  # there is no such model: no other question would find one
                failed, said = True, ""
                say(error_message(error))
            if said.strip():
                turns.append(("assistant", said))
            else:
                turns.pop()  # a conversation with an empty turn in it is refused from then on
        if failed and not sys.stdin.isatty():
            raise typer.Exit(1)

    run(data, work)


def _marked(text: str, attachments: Sequence[tuple[str, bytes]]) -> str:
    """The text, with a mark before it for each attachment where it has none."""
    marks = [mark for mark, _ in attachments]
    return text if any(mark in text for mark in marks) else "".join(marks) + text


def _next_line() -> str:
    """The next line that says something; empty at the end of the input. Ctrl-C ends the wait for it."""
    # asyncio's own handler cancels the task, which this wait would never notice.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _line_typed()
    except KeyboardInterrupt:
        typer.echo(err=True)  # the shell's prompt gets a line of its own
        raise
    finally:
        signal.signal(signal.SIGINT, handler)


def _line_typed() -> str:
    at_terminal = sys.stdin.isatty()
    while True:
        if at_terminal:
            typer.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if at_terminal and not line:
            typer.echo(err=True)
        if not line or line.strip():
            return line.strip()


async def _print_pieces(reply: AsyncIterator[text_pb2.GenerateStreamResponse]) -> str:
    """Print an answer while it is said; its text."""
    said, in_line = "", False
    try:
        async for piece in reply:
            typer.echo(piece.text, nl=False)
            sys.stdout.flush()
            said += piece.text
            in_line = bool(said) and not piece.finish
            if piece.finish:
                typer.echo()
                _say_end(piece)
    finally:
        if in_line:
            typer.echo()  # an answer that breaks off; what says why has a line of its own
    return said


def _say_end(answer: text_pb2.GenerateResponse | text_pb2.GenerateStreamResponse) -> None:
    cut = ", cut off there" if answer.finish == text_pb2.FINISH_LENGTH else ""
    say(f"{version_name(answer.model)}: {counted(answer.tokens, 'token')}{cut}")


def _system(text: str) -> list[tuple[str, str]]:
    return [("system", text)] if text else []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
