"""The text predictor: conversations in, what the model says next out."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteriaList

from shared.contracts.interfaces import Interface
from shared.errors import InvalidInputError
from shared.modeling.bundle import load_tokenizer, read_info, tokenizer_digest
from shared.modeling.precision import serving_dtype
from shared.modeling.text import golden
from shared.modeling.text.generation import MustStop, Say, Teller, never, nobody_listens
from shared.modeling.text.spec import TextSpec, parse_spec
from shared.modeling.text.storage import load_model
from shared.modeling.text.template import Messages, prompt_ids
from shared.modeling.text.values import TextAnswer, TextInput

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FAMILY = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model reads before it answers.

    Args:
        ids: its tokens; negative where something else stands.
        reads: the same as the language model takes it: `input_ids` or `inputs_embeds`, for one row.
    """

    ids: tuple[int, ...]
    reads: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.ids)


class TextPredictor:
    """Answers for TextInput with TextAnswer (see `Predictor`): always the likeliest token, so that answers repeat."""

    family = FAMILY
    interface = Interface.TEXT
    labels: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        spec: TextSpec,
        tokenizer_digest: str,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._spec = spec
        self.tokenizer_digest = tokenizer_digest

    @property
    def dtype(self) -> str:
        """What the language model computes in."""
        return str(self._model.dtype).removeprefix("torch.")

    def predict(self, inputs: Sequence[TextInput]) -> list[TextAnswer]:
        """One answer for each conversation, one after the other: padding would change their numbers.

        Raises:
            InvalidInputError: a conversation leaves no room for an answer.
        """
        return [self.answer(one) for one in inputs]

    def answer(self, asked: TextInput, *, say: Say = nobody_listens, must_stop: MustStop = never) -> TextAnswer:
        """One answer, piece by piece; see `TextPredictor` of `shared/modeling/predictor.py`.

        Raises:
            InvalidInputError: the conversation leaves no room for an answer, or brings features.
        """
        teller = Teller(self._tokenizer, say=say, must_stop=must_stop)
        return self._answer(asked.id, self.prompt(asked.messages, asked.features), asked.max_new_tokens, teller)

    def _answer(self, name: str, prompt: Prompt, max_new_tokens: int, teller: Teller) -> TextAnswer:
        room = self._spec.max_length - len(prompt)
        if room < 1:
            reason = f"{name!r} has {len(prompt)} tokens; the model reads and says {self._spec.max_length} in all"
            raise InvalidInputError.of("messages", reason)
        tokens, _ = self._continue(prompt, min(room, max_new_tokens), teller)
        text = str(self._tokenizer.decode(tokens, skip_special_tokens=True))
        teller.finish(text)
        return TextAnswer(
            id=name,
            text=text,
            tokens=len(tokens),
            prompt_tokens=len(prompt),
            finish=teller.finish_of(tokens),
        )

    def prompt(self, messages: Messages, features: Sequence[bytes]) -> Prompt:
        """What the model reads before it answers; a family whose prompts hold more than words has its own.

        Raises:
            InvalidInputError: there are features.
        """
        if features:
            raise InvalidInputError.of("attachments", "this model reads text alone: send none")
        ids = tuple(prompt_ids(messages, self._tokenizer))
        return Prompt(ids=ids, reads={"input_ids": torch.tensor([ids], device=self._model.device)})

    @torch.inference_mode()
    def _continue(self, prompt: Prompt, count: int, teller: Teller | None = None) -> tuple[list[int], list[float]]:
        """At most `count` tokens, and by how much each one's probability was above the next likeliest's."""
        end = self._tokenizer.eos_token_id
        output: Any = self._model.generate(  # type: ignore[operator]
            **prompt.reads,
            attention_mask=torch.ones((1, len(prompt)), dtype=torch.long, device=self._model.device),
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                do_sample=False,
                max_new_tokens=count,
                eos_token_id=end,
                pad_token_id=end if self._tokenizer.pad_token_id is None else self._tokenizer.pad_token_id,
                output_logits=True,
                return_dict_in_generate=True,
            ),
            stopping_criteria=StoppingCriteriaList([teller] if teller else []),
        )
        best = [step_BV[0].float().softmax(-1).topk(2).values for step_BV in output.logits]
        # What is read as embeddings does not come back before the answer, as tokens do.
        return output.sequences[0, -len(best) :].tolist(), [float(top[0] - top[1]) for top in best]

    @torch.inference_mode()
    def _probabilities(self, prompt: Prompt) -> list[float]:
        """Of each token of the prompt after those before it; the first has none, nor has what is no token."""
        chances_TV = self._model(**prompt.reads, use_cache=False).logits[0, :-1].float().softmax(-1)
        ids_T = torch.tensor(prompt.ids[1:], device=chances_TV.device)
        chances_T = chances_TV.gather(1, ids_T.clamp_min(0)[:, None])[:, 0]
        return [float(one) for one in chances_T[ids_T >= 0].tolist()]

    def golden_inputs(self) -> list[dict[str, Any]]:
        """See `golden.py`."""
        return golden.golden_inputs()

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input as JSON values."""
        return self._certified(self.prompt(golden_input["messages"], ()))

    def _certified(self, prompt: Prompt) -> dict[str, Any]:
        tokens, margins = self._continue(prompt, golden.STEPS)
        return {
            "prompt": list(prompt.ids),
            "scores": [float(f"{one:.7g}") for one in self._probabilities(prompt)],
            "tokens": tokens,
            "margins": [float(f"{one:.7g}") for one in margins],
        }

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """See `golden.differences`."""
        return golden.differences(certified, answered, tolerance=tolerance)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> TextPredictor:
    """Load a bundle of this family: the entry point `text` of `upwell.predictors`.

    The model computes in its `serving_dtype`.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, or the base is another one.
    """
    info = read_info(bundle_dir)
    model = load_model(bundle_dir, base_dir, info).to(device)  # type: ignore[arg-type]
    model.to(dtype=serving_dtype(info, device))
    return TextPredictor(
        model=model,
        tokenizer=load_tokenizer(bundle_dir),
        spec=parse_spec(info.spec),
        tokenizer_digest=tokenizer_digest(bundle_dir),
    )
