"""Where the services are and how to be let in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from upwell.errors import ToolError

# As the services say of themselves: a prediction may carry many values.
MAX_MESSAGE_BYTES = 16 * 2**20
# A service that restarts is away for a moment; every request carries an id, so a second try does no harm.
SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Addresses (`host:port`), the bus, and who calls.

    Attributes:
        ingest: address of svc_ingest; likewise the other four. Empty means it is not needed.
        nats_url: the bus with a client's user and password in it.
        token: the bearer token.
        ca: PEM file of the roots to trust; None means the services speak without TLS.
    """

    ingest: str = ""
    label: str = ""
    train: str = ""
    infer: str = ""
    registry: str = ""
    nats_url: str = ""
    token: str = ""
    ca: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Connection:
        """From the variables that `upwell env` prints; `UPWELL_GRPC_CA` names the roots to trust."""
        ca = environment.get("UPWELL_GRPC_CA")
        return cls(
            ingest=environment.get("UPWELL_INGEST_ADDRESS", ""),
            label=environment.get("UPWELL_LABEL_ADDRESS", ""),
            train=environment.get("UPWELL_TRAIN_ADDRESS", ""),
            infer=environment.get("UPWELL_INFER_ADDRESS", ""),
            registry=environment.get("UPWELL_REGISTRY_ADDRESS", ""),
            nats_url=environment.get("UPWELL_NATS_URL", ""),
            token=environment.get("UPWELL_TOKEN", ""),
            ca=Path(ca) if ca else None,
        )

    def channel(self, service: str) -> grpc.aio.Channel:
        """A new channel to `ingest`, `label`, `train`, `infer` or `registry`.

        Raises:
            ToolError: its address is not known, or the roots cannot be read.
        """
        address: str = getattr(self, service)
        if not address:
            raise ToolError(
                f"The address of svc_{service} is not known: set UPWELL_{service.upper()}_ADDRESS (see `upwell env`)."
            )
        options = [
            ("grpc.service_config", SERVICE_CONFIG),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_reconnect_backoff_ms", 2000),
        ]
        if self.ca is None:
            return grpc.aio.insecure_channel(address, options)
        try:
            roots = self.ca.read_bytes()
        except OSError as error:
            raise ToolError(f"The roots to trust cannot be read from {self.ca}: {error.strerror}.") from error
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(roots), options)
