"""`python -m svc_registry.rebuild`: fill an empty catalogue from the streams and the bucket.

It takes the service's own settings. The service may run meanwhile: it waits, or is not ready yet.
"""

from __future__ import annotations

import argparse
import sys

from shared.errors import UpwellError
from svc_registry.bootstrap import rebuild_catalogue
from svc_registry.settings import RegistrySettings


def main() -> None:
    """Rebuild the catalogue; exit code 1 when it was not, 2 when something was left out."""
    parser = argparse.ArgumentParser(prog="python -m svc_registry.rebuild", description=main.__doc__)
    parser.add_argument("--replace", action="store_true", help="empty a catalogue that holds something first")
    options = parser.parse_args()
    try:
        report = rebuild_catalogue(RegistrySettings(), overwrite=options.replace)
    except UpwellError as error:
        sys.exit(str(error))
    for what, count in report.restored.items():
        print(f"{count} {what}")  # noqa: T201
    for sentence in report.left_out:
        print(f"left out: {sentence}", file=sys.stderr)  # noqa: T201
    sys.exit(2 if report.left_out else 0)


if __name__ == "__main__":
    main()
