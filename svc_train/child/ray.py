"""Train one attempt on a Ray cluster: `python -m svc_train.child.ray --workers N JOB_DIR`.

Does for its parent what `python -m svc_train.child` does, but the training runs in workers of the cluster that
RAY_ADDRESS names. Their machines have the same release of Upwell installed, and see the service's data folder under
the same path.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from queue import Empty
from typing import Any

from shared.errors import InvalidInputError
from svc_train.child.events import EventStream, take_stdout
from svc_train.child.failures import tell
from svc_train.child.ray_worker import STOP_FILE, train_on_worker
from svc_train.child.surroundings import prepare_process
from svc_train.child.termination import STOPPED, heed_termination
from svc_train.recipes.stopping import StopRequest

ADDRESS = "RAY_ADDRESS"
POLL_S = 0.2

log = logging.getLogger("svc_train.child.ray")


class Relay:
    """Passes events from the workers on to the parent, and a request to stop from the parent on to the workers."""

    def __init__(self, queue: Any, events: EventStream, stop: StopRequest, job_dir: Path) -> None:
        self._queue, self._events, self._stop, self._job_dir = queue, events, stop, job_dir
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.has_failed = False

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            done = self._done.is_set()
            if self._stop.requested:
                (self._job_dir / STOP_FILE).touch()
            try:
                event = self._queue.get(timeout=POLL_S)
            except Empty:
                if done:
                    return
                continue
            self.has_failed = self.has_failed or event["event"] == "failed"
            self._events.send(event.pop("event"), **event)


def main(job_dir: Path, workers: int, events: EventStream, stop: StopRequest) -> int:
    """Train on the cluster; the exit code."""
    relay: Relay | None = None
    try:
        queue = _connect()
        relay = Relay(queue, events, stop, job_dir)
        with stop.heeded(), relay:
            _fit({"job_dir": str(job_dir), "queue": queue}, workers, job_dir / "ray")
    # Ray raises errors of many classes; what failed in a worker was told by the worker.
    except Exception as error:
        if stop.requested:
            return STOPPED
        if relay is None or not relay.has_failed:
            told = tell(error)
            log.error("failed: %s", told.detail, exc_info=error)  # noqa: TRY400
            events.send("failed", **told.to_event())
        return 1
    return 0


def _connect() -> Any:
    """Join the cluster; a queue that every worker can write to."""
    if not os.environ.get(ADDRESS):
        raise InvalidInputError.of("launcher", f"'ray' needs {ADDRESS}, the address of a Ray cluster")
    try:
        import ray  # noqa: PLC0415 - an extra of its own
        from ray.util.queue import Queue  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInputError.of("launcher", "'ray' needs the extra upwell[ray] to be installed") from error
    ray.init(address=os.environ[ADDRESS], logging_level=logging.WARNING)
    return Queue()


def _fit(config: dict[str, Any], workers: int, folder: Path) -> None:
    import ray  # noqa: PLC0415
    from ray.train import RunConfig, ScalingConfig  # noqa: PLC0415
    from ray.train.torch import TorchConfig, TorchTrainer  # noqa: PLC0415

    has_gpus = ray.cluster_resources().get("GPU", 0) >= workers  # type: ignore[no-untyped-call]
    TorchTrainer(
        train_on_worker,
        train_loop_config=config,
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=has_gpus),
        torch_config=TorchConfig(backend="nccl" if has_gpus else "gloo"),
        # Another attempt is the service's to start: it goes on from the checkpoints.
        run_config=RunConfig(name="attempt", storage_path=str(folder)),
    ).fit()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train one attempt on a Ray cluster.")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("job_dir", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    asked_to_stop = StopRequest()
    heed_termination(asked_to_stop)
    stream = take_stdout()
    prepare_process()
    code = main(asked.job_dir.absolute(), asked.workers, stream, asked_to_stop)
    if code == STOPPED:
        os._exit(code)
    sys.exit(code)
