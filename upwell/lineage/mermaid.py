"""The graph as a Mermaid flowchart, which GitHub and many wikis draw."""

from __future__ import annotations

import re

from upwell.lineage.graph import Piece, is_awaited, name_of

FILLS = {
    "source": "#d4f1f4",
    "dataset": "#d8f3dc",
    "reviews": "#fff3bf",
    "base": "#d0ebff",
    "run": "#f3d9fa",
    "model": "#ffc9c9",
    "prediction": "#e9ecef",
}
# What ends a quoted label, begins an entity, a tag or Markdown, or is read as a line's end (`\n`).
SPECIAL = re.compile(r"""["#&<>`\\]""")
BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def mermaid(piece: Piece) -> str:
    """A flowchart from what was used to what was made; what has not been seen yet is dashed."""
    ids = {key: f"n{number}" for number, key in enumerate(piece.nodes)}
    lines = ["flowchart LR"]
    lines += [
        f'    {ids[key]}["{_text(node.type)}<br>{_text(name_of(node))}"]:::{_class(node.type)}'
        for key, node in piece.nodes.items()
    ]
    lines += [f"    {ids[parent]} --> {ids[child]}" for parent, child in piece.edges]
    types = sorted({_class(node.type) for node in piece.nodes.values()})
    lines += [f"    classDef {name} fill:{FILLS.get(name, '#fff')},stroke:#495057,color:#000" for name in types]
    awaited = [ids[key] for key, node in piece.nodes.items() if is_awaited(node)]
    lines += [f"    style {node} stroke-dasharray:4" for node in awaited]
    if piece.root in ids:
        lines.append(f"    style {ids[piece.root]} stroke-width:3px")
    return "\n".join(lines) + "\n"


def _class(node_type: str) -> str:
    """The type where it is one of ours: a class name takes no other characters."""
    return node_type if node_type in FILLS else "other"


def _text(text: str) -> str:
    """Text inside a quoted label; Mermaid's entities are decimal and begin with `#`."""
    return SPECIAL.sub(lambda found: f"#{ord(found.group())};", BREAKS.sub(" ", text))
