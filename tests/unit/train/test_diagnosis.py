"""From what was seen to a cause and a remedy, and the lines that show it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from shared.errors import IntegrityError, InvalidInputError, NotFoundError, UnavailableError
from svc_train.domain.diagnosis import CAUSES, Symptoms, Then, diagnose, raised
from svc_train.domain.evidence import MOST_LINES, evidence
from svc_train.domain.failures import (
    FailedAttemptError,
    FailedRunError,
    RunTooLongError,
    StalledError,
    TooLargeError,
    crash,
    failure_of,
    overdue,
    smaller,
)


def of(error: BaseException) -> tuple[str, Then]:
    found = diagnose(Symptoms(errors=raised(error)))
    return found.cause, found.then


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "cause", "then"),
    [
        (MemoryError(), "out_of_memory", Then.TRY_SMALLER),
        (caused(IntegrityError("The base in 'x' cannot be loaded"), MemoryError()), "out_of_memory", Then.TRY_SMALLER),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", Then.TRY_AGAIN),
        (
            caused(RuntimeError("cannot save"), OSError(errno.EDQUOT, "Disk quota exceeded")),
            "disk_full",
            Then.TRY_AGAIN,
        ),
        (FloatingPointError("overflow"), "nan_loss", Then.GIVE_UP),
        (ValueError("Loss is NaN in step 3"), "nan_loss", Then.GIVE_UP),
        (ValueError("the loss was -inf"), "nan_loss", Then.GIVE_UP),
        (InvalidInputError.of("对话.jsonl:17", "has no messages"), "bad_row", Then.GIVE_UP),
        (InvalidInputError.of("base", "no base 'x' is built in; there is: tiny-qwen"), "missing_base", Then.GIVE_UP),
        (InvalidInputError.of("base", "the folder 'x' is not a base"), "wrong_base", Then.GIVE_UP),
        (IntegrityError("The bundle was trained on the base tiny-qwen; this one has ..."), "wrong_base", Then.GIVE_UP),
        (TimeoutError("the file server"), "timeout", Then.TRY_AGAIN),
        (UnavailableError("The object store does not answer: X"), "object_store_unavailable", Then.TRY_AGAIN),
        (
            caused(UnavailableError("The object store does not answer: ReadTimeoutError"), TimeoutError("timed out")),
            "object_store_unavailable",
            Then.TRY_AGAIN,
        ),
        (UnavailableError("svc_registry does not answer"), "unavailable", Then.TRY_AGAIN),
        (InvalidInputError.of("recipe", "unknown"), "invalid_input", Then.GIVE_UP),
        (IntegrityError("torn"), "damaged_data", Then.GIVE_UP),
        (NotFoundError("gone"), "refused", Then.GIVE_UP),
        (KeyError("x"), "crashed", Then.TRY_AGAIN),
        (KeyError("the informal bloss"), "crashed", Then.TRY_AGAIN),
    ],
)
def test_an_exception_has_a_cause(error, cause, then):
    assert of(error) == (cause, then)


def test_a_missing_module_is_named_with_what_brings_it():
    with pytest.raises(ModuleNotFoundError) as caught:
        import a_module_that_nobody_has.part  # type: ignore[import-not-found]  # noqa: F401
    found = diagnose(Symptoms(errors=raised(caught.value)))
    assert (found.cause, found.then) == ("import_error", Then.GIVE_UP)
    assert found.remedy == "Install the module a_module_that_nobody_has beside svc_train: its package brings it."
    ours = diagnose(Symptoms(errors=raised(ModuleNotFoundError("No module named 'peft.tuners'"))))
    assert "`pip install 'upwell[train]'` brings it" in ours.remedy
    assert of(ImportError("cannot import name 'x' from 'y'")) == ("import_error", Then.GIVE_UP)


def test_a_bad_row_is_named_in_the_remedy():
    found = diagnose(Symptoms(errors=raised(InvalidInputError.of("训练.jsonl:17", "is no JSON"))))
    assert "row 17 of 训练.jsonl" in found.remedy


def test_braces_in_what_was_said_do_no_harm():
    assert of(KeyError("{batch_size}")) == ("crashed", Then.TRY_AGAIN)
    assert "row 3 of {x}.jsonl" in diagnose(Symptoms(errors=raised(InvalidInputError.of("{x}.jsonl:3", "bad")))).remedy


def test_notes_count_as_what_was_said():
    error = RuntimeError("in a worker")
    error.add_note("DefaultCPUAllocator: can't allocate memory")
    assert of(error)[0] == "out_of_memory"


@pytest.mark.parametrize(
    ("exit_code", "log", "cause"),
    [
        (-9, ["kernel: out of memory: 1 killed (oom_kill 3)"], "out_of_memory"),
        (-9, ["an ordinary line"], "killed"),
        (-6, ["terminate called after throwing an instance of 'std::bad_alloc'"], "out_of_memory"),
        (-15, [], "killed"),
        (143, [], "killed"),
        (-11, ["Fatal Python error: Segmentation fault"], "crashed"),
        (3, ["OSError: [Errno 28] No space left on device"], "disk_full"),
        # torchrun, of a worker that was killed, and then its own end.
        (1, ["E0727 torch/api.py:1000] failed (exitcode: -9) local_rank: 1 (pid: 12) of binary: python"], "killed"),
        (1, ["  exitcode  : -9 (pid: 12)", "  traceback : Signal 9 (SIGKILL) received by PID 12"], "killed"),
        (1, ["kernel: out of memory: 1 killed (oom_kill 3)"], "out_of_memory"),
        # A log speaks of many things; without SIGKILL this is no evidence.
        (1, ["the talk was of out of memory"], "crashed"),
        # Rows are named by exceptions, not by whoever logs a place in its source.
        (1, ["alloc.cc:17: warning"], "crashed"),
    ],
)
def test_a_process_without_a_word_is_judged_by_its_end_and_its_log(exit_code, log, cause):
    failure = crash(exit_code, log).failure
    assert failure.cause == cause
    assert failure.evidence == tuple(log)


def test_what_follows_is_said_by_the_errors_class():
    assert type(crash(-9, ["oom-kill: constraint"])) is TooLargeError
    assert type(crash(-9, [])) is FailedAttemptError
    assert type(overdue(RunTooLongError("too long"), [])) is FailedRunError
    stalled = overdue(StalledError("said nothing new"), ["waiting for a lock"])
    assert type(stalled) is FailedAttemptError
    assert (stalled.failure.cause, stalled.failure.evidence) == ("timeout", ("waiting for a lock",))
    assert "UPWELL_STALL_SECONDS" in stalled.failure.remedy


def test_an_unexpected_error_of_the_service_keeps_its_words_for_the_log():
    failure = failure_of(KeyError("a secret"))
    assert (failure.cause, "secret" in failure.reason) == ("internal_error", False)
    assert failure_of(OSError(errno.ENOSPC, "No space left on device")).cause == "disk_full"


def test_every_cause_says_what_to_do_and_is_in_the_runbook():
    assert all(cause.remedy for cause in CAUSES)
    runbook = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert not [cause.name for cause in CAUSES if f"`{cause.name}`" not in runbook]
    assert not CAUSES[-1].signs


TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "loop.py", line 3, in step',
    "    loss.backward()",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
]


def test_evidence_is_the_traceback_and_the_lines_that_say_it():
    noise = [f"INFO step {number}" for number in range(300)]
    log = [*noise, "WARNING CUDA out of memory: retrying", *noise, *TRACEBACK]
    assert evidence(log, (r"CUDA out of memory",)) == ("WARNING CUDA out of memory: retrying", *TRACEBACK)


def test_of_a_long_traceback_the_end_is_kept():
    deep = [TRACEBACK[0], *(f"  frame {number}" for number in range(100)), "ValueError: at last"]
    chosen = evidence(deep, ())
    assert chosen[-1] == "ValueError: at last"
    assert len(chosen) <= MOST_LINES


def test_without_either_the_last_lines_are_the_evidence():
    log = [f"line {number}" for number in range(50)]
    assert evidence(log, ("nowhere",)) == tuple(log[-MOST_LINES:])
    assert evidence([], ("nowhere",)) == ()


@pytest.mark.parametrize(
    ("size", "parts", "smaller_ones"),
    [(16, 1, (8, 2)), (8, 4, (4, 8)), (15, 1, (5, 3)), (7, 2, (1, 14)), (2, 3, (1, 6))],
)
def test_a_smaller_micro_batch_keeps_the_effective_batch(size, parts, smaller_ones):
    changed = smaller({"batch_size": size, "gradient_accumulation": parts, "seed": 0})
    assert changed == dict(zip(("batch_size", "gradient_accumulation"), smaller_ones, strict=True))
    assert changed["batch_size"] * changed["gradient_accumulation"] == size * parts


@pytest.mark.parametrize("given", [{"batch_size": 1, "gradient_accumulation": 8}, {"batch_size": 8}, {}])
def test_what_cannot_be_smaller_is_left(given):
    assert smaller(given) is None
