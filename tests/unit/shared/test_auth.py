"""Tokens and roles."""

from __future__ import annotations

import pytest

from shared.errors import ForbiddenError, UnauthenticatedError
from shared.runtime.auth import Authenticator, Principal, Role, authenticator_for, current_principal
from shared.runtime.settings import ServiceSettings

ANNA = Principal("anna", Role.REVIEWER)


def auth(*, enabled: bool = True) -> Authenticator:
    return Authenticator([(ANNA, "s3cret")], enabled=enabled)


def test_a_known_token() -> None:
    assert auth().admit({"authorization": "Bearer s3cret"}, needs=Role.VIEWER) == ANNA
    assert current_principal() == ANNA


@pytest.mark.parametrize(
    "metadata", [{}, {"authorization": "s3cret"}, {"authorization": "Bearer"}, {"authorization": "Bearer no"}]
)
def test_no_known_token(metadata: dict[str, str]) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        auth().admit(metadata, needs=Role.VIEWER)
    assert "s3cret" not in str(caught.value)


def test_a_role_that_does_not_reach() -> None:
    with pytest.raises(ForbiddenError, match="reviewer; this call needs trainer"):
        auth().admit({"authorization": "Bearer s3cret"}, needs=Role.TRAINER)


def test_the_bypass_lets_everybody_in() -> None:
    assert auth(enabled=False).admit({}, needs=Role.ADMIN).role is Role.ADMIN


def test_settings_without_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="UPWELL_TOKENS is empty"):
        authenticator_for(ServiceSettings())


def test_a_malformed_entry_is_named_by_its_place_only() -> None:
    with pytest.raises(ValueError, match="entry 2") as caught:
        authenticator_for(ServiceSettings(tokens="a:viewer:x,b:king:topsecret"))  # type: ignore[arg-type]
    assert "topsecret" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    settings = ServiceSettings(tokens="a:viewer:topsecret", nats_password="topsecret")  # type: ignore[arg-type]
    assert "topsecret" not in repr(settings)
