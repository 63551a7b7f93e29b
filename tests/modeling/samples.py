"""What tests of the model code are made from: tiny bases, series with known segments, jobs, networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from shared.modeling.bases import content_digest
from shared.modeling.bundle import BaseIdentity, BundleInfo
from shared.modeling.quiet import no_progress_bars
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.tiny_qwen import train_tokenizer

SERIES_DIGEST = "5" * 64
BASE_DIGEST = "b" * 64
SMALL = SeriesSpec(window=64, patch=8, stride=32, labels=("drift", "spike"))

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def other_base(folder: Path, architecture: str) -> Path:
    """A random base that is no Qwen2: `llama` (as SmolLM2) or `qwen3`."""
    tokenizer = train_tokenizer()
    tokenizer.save_pretrained(folder)
    if architecture == "llama":
        model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **SHAPE))
    else:
        model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), head_dim=16, **SHAPE))
    with no_progress_bars():
        model.save_pretrained(folder)
    return folder


def info(base: Path, *, method: str = "full", spec: SeriesSpec = SMALL, **changes: Any) -> BundleInfo:
    """What a bundle over the base says of itself."""
    fields: dict[str, Any] = {
        "family": "series",
        "recipe": "series-lm",
        "method": method,
        "base": BaseIdentity(name="tiny-qwen", digest=BASE_DIGEST, content_digest=content_digest(base)),
        "spec": spec.to_json(),
        "lora": {"rank": 4, "alpha": 8, "targets": "all-linear"} if method == "lora" else {},
        "hyperparameters": {"max_steps": 6},
        "metrics": {"average_precision": 0.5},
        "dtype": "float32",
    }
    return BundleInfo(**{**fields, **changes})


def beat(rows: int, *, seed: int = 0) -> np.ndarray:
    """A periodic series with a little noise."""
    generator = np.random.default_rng(seed)
    return 80 + 10 * np.sin(np.arange(rows) / 5) + generator.normal(0, 0.3, rows)


def spiked(rows: int, *, every: int = 97, seed: int = 0) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A beat with a spike of three rows in every so many, and where they are."""
    values = beat(rows, seed=seed)
    starts = range(every // 2, rows - 3, every)
    for start in starts:
        values[start : start + 3] += 40
    return values, [(start, start + 3) for start in starts]


def write_series(folder: Path, columns: Mapping[str, np.ndarray]) -> Path:
    """The files of a `series/v1` dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = len(next(iter(columns.values())))
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    pq.write_table(pa.table({"time": np.arange(rows), **arrays}), folder / "series.parquet")
    return folder


def write_segments(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The files of a `segments/v1` export; rows need `start_row` and `end_row` only."""
    folder.mkdir(parents=True, exist_ok=True)
    defaults = {"series": "pump", "series_digest": SERIES_DIGEST, "channel": "", "label": "spike"}
    full = [{**defaults, **row} for row in rows]
    schema = pa.schema(
        [(name, pa.string()) for name in defaults] + [("start_row", pa.int64()), ("end_row", pa.int64())]
    )
    pq.write_table(pa.Table.from_pylist(full, schema=schema), folder / "segments.parquet")
    return folder
