"""Mermaid and Graphviz: escaped, in a fixed order."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.unit.upwell.lineage.pieces import chain, edge, node
from upwell.lineage.dot import dot
from upwell.lineage.graph import piece_of
from upwell.lineage.mermaid import mermaid

AWKWARD = 'a "b" <c> & #1; `d` \\n \\ 泵\n"]:::x'


def awkward():
    return piece_of("source/x", [node("source/x", AWKWARD), node("dataset/y", "y")], [edge("source/x", "dataset/y")])


@pytest.mark.parametrize("draw", [mermaid, dot])
def test_the_order_of_an_answer_changes_nothing(draw):
    assert len({draw(chain(seed)) for seed in range(5)}) == 1


def test_mermaid():
    piece = piece_of("dataset/a", [node("run/r", seen=False), node("dataset/a", "泵@1")], [edge("dataset/a", "run/r")])
    assert mermaid(piece).splitlines() == [
        "flowchart LR",
        '    n0["dataset<br>泵@1"]:::dataset',
        '    n1["run<br>r"]:::run',
        "    n0 --> n1",
        "    classDef dataset fill:#d8f3dc,stroke:#495057,color:#000",
        "    classDef run fill:#f3d9fa,stroke:#495057,color:#000",
        "    style n1 stroke-dasharray:4",
        "    style n0 stroke-width:3px",
    ]


def test_no_label_breaks_out_of_mermaid():
    lines = mermaid(awkward()).splitlines()
    (label,) = re.findall(r'^    n1\["source<br>([^"]*)"\]:::source$', "\n".join(lines), re.MULTILINE)
    assert re.fullmatch(r"(?:[^#<>&`\\]|#\d+;)*", label)
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label) == AWKWARD.replace("\n", " ")


def test_dot():
    piece = piece_of("dataset/a", [node("run/r", seen=False), node("dataset/a", "泵@1")], [edge("dataset/a", "run/r")])
    assert dot(piece).splitlines() == [
        "digraph lineage {",
        "    rankdir=LR;",
        '    node [shape=box, fontname="sans-serif"];',
        '    n0 [label="dataset\\n泵@1", tooltip="dataset/a", style="filled,bold", fillcolor="#d8f3dc"];',
        '    n1 [label="run\\nr", tooltip="run/r", style="filled,dashed", fillcolor="#f3d9fa"];',
        "    n0 -> n1;",
        "}",
    ]


def test_no_label_breaks_out_of_dot():
    line = dot(awkward()).splitlines()[4]
    found = re.match(r'    n1 \[label="source\\n((?:[^"\\]|\\["\\])*)", tooltip="source/x", ', line)
    assert found, line
    read = unescape(re.sub(r"\\(.)", r"\1", found[1]))
    assert read == AWKWARD.replace("\n", " ")


def test_a_type_that_a_newer_registry_may_send_is_drawn():
    piece = piece_of("gate/g", [node("gate/g", "g")], [])
    assert ":::other" in mermaid(piece)
    assert "#ffffff" in dot(piece)
