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
NEARLY = 0.9
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
    """The lag at which the series best repeats itself, in rows; 0 when it does not do so clearly.

    Every multiple of a period repeats it too, so the first peak that is nearly as high as the highest is taken. What
    comes before the autocorrelation first falls below zero is the series' smoothness, not its period.
    """
    values = values[:MAX_ROWS]
    correlation = autocorrelation(values, min(MAX_LAG, len(values) // 3))
    fallen = int(np.argmax(correlation < 0.0))
    peaks, _ = find_peaks(correlation)
    peaks = peaks[(peaks >= MIN_LAG) & (peaks > fallen)] if fallen else peaks[:0]
    if not len(peaks) or correlation[peaks].max() < CLEAR:
        return 0
    first = int(peaks[np.argmax(correlation[peaks] >= NEARLY * correlation[peaks].max())])
    return first + int(np.argmax(correlation[first : first + first // 4]))


def automatic_windows(values: Floats) -> tuple[int, ...]:
    """A long window and half of it: whole periods where there is a clear one, a fixed length otherwise.

    Short windows see little of a slow anomaly, so a short period is taken several times. No window is longer than a
    quarter of the values: the covariance needs several windows' worth of rows.
    """
    period = clear_period(values)
    periods = -(-MIN_WINDOW // period) if period else 0
    long = min(period * periods or DEFAULT_WINDOW, MAX_WINDOW, len(values) // 4)
    return (long // 2, long)
