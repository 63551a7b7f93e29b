"""Bodies of events: requests strictly, facts leniently, JSON and binary."""

from __future__ import annotations

import pytest

from shared.errors import InvalidInputError
from shared.runtime.codec import MisreadError, decode
from shared.runtime.envelope import PROTOBUF, encode
from upwell.events import BY_MESSAGE, BY_SUBJECT, EVENTS, MAX_MESSAGE_BYTES, SERVICES, STREAMS, durable_name
from upwell.registry.v1 import events_pb2 as registry
from upwell.train.v1 import events_pb2 as train

REQUESTED = BY_SUBJECT["train.requested"]
PRODUCED = BY_SUBJECT["dataset.produced"]


@pytest.mark.parametrize("body", [b'{"runId":"r","recipe":"series-lm"}', b'{"run_id":"r","recipe":"series-lm"}'])
def test_both_spellings_of_a_field(body: bytes) -> None:
    message = decode(REQUESTED, body, None)
    assert isinstance(message, train.TrainRequested)
    assert (message.run_id, message.recipe) == ("r", "series-lm")


def test_an_unknown_field_of_a_request_is_named() -> None:
    with pytest.raises(InvalidInputError, match="recipee"):
        decode(REQUESTED, b'{"recipee":"series-lm"}', None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"run_id":"r","recipe":"series-lm","epochs":3}', 'no field named "epochs"'),
        (b'{"epochs":{"a":1},"runId":"r","recipe":"series-lm","model":["m"]}', "model"),
        (b'{"runId":"r","recipe":"series-lm","hyperparameters":3}', "hyperparameters"),
        (b'{"runId":"r","recipe":"series-lm","model":' + b"[" * 900 + b"]" * 900 + b"}", "model"),
        (b'{"runId":"r","recipe":"series-lm","model":{"x":"' + b"y" * 200_000 + b'"}}', "model"),
    ],
)
def test_a_request_with_wrong_fields_is_known_by_the_others(body: bytes, said: str) -> None:
    with pytest.raises(MisreadError, match=said) as error:
        decode(REQUESTED, body, None)
    message = error.value.message
    assert isinstance(message, train.TrainRequested)
    assert (message.run_id, message.recipe, message.model) == ("r", "series-lm", "")
    assert len(str(error.value)) < 700


def test_an_unknown_field_of_a_fact_is_passed_over() -> None:
    message = decode(PRODUCED, b'{"name":"x","fromTheFuture":1}', None)
    assert isinstance(message, registry.DatasetProduced)
    assert message.name == "x"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"recipe":1}'])
def test_bodies_that_are_no_request(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"train\.requested"):
        decode(REQUESTED, body, None)


def test_binary_by_content_type() -> None:
    sent = train.TrainRequested(recipe="series-lm", model="泵")
    assert decode(REQUESTED, sent.SerializeToString(), PROTOBUF) == sent


def test_an_unknown_binary_field_of_a_request_is_named() -> None:
    known = train.TrainRequested(run_id="r")
    with pytest.raises(MisreadError, match="15") as error:
        decode(REQUESTED, known.SerializeToString() + b"\x78\x01", PROTOBUF)
    assert error.value.message.run_id == "r"  # type: ignore[attr-defined]


def test_binary_that_is_none() -> None:
    with pytest.raises(InvalidInputError, match="binary"):
        decode(REQUESTED, b"\xff\xff", PROTOBUF)


def test_the_same_fact_has_the_same_id() -> None:
    fact = registry.DatasetProduced(name="泵", manifest_digest="d")
    first, second = (encode(fact, key="泵/d", source="svc_ingest") for _ in range(2))
    assert first.headers["Nats-Msg-Id"] == second.headers["Nats-Msg-Id"]
    assert first.subject == "dataset.produced"
    assert "泵" in first.body.decode()
    assert decode(PRODUCED, first.body, first.headers["content-type"]) == fact


def test_the_table_is_whole() -> None:
    assert len(BY_SUBJECT) == len(BY_MESSAGE) == len(EVENTS)
    assert {subject for subjects in STREAMS.values() for subject in subjects} == set(BY_SUBJECT)
    for event in EVENTS:
        assert event.owner in SERVICES
        # Exactly one side publishes: services, or users.
        assert bool(event.publishers) != event.is_request
    assert MAX_MESSAGE_BYTES == 256 * 1024


def test_durables_have_one_name_each() -> None:
    names = [durable_name(service, event.subject) for event in EVENTS for service in event.takers]
    assert len(set(names)) == len(names)
