"""Window lengths from the data: the period by autocorrelation."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import find_peaks

from svc_label.labelers.base import Floats

MAX_ROWS = 2**17  # enough to see any period up to MAX_LAG
MAX_LAG = 1000
MIN_LAG = 8
CLEAR = 0.5  # an autocorrelation below this is no period one should build on
MIN_WINDOW = 96
MAX_WINDOW = 256
DEFAULT_WINDOW = 128


def autocorrelation(values: Floats, max_lag: int) -> Floats:
    """The biased autocorrelation at lags 0 to `max_lag`, of values without gaps; zeros for a constant series."""
    centred = values - values.mean()
    size = next_fast_len(len(values) + max_lag, real=True)
    power = np.abs(rfft(centred, size)) ** 2
    sums: Floats = irfft(power, size)[: max_lag + 1]
    return sums / sums[0] if sums[0] > 0.0 else np.zeros(max_lag + 1)


def clear_period(values: Floats) -> int:
    """The lag of the highest peak of the autocorrelation, in rows; 0 when no peak is clear."""
    values = values[:MAX_ROWS]
    correlation = autocorrelation(values, min(MAX_LAG, len(values) // 3))
    peaks, _ = find_peaks(correlation)
    peaks = peaks[peaks >= MIN_LAG]
    if not len(peaks):
        return 0
    best = int(peaks[np.argmax(correlation[peaks])])
    return best if correlation[best] >= CLEAR else 0


def automatic_windows(values: Floats) -> tuple[int, ...]:
    """A long window and half of it: whole periods where there is a clear one, a fixed length otherwise.

    Short windows see little of a slow anomaly, so a short period is taken several times. No window is longer than a
    quarter of the values: the covariance needs several windows' worth of rows.
    """
    period = clear_period(values)
    periods = -(-MIN_WINDOW // period) if period else 0
    long = min(period * periods or DEFAULT_WINDOW, MAX_WINDOW, len(values) // 4)
    return (long // 2, long)
