"""A model version under another model's name."""

from __future__ import annotations

from dataclasses import replace

from shared.contracts.ids import derived_id
from shared.contracts.names import check_name
from shared.errors import InvalidInputError, StateError
from svc_registry.domain.events import ModelRegistered
from svc_registry.domain.graph import graph_of_copy
from svc_registry.domain.records import ModelRecord
from svc_registry.ports import RegistryStore
from svc_registry.use_cases.finding import deleted_words, find_model, find_version, with_bundle


def copy_model(store: RegistryStore, reference: str, model: str) -> ModelRecord:
    """Number a version's bundle under another model and announce it.

    A version's key is the run that made it. A copy was made by none, so its key is derived from the original's and
    the other model's name: the same copy twice is one version.
    """
    check_name("model", model)
    with store.transaction() as tx:
        original = with_bundle(find_model(tx, reference))
        if original.made.name == model:
            raise InvalidInputError.of("model", f"{original} is a version of {model!r} already: name another model")
        # In an order that two copies share; a deletion holds the lock of its model's name.
        for name in sorted((original.made.name, model)):
            tx.ledger.lock(name)
        original = find_version(tx, original.made.name, original.version)
        run_id = derived_id("copy", original.made.run_id, model)
        standing = tx.models.by_run(run_id)
        if standing and standing.deletion:
            raise StateError(f"The copy of {original} is {standing}, and {deleted_words(standing.deletion)}")
        if standing:
            return standing
        copy = tx.models.add(replace(original.made, name=model, run_id=run_id))
        tx.lineage.add(graph_of_copy(original.ref, copy.ref))
        tx.outbox.add(ModelRegistered.of(copy, copied_from=original.ref))
        return copy
