"""Going on from a model version that `geoformer` made: its weights."""

from __future__ import annotations

from shared.errors import InvalidInputError
from shared.fields.bases import other_base
from shared.fields.grid import axis_in_words, same_axis
from shared.modeling.geoformer.ensemble import Ensemble
from shared.modeling.geoformer.predictor import FAMILY
from shared.modeling.geoformer.spec import GeoformerSpec, parse_spec
from shared.modeling.geoformer.storage import load_forecaster
from svc_train.recipes.base import ParentSource, TrainingJob
from svc_train.recipes.parents import check_same, read_bundle

# The time that is read and forecast may differ: nothing in the network has a size of that kind.
SHAPE = ("patch", "d_model", "heads", "encoder_layers", "decoder_layers", "members")


def take_weights(ensemble: Ensemble, job: TrainingJob) -> None:
    """Give the networks the parent's weights; nothing without a parent.

    Raises:
        InvalidInputError: the parent is of another family, grid or shape, or its channels, their units or their
            usual years are others.
        IntegrityError: its bundle is damaged.
    """
    if job.parent is None:
        return
    info = read_bundle(job.parent, families=(FAMILY,))
    _check(job.parent, ensemble.spec, parse_spec(info.spec))
    ensemble.load_state_dict(load_forecaster(job.parent.folder, info).ensemble.state_dict())


def _check(parent: ParentSource, wanted: GeoformerSpec, found: GeoformerSpec) -> None:
    if wanted.channels != found.channels:
        raise InvalidInputError.of(
            "parent", f"{parent.name} reads {', '.join(found.channels)}, not {', '.join(wanted.channels)}"
        )
    theirs_in = dict(zip(found.channels, found.units, strict=False))
    for channel, unit in zip(wanted.channels, wanted.units, strict=False):
        if theirs_in.get(channel, unit) != unit:
            reason = f"{parent.name} reads {channel} in {theirs_in[channel]}, not {unit}"
            raise InvalidInputError.of("parent", reason)
    if reason := other_base(wanted.channels, wanted.bases, found.channels, found.bases, reader=parent.name):
        raise InvalidInputError.of("parent", reason)
    for name in ("lat", "lon"):
        ours, theirs = getattr(wanted, name), getattr(found, name)
        if not same_axis(ours, theirs):
            reason = f"{parent.name} has another grid: {name} has {axis_in_words(theirs)}, not {axis_in_words(ours)}"
            raise InvalidInputError.of("parent", reason)
    for name in SHAPE:
        check_same(parent, name, getattr(wanted, name), getattr(found, name))
