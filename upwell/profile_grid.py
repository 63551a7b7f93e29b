"""A made-up profile: seven tools on a full grid of 3^5 configurations each, by a stated model of their cost."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

COLUMNS = ("tool", "input_size", "cpu_cores", "memory_gb", "gpu_sm", "gpu_memory_gb", "latency_ms")
# The grid: GiB of input, cores, GiB, streaming multiprocessors, GiB.
LEVELS = ((1, 4, 16), (1, 8, 32), (4, 32, 128), (4, 32, 96), (2, 16, 64))
# A zip with the time of its making in it would be another file each time.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
# What setting up one GiB of memory, and one GiB on the GPU, costs before the work begins.
MEMORY_SETUP_MS = 0.8
GPU_SETUP_MS = 2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """How long a tool takes; times are for one GiB of input.

    Args:
        name, description: as in the registry.
        start_ms: spent once, whatever the input.
        cpu_ms: work on one core.
        contention, coherency: how cores get into each other's way, alpha and beta of Gunther's universal scalability
            law (Guerrilla Capacity Planning, 2007): n cores are n / (1 + alpha (n - 1) + beta n (n - 1)) times one.
        gpu_ms: work on one streaming multiprocessor.
        serial: share of the GPU's work that only one of them can do (Amdahl, AFIPS 1967).
        memory_gb, gpu_memory_gb: working set. What does not fit is read again: a working set s in m makes the work
            1 + s / 2m times as long.
    """

    name: str
    description: str
    start_ms: float
    cpu_ms: float
    contention: float
    coherency: float
    gpu_ms: float
    serial: float
    memory_gb: float
    gpu_memory_gb: float

    def latency_ms(self, size: float, cores: float, memory: float, sms: float, gpu_memory: float) -> float:
        """Milliseconds for an input of `size` GiB, with six significant digits."""
        speed_up = cores / (1 + self.contention * (cores - 1) + self.coherency * cores * (cores - 1))
        cpu = self.cpu_ms * size / speed_up * _pressure(self.memory_gb * size, memory)
        gpu = self.gpu_ms * size * (self.serial + (1 - self.serial) / sms)
        gpu *= _pressure(self.gpu_memory_gb * size, gpu_memory)
        setup = self.start_ms + MEMORY_SETUP_MS * memory + GPU_SETUP_MS * gpu_memory
        return float(f"{setup + cpu + gpu:.6g}")


def _pressure(working_set: float, available: float) -> float:
    return 1 + working_set / available / 2


TOOLS = (
    CostModel(
        name="resize-images", description="Brings pictures to the size that a model expects.",
        start_ms=35, cpu_ms=5200, contention=0.02, coherency=0.0004, gpu_ms=2100, serial=0.01,
        memory_gb=1.1, gpu_memory_gb=0.6,
    ),
    CostModel(
        name="transcode-video", description="Converts films from one video format to another.",
        start_ms=120, cpu_ms=14800, contention=0.05, coherency=0.0011, gpu_ms=9400, serial=0.03,
        memory_gb=1.9, gpu_memory_gb=1.4,
    ),
    CostModel(
        name="detect-objects", description="Finds the things that can be seen in photographs.",
        start_ms=210, cpu_ms=4600, contention=0.08, coherency=0.0047, gpu_ms=48000, serial=0.004,
        memory_gb=2.4, gpu_memory_gb=3.8,
    ),
    CostModel(
        name="embed-text", description="Turns documents into vectors for search.",
        start_ms=160, cpu_ms=3900, contention=0.04, coherency=0.0008, gpu_ms=27500, serial=0.008,
        memory_gb=3.3, gpu_memory_gb=2.7,
    ),
    CostModel(
        name="transcribe-speech", description="Writes down what is said in recordings.",
        start_ms=260, cpu_ms=9100, contention=0.10, coherency=0.0052, gpu_ms=61000, serial=0.015,
        memory_gb=2.8, gpu_memory_gb=4.6,
    ),
    CostModel(
        name="forecast-weather", description="Computes tomorrow's weather from today's measurements.",
        start_ms=410, cpu_ms=33000, contention=0.01, coherency=0.0002, gpu_ms=18500, serial=0.05,
        memory_gb=6.2, gpu_memory_gb=2.2,
    ),
    CostModel(
        name="align-genomes", description="Finds the places where pieces of DNA belong.",
        start_ms=90, cpu_ms=41700, contention=0.03, coherency=0.0061, gpu_ms=1600, serial=0.12,
        memory_gb=7.5, gpu_memory_gb=0.4,
    ),
)  # fmt: skip


def grid_rows() -> Iterator[tuple[str | float, ...]]:
    """The table's rows in order: tool by tool, the last column of the grid fastest."""
    for tool in TOOLS:
        for levels in product(*LEVELS):
            yield tool.name, *levels, tool.latency_ms(*levels)


def write_grid(path: Path) -> int:
    """Write the grid as a zip that `upwell ingest profile` takes; the number of configurations."""
    text = io.StringIO()
    rows = list(grid_rows())
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    registry = [{"name": tool.name, "description": tool.description} for tool in TOOLS]
    write_zip(path, tools=json.dumps(registry, ensure_ascii=False, indent=2).encode(), table=text.getvalue().encode())
    return len(rows)


def write_zip(path: Path, *, tools: bytes, table: bytes) -> None:
    """Write a profile's zip: equal contents give equal bytes."""
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("tools.json", tools), ("profile.csv", table)):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), data, compress_type=zipfile.ZIP_DEFLATED)
