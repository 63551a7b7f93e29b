"""Signatures of bundles are checked, kept and announced."""

from __future__ import annotations

from shared.errors import InvalidInputError
from shared.ports import SignatureVerifier
from svc_registry.domain.events import ModelSigned
from svc_registry.domain.records import ModelRecord
from svc_registry.ports import RegistryStore
from svc_registry.use_cases.finding import find_model, with_bundle


def sign_model(
    store: RegistryStore,
    verifier: SignatureVerifier,
    *,
    reference: str,
    bundle_digest: str,
    key: str,
    signature: str,
    signed_by: str,
) -> ModelRecord:
    """Keep a signature of a version's bundle; the same key again changes nothing.

    Raises:
        InvalidInputError: the version has another bundle, the key is not trusted, or the signature is not by it.
    """
    with store.transaction() as tx:
        record = with_bundle(find_model(tx, reference))
        digest = record.made.bundle_digest
        if bundle_digest != digest:
            raise InvalidInputError.of("bundle_digest", f"{bundle_digest[:12]!r} was signed; {record} is {digest[:12]}")
        if key not in verifier.names:
            trusted = ", ".join(verifier.names) or "none"
            raise InvalidInputError.of("key", f"{key!r} is not trusted here; UPWELL_TRUSTED_KEYS has: {trusted}")
        if not verifier.verify(key=key, bundle_digest=digest, signature=signature):
            raise InvalidInputError.of("signature", f"not a signature of {record} by the key {key!r}")
        kept, is_new = tx.signatures.add(digest, key=key, value=signature, signed_by=signed_by)
        if is_new:
            tx.outbox.add(ModelSigned(model=record.ref, bundle_digest=digest, signature=kept))
        return find_model(tx, reference)
