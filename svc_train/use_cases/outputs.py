"""What a training process left behind, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.lineage import base_key, model_key
from shared.contracts.manifest import Manifest
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from svc_train.domain.child import BUNDLE_FOLDER, RESULT_FILE, Job, Result, parse_result


def read_result(output_folder: Path) -> Result:
    """Read `result.json`; IntegrityError when it is absent or not what it should be."""
    try:
        return parse_result((output_folder / RESULT_FILE).read_bytes())
    except FileNotFoundError:
        raise IntegrityError(f"The training process ended well and left no {RESULT_FILE}") from None


def store_bundle(artifacts: ArtifactStore, job: Job, result: Result) -> Manifest:
    """Upload the bundle; IntegrityError when there is none."""
    bundle = job.output_folder / BUNDLE_FOLDER
    files = {path.relative_to(bundle).as_posix(): path for path in sorted(bundle.rglob("*")) if path.is_file()}
    if not files:
        raise IntegrityError("The training process ended well and left no bundle")
    return artifacts.store(
        kind=Kind.BUNDLE,
        files=files,
        meta={
            "family": result.family,
            "recipe": job.recipe,
            "method": str(job.hyperparameters.get("method", "full")),
            "base": {"name": job.base.name, "digest": job.base.digest},
            "dataset": {"name": job.dataset.name, "digest": job.dataset.digest},
            "metrics": dict(result.metrics),
            **({"parent": {"name": str(job.parent), "run_id": job.parent.run_id}} if job.parent else {}),
        },
        parents=(
            job.dataset.key,
            *((base_key(job.base.digest),) if job.base.digest else ()),
            *((model_key(job.parent.run_id),) if job.parent else ()),
        ),
    )


def environment_of(build: Mapping[str, str], job: Job, result: Result) -> dict[str, str]:
    """What a person needs to know to get the same numbers again."""
    facts: dict[str, Any] = {
        **build,
        **result.versions,
        **result.facts,
        "device": result.device,
        "devices": result.devices,
        "dataset": job.dataset.digest,
        "base": job.base.digest,
        "seed": job.hyperparameters.get("seed", ""),
        "tokens": result.tokens,
        "wall_seconds": round(result.wall_seconds, 3),
        "device_seconds": round(result.device_seconds, 3),
        "peak_rss_bytes": result.peak_rss_bytes,
        "peak_device_bytes": result.peak_device_bytes or "",
    }
    return {name: str(value) for name, value in facts.items() if value != ""}
