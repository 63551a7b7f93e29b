"""Bases are added under a name, and listed."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.names import check_name
from shared.contracts.versions import BaseVersion
from shared.errors import ConflictError, InvalidInputError, StateError
from shared.ports import ArtifactStore
from svc_train.domain.bases import ADDED, AvailableBase, BaseSource, Origin, parse_source
from svc_train.domain.events import BaseProduced
from svc_train.ports import BaseShelf, TrainStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedBase:
    """A base that was added, and the facts of its manifest."""

    base: BaseVersion
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """Adds bases and lists them.

    Args:
        store: the service's tables.
        artifacts: takes the files.
        shelf: where bases come from.
        folder: files lie here for as long as they are checked and stored.
        hub: whether this server may download from the hub.
    """

    store: TrainStore
    artifacts: ArtifactStore
    shelf: BaseShelf
    folder: Path
    hub: bool

    def add(self, name: str, source: str, revision: str, *, must_stop: Callable[[], bool]) -> AddedBase:
        """Check, store and announce a base; the same one again changes nothing.

        Raises:
            InvalidInputError: naming the wrong field; or there is no such base, or it is no causal language model.
            ConflictError: the name stands for another base.
            StateError: it would have to come from the hub, and this server may not ask it.
            UnavailableError: the hub or the object store does not answer.
            StoppedAttemptError: `must_stop` said so.
        """
        asked = parse_source(source, revision)
        self._check(check_name("name", name), asked)
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="adding-") as folder:
            log.info("the base %s is taken from %s:%s", name, asked.origin, asked.name)
            prepared = self.shelf.prepare_from(asked, Path(folder), must_stop=must_stop)
            manifest = self.artifacts.store(kind=Kind.BASE, files=prepared.files, meta=prepared.meta, parents=())
        base = BaseVersion(name=name, digest=manifest.digest)
        with self.store.transaction() as tx:
            standing = tx.bases.find(name, ADDED)
            if standing not in (None, base.digest):
                raise ConflictError(
                    f"The base {name!r} was added before with other bytes ({standing}); give this one another name"
                )
            tx.bases.add(name, ADDED, base.digest)
            tx.outbox.add(BaseProduced(base=base))
        return AddedBase(base=base, meta=manifest.meta)

    def available(self) -> Sequence[AvailableBase]:
        """By name; of two with one name the one that counts."""
        with self.store.reading() as tx:
            added = tx.bases.all(ADDED)
        named = {base.name: base for base in reversed(self.shelf.available())}
        for name, digest in added.items():
            named[name] = AvailableBase(name=name, origin=ADDED, digest=digest)
        return [named[name] for name in sorted(named)]

    def _check(self, name: str, asked: BaseSource) -> None:
        built_in = [base.name for base in self.shelf.available() if base.origin == Origin.BUILT_IN]
        if name in built_in and asked != BaseSource(origin=Origin.BUILT_IN, name=name):
            raise InvalidInputError.of("name", f"{name!r} is built in; give the base another name")
        if asked.origin is Origin.HUB and not self.hub:
            raise StateError(
                "This server takes no bases from the hub: start svc_train with UPWELL_HUB=true to allow it"
            )
