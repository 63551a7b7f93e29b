"""A server that asks for signatures loads nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.contracts.versions import Signature
from shared.runtime.signatures import trusted_keys
from svc_infer.adapters.signed import SignedLoader
from svc_infer.bootstrap import build
from svc_infer.domain.models import UnsignedError, refusal
from svc_infer.settings import InferSettings
from tests.unit.infer.fakes import FakeLoader, version
from upwell.signing import new_private_key, public_key, sign_bundle

PRIVATE, OTHER = new_private_key(), new_private_key()
VERSION = version(4)


@pytest.fixture
def loader() -> SignedLoader:
    return SignedLoader(FakeLoader(), trusted_keys(f"质检:{public_key(PRIVATE)},ops:{public_key(OTHER)}"))


def signed(*signatures: Signature):
    return replace(VERSION, signatures=signatures)


def test_one_signature_by_a_trusted_key_is_enough(loader):
    good = Signature("质检", sign_bundle(PRIVATE, VERSION.bundle_digest))
    assert loader.load(signed(good)).version == VERSION
    assert loader.load(signed(Signature("gone", "AAAA"), good)).version == VERSION


@pytest.mark.parametrize(
    ("signatures", "words"),
    [
        ((), r"pump@4 is not signed; this server serves only what these keys have signed: ops, 质检"),
        ((Signature("gone", sign_bundle(PRIVATE, VERSION.bundle_digest)),), "pump@4 has signatures by gone; this"),
        ((Signature("质检", sign_bundle(OTHER, VERSION.bundle_digest)),), "pump@4 has signatures by 质检; this"),
        ((Signature("质检", sign_bundle(PRIVATE, "0" * 64)),), "pump@4 has signatures by 质检; this"),
    ],
)
def test_anything_else_is_refused_with_what_would_do(loader, signatures, words):
    with pytest.raises(UnsignedError, match=words) as refused:
        loader.load(signed(*signatures))
    failure = refusal(refused.value)
    assert failure.cause == "unsigned"
    assert "upwell models sign" in failure.remedy


def test_a_signature_more_makes_no_other_version():
    assert signed(Signature("ops", "AAAA")) == VERSION


def test_a_server_that_could_serve_nothing_does_not_start(tmp_path):
    with pytest.raises(ValueError, match="UPWELL_TRUSTED_KEYS is empty"):
        build(InferSettings(require_signature=True, data_dir=tmp_path))
    with pytest.raises(ValueError, match="UPWELL_TRUSTED_KEYS: entry 1"):
        build(InferSettings(trusted_keys="x", data_dir=tmp_path))
