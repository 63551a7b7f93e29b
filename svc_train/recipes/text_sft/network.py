"""The untrained network of a run: the base as the method wants it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from shared.modeling.bases import Base, load_base
from shared.modeling.lora import add_adapters
from svc_train.recipes.bases import check_positions
from svc_train.recipes.conversations.base import adapters_of
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.text_sft.config import FULL, QLORA, TextSftConfig


def check_device(config: TextSftConfig, device: torch.device) -> None:
    """TrainingFailedError where the method does not work on the device, with what to use instead."""
    if config.method != QLORA:
        return
    if device.type != "cuda":
        raise TrainingFailedError(
            cause="qlora_needs_gpu",
            reason=(
                f"qlora needs a CUDA device and this process computes on {device.type}: there, layers in 4 bits give "
                "adapters a gradient of exactly zero after the first evaluation."
            ),
            remedy="Use method=lora, or train where there is a CUDA device.",
        )
    if find_spec("bitsandbytes") is None:
        raise TrainingFailedError(
            cause="missing_package",
            reason="qlora needs the package bitsandbytes, which is not installed.",
            remedy="Install upwell[qlora] where svc_train runs, or use method=lora.",
        )


def load_network(folder: Path, config: TextSftConfig, device: torch.device) -> Base:
    """The base on the device: with untrained adapters, or all of it to be trained.

    Raises:
        InvalidInputError: it reads fewer tokens than a row has, or has no layer that an adapter is wanted for.
        IntegrityError: it is damaged.
    """
    base = load_base(folder, quantised=device if config.method == QLORA else None)
    check_positions(base, config.max_length, name="max_length", what=f"{config.max_length} tokens")
    if config.method != FULL:
        add_adapters(base.decoder, adapters_of(config), dropout=config.lora_dropout)
        # The vocabulary's head is no part of the decoder and stays as it is, too.
        for name, parameter in base.model.named_parameters():
            parameter.requires_grad_("lora_" in name)
    if config.gradient_checkpointing:
        base.model.activation_checkpointing_enable({"use_reentrant": False})
    base.model.to(device)  # type: ignore[arg-type]
    return base
