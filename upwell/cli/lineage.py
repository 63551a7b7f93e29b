"""`upwell lineage`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from upwell.cli.output import console, print_json, say
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.errors import ToolError
from upwell.lineage.dot import dot
from upwell.lineage.graph import Piece, is_awaited, name_of, piece_of
from upwell.lineage.mermaid import mermaid
from upwell.lineage.openlineage import openlineage
from upwell.registry.v1 import lineage_service_pb2

STYLES = {
    "source": "cyan",
    "dataset": "green",
    "reviews": "yellow",
    "base": "blue",
    "run": "magenta",
    "model": "bold red",
    "prediction": "dim",
}


class Format(StrEnum):
    """How a graph is written."""

    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"
    DOT = "dot"
    OPENLINEAGE = "openlineage"


def lineage(
    node: Annotated[str, typer.Argument(help="NAME@3 (dataset or model), NAME:alias, a run's id, or a node's key.")],
    *,
    to: Annotated[str, typer.Option(help="Only the ways between NODE and this one, in either order.")] = "",
    up: Annotated[bool, typer.Option("--up/--down", help="What it was made from, or what was made from it.")] = True,
    depth: Annotated[int, typer.Option(min=0, help="At most so many steps; 0 means all. Not with --to.")] = 0,
    style: Annotated[
        Format, typer.Option("--format", help="tree, json, mermaid, dot (Graphviz), or openlineage (an event a line).")
    ] = Format.TREE,
    facts: Annotated[
        bool, typer.Option("--facts", help="With json: also what the registry knows of each node.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw what a thing was made from, or what was made from it.

    Examples:
    - `upwell lineage bleeding-detector@1`
    - `upwell lineage pump-7@1 --down`
    - `upwell lineage bleeding-detector:champion --json`
    - `upwell lineage bleeding-detector@2 --to pump-7@1`
    - `upwell lineage bleeding-detector@2 --format mermaid`
    - `upwell lineage bleeding-detector@2 --format openlineage`
    """
    if to and depth:
        raise ToolError("--depth goes with one node: a way from one to another has all its steps.")
    style = Format.JSON if as_json else style
    wants_facts = facts or style is Format.OPENLINEAGE

    async def ask(upwell: Upwell) -> lineage_service_pb2.GetLineageResponse | lineage_service_pb2.FindPathResponse:
        if to:
            return await upwell.lineage.path(node, to, facts=wants_facts)
        walk = upwell.lineage.ancestors if up else upwell.lineage.descendants
        return await walk(node, max_depth=depth, facts=wants_facts)

    graph = run(data, ask)
    if style is Format.JSON:
        print_json(graph)
        return
    if isinstance(graph, lineage_service_pb2.FindPathResponse):
        if not graph.ancestor:
            say(f"There is no way between {node} and {to}: neither was made from the other.")
            return
        root = graph.descendant if up else graph.ancestor
    else:
        root = graph.root
    piece = piece_of(root, graph.nodes, graph.edges)
    if style is Format.TREE:
        console().print(lineage_tree(piece, up=up))
        return
    sys.stdout.write(WRITERS[style](piece))


def lineage_tree(piece: Piece, *, up: bool) -> Tree:
    """The graph as a tree from its root; what hangs below a node in two places is drawn once."""
    below = piece.parents() if up else piece.children()
    drawn: set[str] = set()

    def grow(tree: Tree, key: str) -> None:
        drawn.add(key)
        for child in sorted(below.get(key, ())):
            if child in drawn and below.get(child):
                tree.add(Text.assemble(_name(piece, child), (" (see above)", "dim")))
            else:
                grow(tree.add(_name(piece, child)), child)

    tree = Tree(_name(piece, piece.root))
    grow(tree, piece.root)
    return tree


def _name(piece: Piece, key: str) -> Text:
    node = piece.nodes[key]
    state = " (not seen yet)" if is_awaited(node) else " (deleted)" if node.deleted else ""
    return Text.assemble((node.type, STYLES.get(node.type, "")), " ", name_of(node), (state, "dim"))


def _event_lines(piece: Piece) -> str:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in openlineage(piece))


WRITERS: Mapping[Format, Callable[[Piece], str]] = {
    Format.MERMAID: mermaid,
    Format.DOT: dot,
    Format.OPENLINEAGE: _event_lines,
}
