"""What runs in each worker of a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from svc_train.child.attempt import train_attempt
from svc_train.child.surroundings import prepare_process
from svc_train.recipes.stopping import StopRequest

# Appears in the job's folder, which all machines see, when the training is to stop.
STOP_FILE = "stop"


class QueuedEvents:
    """Events on their way to the process that has the parent."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def send(self, event: str, **fields: Any) -> None:
        """Tell one event."""
        self._queue.put({"event": event, **fields})


class FileStopRequest(StopRequest):
    """A stop is requested by a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    @property
    def requested(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()


class EndedError(Exception):
    """Ends the other workers too; why it ended was told by an event, or is in the log."""


def train_on_worker(config: dict[str, Any]) -> None:
    """Train; `config` names the job's folder and the queue of events."""
    prepare_process()
    job_dir = Path(config["job_dir"])
    code = train_attempt(job_dir, QueuedEvents(config["queue"]), FileStopRequest(job_dir / STOP_FILE))
    if code != 0:
        raise EndedError(f"exit code {code}")
