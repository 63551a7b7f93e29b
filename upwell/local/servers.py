"""The two servers from wheels: NATS JetStream for the bus, SeaweedFS for S3, both on the loopback interface."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from upwell.errors import StackError
from upwell.local.folder import DataFolder
from upwell.local.ports import HOST
from upwell.local.processes import ProcessSpec
from upwell.local.readiness import bus_answers, http_answers
from upwell.local.record import Record
from upwell.permissions import ADMIN, nats_config, password_variable

BUS = "nats"
OBJECT_STORE = "s3"
HEALTH_PATH = "/healthz"


def bus_server(folder: DataFolder, record: Record) -> ProcessSpec:
    """nats-server with the users of `upwell.permissions`; writes its configuration."""
    place = folder.of(BUS)
    place.mkdir(parents=True, exist_ok=True)
    config = place / "nats-server.conf"
    config.write_text(nats_config(listen=record.address(BUS), store_dir=str(place)), encoding="utf-8")
    passwords = {password_variable(user): password for user, password in record.bus_passwords.items()}
    return ProcessSpec(
        name=BUS,
        command=(_program("nats-server"), "-c", str(config)),
        environment={**_base_environment(place), **passwords},
        log=folder.log(BUS),
        port=record.ports[BUS],
        probe=bus_answers(record.bus_url(ADMIN)),
        ready_within_s=30.0,
        drain_s=10.0,
    )


def object_store(folder: DataFolder, record: Record) -> ProcessSpec:
    """`weed mini` with keys for S3 and for its inner ports."""
    place = folder.of(OBJECT_STORE)
    place.mkdir(parents=True, exist_ok=True)
    ports, keys = record.ports, record.s3_keys
    arguments = {
        "dir": ".",
        "ip": HOST,
        "ip.bind": HOST,
        "s3.port": ports["s3"],
        "s3.port.grpc": ports["s3_grpc"],
        "master.port": ports["master"],
        "master.port.grpc": ports["master_grpc"],
        "volume.port": ports["volume"],
        "volume.port.grpc": ports["volume_grpc"],
        "filer.port": ports["filer"],
        "filer.port.grpc": ports["filer_grpc"],
        "admin.port": ports["admin"],
        "admin.port.grpc": ports["admin_grpc"],
        "admin.ui": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "webdav": "false",
        "master.telemetry": "false",
        "volume.max": 100,
        # Relative to the working folder, because the path of a socket may have 107 bytes only.
        "filer.localSocket": "filer.sock",
        "s3.localSocket": "s3.sock",
    }
    return ProcessSpec(
        name=OBJECT_STORE,
        command=(_program("weed"), "-logtostderr", "mini", *(f"-{key}={value}" for key, value in arguments.items())),
        environment={
            **_base_environment(place),
            "GOMEMLIMIT": "1GiB",
            "AWS_ACCESS_KEY_ID": keys["access"],
            "AWS_SECRET_ACCESS_KEY": keys["secret"],
            # Without these anybody on the machine could read and write through the inner ports.
            "WEED_JWT_SIGNING_KEY": keys["jwt_write"],
            "WEED_JWT_SIGNING_READ_KEY": keys["jwt_read"],
            "WEED_JWT_FILER_SIGNING_KEY": keys["jwt_filer_write"],
            "WEED_JWT_FILER_SIGNING_READ_KEY": keys["jwt_filer_read"],
        },
        folder=place,
        log=folder.log(OBJECT_STORE),
        port=ports["s3"],
        probe=http_answers(ports["s3"], HEALTH_PATH),
        ready_within_s=60.0,
        drain_s=15.0,
    )


def _base_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home)}


def _program(name: str) -> str:
    program = Path(sys.executable).parent / name
    if not program.exists():
        raise StackError(f"{name} is not installed beside {sys.executable}: run `pip install 'upwell[local]'`.")
    return str(program)
