"""Bases: where one comes from, and what there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.names import check_name
from shared.errors import FieldViolation, InvalidInputError

# The fingerprint of a base that somebody added: its name stands for one digest for ever.
ADDED = "added"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.\-]{0,95}/[A-Za-z0-9][\w.\-]{0,95}", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][\w.\-/]{0,199}", re.ASCII)
DEFAULT_REVISION = "main"


class Origin(StrEnum):
    """Where a base comes from."""

    HUB = "hub"
    FOLDER = "folder"
    BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSource:
    """A place a base is taken from; `revision` is empty for all but the hub."""

    origin: Origin
    name: str
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableBase:
    """A base that a run may name; `lacks` says what is to be done first, `digest` is empty while it is not stored."""

    name: str
    origin: str
    summary: str = ""
    lacks: str = ""
    digest: str = ""


def parse_source(text: str, revision: str) -> BaseSource:
    """Read `hub:OWNER/NAME`, `folder:NAME` or `built-in:NAME`; InvalidInputError names the field."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in list(Origin):
        reason = f"{text!r} is none of: hub:OWNER/NAME, folder:NAME, built-in:NAME"
        raise InvalidInputError.of("source", reason)
    origin = Origin(kind)
    if origin is not Origin.HUB:
        if revision:
            raise InvalidInputError.of("revision", f"{revision!r}: only a base of the hub has revisions")
        return BaseSource(origin=origin, name=check_name("source", name))
    wrong = []
    if not HUB_ID.fullmatch(name):
        wrong.append(FieldViolation("source", f"{name!r} is no id of the hub: OWNER/NAME, such as Qwen/Qwen3-0.6B"))
    if revision and not REVISION.fullmatch(revision):
        wrong.append(FieldViolation("revision", f"{revision!r} is neither branch nor tag nor commit"))
    if wrong:
        raise InvalidInputError("; ".join(f"{one.field}: {one.reason}" for one in wrong), wrong)
    return BaseSource(origin=origin, name=name, revision=revision or DEFAULT_REVISION)
