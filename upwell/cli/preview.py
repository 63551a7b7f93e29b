"""What `upwell datasets preview` prints of each kind of answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from upwell.cli.fields import INDEX_UNITS, field_line, months_shown
from upwell.cli.output import place_in_time, print_stacked, print_table
from upwell.cli.plot import extent, sparkline
from upwell.ingest.v1 import chat_pb2, ingest_service_pb2, table_pb2

# Cells of so many characters still make a table.
NARROW = 40


def preview_lines(answer: ingest_service_pb2.PreviewResponse, *, units: str = "", months: str = "") -> list[str]:
    """Two lines a channel: what it is, and its values drawn.

    Args:
        answer: the channels' buckets.
        units: of all values; empty where they are not known.
        months: what is drawn, for rows that are months; empty for others, of which the first is named.
    """
    lines = []
    for channel in answer.channels:
        values = extent(channel.buckets)
        between = f"{values[0]:.6g} .. {values[1]:.6g} {units}".rstrip() if values else "no values"
        span = months or _beginning(channel, clock=answer.time == "utc")
        lines += [f"{channel.channel}  ({'; '.join(filter(None, [between, span]))})", sparkline(channel.buckets)]
    return lines


def field_lines(
    answer: ingest_service_pb2.PreviewResponse, meta: Mapping[str, Any], start_row: int, end_row: int
) -> list[str]:
    """What the field holds, then two lines an index for the months of these rows; an `end_row` of 0 means the end."""
    months = months_shown(meta, start_row, min(end_row or answer.rows, answer.rows) - 1)
    return [field_line(meta), *preview_lines(answer, units=INDEX_UNITS, months=months)]


def conversation_lines(answer: chat_pb2.PreviewConversationsResponse, start_row: int) -> list[str]:
    """A line that names each conversation, then its turns."""
    lines = []
    for row, conversation in enumerate(answer.conversations, start=start_row):
        lines.append(f"-- {row}  {conversation.id}".rstrip())
        for turn in conversation.turns:
            omitted = f" ... ({turn.omitted_characters:,} more characters)" if turn.omitted_characters else ""
            lines.append(f"{turn.speaker}: {turn.text}{omitted}")
    return lines


def print_rows(answer: table_pb2.PreviewRowsResponse) -> None:
    """A table; where texts are long, the first cell of a row and then a line for each of the others."""
    if all(len(cell) <= NARROW for row in answer.shown for cell in row.cells):
        print_table(answer.columns, [row.cells for row in answer.shown], empty="")
        return
    print_stacked(answer.columns, [row.cells for row in answer.shown])


def _beginning(channel: ingest_service_pb2.ChannelPreview, *, clock: bool) -> str:
    if not channel.buckets:
        return ""
    first = channel.buckets[0]
    return f"from {place_in_time(first.start_time, clock=True)}" if clock else f"first row {first.start_row}"
