from __future__ import annotations

from upwell.cli.bases import merged
from upwell.common.v1 import common_pb2
from upwell.registry.v1 import registry_service_pb2
from upwell.train.v1 import base_service_pb2


def test_what_can_be_named_and_what_was_stored_stand_in_one_list() -> None:
    available = [
        base_service_pb2.AvailableBase(name="ours", origin="added", digest="d1"),
        base_service_pb2.AvailableBase(name="tiny-qwen", origin="built-in", summary="Small."),
        base_service_pb2.AvailableBase(name="big", origin="built-in", lacks="a package"),
    ]
    stored = [
        registry_service_pb2.Base(ref=common_pb2.BaseRef(name=name, digest=digest))
        for name, digest in (("gone", "d3"), ("ours", "d1"), ("tiny-qwen", "d2"))
    ]
    assert [(one.name, one.origin, one.digest) for one in merged(available, stored)] == [
        ("ours", "added", "d1"),
        ("tiny-qwen", "built-in", "d2"),
        ("big", "built-in", ""),
        ("gone", "stored", "d3"),
    ]
