"""W3C trace context across bus and gRPC: who caused what, told by one trace id in every log line."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = TraceContextTextMapPropagator()


@contextmanager
def continued_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Go on with the caller's trace, or begin one when the headers carry none."""
    extracted = PROPAGATOR.extract(headers) if "traceparent" in headers else context.get_current()
    if not trace.get_current_span(extracted).get_span_context().is_valid:
        extracted = trace.set_span_in_context(trace.NonRecordingSpan(_new_span()), extracted)
    token = context.attach(extracted)
    try:
        yield
    finally:
        context.detach(token)


def trace_headers() -> dict[str, str]:
    """The headers that let a receiver go on with the current trace; empty when there is none."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier


def _new_span() -> trace.SpanContext:
    return trace.SpanContext(
        trace_id=int.from_bytes(secrets.token_bytes(16)) or 1,
        span_id=int.from_bytes(secrets.token_bytes(8)) or 1,
        is_remote=False,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
