"""`upwell datasets check` with the real checker."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from upwell.cli import check
from upwell.cli.app import app
from upwell.errors import ToolError


def test_a_folder_without_questions_is_told(tmp_path, capfd):
    ended = CliRunner().invoke(app, ["datasets", "check", str(tmp_path)])
    assert ended.exit_code == 2
    assert capfd.readouterr().err == f"error: {tmp_path} has neither chat.jsonl nor geoformer_sft.json\n"


def test_where_the_checker_is_not_installed_it_says_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "SERVICE", "svc_nowhere")
    with pytest.raises(ToolError, match=r"pip install 'upwell\[label\]'"):
        check.check(tmp_path)
