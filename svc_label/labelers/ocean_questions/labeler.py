"""The labeler `ocean-questions`: `field/v1` in, conversations about its windows with one `.npz` each out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shared.contracts.chat import CHAT_FILE, GEOFORMER, TEST, Conversation, Speaker, Turn, feature_path, id_in
from shared.contracts.kinds import Kind
from shared.errors import RetryableError
from shared.fields.months import month_text
from shared.fields.samples import write_sample
from shared.fields.store import Fields, open_fields
from svc_label.labelers.base import MadeDataset, StoredDataset
from svc_label.labelers.ocean_questions.asking import Asked
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters
from svc_label.labelers.ocean_questions.sampling import Questions, Span, first_test_row, spans_of


class OceanQuestions:
    """See `DatasetLabeler`."""

    name = "ocean-questions"
    summary = "Asks about windows of ocean fields; every number of an answer is computed from the fields."
    kinds: tuple[str, ...] = (Kind.FIELD,)
    makes = str(Kind.CHAT)
    parameters = OceanQuestionsParameters

    def make(
        self,
        dataset: StoredDataset,
        parameters: OceanQuestionsParameters,
        folder: Path,
        must_stop: Callable[[], bool],
    ) -> MadeDataset:
        """See `DatasetLabeler.make`."""
        fields = open_fields(dataset.folder)
        spans = spans_of(len(fields.months), parameters)
        questions = Questions(fields, parameters)
        (folder / feature_path(1)).parent.mkdir()
        files = {CHAT_FILE: folder / CHAT_FILE}
        with files[CHAT_FILE].open("wb") as lines:
            number = 0
            for span in spans:
                for place, asked in enumerate(questions.draw(span), start=1):
                    _check_wanted(must_stop)
                    number += 1
                    path = feature_path(number)
                    write_sample(folder / path, asked.sample)
                    files[path] = folder / path
                    lines.write(_conversation(asked, id_in(span.name, place), path).to_line() + b"\n")
        meta = _meta(fields, parameters, spans)
        return MadeDataset(kind=self.makes, files=files, meta=meta, rows=number)


LABELER = OceanQuestions()


def _check_wanted(must_stop: Callable[[], bool]) -> None:
    if must_stop():
        raise RetryableError(
            "The questions were not asked to their end: the service stops, or the job is another's now"
        )


def _conversation(asked: Asked, name: str, path: str) -> Conversation:
    turns = (
        Turn(speaker=Speaker.HUMAN, text=f"{GEOFORMER}\n{asked.question}"),
        Turn(speaker=Speaker.GPT, text=asked.answer),
    )
    return Conversation(turns=turns, id=name, features=(path,))


def _meta(fields: Fields, parameters: OceanQuestionsParameters, spans: tuple[Span, ...]) -> Mapping[str, Any]:
    tested = sum(span.samples for span in spans if span.name == TEST)
    cut = first_test_row(len(fields.months), parameters)
    return {
        "rows": parameters.samples,
        "conversations": parameters.samples,
        "features": parameters.samples,
        "test_conversations": tested,
        "test_from": month_text(fields.months[cut]) if tested else "",
        "channels": list(fields.channels),
    }
