from __future__ import annotations

import pytest
import torch

from shared.modeling.bundle import FROZEN, FULL, LORA, BaseIdentity, BundleInfo
from shared.modeling.precision import serving_dtype


def made_by(method: str) -> BundleInfo:
    return BundleInfo(
        family="text",
        recipe="text-sft",
        method=method,
        base=BaseIdentity(name="b", digest="b" * 64, content_digest="c" * 64),
        spec={},
        lora={},
        hyperparameters={},
        metrics={},
        dtype="float32",
    )


@pytest.mark.parametrize("method", [FULL, LORA, FROZEN])
def test_a_cpu_computes_in_float32(method: str):
    assert serving_dtype(made_by(method), "cpu") is torch.float32


def test_a_gpu_computes_in_bfloat16_unless_all_weights_were_trained():
    found = {method: serving_dtype(made_by(method), "cuda:0") for method in (FULL, LORA, FROZEN)}
    assert found == {FULL: torch.float32, LORA: torch.bfloat16, FROZEN: torch.bfloat16}


def test_what_training_adds_to_a_weight_of_a_base_is_gone_in_bfloat16():
    base = torch.tensor(0.0625).bfloat16().float()
    trained = base + 1e-4
    assert trained != base
    assert trained.bfloat16() == base.bfloat16()
