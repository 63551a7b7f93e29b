"""AdamW (Loshchilov and Hutter, 2019) over what is trained, and its state by the names of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from shared.errors import IntegrityError
from svc_train.recipes.training.knobs import CommonConfig

BETAS = (0.9, 0.98)


def trained(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def make_optimizer(network: nn.Module, config: CommonConfig) -> torch.optim.AdamW:
    """AdamW; only matrices decay."""
    parameters = list(trained(network).values())
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=BETAS,
        fused=True,
    )


def state_by_name(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """What the optimiser remembers: `<parameter>/<what>` -> tensor."""
    return {
        f"{name}/{what}": tensor
        for name, parameter in trained(network).items()
        for what, tensor in optimizer.state.get(parameter, {}).items()
    }


def restore_state(optimizer: torch.optim.Optimizer, network: nn.Module, stored: Mapping[str, Tensor]) -> None:
    """Put back what `state_by_name` gave; IntegrityError when it does not fit the parameters."""
    parameters = trained(network)
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, tensor in stored.items():
        name, _, what = key.rpartition("/")
        if name not in parameters:
            raise IntegrityError(f"The checkpoint's optimiser speaks of {name!r}, which is not trained here")
        if what != "step" and tensor.shape != parameters[name].shape:
            raise IntegrityError(f"The checkpoint's {key} has the shape {tuple(tensor.shape)}")
        by_name.setdefault(name, {})[what] = tensor
    names = {parameter: name for name, parameter in parameters.items()}
    ordered = [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[str, Any] = optimizer.state_dict()
    optimizer.load_state_dict({**state, "state": {i: by_name[n] for i, n in enumerate(ordered) if n in by_name}})
