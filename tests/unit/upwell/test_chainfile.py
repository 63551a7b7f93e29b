"""Chains of runs in YAML: what a file says, and how a wrong one is refused."""

from __future__ import annotations

import pytest

from upwell.chainfile import parse_chain, read_chain
from upwell.errors import ToolError

GOOD = """
chain: 泵
model: pump-detector
parent: pump-detector@3
stages:
  - stage: stage1
    recipe: series-lm
    dataset: labels@1
  - stage: stage2
    recipe: series-lm
    dataset: labels@2
    model: other
    hyperparameters: {max_steps: 100, method: lora}
"""


def test_each_stage_goes_on_from_the_one_before():
    first, second = parse_chain(GOOD, "chain.yaml")
    assert (first.stage, first.model, first.parent, first.parent_run) == (
        "stage1",
        "pump-detector",
        "pump-detector@3",
        "",
    )
    assert (second.stage, second.model, second.parent, second.parent_run) == ("stage2", "other", "", first.run_id)
    assert second.hyperparameters == {"max_steps": 100, "method": "lora"}


def test_the_same_stage_is_always_the_same_run_and_a_changed_one_is_another():
    before = parse_chain(GOOD, "a.yaml")
    assert [stage.run_id for stage in parse_chain(GOOD, "b.yaml")] == [stage.run_id for stage in before]
    later_changed = parse_chain(GOOD.replace("100", "200"), "a.yaml")
    assert later_changed[0].run_id == before[0].run_id
    assert later_changed[1].run_id != before[1].run_id
    first_changed = parse_chain(GOOD.replace("labels@1", "labels@9"), "a.yaml")
    assert not {stage.run_id for stage in first_changed} & {stage.run_id for stage in before}
    renamed = parse_chain(GOOD.replace("chain: 泵", "chain: 阀"), "a.yaml")
    assert not {stage.run_id for stage in renamed} & {stage.run_id for stage in before}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("recipe: series-lm\n    dataset: labels@2", "dataset: labels@2", r"c:9: stages\[1\].recipe: is missing"),
        ("    dataset: labels@1", "    datset: labels@1", r"c:8: stages\[0\].datset: there is no such name here"),
        ("stage: stage2", "stage: stage1", r"c:9: stages\[1\].stage: 'stage1' is the name of a stage before it"),
        ("dataset: labels@2", "dataset: 2", r"c:11: stages\[1\].dataset: 2 is no text"),
        ("max_steps: 100", "when: 2026-01-01", r"c:13: stages\[1\].hyperparameters: only JSON values"),
        ("{max_steps: 100, method: lora}", "[1]", r"c:13: stages\[1\].hyperparameters: names with values belong here"),
        ("model: pump-detector\nparent", "parent", r"c:5: stages\[0\].model: is missing, and the chain has none"),
        ("chain: 泵", "chain: ''", "c:2: chain: '' is no text"),
        ("chain: 泵\n", "", "c:2: chain: is missing"),
        ("{max_steps", "{{max_steps", "c:14: this is no YAML"),
        (GOOD, "stages: []\nchain: a", "c:1: stages: a list of 1 to 100 stages belongs here"),
        (GOOD, "stages: [1]\nchain: a", r"c:1: stages\[0\]: names with values belong here"),
        (GOOD, "- a", "c: a chain begins with names"),
        (GOOD, "", "c: a chain begins with names"),
        (GOOD, "chain: !!python/object/apply:os.system [ls]", "c:1: this is no YAML"),
        (GOOD, "? [a, b]\n: c\n", "c:1: this is no YAML"),
        (GOOD, "&a [*a]\n", "c: an alias stands for what it is a part of"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_place(wrong: str, right: str, said: str):
    text = GOOD.replace(wrong, right)
    assert text != GOOD
    with pytest.raises(ToolError, match=said):
        parse_chain(text, "c")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ToolError, match="cannot be read"):
        read_chain(tmp_path / "nothing.yaml")
