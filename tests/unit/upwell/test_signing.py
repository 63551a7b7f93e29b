from __future__ import annotations

import pytest
from Crypto.PublicKey import ECC

from shared.runtime.signatures import trusted_keys
from upwell.errors import ToolError
from upwell.signing import is_bundle_signature, new_private_key, public_bytes, public_key, sign_bundle

DIGEST = "ab" * 32


def test_a_signature_holds_for_its_bundle_and_its_key_alone():
    private, other = new_private_key(), new_private_key()
    signature = sign_bundle(private, DIGEST)
    assert sign_bundle(private, DIGEST) == signature, "ed25519 draws nothing at random"
    public = public_bytes(public_key(private))
    assert is_bundle_signature(public, DIGEST, signature)
    assert not is_bundle_signature(public, "cd" * 32, signature)
    assert not is_bundle_signature(public_bytes(public_key(other)), DIGEST, signature)


@pytest.mark.parametrize("wrong", ["", "AAAA", "not base64", "é", "A" * 88])
def test_what_is_no_signature_holds_for_nothing(wrong):
    assert not is_bundle_signature(public_bytes(public_key(new_private_key())), DIGEST, wrong)


def test_a_key_is_the_one_of_the_specification():
    """The secret and public key of RFC 8032, section 7.1, test 3."""
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    private = ECC.construct(curve="Ed25519", seed=seed).export_key(format="PEM")
    assert public_bytes(public_key(private)) == public
    assert is_bundle_signature(public, DIGEST, sign_bundle(private, DIGEST))


@pytest.mark.parametrize(
    "text",
    ["", "no key", ECC.generate(curve="P-256").export_key(format="PEM"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END"],
)
def test_what_is_no_private_key_is_refused(text):
    with pytest.raises(ToolError, match=r"holds no private .*`upwell keys new NAME` makes one"):
        sign_bundle(text, DIGEST)


def test_a_public_key_signs_nothing():
    public = ECC.generate(curve="Ed25519").public_key().export_key(format="PEM")
    with pytest.raises(ToolError, match="holds no private Ed25519 key"):
        sign_bundle(public, DIGEST)


def test_trusted_keys_verify_under_their_own_name():
    one, two = new_private_key(), new_private_key()
    keys = trusted_keys(f" 质检:{public_key(one)} , ops:{public_key(two)},")
    assert keys.names == ("ops", "质检")
    signature = sign_bundle(one, DIGEST)
    assert keys.verify(key="质检", bundle_digest=DIGEST, signature=signature)
    assert not keys.verify(key="ops", bundle_digest=DIGEST, signature=signature)
    assert not keys.verify(key="nobody", bundle_digest=DIGEST, signature=signature)
    assert trusted_keys("").names == ()


@pytest.mark.parametrize("setting", ["ops", "ops:", "ops:AAAA", ":{key}", "a b:{key}", "ops:{key}x", "ok:{key},ops:!"])
def test_an_entry_that_is_no_key_is_named_by_its_place(setting):
    with pytest.raises(ValueError, match=r"UPWELL_TRUSTED_KEYS: entry [12] is not NAME:PUBLIC_KEY"):
        trusted_keys(setting.format(key=public_key(new_private_key())))
