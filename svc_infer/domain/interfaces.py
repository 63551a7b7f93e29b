"""What models are asked: each interface has a call of its own."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.interfaces import Interface
from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError

CALLS: Mapping[Interface, str] = {
    Interface.SERIES: "series (Predict)",
    Interface.TEXT: "conversations (Generate)",
    Interface.PLAN: "tasks (Plan)",
    Interface.FIELD: "months of fields (Forecast)",
    Interface.VALUES: "JSON values (Ask)",
}


def wrong_call(version: ModelVersion, *, answers: Interface, asked: Interface) -> InvalidInputError:
    """The error of a question to a model that answers others; it says which call the model answers."""
    return InvalidInputError.of("model", f"{version} answers {CALLS[answers]}, not {CALLS[asked]}")
