"""Where fields stand among the tokens of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shared.contracts.chat import GEOFORMER
from shared.modeling.text.template import Cut, Encoded, words_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Stands for an embedding that is no token's; no tokenizer gives it.
PLACE = -1


def cut_at_marks(tokenizer: PreTrainedTokenizerBase) -> Cut:
    """Cuts text into tokens, with one `PLACE` for each `<geoformer>`: the words around it are cut apart from it."""
    words = words_of(tokenizer)

    def cut(text: str) -> list[int]:
        first, *others = text.split(GEOFORMER)
        return [*words(first), *(token for other in others for token in (PLACE, *words(other)))]

    return cut


def spread(ids: Sequence[int], places: Sequence[int]) -> list[int]:
    """The tokens with as many places for each mark, in their order, as the fields there have embeddings."""
    left = iter(places)
    return [token for one in ids for token in ([PLACE] * next(left) if one == PLACE else [one])]


def spread_encoded(encoded: Encoded, places: Sequence[int]) -> Encoded:
    """The same for a conversation that is taught; fields are never said by the model."""
    left = iter(places)
    repeats = [next(left) if token == PLACE else 1 for token in encoded.ids.tolist()]
    return Encoded(ids=np.repeat(encoded.ids, repeats), taught=np.repeat(encoded.taught, repeats))
