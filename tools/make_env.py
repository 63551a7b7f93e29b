"""Write deploy/env/.env with fresh secrets for compose; an existing file is kept."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from upwell.events import SERVICES
from upwell.permissions import bus_users, password_variable

TARGET = Path(__file__).resolve().parent.parent / "deploy" / "env" / ".env"


def fresh_environment() -> dict[str, str]:
    """A value for every variable that compose.yaml asks for."""
    person, service = _secret(), _secret()
    return {
        **{password_variable(user.name): _secret() for user in bus_users()},
        "UPWELL_POSTGRES_PASSWORD": _secret(),
        "UPWELL_S3_ACCESS_KEY": _secret(),
        "UPWELL_S3_SECRET_KEY": _secret(),
        "UPWELL_SERVICE_TOKEN": service,
        "UPWELL_TOKENS": f"me:admin:{person},services:service:{service}",
        "UPWELL_TOKEN": person,
    }


def _secret() -> str:
    # It begins with a letter, because nats-server would take a value like 12e4 for a number.
    return "u" + secrets.token_hex(20)


if __name__ == "__main__":
    if TARGET.exists():
        raise SystemExit(f"{TARGET} exists: remove it to make new secrets")
    TARGET.parent.mkdir(exist_ok=True)
    lines = [f"{name}={value}" for name, value in fresh_environment().items()]
    descriptor = os.open(TARGET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(["# Secrets of this installation. UPWELL_TOKEN is yours, as an admin.", *lines, ""]))
    print(f"wrote {TARGET} for {len(SERVICES)} services")
