"""Kill things at random while runs are made, and see that every run ends with its version."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.storm import Plan, weather
from tests.support.postgres import running_postgres
from tests.support.servers import running_servers


def main() -> None:
    """Read the arguments, let it storm, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="decides what is killed when")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=600, help="of each run; more give the kills more time")
    parser.add_argument("--pause", type=float, default=4.0, help="mean seconds between two kills")
    parser.add_argument("--compare", action="store_true", help="the weights of one run with an undisturbed one's")
    options = parser.parse_args()
    plan = Plan(
        seed=options.seed,
        kills=options.kills,
        runs=options.runs,
        steps=options.steps,
        pause_s=options.pause,
        compare=options.compare,
    )
    say(str(plan))
    with (
        tempfile.TemporaryDirectory(prefix="upwell-chaos-") as root,
        running_servers(Path(root)) as servers,
        running_postgres() as postgres,
    ):
        seen = weather(plan, servers, postgres, Path(root), tell=say)
    say(str(seen))


def say(text: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
