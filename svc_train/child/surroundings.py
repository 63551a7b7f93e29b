"""What a process sets up before it trains."""

from __future__ import annotations

import logging
import os
import sys


def prepare_process() -> None:
    """Log to stderr, and stay offline."""
    # Everything is read from the job's folders: no library may ask the network for it.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
