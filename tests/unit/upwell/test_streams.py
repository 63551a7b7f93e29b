from __future__ import annotations

from upwell.events import DEAD_STREAM, EVENTS, MAX_MESSAGE_BYTES, durable_name
from upwell.streams import consumer_configs, stream_configs


def test_every_subject_lies_in_one_stream():
    subjects = [subject for config in stream_configs() for subject in config.subjects]
    assert len(subjects) == len(set(subjects))
    assert {event.subject for event in EVENTS} < set(subjects)


def test_streams_keep_facts_for_ever_and_chatter_for_a_while():
    ages = {config.name: config.max_age for config in stream_configs()}
    day = 24 * 3600
    assert ages["CATALOGUE"] == ages["TRAIN"] == 0
    assert ages["TRAIN_PROGRESS"] == 7 * day
    assert ages[DEAD_STREAM] == 90 * day
    assert ages["KV_excused"] == 25 * 3600


def test_streams_refuse_large_messages():
    assert {config.max_msg_size for config in stream_configs() if config.name != "KV_excused"} == {MAX_MESSAGE_BYTES}


def test_every_taker_has_a_durable_that_never_drops():
    durables = {(stream, config.durable_name, config.filter_subject) for stream, config in consumer_configs()}
    assert durables == {
        (event.stream, durable_name(taker, event.subject), event.subject) for event in EVENTS for taker in event.takers
    }
    assert {config.max_deliver for _, config in consumer_configs()} == {-1}


def test_replicas_are_passed_on():
    assert {config.num_replicas for config in stream_configs(3)} == {3}
