"""Versions beside each other: what is said of each, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.contracts.canonical import canonical_json
from shared.contracts.lineage import model_key, run_key
from svc_registry.domain.graph import Graph, Node
from svc_registry.domain.history import Chain, dataset_text
from svc_registry.domain.records import ModelRecord


class Group(StrEnum):
    """What a fact is about."""

    FACT = "fact"
    METRIC = "metric"
    HYPERPARAMETER = "hyperparameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing said of each version: JSON values in the versions' order, None where a version has none."""

    group: Group
    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the versions differ in it. Numbers differ by value alone: 1 is 1.0."""
        return len({canonical_json(_plain(value)) for value in self.values}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An ancestor that not all versions have; `present` says in their order who has it."""

    node: Node
    present: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Versions, facts and ancestors; `steps_before` is what each chain was trained before its last version."""

    records: tuple[ModelRecord, ...]
    facts: tuple[Fact, ...]
    lineage: tuple[Difference, ...]
    steps_before: tuple[int, ...]


def compare(chains: Sequence[Chain], ancestors: Sequence[Graph]) -> Comparison:
    """Chains with the graph of each one's ancestors, in the same order."""
    records = tuple(chain.last for chain in chains)
    facts = [Fact(group=Group.FACT, name=name, values=tuple(map(say, chains))) for name, say in FACTS.items()]
    facts += _by_name(Group.METRIC, [record.made.metrics for record in records])
    facts += _by_name(Group.HYPERPARAMETER, [record.made.hyperparameters for record in records])
    return Comparison(
        records=records,
        facts=tuple(facts),
        lineage=tuple(_differences(records, ancestors)),
        steps_before=tuple(_total_steps(chain) - chain.last.made.total_steps for chain in chains),
    )


def _by_name(group: Group, said: Sequence[Mapping[str, Any]]) -> list[Fact]:
    names = sorted({name for values in said for name in values})
    return [Fact(group=group, name=name, values=tuple(values.get(name) for values in said)) for name in names]


def _differences(records: Sequence[ModelRecord], ancestors: Sequence[Graph]) -> list[Difference]:
    # No version is its own ancestor, but the run that made it is one.
    above = [
        {node.key for node in graph.nodes} - {model_key(record.made.run_id)}
        for graph, record in zip(ancestors, records, strict=True)
    ]
    # What was compared, with its run, is no difference of its own, unless another that was compared came of it.
    rows = set().union(*(keys - {run_key(record.made.run_id)} for keys, record in zip(above, records, strict=True)))
    nodes = {node.key: node for graph in ancestors for node in graph.nodes}
    found = [
        Difference(node=nodes[key], present=tuple(key in some for some in above))
        for key in rows - set[str].intersection(*above)
    ]
    return sorted(found, key=lambda difference: (difference.node.type, difference.node.label, difference.node.key))


def _total_steps(chain: Chain) -> int:
    return sum(record.made.total_steps for record in chain.records)


def _seconds(record: ModelRecord) -> float | None:
    begun, ended = record.made.started_at, record.made.finished_at
    return (ended - begun).total_seconds() if begun and ended else None


def _parent(record: ModelRecord) -> str | None:
    return str(record.made.parent) if record.made.parent else None


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


FACTS: Mapping[str, Callable[[Chain], Any]] = {
    "recipe": lambda chain: chain.last.made.recipe or None,
    "stage": lambda chain: chain.last.made.stage or None,
    "base": lambda chain: chain.base_model or None,
    "parent": lambda chain: _parent(chain.last),
    "dataset": lambda chain: dataset_text(chain.last.made.dataset),
    "datasets of the chain": lambda chain: [dataset_text(each.made.dataset) for each in chain.records],
    "stages of the chain": lambda chain: len(chain.records),
    "steps": lambda chain: chain.last.made.total_steps,
    "steps of the chain": _total_steps,
    "epochs": lambda chain: chain.last.made.epochs or None,
    "tokens": lambda chain: chain.last.made.tokens or None,
    "started": lambda chain: _moment(chain.last.made.started_at),
    "ended": lambda chain: _moment(chain.last.made.finished_at),
    "seconds": lambda chain: _seconds(chain.last),
}
