from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from nats.js.api import PubAck, RawStreamMsg, StreamInfo, StreamState
from nats.js.errors import NotFoundError

from upwell.deadletters import newest_letters, read_letter, replay_letter
from upwell.errors import ToolError

HEADERS = {
    "Nats-Msg-Id": "dead-TRAIN-5-svc_train",
    "ce-id": "e-1",
    "content-type": "application/json",
    "upwell-reason": "no such recipe",
    "upwell-subject": "train.requested",
    "upwell-stream": "TRAIN",
    "upwell-sequence": "5",
    "upwell-consumer": "svc_train-train-requested",
}


@dataclass
class FakeJetStream:
    """A stream of dead letters, and what was published."""

    letters: dict[int, RawStreamMsg] = field(default_factory=dict)
    published: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def bury(self, number: int, body: bytes = b'{"recipe":"x"}', **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        stamp = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.letters[number] = RawStreamMsg(seq=number, data=body, headers={**HEADERS, **named}, time=stamp)

    async def stream_info(self, name):
        numbers = list(self.letters) or [0]
        state = StreamState(
            messages=len(self.letters), bytes=0, first_seq=min(numbers), last_seq=max(numbers), consumer_count=0
        )
        return StreamInfo(config=None, state=state)

    async def get_msg(self, stream, number):
        if number not in self.letters:
            raise NotFoundError
        return self.letters[number]

    async def publish(self, subject, body, headers):
        self.published.append((subject, body, headers))
        return PubAck(stream="TRAIN", seq=40 + len(self.published))

    async def delete_msg(self, stream, number):
        del self.letters[number]


@pytest.fixture
def js():
    return FakeJetStream()


async def test_the_newest_come_first_and_gaps_are_skipped(js):
    for number in (2, 3, 7):
        js.bury(number)
    assert [letter.number for letter in await newest_letters(js, limit=2)] == [7, 3]
    assert [letter.number for letter in await newest_letters(js, limit=9)] == [7, 3, 2]


async def test_no_letters_at_all(js):
    assert await newest_letters(js, limit=9) == []


async def test_a_letter_says_where_it_came_from(js):
    js.bury(2)
    letter = await read_letter(js, 2)
    assert (letter.subject, letter.stream, letter.sequence) == ("train.requested", "TRAIN", "5")
    assert (letter.consumer, letter.reason) == ("svc_train-train-requested", "no such recipe")
    assert letter.time == "2026-01-02T03:04:05+00:00"
    assert letter.text() == '{\n  "recipe": "x"\n}'


@pytest.mark.parametrize(("body", "text"), [(b"{half", "{half"), (b"\xff\x00a", "\\xff\x00a"), ("泵".encode(), "泵")])
async def test_a_body_that_is_no_json_is_shown_as_it_is(js, body, text):
    js.bury(2, body)
    assert (await read_letter(js, 2)).text() == text


async def test_a_replay_keeps_the_events_id_and_takes_a_new_message_id(js):
    js.bury(2)
    assert await replay_letter(js, await read_letter(js, 2)) == 41
    ((subject, body, headers),) = js.published
    assert (subject, body) == ("train.requested", b'{"recipe":"x"}')
    assert headers.pop("Nats-Msg-Id") != HEADERS["Nats-Msg-Id"]
    assert headers == {"ce-id": "e-1", "content-type": "application/json"}
    assert not js.letters


async def test_a_replay_may_keep_the_letter(js):
    js.bury(2)
    await replay_letter(js, await read_letter(js, 2), keep=True)
    assert 2 in js.letters


async def test_a_letter_that_was_cut_or_has_no_home_is_not_replayed(js):
    js.bury(2, upwell_truncated="true")
    js.bury(3, upwell_subject="nobody.knows")
    with pytest.raises(ToolError, match="only the beginning of its body was kept"):
        await replay_letter(js, await read_letter(js, 2))
    with pytest.raises(ToolError, match=r"nobody\.knows"):
        await replay_letter(js, await read_letter(js, 3))
    assert not js.published


async def test_a_letter_that_is_not_there(js):
    with pytest.raises(ToolError, match="There is no dead letter 9"):
        await read_letter(js, 9)
