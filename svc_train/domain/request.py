"""What is asked for when a run is requested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.contracts.ids import check_id
from shared.contracts.names import NAME, check_name, parse_dataset_reference, parse_reference
from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A request for a run.

    Attributes:
        recipe: the training procedure.
        dataset: the training set, `name@3`, or `name` for the newest version when the run starts.
        model: name of the model to make a version of.
        base: what to start from; empty takes the recipe's default.
        stage: place in a chain; empty when the run stands alone.
        parent: the model version to go on from, `name@4`, `name:alias` or `name`; empty starts from the base.
        parent_run: the run whose version to go on from once it has completed; not together with `parent`.
        hyperparameters: JSON values by name; absent ones take the recipe's defaults.
    """

    recipe: str
    dataset: str
    model: str
    base: str = ""
    stage: str = ""
    parent: str = ""
    parent_run: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it is recorded."""
        body = asdict(self)
        # Absent rather than empty: a request recorded before there were parents reads, and is digested, as it was.
        return {name: value for name, value in body.items() if value or name not in ("parent", "parent_run")}

    @classmethod
    def from_json(cls, recorded: Mapping[str, Any]) -> RunRequest:
        """As it was recorded."""
        return cls(**recorded)

    def checks(self) -> tuple[Callable[[], object], ...]:
        """What can be said of each field alone; each raises InvalidInputError."""
        return (
            lambda: parse_dataset_reference("dataset", self.dataset),
            lambda: check_name("model", self.model),
            lambda: self.base and check_base_name(self.base),
            lambda: self.stage and check_name("stage", self.stage),
            lambda: self.parent and parse_reference("parent", self.parent),
            lambda: self.parent_run and check_id("parent_run", self.parent_run),
            self._check_one_parent,
        )

    def _check_one_parent(self) -> None:
        if self.parent and self.parent_run:
            raise InvalidInputError.of(
                "parent_run", "a run goes on from one version: give parent or parent_run, not both"
            )


def check_base_name(name: str) -> str:
    """The name of a base: never a path, so that nothing outside the bases folder can be named."""
    if not NAME.fullmatch(name):
        raise InvalidInputError.of(
            "base",
            f"{name!r} is not the name of a base: use a built-in one such as 'tiny-qwen', or the plain name of a "
            "folder in the server's bases folder",
        )
    return name


def check_all(checks: Sequence[Callable[[], object]]) -> None:
    """Run every check, so that one error names every wrong field.

    Raises:
        InvalidInputError: with the violations of all checks.
    """
    errors: list[InvalidInputError] = []
    for check in checks:
        try:
            check()
        except InvalidInputError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]  # with what it came from
    if errors:
        violations = [violation for error in errors for violation in error.violations]
        raise InvalidInputError("; ".join(str(error) for error in errors), violations)
