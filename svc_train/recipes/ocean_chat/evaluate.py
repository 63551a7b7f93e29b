"""How true the answers to held-out questions are: number by number, and trend by trend."""

from __future__ import annotations

from collections.abc import Sequence

from shared.fields.answers import Score, score_of, total
from shared.modeling.ocean_chat.predictor import OceanChatPredictor
from svc_train.recipes.ocean_chat.data import Example

# A number is right when it is off by no more: answers say tenths of a degree and thousandths of N m-2.
DEGREES, STRESS = 0.2, 0.005
MAX_NEW_TOKENS = 96


def evaluate_answers(predictor: OceanChatPredictor, examples: Sequence[Example]) -> dict[str, float]:
    """Numbers by name; empty without questions whose answers can be checked.

    `number_accuracy`: of the numbers and months that the true answer says, the share that the model's answer says
    rightly in their place. `trend_accuracy`: of the trends, the share with the right sign. With `_blind`: the same
    model when the fields are hidden from it.
    """
    asked = [one for one in examples if one.facts]
    if not asked:
        return {}
    seeing = total(_score(predictor, one, blind=False) for one in asked)
    blind = total(_score(predictor, one, blind=True) for one in asked)
    return {**_shares(seeing, ""), **_shares(blind, "_blind"), "answers": len(asked), "answer_numbers": seeing.numbers}


def _score(predictor: OceanChatPredictor, one: Example, *, blind: bool) -> Score:
    answer = predictor.answer_about(
        one.conversation.messages[:-1], one.samples(), max_new_tokens=MAX_NEW_TOKENS, blind=blind
    )
    return score_of(answer, one.facts, degrees=DEGREES, stress=STRESS)


def _shares(score: Score, ending: str) -> dict[str, float]:
    shares = {}
    if score.numbers:
        shares[f"number_accuracy{ending}"] = score.right_numbers / score.numbers
    if score.trends:
        shares[f"trend_accuracy{ending}"] = score.right_trends / score.trends
    return shares
