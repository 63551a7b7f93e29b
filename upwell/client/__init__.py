"""The typed async client: `async with Upwell.connect(...) as upwell: await upwell.registry.datasets()`."""

from __future__ import annotations

from upwell.client.client import Upwell
from upwell.client.connection import Connection
from upwell.errors import BusError, FieldViolation, UpwellClientError

__all__ = ["BusError", "Connection", "FieldViolation", "Upwell", "UpwellClientError"]
