"""The catalogue beside MLflow with one worker: by alias, registering, lineage 20 stages deep, search.

`--peer` installs MLflow into a virtual environment of its own on the first run.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.measure import median, p99, print_table, ratios
from bench.registry import mlflow_peer, ours
from bench.registry.world import Contender

CALLS = {"alias": 100, "register": 20, "ancestors": 20, "descendants": 20, "search": 20}
TITLES = {
    "alias": "version by alias, ms",
    "alias rate": "version by alias, 8 clients, /s",
    "register": "register a version, ms",
    "ancestors": "ancestors, 20 stages deep, ms",
    "descendants": "descendants, 20 stages deep, ms",
    "search": "100 versions of a model, ms",
}
CLIENTS = 8
RATE_S = 2.0


def latencies(call: Callable[[], None], count: int) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1e3)
    return found


def rate(contender: Contender) -> float:
    """Aliases a second with all clients at once."""
    counts = [0] * CLIENTS
    stop = threading.Event()

    def ask(number: int) -> None:
        with contender.client() as calls:
            while not stop.is_set():
                calls["alias"]()
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    time.sleep(RATE_S)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


Figures = Mapping[str, Mapping[str, list[list[float]]]]


def measure(contenders: Mapping[str, Contender], repetitions: int) -> Figures:
    """Operation -> contender -> the figures of each repetition, contenders interleaved."""
    found: dict[str, dict[str, list[list[float]]]] = {name: {who: [] for who in contenders} for name in TITLES}
    for _ in range(repetitions):
        for who, contender in contenders.items():
            with contender.client() as calls:
                for name, count in CALLS.items():
                    calls[name]()  # a first call opens what has to be opened
                    found[name][who].append(latencies(calls[name], count))
        for who, contender in contenders.items():
            found["alias rate"][who].append([rate(contender)])
    return found


def rows(figures: Figures) -> Iterator[list[object]]:
    """A line for each operation and contender; the ratio says how many times better ours is."""
    for name, by_contender in figures.items():
        mine = [median(repetition) for repetition in by_contender["upwell"]]
        for who, repetitions in by_contender.items():
            every = [value for repetition in repetitions for value in repetition]
            theirs = [median(repetition) for repetition in repetitions]
            better = ratios(mine, theirs) if name == "alias rate" else ratios(theirs, mine)
            yield [f"{TITLES[name]}: {who}", median(every), p99(every), min(every), max(every), median(better)]


@contextmanager
def contenders(folder: Path, versions: int, peer: Path | None) -> Iterator[dict[str, Contender]]:
    """Ours, and the peer when it is wanted."""
    with ExitStack() as stack:
        found: dict[str, Contender] = {"upwell": stack.enter_context(ours.running(folder / "upwell", versions))}
        if peer:
            found["mlflow"] = stack.enter_context(mlflow_peer.running(folder / "mlflow", versions, peer))
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=2000, help="model versions in the catalogue")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--peer", type=Path, nargs="?", const=Path(".bench/mlflow"), help="also MLflow, installed there"
    )
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        contenders(Path(folder), arguments.versions, arguments.peer) as servers,
    ):
        found = measure(servers, arguments.repetitions)
    columns = ["operation", "median", "p99", "min", "max", "ours is better by"]
    notes = {"versions": arguments.versions, "repetitions": arguments.repetitions, "database": "SQLite, synced commits"}
    print_table("The catalogue", columns, list(rows(found)), notes)


if __name__ == "__main__":
    main()
