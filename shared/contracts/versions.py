"""Versions as the catalogue hands them out."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contracts.lineage import dataset_key


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """A dataset version; `version` is 0 while the registry has not numbered it."""

    name: str
    digest: str
    version: int = 0
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else f"{self.name} ({self.digest[:12]})"

    @property
    def key(self) -> str:
        """Its lineage node."""
        return dataset_key(self.name, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseVersion:
    """A base, named by its digest; both are empty where a model has none."""

    name: str
    digest: str


NO_BASE = BaseVersion(name="", digest="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """A model version by name and number, and by its key, the run that made it."""

    name: str
    version: int
    run_id: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Signature:
    """Somebody vouches for a bundle: the name of a key, and the signature in base64."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A model version and where its bundle lies; a signature more makes it no other version."""

    name: str
    version: int
    run_id: str
    bundle_digest: str
    base: BaseVersion
    signatures: tuple[Signature, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
