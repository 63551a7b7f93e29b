"""The labelers that are installed here."""

from __future__ import annotations

import pytest

from shared.contracts.parameters import describe_parameters, parameters_as_json, parse_parameters
from shared.errors import NotFoundError
from svc_label.labelers.catalogue import installed_labelers, labeler_named


def test_our_labelers_are_found_by_their_entry_points() -> None:
    labelers = installed_labelers()
    assert {"inject", "robust", "subsequence-pca"} <= set(labelers)
    for name, labeler in labelers.items():
        assert labeler.name == name
        assert labeler.summary.endswith(".")
        assert all(one.allowed.help.endswith(".") for one in describe_parameters(labeler.parameters))
        assert parse_parameters(labeler.parameters, parameters_as_json(labeler.parameters())) == labeler.parameters()
    assert [name for name, labeler in labelers.items() if getattr(labeler, "makes_series", False)] == ["inject"]


def test_an_unknown_labeler_is_refused_with_the_nearest_name() -> None:
    labelers = installed_labelers()
    assert labeler_named("robust", labelers) is labelers["robust"]
    with pytest.raises(NotFoundError, match="'robst' is not installed here; did you mean 'robust'"):
        labeler_named("robst", labelers)
    with pytest.raises(NotFoundError, match=r"use one of .*subsequence-pca"):
        labeler_named("zzz", labelers)
