"""The review queue with many candidates: each pick beside one bare scan of the candidates that match.

The scan reads id and confidence of every undecided candidate of the dataset through sqlite3 and nothing more: what a
queue would have to do that loads all of them. A pick also counts them and reads the picked ones whole.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.measure import median, p99, print_table, ratios
from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_label.adapters.store import SqlLabelStore
from svc_label.bootstrap import MIGRATIONS
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.picking import Pick
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import Decision
from svc_label.use_cases.recording import Ruling, begin_batch, record_reviews

SERIES = DatasetVersion(name="pump-7", digest="a" * 64, version=1)
WANTED = CandidateFilter(dataset_name=SERIES.name, dataset_digest=SERIES.digest, undecided_only=True)
SCAN = "SELECT id, confidence FROM candidates WHERE series_id = 1 AND decision = ''"


def fill(store: SqlLabelStore, count: int) -> None:
    """As many candidates, a tenth of them decided."""
    confidences = np.random.default_rng(0).random(count).tolist()
    candidates = [
        Candidate(
            dataset_name=SERIES.name,
            dataset_digest=SERIES.digest,
            labeler="robust",
            segment=Segment(start_row=i, end_row=i + 5, start_time=i, end_time=i + 4, confidence=confidence),
        )
        for i, confidence in enumerate(confidences)
    ]
    with store.transaction() as tx:
        tx.series.remember(SeriesFacts(version=SERIES, rows=count + 5, channels=("a",), time="index"))
        tx.candidates.add(candidates)
        batch = begin_batch(tx, "bench", "bench", request_digest="")
        assert batch is not None
        decided = [candidate.id for candidate in candidates[::10]]
        record_reviews(tx, batch, dict.fromkeys(decided, Ruling(decision=Decision.APPROVED)))


def ask(store: SqlLabelStore, how: Pick, limit: int) -> None:
    """What the queue does for one question."""
    with store.reading() as tx:
        picked = tx.candidates.pick(WANTED, how=how, limit=limit, seed=1)
        assert len(picked) == limit <= tx.candidates.count(WANTED)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--limit", type=int, default=100, help="candidates picked")
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "svc_label.db"
        database = Database(f"sqlite:///{path}", schema="svc_label")
        migrate(database, MIGRATIONS)
        store = SqlLabelStore(database, source="bench")
        fill(store, arguments.candidates)
        bare = sqlite3.connect(path)
        found: dict[Pick, list[float]] = {how: [] for how in Pick}
        scans = []
        for _ in range(arguments.repetitions):
            scans.append(timed(lambda: bare.execute(SCAN).fetchall()))
            for how, times in found.items():
                times.append(timed(lambda how=how: ask(store, how, arguments.limit)))  # type: ignore[misc]
        bare.close()
        database.dispose()
    rows = [[how, median(times), p99(times), median(ratios(times, scans))] for how, times in found.items()]
    rows.append(["bare scan", median(scans), p99(scans), 1.0])
    print_table("A page of the review queue", ["pick", "median ms", "p99 ms", "this / scan"], rows, vars(arguments))


if __name__ == "__main__":
    main()
