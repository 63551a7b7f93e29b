"""One `run()` for all services: start in order, be ready, drain on SIGTERM, stop in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats.errors
import structlog

from shared.errors import UnavailableError
from shared.runtime.bus import Bus
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.logs import configure_logs
from shared.runtime.migrations import migrate
from shared.runtime.object_store import S3ObjectStore
from shared.runtime.outbox import OutboxRelay
from shared.runtime.settings import ServiceSettings
from shared.runtime.worker import Worker

log = structlog.get_logger(__name__)
RETRY_S = 1.0
THREADS = 32
READY_CHECK_S = 5.0
# Of the time to drain: work may end by itself within the first part, the rest is for what has to be interrupted. A
# training that is interrupted leaves a last checkpoint and brings it to the object store, which takes up to 9 s.
SHARE_TO_FINISH = 0.4


@dataclass(kw_only=True)
class App:
    """A wired service.

    Attributes:
        name: the service, e.g. `svc_label`.
        settings: its settings.
        bus: its bus, with its handlers taken.
        server: its gRPC server.
        database: its database.
        migrations: folder of its migrations.
        objects: the object store whose bucket it makes sure of.
        workers: workers over its recorded work.
        background: loops that run beside, e.g. a reconciler; each is cancelled at the end.
        checks: what else must hold for the service to be ready; each raises UnavailableError while it does not.
        draining: set when the service begins to stop, so that calls which would go on for ever can end.
    """

    name: str
    settings: ServiceSettings
    bus: Bus
    server: GrpcServer
    database: Database
    migrations: Path
    objects: S3ObjectStore | None = None
    workers: Sequence[Worker] = ()
    background: Sequence[Callable[[], Awaitable[None]]] = field(default_factory=tuple)
    checks: Sequence[Callable[[], Awaitable[None]]] = field(default_factory=tuple)
    draining: asyncio.Event = field(default_factory=asyncio.Event)


def run(name: str, settings: ServiceSettings, build: Callable[[Any], App]) -> None:
    """Run a service until SIGTERM or SIGINT; the process exits with 0 after a clean drain."""
    configure_logs(service=name, level=settings.log_level, log_format=settings.log_format)
    asyncio.run(_serve(lambda: build(settings)))


async def _serve(build: Callable[[], App]) -> None:
    app = build()  # inside the loop, to which the gRPC server binds itself
    # Work in hand holds a thread each; leases must still be renewed and calls answered beside it.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    # Alive before ready: health answers while the dependencies are waited for.
    await app.server.start()
    running = asyncio.create_task(_run_until(app, stopping))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    stopping.set()
    try:
        await running
    finally:
        await app.server.stop(app.settings.drain_seconds)
        app.database.dispose()
        log.info("stopped", service=app.name)


async def _run_until(app: App, stopping: asyncio.Event) -> None:
    if not await _started(app, stopping):
        return
    relay = OutboxRelay(app.database, app.bus)
    relaying = asyncio.create_task(relay.run())
    working = [asyncio.create_task(worker.run()) for worker in app.workers]
    beside = [asyncio.create_task(_forever(loop, stopping)) for loop in app.background]
    checking = asyncio.create_task(_keep_ready(app, stopping))
    log.info("ready", service=app.name)
    await stopping.wait()

    log.info("draining", service=app.name)
    app.draining.set()
    await app.server.set_ready(ready=False)
    # Calls and work end before the relay does, so that the events of both still leave.
    await asyncio.gather(
        app.bus.stop_taking(), app.server.stop(app.settings.drain_seconds), _drain_workers(app, working)
    )
    for task in (*beside, checking):
        task.cancel()
    relay.stop()
    with suppress(TimeoutError):
        await asyncio.wait_for(relaying, app.settings.drain_seconds)
    await app.bus.broker.stop()


async def _started(app: App, stopping: asyncio.Event) -> bool:
    """Wait for each dependency in turn; False when the service was stopped meanwhile."""
    steps: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("database", lambda: asyncio.to_thread(migrate, app.database, app.migrations)),
        ("bus", app.bus.broker.connect),
        ("durables", lambda: _durables_exist(app.bus)),
        ("subscribers", app.bus.start),
    ]
    if app.objects is not None:
        steps.insert(1, ("object store", lambda: asyncio.to_thread(app.objects.ensure_bucket)))  # type: ignore[union-attr]
    for name, step in steps:
        while True:
            if stopping.is_set():
                return False
            try:
                await step()
                break
            except (UnavailableError, OSError, TimeoutError, nats.errors.Error) as error:
                log.warning("waiting", dependency=name, error=str(error) or type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), RETRY_S)
    return True


async def _durables_exist(bus: Bus) -> None:
    missing = await bus.missing_durables()
    if missing:
        raise UnavailableError(f"no consumer {', '.join(missing)}: run `python -m upwell.streams`")


async def _keep_ready(app: App, stopping: asyncio.Event) -> None:
    """Ready means: the bus answers and every durable still exists, for a deleted one leaves its subscriber deaf."""
    said = ""
    while not stopping.is_set():
        try:
            await _durables_exist(app.bus)
            for check in app.checks:
                await check()
            ready, reason = True, ""
        except (UnavailableError, OSError, TimeoutError, nats.errors.Error) as error:
            ready, reason = False, str(error) or type(error).__name__
        if reason != said:
            log.warning("not ready" if reason else "ready again", reason=reason)
            said = reason
        await app.server.set_ready(ready=ready)
        await asyncio.sleep(READY_CHECK_S if ready else RETRY_S)


async def _forever(loop: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await loop()
        except Exception:
            log.exception("background loop failed; it starts again")
        await asyncio.sleep(RETRY_S)


async def _drain_workers(app: App, working: Sequence[asyncio.Task[None]]) -> None:
    for worker in app.workers:
        worker.stop()
    if not working:
        return
    _, unfinished = await asyncio.wait(working, timeout=app.settings.drain_seconds * SHARE_TO_FINISH)
    if unfinished:
        for worker in app.workers:
            worker.interrupt()
        await asyncio.wait(unfinished, timeout=app.settings.drain_seconds * (1 - SHARE_TO_FINISH))
