"""Fields as the frozen Geoformer reads them: read once, and kept as far as memory allows."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from shared.fields.samples import read_sample
from shared.modeling.ocean_chat.network import OceanChat
from shared.modeling.ocean_chat.tensors import field_tensors

KEPT_BYTES = 2**30


class FieldReader:
    """Reads samples one by one, so that what a sample becomes does not depend on its neighbours in a batch."""

    def __init__(self, network: OceanChat) -> None:
        self._network = network
        self._room = KEPT_BYTES
        self._kept: dict[Path, tuple[Tensor, Tensor]] = {}

    def read(self, file: Path) -> tuple[Tensor, Tensor]:
        """The tokens [T, P, D] of a sample's history, and which patches are present [T, P]; both on the CPU."""
        if file in self._kept:
            return self._kept[file]
        fields = field_tensors(read_sample(file, file.name), self._network.spec.geoformer, file.name)
        device = next(self._network.geoformer.parameters()).device
        tokens_TPD = self._network.read(fields.to(device)).cpu()
        read = tokens_TPD, fields.present_TP
        if tokens_TPD.nbytes <= self._room:
            self._room -= tokens_TPD.nbytes
            self._kept[file] = read
        return read
