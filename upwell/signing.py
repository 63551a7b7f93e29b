"""Signatures of bundles: ed25519 over the digest of a bundle's manifest, which names every byte of it."""

from __future__ import annotations

import base64
import binascii

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from upwell.errors import ToolError

CURVE = "Ed25519"
# A key that signs bundles may sign other things, too: none of them begins like this.
CONTEXT = "upwell.bundle/v1 "


def new_private_key() -> str:
    """A new private key as PEM (PKCS #8), for whoever signs and nobody else."""
    return ECC.generate(curve=CURVE).export_key(format="PEM")


def public_key(private_key: str) -> str:
    """The public key in base64, as it stands in UPWELL_TRUSTED_KEYS; ToolError when the PEM is no such key."""
    return base64.b64encode(_private(private_key).public_key().export_key(format="raw")).decode()


def sign_bundle(private_key: str, bundle_digest: str) -> str:
    """The signature in base64; ToolError when the PEM is no such key."""
    signature: bytes = eddsa.new(_private(private_key), "rfc8032").sign(_signed(bundle_digest))
    return base64.b64encode(signature).decode()


def is_bundle_signature(public: bytes, bundle_digest: str, signature: str) -> bool:
    """Whether a signature is of this bundle and by this key (32 bytes)."""
    try:
        verifier = eddsa.new(eddsa.import_public_key(public), "rfc8032")
        verifier.verify(_signed(bundle_digest), base64.b64decode(signature, validate=True))
    except (ValueError, binascii.Error):
        return False
    return True


def public_bytes(text: str) -> bytes:
    """The 32 bytes of a public key in base64; ValueError when it is none."""
    public = base64.b64decode(text, validate=True)
    eddsa.import_public_key(public)
    return public


def _signed(bundle_digest: str) -> bytes:
    return f"{CONTEXT}{bundle_digest}".encode()


def _private(private_key: str) -> ECC.EccKey:
    try:
        key = ECC.import_key(private_key)
    except ValueError as error:
        raise ToolError("The file holds no private key in PEM: `upwell keys new NAME` makes one.") from error
    if key.curve != CURVE or not key.has_private():
        raise ToolError(f"The file holds no private {CURVE} key: `upwell keys new NAME` makes one.")
    return key
