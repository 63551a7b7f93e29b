"""The `SignatureVerifier` port: signatures of bundles by keys that the settings trust."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.names import check_name
from shared.errors import InvalidInputError
from upwell.signing import is_bundle_signature, public_bytes


class TrustedKeys:
    """Public keys (32 bytes) by name."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    @property
    def names(self) -> tuple[str, ...]:
        """The keys' names, in order."""
        return tuple(sorted(self._keys))

    def verify(self, *, key: str, bundle_digest: str, signature: str) -> bool:
        """See the port."""
        return key in self._keys and is_bundle_signature(self._keys[key], bundle_digest, signature)


def trusted_keys(setting: str) -> TrustedKeys:
    """The keys of UPWELL_TRUSTED_KEYS; ValueError says which entry is malformed."""
    keys: dict[str, bytes] = {}
    entries = [entry.strip() for entry in setting.split(",") if entry.strip()]
    for place, entry in enumerate(entries, start=1):
        name, _, public = entry.partition(":")
        try:
            keys[check_name("name", name)] = public_bytes(public)
        except (ValueError, InvalidInputError) as error:
            raise ValueError(
                f"UPWELL_TRUSTED_KEYS: entry {place} is not NAME:PUBLIC_KEY as `upwell keys new` prints it"
            ) from error
    return TrustedKeys(keys)
