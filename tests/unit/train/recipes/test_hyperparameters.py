from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from shared.errors import InvalidInputError
from svc_train.recipes.hyperparameters import Rule, describe, hyperparameter, parse, resolved
from svc_train.recipes.series_lm.config import SeriesLMConfig, tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    steps: int = hyperparameter(10, Rule(help="Steps.", unit="steps", low=1, high=100))
    rate: float = hyperparameter(0.1, Rule(help="Rate.", low=0))
    method: str = hyperparameter("full", Rule(help="Method.", choices=("full", "lora")))
    shuffle: bool = hyperparameter(True, Rule(help="Shuffle."))


def test_nothing_given_means_the_defaults():
    assert parse(Config, {}) == Config()


def test_json_doubles_are_numbers_of_the_right_type():
    config = parse(Config, {"steps": 40.0, "rate": 1, "method": "lora", "shuffle": False})
    assert resolved(config) == {"steps": 40, "rate": 1.0, "method": "lora", "shuffle": False}
    assert type(config.steps) is int
    assert type(config.rate) is float


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"step": 3}, "hyperparameters.step: unknown; did you mean 'steps'?"),
        ({"zzz": 3}, "hyperparameters.zzz: unknown; there are: method, rate, shuffle, steps"),
        ({"steps": -3.0}, "hyperparameters.steps: -3 is too small: at least 1 steps"),
        ({"steps": 101}, "hyperparameters.steps: 101 is too large: at most 100 steps"),
        ({"steps": 4.5}, "hyperparameters.steps: 4.5 is not a whole number"),
        ({"steps": "4"}, "hyperparameters.steps: '4' is not a whole number"),
        ({"steps": True}, "hyperparameters.steps: True is not a whole number"),
        ({"steps": None}, "hyperparameters.steps: None is not a whole number"),
        ({"rate": "fast"}, "hyperparameters.rate: 'fast' is not a finite number"),
        ({"rate": float("nan")}, "hyperparameters.rate: nan is not a finite number"),
        ({"rate": float("inf")}, "hyperparameters.rate: inf is not a finite number"),
        ({"rate": [0.1]}, "hyperparameters.rate: [0.1] is not a finite number"),
        ({"method": "lore"}, "'lore' is not one of: full, lora; did you mean 'lora'?"),
        ({"method": 1}, "hyperparameters.method: 1 is not text"),
        ({"shuffle": 1.0}, "hyperparameters.shuffle: 1.0 is not true or false"),
    ],
)
def test_a_mistake_is_refused_with_what_is_allowed(given, reason: str):
    with pytest.raises(InvalidInputError) as caught:
        parse(Config, given)
    assert reason in str(caught.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(InvalidInputError) as caught:
        parse(Config, {"step": 1, "rate": -1, "method": "x"})
    assert [v.field for v in caught.value.violations] == [
        "hyperparameters.step",
        "hyperparameters.rate",
        "hyperparameters.method",
    ]


def test_a_field_that_is_no_hyperparameter_is_the_programmers_mistake():
    @dataclass(frozen=True)
    class Careless:
        steps: int = 3

    with pytest.raises(AssertionError, match="steps"):
        parse(Careless, {})


def test_every_hyperparameter_of_series_lm_explains_itself():
    described = describe(SeriesLMConfig)
    assert [d.name for d in described] == [f.name for f in fields(SeriesLMConfig)]
    for one in described:
        assert one.rule.help.endswith("."), one.name
        says_what_is_allowed = {"str": bool(one.rule.choices), "bool": True}
        assert says_what_is_allowed.get(one.type, one.rule.low is not None), one.name
        parse(SeriesLMConfig, {one.name: one.default})


def test_series_lm_accepts_its_own_defaults_and_its_tiny_variant():
    for config in (SeriesLMConfig(), tiny()):
        assert parse(SeriesLMConfig, resolved(config)) == config
        assert config.spec(("spike",)).window == config.window


def test_numbers_that_do_not_fit_together_are_refused():
    with pytest.raises(InvalidInputError, match=r"hyperparameters\.window: 100 is not a multiple of the patch 8"):
        parse(SeriesLMConfig, {"window": 100})
