"""Fields to patches and back.

Shape suffixes: B = windows, T = months, C = channels, Y = latitudes, X = longitudes, P = patches of a month,
K = C x rows x columns = numbers of a patch.
"""

# ruff: noqa: N803 - names end in their shape, in capitals

from __future__ import annotations

from torch import Tensor, nn

from shared.modeling.geoformer.spec import GeoformerSpec


def to_patches(fields_BTCYX: Tensor, spec: GeoformerSpec) -> Tensor:
    """[B, T, P, K]: patches row by row from south to north, in a row from west to east; zeros beyond the grid."""
    rows, columns = spec.patch
    _, height, width = spec.shape
    beyond = (0, spec.patch_columns * columns - width, 0, spec.patch_rows * rows - height)
    padded = nn.functional.pad(fields_BTCYX, beyond)
    cut = padded.reshape(*padded.shape[:3], spec.patch_rows, rows, spec.patch_columns, columns)
    # B, T, C, patch row, row, patch column, column -> B, T, patch row, patch column, C, row, column
    return cut.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)


def from_patches(patches_BTPK: Tensor, spec: GeoformerSpec) -> Tensor:
    """[B, T, C, Y, X]: the inverse; what lies beyond the grid is dropped."""
    rows, columns = spec.patch
    channels, height, width = spec.shape
    grid = (spec.patch_rows, spec.patch_columns)
    apart = patches_BTPK.reshape(*patches_BTPK.shape[:2], *grid, channels, rows, columns)
    whole = apart.permute(0, 1, 4, 2, 5, 3, 6).flatten(5).flatten(3, 4)
    return whole[..., :height, :width]
