"""Settings every service has. Each field is an environment variable `UPWELL_<FIELD>`; nothing is read at import."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Where a service finds what it depends on, and how it listens."""

    model_config = SettingsConfigDict(env_prefix="UPWELL_", env_ignore_empty=True, extra="ignore", frozen=True)

    nats_url: str = Field("nats://127.0.0.1:4222", description="NATS server, or several separated by commas.")
    nats_user: str = Field("", description="This service's bus user; empty on a bus without users.")
    nats_password: SecretStr = Field(SecretStr(""), description="Password of the bus user.")

    s3_endpoint: str = Field("http://127.0.0.1:9000", description="Object store; http:// or https://.")
    s3_access_key: str = Field("", description="Access key of the object store.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the object store.")
    s3_bucket: str = Field("upwell", description="Bucket for all artifacts; made when it is missing.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")

    data_dir: Path = Field(Path(".upwell-data"), description="Folder for the SQLite file and temporary files.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="SQLAlchemy URL, e.g. postgresql+psycopg://user:password@host/upwell; empty means SQLite in the "
        "data folder. On PostgreSQL each service keeps to a schema of its own name.",
    )

    grpc_host: str = Field("127.0.0.1", description="Address to listen on.")
    grpc_port: int = Field(0, ge=0, le=65535, description="Port to listen on; 0 takes the service's own default.")
    grpc_certificate: Path | None = Field(None, description="PEM certificate chain; with the key it turns TLS on.")
    grpc_private_key: Path | None = Field(None, description="PEM private key of the certificate.")
    grpc_ca: Path | None = Field(None, description="PEM roots by which this service trusts the others it calls.")

    auth: bool = Field(True, description="Ask gRPC callers for a token. Turn off for development only.")
    tokens: SecretStr = Field(
        SecretStr(""),
        description="Known tokens as name:role:token, separated by commas. Roles: viewer, reviewer, trainer, admin, "
        "service.",
    )
    service_token: SecretStr = Field(SecretStr(""), description="Token by which this service calls the others.")
    registry_address: str = Field("127.0.0.1:50055", description="Host and port of svc_registry.")

    lease_seconds: float = Field(15.0, gt=0, description="A worker that is silent for so long has lost its work.")
    patience_seconds: float = Field(
        30.0, ge=0, description="How long work waits for a dataset or model that the registry does not know yet."
    )
    drain_seconds: float = Field(20.0, gt=0, description="Time to finish work in hand after SIGTERM.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field("json", pattern="^(json|console)$", description="json, or console for people.")
