"""Settings of svc_label."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50052


class LabelSettings(ServiceSettings):
    """What every service has, and how much is labelled at once."""

    label_slots: int = Field(1, ge=1, description="Labelling jobs that svc_label does at once.")
    label_max_values: int = Field(
        100_000_000,
        ge=1,
        description="Largest series that svc_label loads for a labeler, in rows times channels; a value takes 8 bytes, "
        "and labelers need a few times that.",
    )
