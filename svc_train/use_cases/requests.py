"""A run is asked for, cancelled, or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from shared.contracts.ids import check_id
from shared.contracts.work import Failure, WorkState
from shared.errors import InvalidInputError, NotFoundError
from svc_train.domain.diagnosis import IMPORT_ERROR
from svc_train.domain.events import RunCancelled, RunFailed
from svc_train.domain.failures import PARENT_FAILED, failure_of
from svc_train.domain.request import RunRequest, check_all
from svc_train.ports import TrainStore, TrainTransaction
from svc_train.recipes.base import Recipe, no_recipe
from svc_train.recipes.hyperparameters import parse

Recipes = Mapping[str, Recipe]
# A refused request may hold anything of any length; the event that says so has a limit.
LONGEST_QUOTE = 1000
LONGEST_CHAIN = 100


def start_run(store: TrainStore, recipes: Recipes, request: RunRequest, *, run_id: str) -> None:
    """Record a run; nothing happens when the same request stands already, whatever has become of it.

    Raises:
        InvalidInputError: with a violation for each wrong field.
        ConflictError: the id stands for another request.
    """
    check_id("run_id", run_id)
    with store.reading() as tx:
        is_recorded = _is_recorded(tx, run_id)
    # What was recorded once was right then; a recipe that is gone today does not undo it. Nobody waits for the checks
    # with a write of his own: a recipe that cannot be loaded is tried once more to say why.
    if not is_recorded:
        check_all([lambda: _check_recipe(recipes, request), *request.checks()])
    with store.transaction() as tx:
        if not _is_recorded(tx, run_id):
            _check_ancestors(tx, run_id, request)
            tx.runs.add(run_id, model=request.model, parent_run=request.parent_run)
        tx.work.record(run_id, request.to_json())


def take_request(store: TrainStore, recipes: Recipes, request: RunRequest, *, run_id: str) -> None:
    """Record a run asked for on the bus, where the refusal has to be announced: nobody waits for an answer.

    Raises:
        InvalidInputError: as `start_run`, after the announcement.
        ConflictError: as `start_run`; the run that has the id did not fail, so nothing is announced.
    """
    check_id("run_id", run_id)
    try:
        start_run(store, recipes, request, run_id=run_id)
    except InvalidInputError as error:
        refuse_request(store, request, error, run_id=run_id)
        raise


def refuse_request(store: TrainStore, request: RunRequest, error: InvalidInputError, *, run_id: str) -> None:
    """Announce why a request on the bus is refused, unless its id stands for a run, which did not fail.

    Raises:
        InvalidInputError: the id cannot name it.
    """
    check_id("run_id", run_id)
    with store.transaction() as tx:
        if not _is_recorded(tx, run_id):
            tx.outbox.add(_refused(run_id, request, error))


def cancel_run(store: TrainStore, run_id: str, *, cancelled_by: str) -> None:
    """Cancel a run, wherever it executes; again is fine.

    Raises:
        NotFoundError: there is no such run.
        StateError: it has completed or failed.
    """
    with store.transaction() as tx:
        if tx.work.get(run_id).state is WorkState.CANCELLED:
            return
        tx.work.cancel(run_id)
        tx.outbox.add(RunCancelled(run_id=run_id, cancelled_by=cancelled_by, cancelled_at=datetime.now(UTC)))


def resume_run(store: TrainStore, run_id: str) -> None:
    """Queue a failed or cancelled run again, and the runs that failed only because it did; again is fine.

    Raises:
        NotFoundError: there is no such run.
        StateError: it has completed.
    """
    with store.transaction() as tx:
        if tx.work.get(run_id).state in {WorkState.QUEUED, WorkState.RUNNING}:
            return
        tx.work.reopen(run_id)
        waiting = [run_id]
        while waiting:
            for child in tx.runs.children(waiting.pop()):
                failure = tx.work.get(child).failure
                if failure is not None and failure.cause == PARENT_FAILED:
                    tx.work.reopen(child)
                    waiting.append(child)


def _is_recorded(tx: TrainTransaction, run_id: str) -> bool:
    try:
        tx.work.get(run_id)
    except NotFoundError:
        return False
    return True


def _check_ancestors(tx: TrainTransaction, run_id: str, request: RunRequest) -> None:
    """A run that waits for itself would wait for ever; the request that closes the ring is refused."""
    ancestor = request.parent_run
    for _ in range(LONGEST_CHAIN):
        if ancestor == run_id:
            raise InvalidInputError.of("parent_run", f"the run {run_id} would go on from itself")
        if not ancestor or not _is_recorded(tx, ancestor):
            return
        ancestor = str(tx.work.get(ancestor).request.get("parent_run", ""))
    raise InvalidInputError.of("parent_run", f"a chain has at most {LONGEST_CHAIN} stages")


def _check_recipe(recipes: Recipes, request: RunRequest) -> None:
    recipe = recipes.get(request.recipe)
    if recipe is None:
        raise no_recipe(request.recipe, recipes)
    check_all([lambda: _check_base(recipe, request), lambda: parse(recipe.config_type, request.hyperparameters)])


def _check_base(recipe: Recipe, request: RunRequest) -> None:
    if request.base and not recipe.default_base:
        reason = f"{request.base!r}: the models of the recipe {recipe.name!r} stand on no base; leave it out"
        raise InvalidInputError.of("base", reason)


def _refused(run_id: str, request: RunRequest, error: InvalidInputError) -> RunFailed:
    cause, remedy = "invalid_input", "Publish the request again with these fields put right."
    found = failure_of(error)
    if found.cause == IMPORT_ERROR:  # the recipe is there, and broken: nothing in the request is wrong
        cause, remedy = found.cause, found.remedy
    return RunFailed(
        run_id=run_id,
        attempt=0,
        recipe=request.recipe[:LONGEST_QUOTE],
        model=request.model[:LONGEST_QUOTE],
        failure=Failure(cause=cause, reason=str(error)[:LONGEST_QUOTE], remedy=remedy),
    )
