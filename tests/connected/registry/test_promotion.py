"""Control over what serves, against a real service: by the client, on the bus, and told to a webhook."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest

from shared.runtime.artifacts import Artifacts
from shared.runtime.object_store import object_store_for
from tests.connected.runtime.test_service import settings_of
from tests.support.bus import events_on, publish
from tests.support.servers import Servers, Service, wait_until
from upwell.cli.conditions import parse_conditions
from upwell.client import Connection, Upwell, UpwellClientError
from upwell.registry.v1 import marks_pb2 as marks
from upwell.signing import new_private_key, public_key, sign_bundle

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]
T = TypeVar("T")
MODEL = "守门"
PRIVATE_KEY = new_private_key()


class Receiver:
    """An HTTP server that refuses until it is told to listen."""

    def __init__(self) -> None:
        self.listens = False
        self.refused = 0
        self.heard: list[dict[str, Any]] = []


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.listens:
                receiver.heard.append(json.loads(body))
            else:
                receiver.refused += 1
            self.send_response(204 if receiver.listens else 503)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver, f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()


def ask(servers: Servers, work: Callable[[Upwell], Awaitable[T]]) -> T:
    async def session() -> T:
        async with Upwell.connect(Connection.from_environment(servers.client_environment)) as upwell:
            return await work(upwell)

    return asyncio.run(session())


def refused(servers: Servers, work: Callable[[Upwell], Awaitable[object]]) -> UpwellClientError:
    with pytest.raises(UpwellClientError) as error:
        ask(servers, work)
    return error.value


def train(servers: Servers, run_id: str, f1: float, tmp_path) -> None:
    """A run says what it made."""
    store = object_store_for(settings_of(servers))
    store.ensure_bucket()
    (tmp_path / "w").write_text(run_id)
    bundle = Artifacts(store).store(kind="bundle/v1", files={"w": tmp_path / "w"}, meta={}, parents=[])
    body = {
        "runId": run_id,
        "model": MODEL,
        "recipe": "series-lm",
        "bundleDigest": bundle.digest,
        "dataset": {"name": "labels", "version": 1, "manifestDigest": "d" * 64},
        "metrics": {"f1": f1},
    }
    publish(servers, "svc_train", "train.completed", json.dumps(body).encode())
    wait_until(lambda: has_model(servers, run_id), 20)


def has_model(servers: Servers, run_id: str) -> bool:
    try:
        return bool(ask(servers, lambda upwell: upwell.registry.trained_model(run_id)))
    except UpwellClientError:
        return False


def test_gate_force_rollback_and_deletion_are_kept_announced_and_told(
    servers: Servers, receiver: tuple[Receiver, str], tmp_path
) -> None:
    hearing, url = receiver
    settings = {
        "UPWELL_WEBHOOKS": url,
        "UPWELL_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "UPWELL_TRUSTED_KEYS": f"qa:{public_key(PRIVATE_KEY)}",
    }
    registry = servers.run_service("svc_registry", **settings)
    for number, f1 in enumerate((0.7, 0.5), start=1):
        train(servers, f"gate-{number}", f1, tmp_path)
    ask(servers, lambda upwell: upwell.promotion.set_gate(MODEL, parse_conditions(["f1>=0.6"], "")))
    ask(servers, lambda upwell: upwell.registry.promote(MODEL, version=1))
    wrong = refused(servers, lambda upwell: upwell.registry.promote(MODEL, version=2))
    assert (wrong.code, "f1 is 0.5: at least 0.6" in wrong.message) == ("FAILED_PRECONDITION", True)
    ask(servers, lambda upwell: upwell.registry.promote(MODEL, version=2, force=True, reason="演练"))
    ask(servers, lambda upwell: upwell.promotion.roll_back(MODEL, reason="报警"))
    version = ask(servers, lambda upwell: upwell.registry.model(MODEL))
    ask(
        servers,
        lambda upwell: upwell.versions.sign_model(
            MODEL,
            bundle_digest=version.bundle_digest,
            key="qa",
            signature=sign_bundle(PRIVATE_KEY, version.bundle_digest),
        ),
    )
    ask(servers, lambda upwell: upwell.versions.delete_model(MODEL, version=2, reason="旧"))
    assert refused(servers, lambda upwell: upwell.registry.model(f"{MODEL}@2")).code == "NOT_FOUND"
    kinds = [move.kind for move in ask(servers, lambda upwell: upwell.registry.alias_moves(MODEL))]
    assert kinds == [
        marks.MOVE_KIND_ROLLED_BACK,
        marks.MOVE_KIND_FORCED,
        marks.MOVE_KIND_REFUSED,
        marks.MOVE_KIND_MOVED,
    ]
    for subject, count in (
        ("model.promoted", 3),
        ("promotion.refused", 1),
        ("gate.changed", 1),
        ("model.archived", 1),
        ("model.signed", 1),
    ):
        wait_until(lambda subject=subject, count=count: len(events_on(servers, subject)) >= count, 30)
    told_after_a_kill(servers, registry, hearing, settings)


def told_after_a_kill(servers: Servers, registry: Service, hearing: Receiver, settings: dict[str, str]) -> None:
    """What the receiver refused is told by the service that comes after the one that was killed."""
    wait_until(lambda: hearing.refused > 0, 20, registry.log_tail)
    registry.kill()
    hearing.listens = True
    again = servers.run_service("svc_registry", **settings)
    ask(servers, lambda upwell: upwell.promotion.clear_alias(MODEL, "champion", reason="停"))
    expected = {"model.registered", "model.promoted", "promotion.refused", "model.archived", "alias.cleared"}

    def all_heard() -> bool:
        return expected <= {event["subject"] for event in hearing.heard}

    wait_until(all_heard, 60, again.log_tail)
    assert "whsec_" not in again.log_tail()
    again.kill()
