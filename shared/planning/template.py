"""A configuration as a sentence, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from shared.errors import InvalidInputError
from shared.planning.profile import NUMBERS, Profile

# Significant digits that a number is written with.
DIGITS = 6
TEMPLATE = (
    "{tool}: input size {input_size}, {cpu_cores} CPU cores, {memory_gb} GB memory, {gpu_sm} GPU SMs, "
    "{gpu_memory_gb} GB GPU memory, latency {latency_ms} ms."
)
_NUMBER = r"\d+(?:\.\d+)?"
_PATTERN = re.compile(
    re.escape(TEMPLATE).replace(r"\{", "{").replace(r"\}", "}").format(
        tool="(?P<tool>.+)", **{name: f"(?P<{name}>{_NUMBER})" for name in NUMBERS}
    )
)  # fmt: skip


def number_text(number: float) -> str:
    """A number as texts hold it: six significant digits, no exponent, no needless zeros."""
    return np.format_float_positional(number, precision=DIGITS, fractional=False, trim="-")


def describe(tool: str, configuration: Mapping[str, float]) -> str:
    """The sentence that says what a configuration is.

    Args:
        tool: the tool's name.
        configuration: its numbers by the names in `NUMBERS`.
    """
    return TEMPLATE.format(tool=tool, **{name: number_text(configuration[name]) for name in NUMBERS})


def descriptions(profile: Profile, config_ids: Iterable[int] | None = None) -> list[str]:
    """The sentences of some configurations, or of all, in their order."""
    wanted = range(len(profile.numbers)) if config_ids is None else config_ids
    return [describe(profile.tools[profile.tool_ids[i]].name, profile.configuration(i)) for i in wanted]


def parse_description(text: str) -> tuple[str, dict[str, float]]:
    """Tool and numbers of a sentence that `describe` wrote; InvalidInputError when it is none."""
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError.of("description", f"{text[:200]!r} does not read like: {TEMPLATE}")
    return found["tool"], {name: float(found[name]) for name in NUMBERS}
