"""Who calls, and what they may do: bearer tokens with roles."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum

from shared.errors import ForbiddenError, UnauthenticatedError
from shared.runtime.settings import ServiceSettings

SCHEME = "bearer "


class Role(IntEnum):
    """Each role may do what the ones before it may."""

    VIEWER = 1
    REVIEWER = 2
    TRAINER = 3
    ADMIN = 4
    SERVICE = 5


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a person's or service's name and role."""

    name: str
    role: Role


ANYONE = Principal("development", Role.ADMIN)
_current: ContextVar[Principal] = ContextVar("upwell_principal")


def current_principal() -> Principal:
    """Who made the call being answered; LookupError outside of a call."""
    return _current.get()


def check_role(principal: Principal, *, needs: Role) -> None:
    """ForbiddenError when the principal's role does not reach."""
    if principal.role < needs:
        raise ForbiddenError(
            f"The token of {principal.name!r} has the role {principal.role.name.lower()}; this call needs "
            f"{needs.name.lower()}"
        )


class Authenticator:
    """Knows the tokens; None of them appears in a log or an error.

    Args:
        tokens: (principal, token) pairs.
        enabled: False lets everybody in as an admin: for development.
    """

    def __init__(self, tokens: Sequence[tuple[Principal, str]], *, enabled: bool) -> None:
        self._tokens = [(principal, token.encode()) for principal, token in tokens]
        self._enabled = enabled

    def admit(self, metadata: Mapping[str, str], *, needs: Role) -> Principal:
        """The caller; also kept for `current_principal`.

        Raises:
            UnauthenticatedError: no token, or an unknown one.
            ForbiddenError: the role does not reach.
        """
        principal = self._identify(metadata.get("authorization", "")) if self._enabled else ANYONE
        check_role(principal, needs=needs)
        _current.set(principal)
        return principal

    def _identify(self, header: str) -> Principal:
        if not header:
            raise UnauthenticatedError("No token: send the metadata 'authorization: Bearer <token>'")
        if not header.lower().startswith(SCHEME):
            raise UnauthenticatedError("The metadata 'authorization' must read 'Bearer <token>'")
        given = header[len(SCHEME) :].strip().encode()
        for principal, token in self._tokens:
            if hmac.compare_digest(given, token):
                return principal
        raise UnauthenticatedError("The token is not known here")


def authenticator_for(settings: ServiceSettings) -> Authenticator:
    """The authenticator the settings describe; ValueError says which entry is malformed, by its place only."""
    pairs = []
    entries = [entry for entry in settings.tokens.get_secret_value().split(",") if entry.strip()]
    for place, entry in enumerate(entries, start=1):
        name, _, rest = entry.strip().partition(":")
        role, _, token = rest.partition(":")
        if not (name and token) or role.upper() not in Role.__members__:
            raise ValueError(f"UPWELL_TOKENS: entry {place} is not name:role:token with a role of {_roles()}")
        pairs.append((Principal(name, Role[role.upper()]), token))
    if settings.auth and not pairs:
        raise ValueError("UPWELL_TOKENS is empty: give tokens, or set UPWELL_AUTH=false for development")
    return Authenticator(pairs, enabled=settings.auth)


def _roles() -> str:
    return ", ".join(role.name.lower() for role in Role)
