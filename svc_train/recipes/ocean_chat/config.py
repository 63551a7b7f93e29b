"""The hyperparameters of `ocean-chat`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.modeling.ocean_chat.spec import ADAPTERS, LINEAR
from svc_train.recipes.conversations.config import ConversationConfig
from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.recipes.training.knobs import FLOAT32

READ, HIDDEN = "read", "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanChatConfig(ConversationConfig):
    """See each field's help; `tiny()` is for tests."""

    batch_size: int = hyperparameter(
        8, Rule(help="Conversations that go through the network at once.", unit="conversations", low=1, high=4096)
    )
    adapter: str = hyperparameter(
        LINEAR,
        Rule(
            help="What stands between Geoformer and language model: a linear layer or an MLP for each month, or "
            "queries that attend to all months at once.",
            choices=ADAPTERS,
        ),
    )
    tokens: int = hyperparameter(
        2, Rule(help="Embeddings that a month becomes; with a resampler, all months together.", low=1, high=1024)
    )
    fields: str = hyperparameter(
        READ,
        Rule(help="hidden shows the language model zeros: what it knows without the fields.", choices=(READ, HIDDEN)),
    )
    max_length: int = hyperparameter(
        512,
        Rule(
            help="Tokens of the longest conversation, fields included; longer ones are left out.",
            unit="tokens",
            low=8,
            high=1_048_576,
        ),
    )
    eval_fraction: float = hyperparameter(
        0.1,
        Rule(
            help="Share of conversations held out where no id begins with test-.",
            low=0,
            high=0.9,
        ),
    )
    answers: int = hyperparameter(
        50,
        Rule(help="Held-out questions that are answered, and scored by their numbers.", unit="questions", low=0),
    )


def tiny() -> OceanChatConfig:
    """A run of seconds."""
    return OceanChatConfig(
        max_steps=6,
        num_epochs=0.0,
        batch_size=4,
        warmup_steps=2,
        precision=FLOAT32,
        max_length=256,
        lora_rank=4,
        lora_alpha=8,
        answers=1,
    )
