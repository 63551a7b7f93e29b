"""The `ModelLoader` port around another one: only what a trusted key has signed is loaded."""

from __future__ import annotations

from shared.contracts.versions import ModelVersion
from shared.ports import SignatureVerifier
from svc_infer.domain.models import UnsignedError
from svc_infer.ports import Model, ModelLoader


class SignedLoader:
    """Verifies before anything is fetched.

    The digest that was signed names the manifest, and the manifest names every file: what is loaded afterwards is what
    was signed, or is refused as damaged.
    """

    def __init__(self, loader: ModelLoader, verifier: SignatureVerifier) -> None:
        self._loader = loader
        self._verifier = verifier

    def load(self, version: ModelVersion) -> Model:
        """A certified version; see the port. UnsignedError when no signature of its bundle holds here."""
        digest = version.bundle_digest
        if any(
            self._verifier.verify(key=each.key, bundle_digest=digest, signature=each.value)
            for each in version.signatures
        ):
            return self._loader.load(version)
        has = f"has signatures by {', '.join(each.key for each in version.signatures)}" if version.signatures else ""
        raise UnsignedError(
            f"{version} {has or 'is not signed'}; this server serves only what these keys have signed: "
            f"{', '.join(self._verifier.names)}"
        )
