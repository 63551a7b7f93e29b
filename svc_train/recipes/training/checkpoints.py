"""Checkpoints: all that a training needs to go on as if it had never ended. JSON and safetensors, never pickle.

A checkpoint is a folder `step-<n>`:

- checkpoint.json: where the training stood, what it was made for, the states of the sampler and of random generators
- weights.safetensors: the trained parameters, and the network's buffers
- optimizer.safetensors: what AdamW remembers, by parameter
- random.safetensors: the states of torch's generators

It is written under another name, forced to the disk and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from shared.errors import IntegrityError, InvalidInputError
from svc_train.recipes.training.optimizer import restore_state, state_by_name, trained
from svc_train.recipes.training.randomness import generator_numbers, generator_tensors, restore_generators

SCHEMA = "upwell.checkpoint/v1"
STATE_FILE = "checkpoint.json"
WEIGHTS_FILE, OPTIMIZER_FILE, RANDOM_FILE = "weights.safetensors", "optimizer.safetensors", "random.safetensors"
PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a training stands after a step.

    Args:
        step: steps done.
        tokens, elapsed_s: read and passed since the first step began, over all attempts.
        metrics: of the last evaluation; `best` is the monitored one's best value so far, `since_best` counts the
            evaluations after it.
        is_learnt: the loss was below its target.
    """

    step: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: float | None = None
    since_best: int = 0
    is_learnt: bool = False


def folder_name(step: int) -> str:
    """`step-00000012`: names sort as steps do."""
    return f"step-{step:08d}"


def save_checkpoint(
    folder: Path,
    standing: Standing,
    *,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    examples: Mapping[str, Any],
    purpose: Mapping[str, Any],
) -> Path:
    """Write `folder/step-<n>`; on an error nothing is left behind.

    Args:
        folder: made when it is not there.
        standing: where the training stands.
        network: as it is after that step.
        optimizer: the network's, as it is after that step.
        examples: the state of the examples' order.
        purpose: what the checkpoint is good for; loading it for anything else is refused.

    Raises:
        OSError: the disk is full, say.
    """
    target, partial = folder / folder_name(standing.step), folder / f"{PARTIAL}{folder_name(standing.step)}"
    body = {
        "schema": SCHEMA,
        "purpose": dict(purpose),
        "standing": asdict(standing),
        "examples": dict(examples),
        "generators": generator_numbers(),
    }
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _save(partial / WEIGHTS_FILE, _weights(network))
        _save(partial / OPTIMIZER_FILE, state_by_name(optimizer, network))
        _save(partial / RANDOM_FILE, generator_tensors())
        (partial / STATE_FILE).write_text(json.dumps(body, allow_nan=False, ensure_ascii=False), encoding="utf-8")
        for path in (*partial.iterdir(), partial):
            _sync(path)
        # A leftover of the same step says the same.
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        _sync(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return target


def load_checkpoint(
    folder: Path, *, network: nn.Module, optimizer: torch.optim.Optimizer, purpose: Mapping[str, Any]
) -> tuple[Standing, Mapping[str, Any]]:
    """Put the weights, the optimiser and the random generators back; where it stood, and the order's state.

    Raises:
        InvalidInputError: the checkpoint was made for another run than `purpose` says.
        IntegrityError: it is damaged, or its tensors do not fit the network.
    """
    try:
        body = json.loads((folder / STATE_FILE).read_bytes())
        schema, found = body["schema"], body["purpose"]
        standing = _standing(body["standing"])
        examples, generators = body["examples"], body["generators"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"The checkpoint {folder.name} has no readable {STATE_FILE}: {error!r}") from error
    if schema != SCHEMA:
        raise IntegrityError(f"The checkpoint has the schema {schema!r}; this release reads {SCHEMA!r}")
    _check_purpose(folder, found, json.loads(json.dumps(purpose)))
    _put_weights(network, _load(folder / WEIGHTS_FILE))
    restore_state(optimizer, network, _load(folder / OPTIMIZER_FILE))
    try:
        restore_generators(_load(folder / RANDOM_FILE), generators)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise IntegrityError(f"The checkpoint's random states cannot be restored: {error!r}") from error
    return standing, examples


def _standing(body: Mapping[str, Any]) -> Standing:
    # Checkpoints of older releases do not say whether the loss was below a target: there was none.
    told = {"is_learnt": False, **body}
    return Standing(**{one.name: told[one.name] for one in fields(Standing)})


def _check_purpose(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if differing:
        told = "; ".join(f"{name} was {found.get(name)!r} and is {wanted.get(name)!r}" for name in differing[:3])
        raise InvalidInputError.of("resume_from", f"the checkpoint {folder.name} was made for another run: {told}")


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """What training changes: the trained parameters, and the buffers that are part of the network's state."""
    parameters: dict[str, Tensor] = {name: parameter.detach() for name, parameter in trained(network).items()}
    buffers = {name: buffer for name, buffer in network.named_buffers() if name in _state_names(network)}
    return {**parameters, **buffers}


def _state_names(network: nn.Module) -> set[str]:
    return set(network.state_dict(keep_vars=True))


def _put_weights(network: nn.Module, stored: Mapping[str, Tensor]) -> None:
    weights = _weights(network)
    if stored.keys() != weights.keys():
        missing, unknown = sorted(weights.keys() - stored.keys()), sorted(stored.keys() - weights.keys())
        raise IntegrityError(f"The checkpoint lacks the weights {missing[:3]} and has too many: {unknown[:3]}")
    for name, weight in weights.items():
        if stored[name].shape != weight.shape or stored[name].dtype != weight.dtype:
            raise IntegrityError(f"The checkpoint's {name} is {stored[name].dtype} {tuple(stored[name].shape)}")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(stored[name])


def _save(path: Path, tensors: Mapping[str, Tensor]) -> None:
    try:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        # safetensors keeps the number of the system's error in its text only.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise IntegrityError(f"The checkpoint's {path.name} cannot be read: {error}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
