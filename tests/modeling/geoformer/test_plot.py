"""The picture of skill."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from svc_train.recipes.geoformer.plot import draw_skill, skill_figure
from svc_train.recipes.geoformer.skill import Skill

SKILL = Skill(
    rmse_CF=np.array([[0.3, 0.4], [0.02, 0.03]]),
    correlation_F=np.array([0.9, 0.7]),
    index_rmse_F=np.array([0.2, np.nan]),
    correlation_MF=np.full((12, 2), np.nan),
)
SKILLS = dict.fromkeys(("geoformer", "persistence", "lim"), SKILL)


def test_the_forecaster_lies_over_what_it_is_compared_with() -> None:
    figure = skill_figure(SKILLS, temperature=0, scored="2005-01 to 2010-12")
    for axes, values in zip(figure.axes, ([0.9, 0.7], [0.2, np.nan], [0.3, 0.4]), strict=True):
        lines = axes.lines[:3]
        assert [line.get_label() for line in lines] == ["persistence", "linear inverse model", "geoformer"]
        assert [line.get_linestyle() for line in lines] == ["--", "--", "-"]
        assert lines[2].get_linewidth() > lines[0].get_linewidth()
        np.testing.assert_array_equal(lines[2].get_ydata(), values)
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "0.5, useful above"
    assert figure.axes[1].get_ylabel() == "RMSE of Nino3.4 (°C)"


def test_equal_skill_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_skill(tmp_path / name, SKILLS, temperature=0, scored="2005-01 to 2010-12")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
