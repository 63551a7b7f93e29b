"""Speed of the detectors: points per CPU-second, beside the least that such a detector must do.

The floor of `subsequence-pca` is a covariance by blocked products: every window laid out, a block at a time, and
multiplied with itself in float64. The floor of `robust` is its two rolling medians. One thread; contenders take turns.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy loads its BLAS

import argparse
import resource
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from bench.measure import median, print_table, ratios
from svc_label.labelers import robust, subsequence_pca

BLOCK = 8192
Values = NDArray[np.float64]


def blocked_gram(values: Values, window: int) -> None:
    """The covariance of all windows by blocked products."""
    windows = sliding_window_view(values, window)
    total = np.zeros((window, window))
    for start in range(0, len(windows), BLOCK):
        block = np.ascontiguousarray(windows[start : start + BLOCK])
        total += block.T @ block


def rolling_medians(values: Values, window: int) -> None:
    """The rolling median and that of the residuals."""
    median_filter(np.abs(values - median_filter(values, window)), window)


def contenders(values: Values) -> Mapping[tuple[str, int], tuple[Callable[[], object], Callable[[], object]]]:
    """By labeler and window, the labeler and its floor."""
    pca = {
        ("subsequence-pca", window): (
            partial(subsequence_pca.point_scores, values, subsequence_pca.SubsequencePcaParameters(windows=(window,))),
            partial(blocked_gram, values, window),
        )
        for window in (64, 100, 128)
    }
    medians = {
        ("robust", window): (
            partial(robust.point_scores, values, robust.RobustParameters(window=window)),
            partial(rolling_medians, values, window),
        )
        for window in (51, 501)
    }
    return {**pca, **medians}


def rate(run: Callable[[], object], points: int) -> float:
    """Points per CPU-second of one run."""
    began = time.process_time()
    run()
    return points / (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000, help="points in the series")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    values = np.sin(np.arange(arguments.rows) / 9) + 0.1 * np.random.default_rng(0).normal(size=arguments.rows)
    pairs = contenders(values)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in pairs}
    for _ in range(arguments.repetitions):
        for key, (ours, floor) in pairs.items():
            found[key].append((rate(ours, arguments.rows), rate(floor, arguments.rows)))
    rows = []
    for (name, window), rates in found.items():
        mine, least = zip(*rates, strict=True)
        figures = [median(mine) / 1e6, min(mine) / 1e6, max(mine) / 1e6, median(least) / 1e6]
        rows.append([f"{name}, window {window}", *figures, median(ratios(mine, least))])
    columns = ["million points per CPU-second", "ours", "min", "max", "floor", "ours / floor"]
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    notes = vars(arguments) | {"threads": 1, "peak_mib": round(peak_mib)}
    print_table("Labelers beside a blocked Gram matrix and two rolling medians", columns, rows, notes)


if __name__ == "__main__":
    main()
