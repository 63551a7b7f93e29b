"""The network of the family `geoformer`: shapes, order of tokens, and masks that are heeded."""

from __future__ import annotations

import pytest
import torch

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.geoformer.network import Geoformer, Rollout
from shared.modeling.geoformer.patches import from_patches, to_patches
from shared.modeling.geoformer.spec import GeoformerSpec, parse_spec

SPEC = GeoformerSpec(
    channels=("sst", "taux"),
    scales=(0.8, 0.02),
    lat=tuple(range(-4, 5, 2)),
    lon=tuple(range(180, 202, 2)),
    patch=(2, 4),
    d_model=16,
    heads=2,
    encoder_layers=1,
    decoder_layers=1,
)
MONTHS = torch.arange(12)[None] % 12


@pytest.fixture
def network() -> Geoformer:
    torch.manual_seed(0)
    network = Geoformer(SPEC).eval()
    torch.nn.init.normal_(network.head.weight)
    return network


def _history(*, months: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(1, months, *SPEC.shape, generator=generator)
    known = torch.rand(values.shape, generator=generator) > 0.3
    known[:, :, :, :2, :4] = False  # a patch of land
    known[:, 3] = False  # a missing month
    return values, known


def test_patches_come_back_whole_and_stand_row_by_row_from_the_south_west() -> None:
    fields = torch.arange(2 * 5 * 11, dtype=torch.float32).reshape(1, 1, 2, 5, 11)
    patches = to_patches(fields, SPEC)
    assert patches.shape == (1, 1, 3 * 3, 2 * 2 * 4)
    assert torch.equal(from_patches(patches, SPEC), fields)
    assert patches[0, 0, 1].tolist() == fields[0, 0, :, :2, 4:8].flatten().tolist()
    assert patches[0, 0, 3].tolist() == fields[0, 0, :, 2:4, :4].flatten().tolist()


@pytest.mark.parametrize("months", [1, 12, 30])
def test_encode_gives_a_token_for_each_patch_of_each_month(network: Geoformer, months: int) -> None:
    values, known = _history(months=max(months, 4))
    tokens = network.encode(values[:, -months:], known[:, -months:])
    assert tokens.shape == (1, months, SPEC.patches, SPEC.d_model)
    assert tokens.isfinite().all()


def test_values_under_the_mask_change_nothing(network: Geoformer) -> None:
    values, known = _history()
    guess = torch.zeros(1, 5, *SPEC.shape)
    other = torch.where(known, values, torch.full_like(values, torch.nan))
    torch.testing.assert_close(network.encode(values, known, MONTHS), network.encode(other, known, MONTHS))
    forecast = network(values, known, MONTHS, guess)
    torch.testing.assert_close(forecast, network(other, known, MONTHS, guess))
    assert forecast.shape == guess.shape
    assert forecast.isfinite().all()


def test_a_known_value_changes_the_forecast(network: Geoformer) -> None:
    values, known = _history()
    guess = torch.zeros(1, 2, *SPEC.shape)
    before = network(values, known, MONTHS, guess)
    known[0, 0, 0, 4, 10], values[0, 0, 0, 4, 10] = True, 3.0
    assert not torch.allclose(before, network(values, known, MONTHS, guess))


def test_longer_forecasts_begin_like_shorter_ones(network: Geoformer) -> None:
    values, known = _history()
    short = network(values, known, MONTHS, torch.zeros(1, 3, *SPEC.shape))
    longer = network(values, known, MONTHS, torch.zeros(1, 9, *SPEC.shape))
    torch.testing.assert_close(short, longer[:, :3])


def test_the_decoder_goes_on_from_true_months_where_it_is_forced_to(network: Geoformer) -> None:
    values, known = _history()
    guess = torch.zeros(1, 3, *SPEC.shape)
    sea = torch.ones_like(guess, dtype=torch.bool) & known.any(1, keepdim=True)
    own = network(values, known, MONTHS, guess)
    # Its own months given as the true ones are no change; others are, and only behind them.
    same = Rollout(truth_BFCYX=own, known_BFCYX=sea, forced_BF=torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(network(values, known, MONTHS, guess, same), own)
    forced = Rollout(truth_BFCYX=own + 1, known_BFCYX=sea, forced_BF=torch.tensor([[False, True, False]]))
    changed = network(values, known, MONTHS, guess, forced)
    torch.testing.assert_close(changed[:, :2], own[:, :2])
    assert not torch.allclose(changed[:, 2], own[:, 2])


def test_an_untrained_network_forecasts_its_first_guess() -> None:
    values, known = _history()
    guess = torch.randn(1, 4, *SPEC.shape)
    torch.testing.assert_close(Geoformer(SPEC).eval()(values, known, MONTHS, guess), guess)


def test_a_spec_survives_json() -> None:
    assert parse_spec(SPEC.to_json()) == SPEC
    with pytest.raises(IntegrityError, match="d_model"):
        parse_spec(SPEC.to_json() | {"d_model": 6})
    with pytest.raises(IntegrityError, match="fields"):
        parse_spec({"channels": ["sst"]})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"channels": ("sst", "sst")}, "channels"),
        ({"scales": (1.0,)}, "scales"),
        ({"lat": (2.0, 0.0)}, "lat"),
        ({"patch": (0, 3)}, "patch"),
        ({"members": 0}, "members"),
        ({"residual": "linear"}, "residual"),
    ],
)
def test_a_spec_whose_parts_do_not_fit_is_refused(wrong: dict[str, object], field: str) -> None:
    body = {name: getattr(SPEC, name) for name in SPEC.__slots__} | wrong
    with pytest.raises(InvalidInputError) as caught:
        GeoformerSpec(**body)
    assert [v.field for v in caught.value.violations] == [field]
