"""The ocean-chat predictor: conversations about fields in, what the model says next out."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from shared.contracts.chat import GEOFORMER
from shared.errors import InvalidInputError
from shared.fields.samples import FieldSample, read_sample
from shared.modeling.bundle import load_tokenizer, read_info, tokenizer_digest
from shared.modeling.ocean_chat import golden
from shared.modeling.ocean_chat.network import OceanChat, together
from shared.modeling.ocean_chat.places import PLACE, cut_at_marks, spread
from shared.modeling.ocean_chat.storage import load_network
from shared.modeling.ocean_chat.tensors import field_tensors
from shared.modeling.precision import serving_dtype
from shared.modeling.text.generation import Teller, never, nobody_listens
from shared.modeling.text.predictor import Prompt, TextPredictor
from shared.modeling.text.spec import TextSpec
from shared.modeling.text.template import Messages, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FAMILY = "ocean-chat"


class OceanChatPredictor(TextPredictor):
    """As `TextPredictor`, with the bytes of an `.npz` (see `shared/fields/samples.py`) for each `<geoformer>`."""

    family = FAMILY

    def __init__(
        self, *, network: OceanChat, tokenizer: PreTrainedTokenizerBase, tokenizer_digest: str, device: str = "cpu"
    ) -> None:
        super().__init__(
            model=network.model,
            tokenizer=tokenizer,
            spec=TextSpec(max_length=network.spec.max_length),
            tokenizer_digest=tokenizer_digest,
        )
        self._network = network
        self._device = torch.device(device)

    def prompt(self, messages: Messages, features: Sequence[bytes]) -> Prompt:
        """See `TextPredictor.prompt`.

        Raises:
            InvalidInputError: there are not as many features as marks, or one is no sample, or on another grid.
        """
        samples = [
            read_sample(io.BytesIO(feature), f"attachment {number}") for number, feature in enumerate(features, start=1)
        ]
        return self.prompt_about(messages, samples)

    def answer_about(
        self, messages: Messages, samples: Sequence[FieldSample], *, max_new_tokens: int, blind: bool = False
    ) -> str:
        """What is answered about samples that are read already; `blind` hides them, to see what they are worth."""
        teller = Teller(self._tokenizer, say=nobody_listens, must_stop=never)
        return self._answer("", self.prompt_about(messages, samples, blind=blind), max_new_tokens, teller).text

    def prompt_about(self, messages: Messages, samples: Sequence[FieldSample], *, blind: bool = False) -> Prompt:
        """See `prompt` and `answer_about`."""
        marks = sum(message["content"].count(GEOFORMER) for message in messages)
        if marks != len(samples):
            reason = f"the messages have {marks} {GEOFORMER}, and {len(samples)} attachments came; send one for each"
            raise InvalidInputError.of("attachments", reason)
        spec = self._network.spec
        tensors = [
            field_tensors(sample, spec.geoformer, f"attachment {number}")
            for number, sample in enumerate(samples, start=1)
        ]
        places = [spec.places(sample.history) for sample in samples]
        ids = spread(prompt_ids(messages, self._tokenizer, cut_at_marks(self._tokenizer)), places)
        with torch.inference_mode():
            read = together([(self._network.read(one.to(self._device)).cpu(), one.present_TP) for one in tensors])
            ids_BT = torch.tensor([ids], device=self._device)
            embeddings_BTH = self._network.embed(ids_BT, read.to(self._device) if read else None, blind=blind)
        return Prompt(ids=tuple(ids), reads={"inputs_embeds": embeddings_BTH})

    def golden_inputs(self) -> list[dict[str, Any]]:
        """See `golden.py`."""
        return golden.golden_inputs()

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input as JSON values."""
        samples = golden.golden_samples(golden_input, self._network.spec.geoformer)
        prompt = self.prompt_about(golden_input["messages"], samples)
        fields_PH = prompt.reads["inputs_embeds"][0, torch.tensor(prompt.ids, device=self._device) == PLACE].float()
        return {**self._certified(prompt), "fields": golden.field_scores(fields_PH, self._network.magnitude)}

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """See `golden.differences`."""
        return golden.differences(certified, answered, tolerance=tolerance)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> OceanChatPredictor:
    """Load a bundle of this family: the entry point `ocean-chat` of `upwell.predictors`.

    The language model computes in its `serving_dtype`; fields are always read in float32.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, or the base is another one.
    """
    info = read_info(bundle_dir)
    network = load_network(bundle_dir, base_dir, info).to(device)
    network.model.to(dtype=serving_dtype(info, device))  # type: ignore[call-arg]
    return OceanChatPredictor(
        network=network,
        tokenizer=load_tokenizer(bundle_dir),
        tokenizer_digest=tokenizer_digest(bundle_dir),
        device=device,
    )
