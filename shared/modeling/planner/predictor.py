"""The planner's predictor: tasks and states in, a tool with one of its configurations out."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from shared.contracts.interfaces import Interface
from shared.modeling.bundle import load_tokenizer, read_info, tokenizer_digest
from shared.modeling.planner import golden
from shared.modeling.planner.choosing import best_configs, likeliest, margin, probabilities
from shared.modeling.planner.network import PlanLogits, PlannerLM
from shared.modeling.planner.spec import PlannerSpec, parse_spec
from shared.modeling.planner.storage import load_network
from shared.modeling.planner.tensors import encode_plans
from shared.modeling.precision import serving_dtype
from shared.planning.demand import Demand
from shared.planning.profile import Profile
from shared.planning.values import Choice, PlanAnswer, PlanInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FAMILY = "planner"
# Plans computed at once: bounds memory whatever their number.
MICRO_BATCH = 32


class PlannerPredictor:
    """Answers for PlanInput with PlanAnswer (see `Predictor`)."""

    family = FAMILY
    interface = Interface.PLAN
    labels: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        network: PlannerLM,
        tokenizer: PreTrainedTokenizerBase,
        spec: PlannerSpec,
        profile: Profile,
        tokenizer_digest: str,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._spec = spec
        self._profile = profile
        self._demand = Demand(profile, np.array(spec.capacity))
        self._tool_of_N = torch.from_numpy(profile.tool_ids.astype(np.int64))
        self.tokenizer_digest = tokenizer_digest

    @property
    def dtype(self) -> str:
        """What the language model computes in."""
        return str(self._network.decoder.dtype).removeprefix("torch.")

    def predict(self, inputs: Sequence[PlanInput]) -> list[PlanAnswer]:
        """One answer for each task and state.

        The network names the tool and, with the configuration it finds likeliest, the job's input size. Of the
        configurations for that job the likeliest one that fits is the answer.

        Raises:
            InvalidInputError: a state is of another length or of a larger system than the model reads, or a task is too
                long.
        """
        return [answer for answer, _ in self.predict_unaided(inputs)]

    def predict_unaided(self, inputs: Sequence[PlanInput]) -> list[tuple[PlanAnswer, int]]:
        """The same answers, each with the config_id that the network finds likeliest, whether it fits or not."""
        answers = []
        for start in range(0, len(inputs), MICRO_BATCH):
            batch = inputs[start : start + MICRO_BATCH]
            logits = self._logits(batch)
            best_B = best_configs(logits, self._tool_of_N).tolist()
            chances_BN = probabilities(logits, self._tool_of_N)
            answers += [(self._answer(*one), one[1]) for one in zip(batch, best_B, chances_BN, strict=True)]
        return answers

    @torch.inference_mode()
    def _logits(self, inputs: Sequence[PlanInput]) -> PlanLogits:
        batch = encode_plans(inputs, self._spec, self._tokenizer).to(self._network.decoder.device)
        logits = self._network(batch)
        return PlanLogits(tool_BG=logits.tool_BG.cpu(), config_BN=logits.config_BN.cpu())

    def _answer(self, asked: PlanInput, best: int, chances_N: Tensor) -> PlanAnswer:
        """The choice; where nothing for the job fits, the configuration for it that asks the least."""
        choosable_N = self._choosable(asked, best)
        found = likeliest(chances_N, choosable_N)
        config_id = self._demand.least(best) if found is None else found
        second = self._runner_up(asked, config_id, choosable_N, chances_N)
        return PlanAnswer(
            id=asked.id,
            choice=self._choice(config_id, chances_N),
            runner_up=None if second is None else self._choice(second, chances_N),
            feasible=found is not None,
        )

    def _runner_up(self, asked: PlanInput, chosen: int, choosable_N: Tensor, chances_N: Tensor) -> int | None:
        """The likeliest other one for the same job that fits; where none does, the likeliest for another job."""
        for allowed_N in (choosable_N, torch.from_numpy(self._demand.fitting(asked.used))):
            others_N = allowed_N.clone()
            others_N[chosen] = False
            second = likeliest(chances_N, others_N)
            if second is not None:
                return second
        return None

    def _choosable(self, asked: PlanInput, best: int) -> Tensor:
        """Which configurations for the same job fit: bool [N]."""
        choosable_N = torch.zeros(len(self._tool_of_N), dtype=torch.bool)
        choosable_N[torch.from_numpy(self._demand.for_same_job(best))] = True
        return choosable_N & torch.from_numpy(self._demand.fitting(asked.used))

    def _choice(self, config_id: int, chances_N: Tensor) -> Choice:
        tool_id = int(self._profile.tool_ids[config_id])
        return Choice(
            tool_id=tool_id,
            config_id=config_id,
            tool=self._profile.tools[tool_id].name,
            configuration=self._profile.configuration(config_id),
            confidence=float(chances_N[config_id]),
        )

    def golden_inputs(self) -> list[dict[str, Any]]:
        """See `golden.py`."""
        return golden.golden_inputs(self._profile, self._spec)

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input as JSON values."""
        asked = golden.parse_golden_input(golden_input)
        logits = self._logits([asked])
        best = int(best_configs(logits, self._tool_of_N)[0])
        chances_N = probabilities(logits, self._tool_of_N)[0]
        answer = self._answer(asked, best, chances_N)
        return {
            "tool_id": answer.choice.tool_id,
            "config_id": answer.choice.config_id,
            "feasible": answer.feasible,
            "margin": float(f"{margin(logits, chances_N, self._choosable(asked, best)):.7g}"),
            "tools": [float(f"{one:.7g}") for one in logits.tool_BG[0].softmax(-1).tolist()],
        }

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """See `golden.differences`."""
        return golden.differences(certified, answered, tolerance=tolerance)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> PlannerPredictor:
    """Load a bundle of this family: the entry point `planner` of `upwell.predictors`.

    The language model computes in its `serving_dtype`, encoder and heads in float32.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, or the base is another one.
    """
    info = read_info(bundle_dir)
    network, profile = load_network(bundle_dir, base_dir, info)
    network.to(device)
    # The library's wrapper hides the signature of torch's method.
    network.decoder.to(dtype=serving_dtype(info, device))  # type: ignore[call-arg]
    return PlannerPredictor(
        network=network,
        tokenizer=load_tokenizer(bundle_dir),
        spec=parse_spec(info.spec),
        profile=profile,
        tokenizer_digest=tokenizer_digest(bundle_dir),
    )
