"""Names to versions: where the aliases stand in this server, in step with the registry."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from shared.contracts.names import DEFAULT_ALIAS, Reference
from shared.contracts.versions import ModelVersion
from shared.errors import NotFoundError, RetryableError
from shared.ports import Catalogue
from svc_infer.domain.models import ModelRefusedError
from svc_infer.ports import Model
from svc_infer.serving.shelf import Shelf

log = structlog.get_logger(__name__)
Aliases = Mapping[tuple[str, str], ModelVersion]


class Names:
    """What `name`, `name@4` and `name:alias` mean here.

    An alias moves by swapping one reference, once its new version is loaded and certified; until then, and when it is
    refused, the version before answers.
    """

    def __init__(self, catalogue: Catalogue, shelf: Shelf) -> None:
        self._catalogue = catalogue
        self._shelf = shelf
        self._aliases: Aliases = {}

    @property
    def aliases(self) -> Aliases:
        """(model, alias) -> the version this server answers with."""
        return self._aliases

    def ready(self, reference: Reference) -> Model | None:
        """The model, when this server knows the name and has it in memory."""
        version = self._known(reference)
        return self._shelf.ready(version) if version else None

    def resolve(self, reference: Reference) -> ModelVersion:
        """The version, asked of the registry when it is not known here; NotFoundError when there is none."""
        return self._known(reference) or self._catalogue.model(str(reference))

    def reconcile(self) -> None:
        """Load what the registry's aliases name, and move the aliases there; give up what was deleted.

        Raises:
            RetryableError: the registry or the object store did not answer; what could be done is done.
        """
        standing = self._catalogue.aliases()
        self._set({key: version for key, version in self._aliases.items() if key in standing})
        failed: RetryableError | None = None
        for key, version in standing.items():
            try:
                self._follow(key, version)
            except RetryableError as error:
                failed = error
        self._forget_deleted()
        if failed:
            raise failed

    def _known(self, reference: Reference) -> ModelVersion | None:
        if reference.version is not None:
            return self._shelf.find(reference.name, reference.version)
        return self._aliases.get((reference.name, reference.alias or DEFAULT_ALIAS))

    def _follow(self, key: tuple[str, str], version: ModelVersion) -> None:
        current = self._aliases.get(key)
        if current == version:
            return
        # Where aliases name more versions than fit, one more is loaded by the first request for it.
        if self._shelf.has_room or (current and self._shelf.holds(current)):
            try:
                self._shelf.load(version).result()
            except ModelRefusedError:
                return
        log.info("alias moved", model=key[0], alias=key[1], version=version.version)
        self._set({**self._aliases, key: version})

    def _forget_deleted(self) -> None:
        """An alias never names a deleted version, so only the others are asked for: as many as fit into memory."""
        named = {version.run_id for version in self._aliases.values()}
        for version in self._shelf.versions():
            if version.run_id not in named and not self._stands(version):
                log.info("version deleted", model=str(version))
                self._shelf.forget(version)

    def _stands(self, version: ModelVersion) -> bool:
        try:
            return self._catalogue.model(f"{version.name}@{version.version}").run_id == version.run_id
        except NotFoundError:
            return False

    def _set(self, aliases: Aliases) -> None:
        self._aliases = aliases
        self._shelf.keep({version.run_id for version in aliases.values()})
