"""The error tree on the wire: one table to gRPC codes, and back on the caller's side."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from shared import errors

CODES: Mapping[type[errors.UpwellError], grpc.StatusCode] = {
    errors.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    errors.StateError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.IntegrityError: grpc.StatusCode.DATA_LOSS,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.ForbiddenError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotYetError: grpc.StatusCode.NOT_FOUND,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
}
# A deadline that passes may be met next time, so it is the dependency's fault, not the caller's.
ERRORS: Mapping[grpc.StatusCode, type[errors.UpwellError]] = {
    **{code: kind for kind, code in CODES.items() if kind is not errors.NotYetError},
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.UnavailableError,
}
DETAILS = "grpc-status-details-bin"


def code_of(error: errors.UpwellError) -> grpc.StatusCode:
    """The code of an error: of its own type, else of the nearest type above it."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def trailers_of(error: errors.UpwellError, code: grpc.StatusCode) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata with the field violations as `google.rpc.BadRequest`; empty when there are none."""
    violations = getattr(error, "violations", ())
    if not violations:
        return ()
    bad_request = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.reason)
            for violation in violations
        ]
    )
    detail = any_pb2.Any()
    detail.Pack(bad_request)
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    return ((DETAILS, status.SerializeToString()),)


def error_of(error: grpc.RpcError, *, peer: str) -> errors.UpwellError:
    """Our error for what another service answered."""
    code, details = error.code(), error.details() or ""
    kind = ERRORS.get(code, errors.UnavailableError if code is grpc.StatusCode.CANCELLED else errors.RetryableError)
    if kind is errors.UnavailableError:
        return kind(f"{peer} does not answer: {details or code.name}")
    return kind(details or f"{peer} answered {code.name}")
