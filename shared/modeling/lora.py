"""Low-rank adapters (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021) by peft.

peft puts the layers in; the bundle stores their tensors and these three numbers. peft's own `adapter_config.json` is
not read: it can name modules to import, and a bundle must hold nothing executable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor

from shared.errors import IntegrityError, InvalidInputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Every linear layer of the decoder: what QLoRA (Dettmers et al., 2023) found to be needed to match full training.
ALL_LINEAR = "all-linear"
# Or some layers by the ends of their names: `q_proj,v_proj`.
TARGETS = re.compile(r"all-linear|[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*")
ADAPTER_PARAMETER = "lora_"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSpec:
    """The adapters' shape: their output counts `alpha / rank`; `targets` says which layers have one."""

    rank: int
    alpha: int
    targets: str = ALL_LINEAR

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return asdict(self)


def parse_lora(body: Mapping[str, Any]) -> LoraSpec:
    """Read a bundle's adapters' shape; IntegrityError when it is not one."""
    wanted = {field.name: int if field.name in ("rank", "alpha") else str for field in fields(LoraSpec)}
    if set(body) != set(wanted) or any(type(body[name]) is not kind for name, kind in wanted.items()):
        raise IntegrityError(f"The bundle's lora is {dict(body)}; this release reads {', '.join(wanted)}")
    if body["rank"] < 1 or body["alpha"] < 1 or not TARGETS.fullmatch(body["targets"]):
        raise IntegrityError(
            f"The bundle's lora is {dict(body)}; rank and alpha are from 1, targets are {ALL_LINEAR!r} or names"
        )
    return LoraSpec(**body)


def add_adapters(decoder: PreTrainedModel, spec: LoraSpec, *, dropout: float = 0.0) -> None:
    """Put untrained adapters into the decoder and freeze everything else in it.

    Args:
        decoder: changed in place.
        spec: the adapters' shape.
        dropout: share of their inputs that is ignored while they train.

    Raises:
        InvalidInputError: a target names no layer of it.
    """
    targets: str | list[str] = spec.targets if spec.targets == ALL_LINEAR else spec.targets.split(",")
    for target in () if isinstance(targets, str) else targets:
        if not any(name == target or name.endswith(f".{target}") for name, _ in decoder.named_modules()):
            reason = f"no layer of the base is called {target!r}; use {ALL_LINEAR!r} or names such as q_proj,v_proj"
            raise InvalidInputError.of("lora_targets", reason)
    inject_adapter_in_model(
        LoraConfig(r=spec.rank, lora_alpha=spec.alpha, target_modules=targets, lora_dropout=dropout), decoder
    )


def is_adapter(parameter: str) -> bool:
    """Whether a parameter's name is that of an adapter."""
    return ADAPTER_PARAMETER in parameter


def adapters_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network's state that are adapters."""
    return {name: tensor for name, tensor in state.items() if is_adapter(name)}
