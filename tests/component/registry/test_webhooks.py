"""Registry changes reach a real HTTP server, which fails first."""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.errors import UnavailableError
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.webhooks import HttpPoster, SqlDeliveries
from svc_registry.domain import webhooks
from svc_registry.telling import telling
from tests.use_cases.registry.promotion_world import PromotionWorld
from upwell.local.ports import choose_ports

SECRET = b"0123456789abcdef01234567"


@dataclass
class Receiver:
    """Answers with the codes it is given, then with 200; keeps what it hears."""

    url: str = ""
    codes: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    heard = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(heard.codes.pop(0) if heard.codes else 200)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}/hook?token=t0ps3cret"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield heard
        server.shutdown()


def verified(headers: dict[str, str], body: bytes) -> bool:
    """As a receiver of Standard Webhooks does it."""
    version, _, signature = headers["webhook-signature"].partition(",")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return version == "v1" and b64encode(hmac.new(SECRET, signed, sha256).digest()) == b64encode(b64decode(signature))


async def test_a_change_is_told_again_until_it_is_heard(tmp_path, receiver: Receiver, monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "DELAYS_S", (0, 0, 0))
    world = PromotionWorld(tmp_path)
    world.store = SqlRegistryStore(world.database, source="svc_registry", webhooks=[receiver.url])
    receiver.codes = [500, 302]
    world.model("run-1", f1=0.5)
    run = telling(SqlDeliveries(world.database), HttpPoster(), url=receiver.url, secret=SECRET)
    with capture_logs() as logs:
        task = asyncio.create_task(run())
        while len(receiver.heard) < 3:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(world.promote, 1, reason="更好")
        while len(receiver.heard) < 4:
            await asyncio.sleep(0.02)
        task.cancel()
    assert all(verified(headers, body) for headers, body in receiver.heard)
    registered = {headers["webhook-id"] for headers, _ in receiver.heard[:3]}
    assert len(registered) == 1, "each attempt has the event's id"
    headers, body = receiver.heard[3]
    event = json.loads(body)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert (event["id"], event["subject"]) == (headers["webhook-id"], "model.promoted")
    assert (event["data"]["reason"], event["data"]["kind"]) == ("更好", "MOVE_KIND_MOVED")
    assert [entry["error"] for entry in logs if entry["log_level"] == "warning"] == [
        "http://127.0.0.1 answered 500",
        "http://127.0.0.1 answered 302",
    ], "a redirect is not followed"
    assert "t0ps3cret" not in str(logs)
    assert SECRET.decode() not in str(logs)


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{choose_ports(('hook',), {})['hook']}/?token=t0ps3cret"
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1 does not answer") as refused:
        HttpPoster(timeout_s=1).post(url, headers={}, body=b"{}")
    assert "t0ps3cret" not in str(refused.value)
