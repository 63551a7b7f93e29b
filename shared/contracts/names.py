"""Names of datasets, models and bases, and references such as `pump-7@3` and `pump-detector:champion`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import InvalidInputError

# Letters of any script are welcome in a name; separators of references, paths and shells are not.
NAME = re.compile(r"[^\W_][\w.\-]{0,99}")
RULE = "1 to 100 letters, digits, '.', '_' or '-', starting with a letter or digit"
DEFAULT_ALIAS = "champion"


def check_name(field: str, name: str) -> str:
    """The name itself, or InvalidInputError naming the field and the rule."""
    if not NAME.fullmatch(name):
        raise InvalidInputError.of(field, f"{name!r} is not a name: use {RULE}")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name with at most one of a version (`@3`) or an alias (`:champion`)."""

    name: str
    version: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.name}@{self.version}"
        return f"{self.name}:{self.alias}" if self.alias else self.name


def parse_reference(field: str, text: str) -> Reference:
    """Parse `name`, `name@3` or `name:alias`; InvalidInputError says which part is wrong."""
    name, at, version = text.partition("@")
    if at:
        if not (version.isascii() and version.isdigit()) or not 0 < int(version) < 2**31:
            raise InvalidInputError.of(field, f"{text!r}: the version after '@' must be a number from 1 up")
        return Reference(name=check_name(field, name), version=int(version))
    name, colon, alias = text.partition(":")
    if colon:
        return Reference(name=check_name(field, name), alias=check_name(field, alias))
    return Reference(name=check_name(field, name))


def parse_dataset_reference(field: str, text: str) -> Reference:
    """Parse `name` or `name@3`: datasets have versions and no aliases."""
    reference = parse_reference(field, text)
    if reference.alias:
        raise InvalidInputError.of(field, f"{text!r}: a dataset has versions ('{reference.name}@3'), no aliases")
    return reference
