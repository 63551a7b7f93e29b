"""Versions beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.lineage import model_key
from shared.errors import InvalidInputError
from svc_registry.domain.comparison import Comparison, compare
from svc_registry.domain.graph import Direction
from svc_registry.ports import RegistryStore
from svc_registry.use_cases.finding import find_model
from svc_registry.use_cases.histories import chain_of

MOST = 20


def compare_models(store: RegistryStore, references: Sequence[str]) -> Comparison:
    """2 to 20 versions, each with its chain and all its ancestors."""
    if not 2 <= len(references) <= MOST:
        raise InvalidInputError.of("models", f"{len(references)} named: name 2 to {MOST} versions")
    with store.reading() as tx:
        chains = [chain_of(tx, find_model(tx, reference).made.run_id) for reference in references]
        keys = [model_key(chain.last.made.run_id) for chain in chains]
        ancestors = [tx.lineage.walk(key, Direction.UP, max_depth=0) for key in keys]
        return compare(chains, ancestors)
