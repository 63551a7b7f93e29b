from __future__ import annotations

from upwell.cli.output import console
from upwell.cli.skill import is_by_lead, skill_tables

METRICS = {
    "nino34_correlation": 0.8,
    "nino34_correlation_lead_01": 0.957,
    "nino34_correlation_lead_10": 0.5,
    "damped_persistence_nino34_correlation_lead_01": 0.9,
    "lim_nino34_correlation_lead_01": 0.93,
    "nino34_rmse_lead_01": 0.25,
    "test_windows": 11,
}


def test_scores_by_lead_are_tables_and_what_is_not_defined_is_a_dash(capsys):
    tables = skill_tables(METRICS)
    assert list(tables) == ["correlation of nino34 by lead", "rmse of nino34 by lead"]
    console().print(*tables.values(), sep="")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["lead", "forecaster", "damped", "persistence", "lim"],
        ["1", "0.96", "0.90", "0.93"],
        ["10", "0.50", "-", "-"],
        ["lead", "forecaster"],
        ["1", "0.25"],
    ]


def test_only_scores_by_lead_are_taken_out_of_the_facts():
    assert [name for name in METRICS if not is_by_lead(name)] == ["nino34_correlation", "test_windows"]
    assert skill_tables({"accuracy": 0.5}) == {}
