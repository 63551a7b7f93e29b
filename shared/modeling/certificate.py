"""Parity certificates: proof, on every load, that a served model answers as the trained one did.

A certificate holds golden inputs, what the trained model answered, a hash of the tokenizer with its chat template,
and the dtype all that was computed in. Replaying it asks the loaded model the same questions. Decisions must be
equal, and scores within the tolerance of the coarser of the two dtypes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.contracts.canonical import canonical_json
from shared.errors import IntegrityError
from shared.modeling.bundle import read_json

SCHEMA = "upwell.certificate/v1"
FILE = "certificate.json"
# Scores are in [0, 1]. float32 differs by the order of additions only (threads, processors). bfloat16 keeps 8 bits: of
# a pretrained base's probabilities the mean is off by 0.01 and one in a hundred tokens by 0.1 (docs/training_log.md).
TOLERANCE: Mapping[str, float] = {"float32": 1e-3, "bfloat16": 0.2, "float16": 0.02}


class Certifiable(Protocol):
    """What a predictor offers so that its answers can be certified."""

    @property
    def dtype(self) -> str:
        """What it computes in, e.g. `float32`."""

    @property
    def tokenizer_digest(self) -> str:
        """See `bundle.tokenizer_digest`; empty for a model that reads no text."""

    def golden_inputs(self) -> Sequence[Mapping[str, Any]]:
        """Inputs as JSON values: few, small, the same every time."""

    def golden_answer(self, golden_input: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a golden input as JSON values."""

    def differences(
        self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float
    ) -> Sequence[str]:
        """What differs between two golden answers, in words; empty when they agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """See the module. `cases` are pairs of a golden input and the answer to it."""

    dtype: str
    tokenizer_digest: str
    tolerance: Mapping[str, float]
    cases: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...]

    def replay(self, predictor: Certifiable) -> None:
        """Ask the predictor everything again; IntegrityError lists what it answers differently."""
        if predictor.tokenizer_digest != self.tokenizer_digest:
            raise IntegrityError("The certificate was made with another tokenizer or chat template")
        tolerance = max(self._tolerance(self.dtype), self._tolerance(predictor.dtype))
        found = [
            f"golden input {number}: {difference}"
            for number, (golden_input, certified) in enumerate(self.cases)
            for difference in predictor.differences(
                certified, predictor.golden_answer(golden_input), tolerance=tolerance
            )
        ]
        if found:
            rest = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise IntegrityError(f"The model does not answer as it was certified: {'; '.join(found[:3])}{rest}")

    def _tolerance(self, dtype: str) -> float:
        if dtype not in self.tolerance:
            raise IntegrityError(f"The certificate has no tolerance for {dtype}; it has: {', '.join(self.tolerance)}")
        return self.tolerance[dtype]


def certify(predictor: Certifiable) -> Certificate:
    """Make the certificate of a trained model."""
    return Certificate(
        dtype=predictor.dtype,
        tokenizer_digest=predictor.tokenizer_digest,
        tolerance=dict(TOLERANCE),
        cases=tuple((given, predictor.golden_answer(given)) for given in predictor.golden_inputs()),
    )


def save_certificate(folder: Path, certificate: Certificate) -> None:
    """Write the certificate into its bundle."""
    path = folder / FILE
    path.write_bytes(
        canonical_json(
            {
                "schema": SCHEMA,
                "dtype": certificate.dtype,
                "tokenizer_digest": certificate.tokenizer_digest,
                "tolerance": certificate.tolerance,
                "cases": [{"input": given, "answer": answer} for given, answer in certificate.cases],
            }
        )
    )
    path.chmod(0o644)


def certify_bundle(folder: Path, *, trained: Certifiable, served: Certifiable) -> None:
    """Certify what a trained model answers, and prove at once that its saved bundle, loaded again, answers the same.

    Raises:
        IntegrityError: it does not; the message lists what differs.
    """
    certificate = certify(trained)
    save_certificate(folder, certificate)
    certificate.replay(served)


def load_certificate(folder: Path) -> Certificate:
    """Read a bundle's certificate; IntegrityError when it is absent, damaged or empty."""
    body = read_json(folder / FILE)
    if body.get("schema") != SCHEMA:
        raise IntegrityError(f"The certificate has the schema {body.get('schema')!r}; this release reads {SCHEMA!r}")
    try:
        certificate = Certificate(
            dtype=str(body["dtype"]),
            tokenizer_digest=str(body["tokenizer_digest"]),
            tolerance={str(dtype): float(value) for dtype, value in body["tolerance"].items()},
            cases=tuple((case["input"], case["answer"]) for case in body["cases"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"The bundle's {FILE} is damaged: {error!r}") from error
    if not certificate.cases:
        raise IntegrityError("The certificate certifies nothing: it has no cases")
    return certificate
