"""`upwell models ledger|serving|rollback|clear`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from upwell.cli.output import print_json, print_table, version_name, when
from upwell.cli.session import AliasOption, DataOption, JsonOption, run
from upwell.errors import ToolError
from upwell.registry.v1 import marks_pb2, registry_service_pb2

NameArgument = Annotated[str, typer.Argument(help="The model's name.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept in the ledger.")]


def ledger(
    name: NameArgument,
    *,
    alias: Annotated[str, typer.Option(help="Only this alias.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who moved which alias from what to what, and what gates refused, newest first.

    Examples:
    - `upwell models ledger pump-detector`
    - `upwell models ledger pump-detector --alias champion --json`
    """
    moves = run(data, lambda upwell: upwell.registry.alias_moves(name, alias=alias, limit=limit))
    if as_json:
        print_json(moves)
        return
    rows = [(when(m.moved_at), m.alias, kind_name(m.kind), way(m), m.moved_by, remark(m)) for m in moves]
    columns = ["at", "alias", "what", "versions", "who", "why"]
    print_table(columns, rows, empty=f"No alias of {name} has ever moved.")


def serving(
    name: NameArgument,
    *,
    alias: AliasOption = "champion",
    at: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="With its zone: 2026-05-01T12:00:00Z, 2026-05-01T14:00+02:00. Now if absent."
        ),
    ] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which version an alias named at a moment, and who had put it there.

    Examples:
    - `upwell models serving pump-detector --at 2026-05-01T12:00:00Z`
    """
    moment = parse_moment(at) if at else None
    found = run(data, lambda upwell: upwell.promotion.serving(name, alias=alias, at=moment))
    if as_json:
        print_json(found)
        return
    move = found.move
    since = f"since {when(move.moved_at)} UTC, {kind_name(move.kind)} by {move.moved_by}"
    deleted = ", deleted later" if found.model.HasField("deletion") else ""
    typer.echo(" ".join(f"{version_name(found.model.ref)} {since}{deleted} {move.reason}".split()))


def rollback(
    name: NameArgument,
    *,
    alias: AliasOption = "champion",
    reason: ReasonOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move an alias back to the version before its last move; again, to older ones. No gate is asked.

    Examples:
    - `upwell models rollback pump-detector --reason "too many alarms"`
    """
    _print_move(run(data, lambda upwell: upwell.promotion.roll_back(name, alias=alias, reason=reason)), as_json)


def clear(
    name: NameArgument,
    *,
    alias: Annotated[str, typer.Option(help="The alias to take away.")],
    reason: ReasonOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an alias away, so that it names nothing.

    Examples:
    - `upwell models clear pump-detector --alias challenger`
    """
    _print_move(run(data, lambda upwell: upwell.promotion.clear_alias(name, alias, reason=reason)), as_json)


def parse_moment(text: str) -> datetime:
    """A moment with its zone; ToolError when it has none or is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ToolError(f"{text!r} is no time: write it as 2026-05-01T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise ToolError(f"{text!r} names no zone: write 2026-05-01T12:00:00Z for UTC, or an offset such as +08:00.")
    return moment


def kind_name(kind: int) -> str:
    """`MOVE_KIND_ROLLED_BACK` as `rolled back`."""
    if kind == marks_pb2.MOVE_KIND_UNSPECIFIED:
        return "moved"
    name = marks_pb2.MoveKind.Name(marks_pb2.MoveKind.ValueType(kind))
    return name.removeprefix("MOVE_KIND_").lower().replace("_", " ")


def way(move: registry_service_pb2.AliasMove) -> str:
    """From what to what; a refusal went nowhere."""
    came, went = (f"@{number}" if number else "nothing" for number in (move.from_version, move.to_version))
    return f"{came} -/> {went}" if move.kind == marks_pb2.MOVE_KIND_REFUSED else f"{came} -> {went}"


def remark(move: registry_service_pb2.AliasMove) -> str:
    """The reason given, and what the gate had against it."""
    return "; ".join(part for part in (move.reason, *move.failed_conditions) if part)


def _print_move(move: registry_service_pb2.AliasMove, as_json: bool) -> None:
    if as_json:
        print_json(move)
        return
    now = f"{move.model}@{move.to_version}" if move.to_version else "nothing"
    typer.echo(f"{move.model}:{move.alias} -> {now}")
