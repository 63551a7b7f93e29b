"""Settings of svc_train."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50053


class TrainSettings(ServiceSettings):
    """What every service has, and how runs are executed."""

    train_slots: int = Field(1, ge=1, le=64, description="Runs that this replica executes at once.")
    torch_threads: int = Field(
        0, ge=0, le=1024, description="CPU threads of one training process; 0 lets torch take every core."
    )
    bases_dir: Path | None = Field(
        None, description="Folder whose sub-folders are bases in Hugging Face layout; without it only built-in ones."
    )
    hub: bool = Field(
        False, description="Whether svc_train may download bases from the Hugging Face hub when an admin asks for one."
    )
    git_commit: str = Field(
        "", description="Commit this build was made from, recorded with every run; empty asks git where there is one."
    )
