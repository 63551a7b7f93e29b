"""How the package's own tools reach the bus: they fail soon and say why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError

from upwell.errors import BusError

CONNECT_TIMEOUT_S = 2


@asynccontextmanager
async def connection(url: str, *, user: str | None = None, password: str | None = None) -> AsyncIterator[Client]:
    """A connection that is closed at the end of the block.

    Args:
        url: one address or several separated by commas; it may hold user and password.
        user: the bus user, when the address does not hold it.
        password: the user's password.

    Raises:
        BusError: no server answered, or it refused the user.
    """
    last: list[Exception] = []

    async def remember(error: Exception) -> None:
        last.append(error)

    client = Client()
    try:
        await client.connect(
            url.split(","),
            user=user,
            password=password,
            connect_timeout=CONNECT_TIMEOUT_S,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=remember,
        )
    except (NatsError, OSError) as error:
        # A refused client has an open socket still.
        await client.close()
        cause = last[-1] if last else error
        raise BusError(f"The bus at {place(url)} could not be used: {cause or type(cause).__name__}") from error
    try:
        yield client
    finally:
        await client.close()


def place(url: str) -> str:
    """The address without its user and password, for messages."""
    return ",".join(urlsplit(part).netloc.rpartition("@")[2] or part for part in url.split(","))
