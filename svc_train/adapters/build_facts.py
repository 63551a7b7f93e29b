"""Facts about the code that runs, recorded with every run."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

GIT_TIMEOUT_S = 5


def build_facts(git_commit: str) -> dict[str, str]:
    """Versions, and the commit: the one given, else that of the checkout this file lies in, else none.

    Args:
        git_commit: what the settings say; may be empty.
    """
    commit = git_commit or _checked_out()
    facts = {"upwell": version("upwell"), "python": platform.python_version(), "platform": platform.platform()}
    return {**facts, "git_commit": commit} if commit else facts


def _checked_out() -> str:
    checkout = Path(__file__).resolve().parents[2]
    try:
        found = subprocess.run(
            ("git", "rev-parse", "--show-toplevel", "HEAD"),  # noqa: S607 - whichever git the path has
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    top, _, commit = found.stdout.strip().partition("\n")
    # An installed package may lie inside somebody else's checkout.
    return commit if found.returncode == 0 and Path(top) == checkout else ""
