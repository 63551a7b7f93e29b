from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from shared.contracts.chat import CHAT_FILE, GEOFORMER, SHAREGPT_FILE, Conversation, conversation_of_line
from shared.contracts.parameters import parse_parameters
from shared.errors import InvalidInputError, RetryableError
from shared.fields.answers import facts_of_text, language_of, spoken_numbers, untrue
from shared.fields.samples import read_sample
from shared.fields.statistics import monthly_statistics, window_of
from shared.fields.wording import LANGUAGES
from svc_label.labelers.base import DatasetLabeler, MadeDataset, StoredDataset
from svc_label.labelers.catalogue import installed_labelers
from svc_label.labelers.ocean_questions import LABELER, sampling
from svc_label.labelers.ocean_questions.__main__ import main
from svc_label.labelers.ocean_questions.kinds import KINDS
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters
from tests.support.oceans import ocean_field


def make(folder: Path, *, months: int = 120, channels: tuple[str, ...] = ("sst", "taux"), **asked: Any) -> MadeDataset:
    field = folder / "field"
    ocean_field(field, months, channels)
    (folder / "made").mkdir()
    dataset = StoredDataset(name="pacific", digest="d" * 64, kind="field/v1", folder=field, meta={})
    parameters = parse_parameters(OceanQuestionsParameters, {"samples": 40, **asked})
    return LABELER.make(dataset, parameters, folder / "made", lambda: False)


def conversations(made: MadeDataset) -> list[Conversation]:
    lines = made.files[CHAT_FILE].read_bytes().splitlines()
    return [conversation_of_line(line, f"line {number}") for number, line in enumerate(lines, start=1)]


def test_it_is_installed_and_makes_chats_of_fields() -> None:
    assert installed_labelers()["ocean-questions"] is LABELER
    assert isinstance(LABELER, DatasetLabeler)
    assert (LABELER.kinds, LABELER.makes) == (("field/v1",), "chat/v1")


def test_every_number_of_every_answer_can_be_computed_from_its_sample(tmp_path: Path) -> None:
    made = make(tmp_path, samples=120)
    assert (made.kind, made.rows, made.meta["features"]) == ("chat/v1", 120, 120)
    seen = set()
    for one in conversations(made):
        [path] = one.features
        sample = read_sample(made.files[path], path)
        question, answer = one.turns
        assert question.text.startswith(f"{GEOFORMER}\n")
        assert untrue(answer.text, sample, path) == []
        facts = facts_of_text(sample.facts, path)
        assert facts
        seen |= {(fact.statistic, fact.part, fact.measure) for fact in facts} | {language_of(answer.text)}
        assert language_of(answer.text) == language_of(question.text)
        assert 6 <= sample.history <= 24
        assert 3 <= len(sample.future_FCYX) <= 20
    assert {*LANGUAGES} <= seen
    assert {part for _, part, _ in (one for one in seen if not isinstance(one, str))} == {"history", "future"}
    assert {"nino34", "sst_mean", "taux_nino4"} <= {one[0] for one in seen if not isinstance(one, str)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_last_and_change_of_an_answer_add_up(tmp_path: Path, language: str) -> None:
    made = make(tmp_path, questions=["trend"], tasks=["diagnosis"], languages=[language], samples=30)
    off_when_rounded_alone = 0
    for one in conversations(made):
        [path] = one.features
        sample = read_sample(made.files[path], path)
        [statistic] = {fact.statistic for fact in facts_of_text(sample.facts, path)}
        first, last, change = spoken_numbers(one.turns[1].text)
        assert Decimal(first) + Decimal(change) == Decimal(last)
        window = window_of(statistic, monthly_statistics(sample), sample)
        off_when_rounded_alone += window.rounded(window.history[-1] - window.history[0]) != float(change)
    assert off_when_rounded_alone


def test_the_same_seed_asks_the_same_and_another_one_does_not(tmp_path: Path) -> None:
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        made = make(tmp_path / name, samples=8, seed=seed)
        texts.append([made.files[path].read_bytes() for path in sorted(made.files)])
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_field_too_large_to_be_kept_is_asked_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for name, kept_bytes in (("kept", sampling.KEPT_BYTES), ("read", 0)):
        monkeypatch.setattr(sampling, "KEPT_BYTES", kept_bytes)
        (tmp_path / name).mkdir()
        made = make(tmp_path / name, samples=8)
        texts.append({path: made.files[path].read_bytes() for path in made.files})
    assert texts[0] == texts[1]


def test_the_test_questions_are_about_the_latest_months_alone(tmp_path: Path) -> None:
    made = make(tmp_path, test_share=0.3, future=[3, 6], history=[6, 12])
    assert (made.meta["test_conversations"], made.meta["test_from"]) == (12, "2008-01")
    for one in conversations(made):
        months = read_sample(made.files[one.features[0]], "x").months
        assert (months[0] >= "2008-01") == one.id.startswith("test-")
        assert (months[-1] >= "2008-01") == one.id.startswith("test-")


def test_the_kinds_of_questions_can_be_chosen(tmp_path: Path) -> None:
    made = make(tmp_path, tasks=["diagnosis"], questions=["state"], samples=10)
    for one in conversations(made):
        facts = facts_of_text(read_sample(made.files[one.features[0]], "x").facts, "x")
        assert {fact.measure for fact in facts} == {"last", "phase"}


def test_tasks_and_languages_can_be_chosen(tmp_path: Path) -> None:
    made = make(tmp_path, tasks=["diagnosis"], languages=["zh"], channels=("sst",), test_share=0)
    for one in conversations(made):
        assert language_of(one.turns[1].text) == "zh"
        facts = facts_of_text(read_sample(made.files[one.features[0]], "x").facts, "x")
        assert {fact.part for fact in facts} == {"history"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"tasks": []}, "parameters.tasks: is empty"),
        ({"questions": ["trend"]}, "parameters.questions: holds none of the task 'forecast'"),
        (
            {"questions": ["state"], "tasks": ["diagnosis"], "channels": ("taux",)},
            "dataset: has the channels taux, which the questions state are not about",
        ),
        ({"tasks": ["guess"]}, "'guess' is not known"),
        ({"history": [12, 6]}, "parameters.history: 12 is more than 6"),
        ({"months": 20}, "the shortest window has 9 months, and the test span 4"),
        ({"channels": ("tauy",), "history": [2, 2]}, None),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, asked: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert make(tmp_path, **asked).rows == 40
        return
    with pytest.raises(InvalidInputError, match=reason):
        make(tmp_path, **asked)


def test_it_stops_when_it_has_to(tmp_path: Path) -> None:
    ocean_field(tmp_path / "field")
    (tmp_path / "made").mkdir()
    dataset = StoredDataset(name="pacific", digest="d" * 64, kind="field/v1", folder=tmp_path / "field", meta={})
    with pytest.raises(RetryableError, match="not asked to their end"):
        LABELER.make(dataset, OceanQuestionsParameters(), tmp_path / "made", lambda: True)


def test_phrasings_fill_only_what_their_kind_can_say() -> None:
    for kind in KINDS:
        for language in LANGUAGES:
            phrasing = kind.phrasings[language]
            for answer in phrasing.answers:
                slots = [name for _, name, _, _ in Formatter().parse(answer) if name]
                assert set(slots) <= {"statistic", "unit", *kind.measures}
                assert set(slots) & set(kind.measures)
            for question in phrasing.questions:
                # A name may begin with a vowel: "eastward wind stress".
                assert not re.search(r"\b[Aa] \{statistic", question)
                slots = {name for _, name, _, _ in Formatter().parse(question) if name}
                assert slots <= {"statistic", "months", "ahead", "first", "last"}


def test_the_checker_reads_a_pulled_version_and_finds_what_is_not_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make(tmp_path, samples=12)
    folder = made.files[CHAT_FILE].parent
    assert main([str(folder)]) == 0
    assert re.fullmatch(r"12 answers in chat\.jsonl, \d+ facts: none untrue\n", capsys.readouterr().out)
    rows = [json.loads(line) for line in made.files[CHAT_FILE].read_bytes().splitlines()]
    answer = rows[4]["conversations"][1]
    answer["value"] += " 7.7"
    array = folder / SHAREGPT_FILE
    array.write_text(json.dumps(rows))
    assert main([str(folder)]) == 1, "what is true beside it says nothing of this file"
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"{array}, item 5 ({rows[4]['id']}): the answer says the numbers ")
    assert not re.search(r"[\[\]']", told[0].removeprefix(str(array)))
    assert re.fullmatch(r"24 answers in chat\.jsonl and geoformer_sft\.json, \d+ facts: 1 untrue", told[1])
    (folder / CHAT_FILE).unlink()
    assert main([str(folder)]) == 1
    assert f"{array}, item 5" in capsys.readouterr().out


def test_what_the_checker_cannot_read_is_told_with_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make(tmp_path, samples=2)
    chats = made.files[CHAT_FILE]
    first = json.loads(chats.read_bytes().splitlines()[0])["id"]
    made.files["features/000001.npz"].unlink()
    array = tmp_path / SHAREGPT_FILE
    for folder, content, said in (
        (chats.parent, "", f"{chats}, line 1 ({first}): features/000001.npz: is missing"),
        (tmp_path, "", f"{tmp_path} has neither chat.jsonl nor geoformer_sft.json"),
        (tmp_path / "nowhere", "", f"{tmp_path / 'nowhere'} is missing"),
        (chats, "", f"{chats} is no folder"),
        (tmp_path, "{", f"{array} is no JSON"),
        (tmp_path, "{}", f"{array} is no array"),
        (tmp_path, "[1]", f"{array}, item 1: is 1"),
    ):
        if content:
            array.write_text(content)
        assert main([str(folder)]) == 2
        assert capsys.readouterr().err.startswith(f"error: {said}")
