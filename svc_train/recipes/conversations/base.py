"""What a base must have to be taught conversations, and the adapters it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.modeling.lora import LoraSpec
from shared.modeling.text.template import NoChatTemplateError
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.conversations.config import ConversationConfig
from svc_train.recipes.failure import TrainingFailedError


@contextmanager
def needing_a_template(job: TrainingJob) -> Iterator[None]:
    """TrainingFailedError, with what to do, where conversations have no form in the base."""
    try:
        yield
    except NoChatTemplateError as error:
        raise TrainingFailedError(
            cause="no_chat_template",
            reason=f"The base {job.needed_base.name!r} cannot be taught conversations: {error.violations[0].reason}.",
            remedy="Take a base that was made for conversations, or add a chat_template.jinja to its folder.",
        ) from error


def adapters_of(config: ConversationConfig) -> LoraSpec:
    """The adapters' shape."""
    return LoraSpec(rank=config.lora_rank, alpha=config.lora_alpha, targets=config.lora_targets)
