"""The `upwell` command."""

from __future__ import annotations

import sys

from upwell.errors import ToolError, UpwellClientError


def main() -> None:
    """Run the command; an error is one clear line on stderr and exit code 1."""
    from upwell.cli.app import app  # noqa: PLC0415 - the package stays cheap to import

    try:
        app(prog_name="upwell")
    except ToolError as error:
        print(error_message(error), file=sys.stderr)  # noqa: T201 - typer is not loaded for this
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        # The client is light on purpose: the stack's own needs are an extra.
        sys.exit(f"error: {error.name} is not installed: run `pip install 'upwell[local]'`.")


def error_message(error: ToolError) -> str:
    """What a person reads of an error: its sentence, and below it each wrong field that the sentence leaves out."""
    lines = [f"error: {error}"]
    if isinstance(error, UpwellClientError):
        lines += [f"  {wrong.field}: {wrong.reason}" for wrong in error.violations if wrong.reason not in str(error)]
    return "\n".join(lines)
