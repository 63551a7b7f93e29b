"""The graph in Graphviz's language."""

from __future__ import annotations

import re

from upwell.lineage.graph import Piece, is_awaited, name_of
from upwell.lineage.mermaid import BREAKS, FILLS

ESCAPES = {"\\": r"\\", '"': r"\"", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
SPECIAL = re.compile(r'[\\"&<>]')


def dot(piece: Piece) -> str:
    """A digraph from what was used to what was made; what has not been seen yet is dashed, the root is bold."""
    ids = {key: f"n{number}" for number, key in enumerate(piece.nodes)}
    lines = ["digraph lineage {", "    rankdir=LR;", '    node [shape=box, fontname="sans-serif"];']
    for key, node in piece.nodes.items():
        styles = ["filled", *(["dashed"] if is_awaited(node) else []), *(["bold"] if key == piece.root else [])]
        lines.append(
            f'    {ids[key]} [label="{_text(node.type)}\\n{_text(name_of(node))}", tooltip="{_text(key)}", '
            f'style="{",".join(styles)}", fillcolor="{FILLS.get(node.type, "#ffffff")}"];'
        )
    lines += [f"    {ids[parent]} -> {ids[child]};" for parent, child in piece.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _text(text: str) -> str:
    """Text inside a quoted string, in which Graphviz reads both backslashes and HTML entities."""
    return SPECIAL.sub(lambda found: ESCAPES[found.group()], BREAKS.sub(" ", text))
