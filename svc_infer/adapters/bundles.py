"""The `ModelLoader` port: bundles from the object store, through a folder on disk, into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from shared.contracts.interfaces import Interface
from shared.contracts.kinds import Kind
from shared.contracts.versions import ModelVersion
from shared.errors import IntegrityError
from shared.modeling.bundle import BundleInfo, read_info
from shared.modeling.predictor import load_predictor
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.field_model import PredictedFields
from svc_infer.adapters.plan_model import PredictedPlans
from svc_infer.adapters.series_model import PredictedSeries
from svc_infer.adapters.text_model import PredictedText
from svc_infer.adapters.values_model import PredictedValues
from svc_infer.ports import Model

# A predictor offers what its interface asks for (see shared/modeling/predictor.py); which one it is shows on loading.
MODELS: Mapping[Interface, Callable[[ModelVersion, Any], Model]] = {
    Interface.SERIES: PredictedSeries,
    Interface.TEXT: PredictedText,
    Interface.PLAN: PredictedPlans,
    Interface.FIELD: PredictedFields,
    Interface.VALUES: PredictedValues,
}


class BundleLoader:
    """Loads versions; every digest is verified and the certificate replayed each time.

    Args:
        cache: where bundles and bases come from.
        device: a torch device such as `cpu` or `cuda:0`.
    """

    def __init__(self, cache: ArtifactCache, *, device: str) -> None:
        self._cache = cache
        self._device = device

    def load(self, version: ModelVersion) -> Model:
        """A certified version; see the port."""
        folder = self._cache.folder(version.bundle_digest, kind=Kind.BUNDLE)
        info = read_info(folder)
        predictor = load_predictor(folder, self._base_folder(version, info), device=self._device)
        if predictor.interface not in MODELS:
            raise IntegrityError(
                f"The predictor of the family {info.family!r} has the interface {predictor.interface!r}; this server "
                f"knows: {', '.join(MODELS)}"
            )
        return MODELS[predictor.interface](version, predictor)

    def _base_folder(self, version: ModelVersion, info: BundleInfo) -> Path | None:
        """The base that the bundle needs; the digest in the bundle has to be the one that the registry knows."""
        if info.base is None or not info.needs_base:
            return None
        if info.base.digest != version.base.digest:
            raise IntegrityError(
                f"The bundle was trained on the base {info.base.name!r} ({info.base.digest[:12]}); the registry says "
                f"{version.base.name!r} ({version.base.digest[:12] or 'none'})"
            )
        return self._cache.folder(info.base.digest, kind=Kind.BASE)


def use_threads(count: int) -> None:
    """Threads that torch computes with, in this process."""
    torch.set_num_threads(count)
