"""The planner's parts that need no language model."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.planner.lookup import difference, read_lookup, write_lookup
from shared.modeling.planner.network import ConfigHead, TemporalEncoder, factors_of
from shared.modeling.planner.spec import PlannerSpec, parse_spec
from shared.modeling.planner_encoder.spec import parse_spec as parse_encoder_spec
from shared.modeling.planner_encoder.spec import spec_for
from shared.modeling.planner_encoder.tensors import IGNORED, said
from shared.planning.demand import Demand
from tests.modeling.planner.plans import small_profile
from tests.unit.shared.planning.profiles import profile_of

PROFILE = small_profile()
SPEC = PlannerSpec(window=8, capacity=(10.0, 20.0, 5.0, 0.0), channels=16)


def test_a_lookup_is_read_as_it_was_written(tmp_path: Path):
    write_lookup(tmp_path, PROFILE)
    found = read_lookup(tmp_path)
    assert difference(PROFILE, found) == ""
    assert found.tools == PROFILE.tools
    (tmp_path / "config_lookup.json").write_text("{}")
    with pytest.raises(IntegrityError, match="do not hold a profile"):
        read_lookup(tmp_path)


def test_profiles_differ_in_tools_in_their_number_and_in_numbers():
    rows = [(0, [1.0, 2, 3, 4, 5, 6]), (1, [1.0, 2, 3, 4, 5, 6])]
    assert "it knows the tools 压缩, sort; here are" in difference(PROFILE, profile_of(rows))
    assert "2 configurations; here are 1" in difference(profile_of(rows), profile_of(rows[:1], tools=2))
    other = [rows[0], (1, [1.0, 2, 3, 4, 5, 7])]
    assert (
        difference(profile_of(rows), profile_of(other)) == "1 configurations are others, the first with the config_id 1"
    )


def test_the_factors_are_the_values_of_each_number_but_the_latency():
    factors_NF, values = factors_of(PROFILE)
    assert (factors_NF.shape, values) == ((16, 5), 2 + 2 + 2 + 1 + 1)
    assert factors_NF[0].tolist() == [0, 2, 4, 6, 7]
    assert factors_NF[-1].tolist() == [1, 3, 5, 6, 7]


@pytest.mark.parametrize("head", ["flat", "factorised"])
def test_a_head_begins_with_an_encoders_weights_at_the_scale_of_untrained_ones(head: str):
    torch.manual_seed(0)
    config = ConfigHead(PROFILE, PlannerSpec(window=8, capacity=(1.0, 1, 1, 1), config_head=head), hidden=64)
    weights_NH = torch.randn(16, 64) * 50 + 7
    config.start_from(weights_NH)
    assert config.flat.weight.std().item() == pytest.approx((1 / (3 * 64)) ** 0.5, rel=0.01)
    centred_NH = weights_NH - weights_NH.mean(0)
    assert torch.nn.functional.cosine_similarity(config.flat.weight, centred_NH).min() > 0.999
    if config.factors is not None:
        torch.testing.assert_close(config.factors.weight[0], config.flat.weight[PROFILE.numbers[:, 0] == 1].mean(0))


def test_an_untrained_factorised_head_gives_equal_logits_to_equal_factors():
    torch.manual_seed(0)
    logits_BN = ConfigHead(PROFILE, SPEC, hidden=8)(torch.randn(2, 8))
    torch.testing.assert_close(logits_BN[:, :8], logits_BN[:, 8:])
    assert logits_BN[0, :8].unique().numel() == 8


def test_a_state_becomes_the_prefix_of_the_models_magnitude():
    prefix_BPH = TemporalEncoder(SPEC, hidden=32, magnitude=0.02)(torch.rand(3, 8, 4))
    assert prefix_BPH.shape == (3, 4, 32)
    assert prefix_BPH.square().mean().sqrt().item() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"window": 0}, "window"),
        ({"capacity": (1.0, 2.0)}, "capacity"),
        ({"capacity": (1.0, 2.0, -1.0, 1.0)}, "capacity"),
        ({"config_head": "deep"}, "config_head"),
        ({"prompt": "Plan:"}, "prompt"),
    ],
)
def test_a_spec_says_what_does_not_fit(changes, told: str):
    with pytest.raises(InvalidInputError, match=told):
        PlannerSpec(**{"window": 8, "capacity": (1.0, 1.0, 1.0, 1.0), **changes})
    body = {**SPEC.to_json(), **changes}
    with pytest.raises(IntegrityError, match="spec"):
        parse_spec(body)


def test_specs_are_read_as_they_were_written():
    assert parse_spec(SPEC.to_json()) == SPEC
    spec = spec_for(PROFILE)
    assert parse_encoder_spec(spec.to_json()) == spec
    assert min(spec.scale) > 0
    with pytest.raises(IntegrityError, match="spec"):
        parse_encoder_spec({"mean": [0.0], "scale": [1.0], "opening": True})


@pytest.mark.parametrize(("spec", "read"), [(SPEC, parse_spec), (spec_for(PROFILE), parse_encoder_spec)])
def test_what_was_made_before_a_token_opened_the_text_is_refused(spec, read):
    body = spec.to_json()
    assert body.pop("opening") is True
    for earlier in (body, body | {"opening": False}):
        with pytest.raises(IntegrityError, match=r"^The bundle was made by an earlier release: train it again$"):
            read(earlier)


def test_a_token_counts_as_said_when_it_is_the_likeliest():
    logits_BLV = torch.tensor([[[1.0, 2.0], [5.0, 0.0], [0.0, 1.0]]])
    assert said(logits_BLV, torch.tensor([[1, 1, IGNORED]])).tolist() == [[True, False, True]]


def test_the_least_demanding_configuration_and_what_fits_are_of_the_same_job():
    demand = Demand(PROFILE, np.array([10.0, 20.0, 0.0, 0.0]))
    assert [demand.least(one) for one in (0, 3, 7, 15)] == [0, 0, 4, 12]
    assert demand.for_same_job(9).tolist() == [8, 9, 10, 11]
    used = np.zeros((8, 4), dtype=np.float32)
    assert demand.fitting(used).all()
    used[:, 0] = 5
    assert demand.fitting(used)[:4].tolist() == [True, True, False, False]
    used[:, 0] = 9
    assert not demand.fitting(used).any()
    with pytest.raises(InvalidInputError, match=r"2\.0 was not profiled for the tool 'sort'"):
        demand.least_for(1, 2.0)
