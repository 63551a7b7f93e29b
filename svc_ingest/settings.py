"""Settings of svc_ingest."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50051


class IngestSettings(ServiceSettings):
    """What every service has, and how much may come in."""

    import_dir: Path = Field(
        Path(".upwell-data/import"),
        description="Folder whose files svc_ingest may be asked to read by path; nothing outside it is read.",
    )
    ingest_slots: int = Field(2, ge=1, description="Files that svc_ingest reads at once, streamed and imported each.")
    max_uploads: int = Field(8, ge=1, description="Files that may be streamed to svc_ingest at once.")
    max_upload_bytes: int = Field(8 * 2**30, ge=1, description="Largest file that may be streamed to svc_ingest.")
    preview_cache_bytes: int = Field(
        4 * 2**30, ge=0, description="Disk space for series that svc_ingest keeps near for previews."
    )
