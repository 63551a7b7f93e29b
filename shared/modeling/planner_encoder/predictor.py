"""The planner-encoder's predictor: a config_id in, what the model remembers of that configuration out."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shared.contracts.interfaces import Interface
from shared.errors import InvalidInputError
from shared.modeling.bases import Base, load_base
from shared.modeling.bundle import check_base, load_tokenizer, read_info, tokenizer_digest
from shared.modeling.planner_encoder.network import PlannerEncoder
from shared.modeling.planner_encoder.storage import load_encoder, read_config_weights
from shared.modeling.planner_encoder.tensors import encode_descriptions, pad
from shared.planning.profile import Profile
from shared.planning.template import descriptions

FAMILY = "planner-encoder"
# Tokens that an answer may have beyond those of the longest description.
SLACK = 8


class EncoderPredictor:
    """Answers `{"config_id": 17}` with `{"config_id": 17, "text": "..."}` (see `Predictor`).

    Args:
        network: over its base.
        weights_NH: what stands for each configuration.
    """

    family = FAMILY
    interface = Interface.VALUES
    labels: tuple[str, ...] = ()

    def __init__(
        self, *, base: Base, network: PlannerEncoder, profile: Profile, weights_NH: Tensor, tokenizer_digest: str
    ) -> None:
        self._base = base
        self._network = network
        self._profile = profile
        self._weights_NH = weights_NH
        self._texts = descriptions(profile)
        self.tokenizer_digest = tokenizer_digest

    @property
    def dtype(self) -> str:
        """What the language model computes in."""
        return str(self._network.model.dtype).removeprefix("torch.")

    def predict(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What the model says of each configuration, always its likeliest token.

        Raises:
            InvalidInputError: an input names no configuration.
        """
        return [{"config_id": one, "text": self._text(one)} for one in [self._config_id(body) for body in inputs]]

    def _config_id(self, body: Mapping[str, Any]) -> int:
        unknown = sorted(set(body) - {"config_id"})
        if unknown:
            raise InvalidInputError.of(unknown[0], "unknown; there is: config_id")
        given = body.get("config_id")
        # Whole numbers may arrive as JSON doubles.
        if isinstance(given, bool) or not isinstance(given, int | float) or given % 1 != 0:
            raise InvalidInputError.of("config_id", f"{given!r} is not a whole number")
        if not 0 <= given < len(self._texts):
            raise InvalidInputError.of("config_id", f"{given:g}: there are 0 to {len(self._texts) - 1}")
        return int(given)

    @torch.inference_mode()
    def _text(self, config_id: int) -> str:
        [wanted] = encode_descriptions([self._texts[config_id]], self._base.tokenizer)
        end = int(self._base.tokenizer.eos_token_id)
        model = self._network.model
        step_BSH = self._network.opened(self._weights_NH[None, config_id].to(model.device))
        said: list[int] = []
        cache = None
        while len(said) < len(wanted) + SLACK:
            output = model(inputs_embeds=step_BSH, past_key_values=cache, use_cache=True)
            cache, token = output.past_key_values, int(output.logits[0, -1].argmax())
            if token == end:
                break
            said.append(token)
            step_BSH = self._network.token_embedding(torch.tensor([[token]], device=model.device))
        return str(self._base.tokenizer.decode(said, skip_special_tokens=True))

    def golden_inputs(self) -> list[dict[str, Any]]:
        """The first, the middle and the last configuration."""
        last = len(self._texts) - 1
        return [{"config_id": config_id} for config_id in sorted({0, last // 2, last})]

    @torch.inference_mode()
    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The tokens of a configuration's description, and the probability of each after the right ones before it."""
        config_id = self._config_id(golden_input)
        ids = encode_descriptions([self._texts[config_id]], self._base.tokenizer)
        ids_BL = pad(ids).to(self._network.model.device)
        weights_BH = self._weights_NH[None, config_id].to(ids_BL.device)
        chances_LV = self._network.logits(weights_BH, ids_BL)[0].float().softmax(-1)
        scores = chances_LV.gather(1, ids_BL[0, :, None])[:, 0].tolist()
        return {"tokens": ids[0], "scores": [float(f"{one:.7g}") for one in scores]}

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """The description's tokens are decisions, their probabilities are scores."""
        if certified["tokens"] != answered["tokens"]:
            return ["the description became other tokens"]
        furthest = max(abs(a - b) for a, b in zip(certified["scores"], answered["scores"], strict=True))
        return [f"a probability is off by {furthest:.2g}, tolerated is {tolerance:g}"] if furthest > tolerance else []


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> EncoderPredictor:
    """Load a bundle of this family: the entry point `planner-encoder` of `upwell.predictors`.

    On a GPU the language model computes in bfloat16, elsewhere in float32; the encoder stays in float32.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, or the base is another one.
    """
    info = read_info(bundle_dir)
    loaded = load_base(check_base(info, base_dir))
    base = Base(folder=loaded.folder, tokenizer=load_tokenizer(bundle_dir), model=loaded.model)
    network, profile = load_encoder(bundle_dir, base, info)
    network.to(device)
    if torch.device(device).type == "cuda":
        network.model.to(dtype=torch.bfloat16)  # type: ignore[call-arg]
    hidden = network.names_GH.shape[1]
    return EncoderPredictor(
        base=base,
        network=network,
        profile=profile,
        weights_NH=read_config_weights(bundle_dir, profile, hidden=hidden),
        tokenizer_digest=tokenizer_digest(bundle_dir),
    )
