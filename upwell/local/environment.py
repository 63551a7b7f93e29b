"""Environment variables that the embedded stack gives to its services and to clients."""

from __future__ import annotations

import os

from upwell.events import INFER, INGEST, LABEL, REGISTRY, SERVICES, TRAIN
from upwell.local.folder import DataFolder
from upwell.local.ports import HOST
from upwell.local.record import PERSON, Record
from upwell.permissions import CLIENT

BUCKET = "upwell"
# Idle threads of one model process must not spin on the cores that the others need; nothing is fetched from outside.
TORCH_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
# A service's own replace these; what a user of the command has exported is not for services.
CLIENT_ONLY = ("UPWELL_TOKEN", "UPWELL_DATA")


def service_environment(service: str, *, folder: DataFolder, record: Record) -> dict[str, str]:
    """This process's environment with what the service needs; other `UPWELL_...` settings pass through."""
    inherited = {name: value for name, value in os.environ.items() if name not in CLIENT_ONLY}
    return {
        **inherited,
        **(TORCH_ENVIRONMENT if service in {TRAIN, INFER} else {}),
        "PYTHONUNBUFFERED": "1",
        "UPWELL_NATS_URL": f"nats://{record.address('nats')}",
        "UPWELL_NATS_USER": service,
        "UPWELL_NATS_PASSWORD": record.bus_passwords[service],
        "UPWELL_S3_ENDPOINT": f"http://{record.address('s3')}",
        "UPWELL_S3_ACCESS_KEY": record.s3_keys["access"],
        "UPWELL_S3_SECRET_KEY": record.s3_keys["secret"],
        "UPWELL_S3_BUCKET": BUCKET,
        "UPWELL_DATA_DIR": str(folder.of(service)),
        "UPWELL_GRPC_HOST": HOST,
        "UPWELL_GRPC_PORT": str(record.ports[service]),
        "UPWELL_TOKENS": tokens_setting(record),
        "UPWELL_SERVICE_TOKEN": record.tokens[service],
        "UPWELL_REGISTRY_ADDRESS": record.address(REGISTRY),
        "UPWELL_IMPORT_DIR": str(folder.imports),
        "UPWELL_BASES_DIR": str(folder.bases),
        "UPWELL_LOG_FORMAT": "json",
    }


def client_environment(record: Record) -> dict[str, str]:
    """What the command and any other client needs."""
    return {
        "UPWELL_NATS_URL": record.bus_url(CLIENT),
        "UPWELL_TOKEN": record.tokens[PERSON],
        "UPWELL_INGEST_ADDRESS": record.address(INGEST),
        "UPWELL_LABEL_ADDRESS": record.address(LABEL),
        "UPWELL_TRAIN_ADDRESS": record.address(TRAIN),
        "UPWELL_INFER_ADDRESS": record.address(INFER),
        "UPWELL_REGISTRY_ADDRESS": record.address(REGISTRY),
    }


def tokens_setting(record: Record) -> str:
    """The tokens that every service knows, as `name:role:token` separated by commas."""
    services = (f"{service}:service:{record.tokens[service]}" for service in SERVICES)
    return ",".join((f"{record.person}:admin:{record.tokens[PERSON]}", *services))
