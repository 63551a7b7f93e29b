"""Publish a request with nothing but nats-py and JSON: `python publish_request.py URL SUBJECT JSON`.

It imports nothing of Upwell, as any other program would not. JetStream answers with the place in the stream; a plain
publish would be lost in silence if the server refused it.
"""

from __future__ import annotations

import asyncio
import json
import sys

import nats


async def publish(url: str, subject: str, body: object) -> int:
    """Publish a JSON body; its sequence number in the stream."""
    connection = await nats.connect(url)
    answer = await connection.jetstream().publish(subject, json.dumps(body).encode())
    await connection.close()
    return answer.seq


if __name__ == "__main__":
    sequence = asyncio.run(publish(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
    sys.stdout.write(f"{sequence}\n")
