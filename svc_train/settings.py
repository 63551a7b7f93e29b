"""Settings of svc_train."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50053


class Launcher(StrEnum):
    """What starts training processes."""

    LOCAL = "local"
    RAY = "ray"


class TrainSettings(ServiceSettings):
    """What every service has, and how runs are executed."""

    train_slots: int = Field(1, ge=1, le=64, description="Runs that this replica executes at once.")
    torch_threads: int = Field(
        0, ge=0, le=1024, description="CPU threads of one training process; 0 lets torch take every core."
    )
    launcher: Launcher = Field(
        Launcher.LOCAL,
        description="Where training processes run: `local`, on this machine, or `ray`, on the Ray cluster that "
        "RAY_ADDRESS names, whose machines must see the data folder under the same path.",
    )
    train_workers: int = Field(
        0,
        ge=0,
        le=1024,
        description="Processes that train one model together; 0 takes one for each GPU of this machine, and one "
        "where there is none.",
    )
    bases_dir: Path | None = Field(
        None, description="Folder whose sub-folders are bases in Hugging Face layout; without it only built-in ones."
    )
    hub: bool = Field(
        False, description="Whether svc_train may download bases from the Hugging Face hub when an admin asks for one."
    )
    checkpoint_days: float = Field(
        7.0, ge=0, description="How long a failed or cancelled run keeps its checkpoints, to be resumed from."
    )
    stall_seconds: float = Field(
        1800,
        ge=0,
        le=604_800,
        description="A training process that makes no step, no evaluation and no log line for so many seconds is ended "
        "and tried again; 0 never.",
    )
    run_seconds: float = Field(
        0,
        ge=0,
        le=31_536_000,
        description="Seconds that the training process of one attempt may take; 0 sets no limit.",
    )
    llamafactory_cli: str = Field(
        "", description="Path of a llamafactory-cli, which makes the engine `llamafactory` of text-sft usable."
    )
    git_commit: str = Field(
        "", description="Commit this build was made from, recorded with every run; empty asks git where there is one."
    )
