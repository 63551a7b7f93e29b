"""Settings of svc_infer."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50054


class InferSettings(ServiceSettings):
    """How models are kept and asked."""

    device: str = Field("cpu", description="Torch device that models compute on, e.g. cpu or cuda:0.")
    model_threads: int = Field(
        1, ge=1, description="CPU threads the one model thread computes with; more pay off for large models only."
    )
    loaded_versions: int = Field(
        8, ge=1, description="Model versions kept in memory; the least used one makes room, aliased ones last."
    )
    cache_gib: float = Field(
        50.0,
        gt=0,
        description="Disk space in GiB for bundles and bases, and again for the datasets that forecasts read; what was "
        "used longest ago makes room.",
    )
    trusted_keys: str = Field(
        "",
        description="Public keys that may sign models, as name:key separated by commas; `upwell keys new` prints one.",
    )
    require_signature: bool = Field(False, description="Serve only versions that a trusted key has signed.")
    reconcile_seconds: float = Field(
        30.0,
        gt=0,
        description="How often the registry is asked where aliases stand, whether a promotion was heard or not.",
    )
    batch_series: int = Field(32, ge=1, description="Series in one batch; a larger request runs alone.")
    batch_values: int = Field(
        262_144, ge=1, description="Values (rows x channels) in one batch; a larger request runs alone."
    )
    queue_requests: int = Field(
        256, ge=1, description="Requests that may wait for the model thread; more are turned away at once."
    )
    queue_values: int = Field(
        8_388_608, ge=1, description="Values that may wait for the model thread: 8 bytes of memory each."
    )
    predict_seconds: float = Field(
        60.0,
        gt=0,
        description="Longest that a call to a model may take, a whole streamed answer too; a caller may allow less "
        "(`--timeout`), never more.",
    )
    job_slots: int = Field(1, ge=1, le=4, description="Prediction jobs done at once; one model thread serves them all.")
    job_chunk_values: int = Field(
        16_384,
        ge=1,
        description="Values of a dataset that a job puts before the model at once; calls wait behind them.",
    )
