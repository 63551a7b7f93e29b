"""`upwell lineage`."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from upwell.cli.output import console, print_json
from upwell.cli.session import DataOption, JsonOption, run
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
LONGEST_KEY = 60
# Sources and reviews are known by the edges to them alone; these have an event of their own.
ANNOUNCED = {"dataset", "run", "model", "base", "prediction"}
DIGEST = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")


def lineage(
    node: Annotated[str, typer.Argument(help="NAME@3 (dataset or model), NAME:alias, a run's id, or a node's key.")],
    *,
    up: Annotated[bool, typer.Option("--up/--down", help="What it was made from, or what was made from it.")] = True,
    depth: Annotated[int, typer.Option(min=0, help="At most so many steps; 0 means all.")] = 0,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw what a thing was made from, or what was made from it.

    Examples:
    - `upwell lineage bleeding-detector@1`
    - `upwell lineage pump-7@1 --down`
    - `upwell lineage bleeding-detector:champion --json`
    """
    graph = run(
        data,
        lambda upwell: (upwell.lineage.ancestors if up else upwell.lineage.descendants)(node, max_depth=depth),
    )
    if as_json:
        print_json(graph)
        return
    console().print(lineage_tree(graph, up=up))


def lineage_tree(graph: lineage_service_pb2.GetLineageResponse, *, up: bool) -> Tree:
    """The graph as a tree from its root; what hangs below a node in two places is drawn once."""
    nodes = {node.key: node for node in graph.nodes}
    below: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        start, end = (edge.child, edge.parent) if up else (edge.parent, edge.child)
        below[start].append(end)
    drawn: set[str] = set()

    def grow(tree: Tree, key: str) -> None:
        drawn.add(key)
        for child in sorted(below[key]):
            if child in drawn and below[child]:
                tree.add(Text.assemble(_name(nodes, child), (" (see above)", "dim")))
            else:
                grow(tree.add(_name(nodes, child)), child)

    tree = Tree(_name(nodes, graph.root))
    grow(tree, graph.root)
    return tree


def _name(nodes: dict[str, lineage_service_pb2.LineageNode], key: str) -> Text:
    node = nodes.get(key)
    kind = node.type if node and node.type else key.partition("/")[0]
    label = node.label if node and node.label else DIGEST.sub(r"\1", key.partition("/")[2])
    shown = label if len(label) <= LONGEST_KEY else label[: LONGEST_KEY - 1] + "…"
    unseen = " (not seen yet)" if node and not node.seen and kind in ANNOUNCED else ""
    return Text.assemble((kind, STYLES.get(kind, "")), " ", shown, (unseen, "dim"))
