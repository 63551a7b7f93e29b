"""The parameters of `ocean-questions`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from shared.fields.wording import LANGUAGES
from svc_label.labelers.ocean_questions.kinds import KINDS, TASKS

NAMES = tuple(kind.name for kind in KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanQuestionsParameters:
    """What is asked, and about which windows."""

    samples: int = parameter(500, low=1, high=1_000_000, help="Questions, those about the test months included.")
    seed: int = parameter(0, low=0, high=2**31, help="Equal seeds ask equal questions.")
    languages: tuple[str, ...] = parameter(LANGUAGES, choices=LANGUAGES, help="Each question is in one of them.")
    tasks: tuple[str, ...] = parameter(TASKS, choices=TASKS, help="Each question has one of them.")
    questions: tuple[str, ...] = parameter(
        NAMES, choices=NAMES, help="Kinds that are asked, of those that fit the tasks and the data."
    )
    history: tuple[int, int] = parameter(
        (6, 24), low=2, high=240, help="Shortest and longest number of months that are shown."
    )
    future: tuple[int, int] = parameter(
        (3, 20), low=1, high=120, help="Shortest and longest number of months that follow."
    )
    test_share: float = parameter(
        0.2,
        low=0,
        high=0.9,
        help="Share of the months, the latest, that questions of their own ask about, with ids test-...; these are as "
        "large a share of the samples, and no window reaches across. 0 makes none.",
    )

    def __post_init__(self) -> None:
        for name in ("languages", "tasks", "questions"):
            if not getattr(self, name):
                raise InvalidInputError.of(f"parameters.{name}", "is empty; name at least one")
        for task in self.tasks:
            if not any(kind.task == task and kind.name in self.questions for kind in KINDS):
                reason = f"holds none of the task {task!r}; add one, or leave the task out of parameters.tasks"
                raise InvalidInputError.of("parameters.questions", reason)
        for name in ("history", "future"):
            low, high = getattr(self, name)
            if low > high:
                raise InvalidInputError.of(f"parameters.{name}", f"{low} is more than {high}: the shortest comes first")
