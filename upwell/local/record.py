"""What the embedded stack remembers between starts: its ports, passwords and tokens."""

from __future__ import annotations

import getpass
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from upwell.errors import StackError
from upwell.events import SERVICES
from upwell.local.folder import DataFolder, write_private
from upwell.local.ports import choose_ports
from upwell.permissions import bus_users

S3_PORTS = (
    "s3",
    "s3_grpc",
    "master",
    "master_grpc",
    "volume",
    "volume_grpc",
    "filer",
    "filer_grpc",
    "admin",
    "admin_grpc",
)
PORTS = ("nats", *S3_PORTS, *SERVICES)
S3_KEYS = ("access", "secret", "jwt_write", "jwt_read", "jwt_filer_write", "jwt_filer_read")
PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Ports by name and secrets by kind and name.

    Attributes:
        person: the name that the command's token stands for; reviews carry it.
        ports: by process; the object store has several.
        bus_passwords: by bus user.
        s3_keys: by use.
        tokens: gRPC tokens, by service and for the person.
    """

    person: str
    ports: Mapping[str, int]
    bus_passwords: Mapping[str, str]
    s3_keys: Mapping[str, str]
    tokens: Mapping[str, str]

    def address(self, process: str) -> str:
        """`host:port` of a process."""
        return f"127.0.0.1:{self.ports[process]}"

    def bus_url(self, user: str) -> str:
        """Address of the bus with a user and password in it."""
        return f"nats://{user}:{self.bus_passwords[user]}@{self.address('nats')}"


def load_record(folder: DataFolder) -> Record | None:
    """The record, or None where no stack was ever started.

    Raises:
        StackError: the file cannot be read.
    """
    try:
        return Record(**json.loads(folder.record.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{folder.record} cannot be read ({error}): move it away and start again.") from error


def renew_record(folder: DataFolder) -> Record:
    """Keep what is recorded, add what is missing, and choose other ports for those that are taken."""
    old: dict[str, Any] = {}
    if (known := load_record(folder)) is not None:
        old = asdict(known)
    record = Record(
        person=old.get("person", _person()),
        ports=choose_ports(PORTS, old.get("ports", {})),
        bus_passwords=_filled(old.get("bus_passwords", {}), [user.name for user in bus_users()]),
        s3_keys=_filled(old.get("s3_keys", {}), S3_KEYS),
        tokens=_filled(old.get("tokens", {}), (*SERVICES, PERSON)),
    )
    write_private(folder.record, asdict(record))
    return record


def _filled(known: Mapping[str, str], names: tuple[str, ...] | list[str]) -> dict[str, str]:
    # It begins with a letter because nats-server would take a value like 12e4 for a number.
    return {name: known.get(name) or "u" + secrets.token_hex(20) for name in names}


def _person() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name) or PERSON
