"""`python -m upwell.cli`."""

from __future__ import annotations

from upwell.cli import main

if __name__ == "__main__":
    main()
