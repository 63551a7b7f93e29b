"""Why an attempt went wrong: one table from what was seen to a cause, a remedy, and what may be done next.

The training process asks it about an exception, the service about a process that ended without a word and about its
own errors. The first cause of the table that fits is the diagnosis.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SHELL_SIGNAL = 128
IMPORT_ERROR = "import_error"


class Then(StrEnum):
    """What may be done next."""

    GIVE_UP = "give_up"  # the same again gives the same
    TRY_AGAIN = "try_again"  # it may pass
    TRY_SMALLER = "try_smaller"  # the same again gives the same; a smaller micro-batch may not


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An exception: the name of its class, then those of the classes it comes from, and what it says."""

    classes: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptoms:
    """What is known of an attempt that went wrong.

    Args:
        errors: the exception and those it came from, outermost first; empty when a process ended without a word.
        exit_code: of such a process; a negative number is that of a signal.
        log: its last lines. They are asked only where no exception is known: a log speaks of many things.
    """

    errors: tuple[Raised, ...] = ()
    exit_code: int | None = None
    log: Sequence[str] = ()

    @property
    def signal(self) -> int | None:
        """What ended the process; a program may also say by its exit code, as shells do, that a signal ended it."""
        if self.exit_code is None:
            return None
        return -self.exit_code if self.exit_code < 0 else self.exit_code - SHELL_SIGNAL

    @property
    def texts(self) -> tuple[str, ...]:
        """What was said, by the exceptions or else by the log."""
        return tuple(error.message for error in self.errors) if self.errors else tuple(self.log)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a cause is known by. All that is given has to be there, at one and the same exception.

    Args:
        classes: the exception is of one of them, or of a class that comes from one.
        words: a pattern in what was said; its named groups fill the remedy.
        signals: the process was ended by one of them.
    """

    classes: tuple[str, ...] = ()
    words: str = ""
    signals: tuple[int, ...] = ()

    def find(self, symptoms: Symptoms) -> dict[str, str] | None:
        """The named groups of the words; None when the sign is not there."""
        if self.signals and symptoms.signal not in self.signals:
            return None
        candidates = symptoms.texts
        if self.classes:
            known = set(self.classes)
            candidates = tuple(error.message for error in symptoms.errors if known.intersection(error.classes))
        if not self.words:
            return {} if candidates or (self.signals and not self.classes) else None
        found = (re.search(self.words, text, re.IGNORECASE) for text in candidates)
        return next((match.groupdict() for match in found if match), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A line of the table. Any one of the signs is enough; a cause without signs always fits."""

    name: str
    then: Then
    remedy: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The cause, what a person can do, what may be done by itself, and the words to look for as evidence."""

    cause: str
    remedy: str
    then: Then
    words: tuple[str, ...] = ()


SMALLER = (
    "Lower batch_size and raise gradient_accumulation by as much, shorten the window or the longest text, train with "
    "method=lora, or turn on gradient checkpointing where the recipe has it"
)
# What of ours brings a module that is missing.
BROUGHT_BY_US = frozenset({"numpy", "peft", "pyarrow", "safetensors", "tokenizers", "torch", "transformers"})

# What an exception says may hold the data that caused it; its beginning tells.
LONGEST_MESSAGE = 4000

CAUSES: tuple[Cause, ...] = (
    # First, for what such an error came from says little: a time-out, or the full disk of another machine.
    Cause(
        name="object_store_unavailable",
        then=Then.TRY_AGAIN,
        remedy="Bring the object store up (UPWELL_S3_ENDPOINT). The run goes on by itself; nothing is lost.",
        signs=(Sign(classes=("UnavailableError",), words=r"\bobject store\b"),),
    ),
    Cause(
        name="unavailable",
        then=Then.TRY_AGAIN,
        remedy="Bring up what does not answer. The run goes on by itself; nothing is lost.",
        signs=(Sign(classes=("UnavailableError",)),),
    ),
    Cause(
        name="cuda_out_of_memory",
        then=Then.TRY_SMALLER,
        remedy=f"{SMALLER}; or give the run a GPU of its own, or one with more memory.",
        signs=(
            Sign(classes=("OutOfMemoryError",)),
            Sign(words=r"(CUDA|HIP) out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED"),
        ),
    ),
    Cause(
        name="out_of_memory",
        then=Then.TRY_SMALLER,
        remedy=f"{SMALLER}; or train where there is more memory.",
        signs=(
            Sign(classes=("MemoryError", "ArrowMemoryError")),
            Sign(words=r"can.?t allocate memory|cannot allocate memory|not enough memory|std::bad_alloc"),
            Sign(words=r"\bout of memory\b|oom[-_ ]kill", signals=(signal.SIGKILL,)),
            # Of several workers one was killed: who started them ended by itself.
            Sign(words=r"^kernel: out of memory: \d+ killed"),
            Sign(classes=("RuntimeError", "OSError"), words=r"\bout of memory\b"),
        ),
    ),
    Cause(
        name="disk_full",
        then=Then.TRY_AGAIN,
        remedy="Free disk space on the training machine, or move its data folder (UPWELL_DATA_DIR) to a larger disk.",
        signs=(Sign(words=r"no space left on device|disk quota exceeded|os error 28\b|errno (28|122)\b"),),
    ),
    Cause(
        name="nan_loss",
        then=Then.GIVE_UP,
        remedy="Lower learning_rate, raise warmup_steps, and look for values in the data that are no numbers.",
        signs=(
            Sign(classes=("FloatingPointError",)),
            Sign(words=r"\bloss\b[^.]*\b(nan|[+-]?inf(inity|inite)?)\b", classes=("Exception",)),
        ),
    ),
    Cause(
        name="bad_row",
        then=Then.GIVE_UP,
        remedy="Correct or leave out row {row} of {file}, register the dataset again, and start a new run.",
        signs=(Sign(classes=("InvalidInputError",), words=r"^(?P<file>[^\s:]+):(?P<row>\d+): "),),
    ),
    Cause(
        name="missing_base",
        then=Then.GIVE_UP,
        remedy="Name a base that is there, or put its folder into the server's bases folder (UPWELL_BASES_DIR).",
        signs=(Sign(classes=("InvalidInputError",), words=r"^base: no base\b"),),
    ),
    Cause(
        name="wrong_base",
        then=Then.GIVE_UP,
        remedy="Take the base that the recipe or the parent version wants: a causal language model in Hugging Face "
        "layout, with its tokenizer and its weights as safetensors.",
        signs=(
            Sign(classes=("InvalidInputError",), words=r"^base: "),
            Sign(classes=("IntegrityError",), words=r"\b(of|in|on) the base\b|^the base in\b|for the base\b"),
        ),
    ),
    Cause(
        name="no_chat_template",
        then=Then.GIVE_UP,
        remedy="Take a base whose tokenizer has a chat template (an `instruct` or `chat` variant), or add "
        "chat_template.jinja to the base's folder.",
        signs=(Sign(classes=("Exception",), words=r"\bchat[ _]template\b.*\bnot set\b|\bno chat template\b"),),
    ),
    Cause(
        name=IMPORT_ERROR,
        then=Then.GIVE_UP,
        remedy="Install the module {module} beside svc_train: {package} brings it.",
        signs=(Sign(classes=("ModuleNotFoundError",), words=r"No module named '(?P<module>[^']+)'"),),
    ),
    Cause(
        name=IMPORT_ERROR,
        then=Then.GIVE_UP,
        remedy="Install the versions that constraints.txt names: two packages do not fit together.",
        signs=(Sign(classes=("ImportError",)),),
    ),
    Cause(
        name="timeout",
        then=Then.GIVE_UP,
        remedy="Lower max_steps, or raise UPWELL_RUN_SECONDS.",
        signs=(Sign(classes=("RunTooLongError",)),),
    ),
    Cause(
        name="timeout",
        then=Then.TRY_AGAIN,
        remedy="See in the evidence what it waited for; raise UPWELL_STALL_SECONDS if a step may take that long.",
        signs=(Sign(classes=("StalledError", "TimeoutError")),),
    ),
    Cause(
        name="invalid_input",
        then=Then.GIVE_UP,
        remedy="Correct what the reason names and start a new run.",
        signs=(Sign(classes=("InvalidInputError",)),),
    ),
    Cause(
        name="damaged_data",
        then=Then.GIVE_UP,
        remedy="Check the base and the datasets of the run in the object store.",
        signs=(Sign(classes=("IntegrityError",)),),
    ),
    Cause(
        name="refused",
        then=Then.GIVE_UP,
        remedy="Put right what the reason names and start a new run.",
        signs=(Sign(classes=("PermanentError",)),),
    ),
    Cause(
        name="killed",
        then=Then.TRY_AGAIN,
        remedy="Somebody or something ended the process. If the machine ran out of memory, lower batch_size, or give "
        "it more memory.",
        signs=(
            Sign(signals=(signal.SIGKILL, signal.SIGTERM)),
            # torchrun says so of a worker, and ends with 1 itself.
            Sign(words=r"\bexitcode\s*: -9\b|\bSignal 9 \(SIGKILL\)"),
        ),
    ),
    Cause(name="crashed", then=Then.TRY_AGAIN, remedy="The end of the run's log is the evidence."),
)


def diagnose(symptoms: Symptoms) -> Diagnosis:
    """The first cause that fits."""
    for cause in CAUSES:
        if not cause.signs:
            return _diagnosis(cause, {})
        for sign in cause.signs:
            named = sign.find(symptoms)
            if named is not None:
                return _diagnosis(cause, named)
    raise AssertionError("the last cause of the table always fits")


def words_of(cause: str) -> tuple[str, ...]:
    """The words that are looked for as evidence of a cause; none for one that is not in the table."""
    return tuple(sign.words for line in CAUSES if line.name == cause for sign in line.signs if sign.words)


def raised(error: BaseException) -> tuple[Raised, ...]:
    """An exception and those it came from, outermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return tuple(
        Raised(
            classes=tuple(one.__name__ for one in type(each).__mro__ if one not in (object, BaseException)),
            message="\n".join([str(each)[:LONGEST_MESSAGE], *getattr(each, "__notes__", ())]),
        )
        for each in chain
    )


def _diagnosis(cause: Cause, named: dict[str, str]) -> Diagnosis:
    if "module" in named:
        top = named["module"].partition(".")[0]
        named = {**named, "package": "`pip install 'upwell[train]'`" if top in BROUGHT_BY_US else "its package"}
    remedy = cause.remedy.format(**named) if named else cause.remedy
    words = tuple(sign.words for sign in cause.signs if sign.words)
    return Diagnosis(cause=cause.name, remedy=remedy, then=cause.then, words=words)
