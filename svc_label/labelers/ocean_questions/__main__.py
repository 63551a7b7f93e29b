"""`python -m svc_label.labelers.ocean_questions FOLDER` checks every number of every answer in a pulled version."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.errors import InvalidInputError
from svc_label.labelers.ocean_questions.checking import check_folder


def main(arguments: list[str]) -> int:
    """0 when all is true, 1 when something is not, 2 when the folder cannot be read."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        checked = check_folder(Path(arguments[0]))
    except InvalidInputError as error:
        # The reason alone: which field of a request it would have been is nothing to who named a folder.
        reasons = "; ".join(violation.reason for violation in error.violations)
        sys.stderr.write(f"error: {reasons or error}\n")
        return 2
    sys.stdout.write("".join(f"{one}\n" for one in checked.wrong))
    found = f"{checked.facts} facts: {len(checked.wrong) or 'none'} untrue"
    sys.stdout.write(f"{checked.answers} answers in {' and '.join(checked.files)}, {found}\n")
    return int(bool(checked.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
