"""Predictors: what serves a model family, found by the family's name through entry points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from shared.contracts.interfaces import Interface
from shared.errors import IntegrityError
from shared.modeling.bundle import read_info
from shared.modeling.certificate import Certifiable, load_certificate
from shared.modeling.text.values import TextAnswer, TextInput

GROUP = "upwell.predictors"


class Predictor(Certifiable, Protocol):
    """A loaded model. Not for several threads at once: one model thread asks it.

    Which values go in and come out is said by its interface.
    """

    @property
    def interface(self) -> Interface:
        """What it is asked and what it answers; three interfaces want more of a predictor, see below."""

    @property
    def family(self) -> str:
        """The model family."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What its answers can call things; empty for a family without labels."""

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """One answer for each input, in order; what is computed together does not change an answer."""


class SeriesPredictor(Predictor, Protocol):
    """A predictor of the interface `series`: it also says how far it looks, so that long series can be cut."""

    @property
    def window(self) -> int:
        """Rows that it looks at at once."""

    @property
    def stride(self) -> int:
        """Rows between the starts of two windows."""


class FieldPredictor(Predictor, Protocol):
    """A predictor of the interface `field`: it also says how many months it goes on from, and how far."""

    @property
    def history(self) -> int:
        """Months that it reads."""

    @property
    def horizon(self) -> int:
        """Months that it can look ahead."""


class TextPredictor(Predictor, Protocol):
    """A predictor of the interface `text`: it also answers piece by piece, and stops when it is told to."""

    def answer(
        self,
        asked: TextInput,
        *,
        say: Callable[[str], None] = ...,
        must_stop: Callable[[], bool] = ...,
    ) -> TextAnswer:
        """The answer, as `predict` gives it.

        Args:
            asked: the conversation.
            say: called with each piece of the answer; together they are its text.
            must_stop: asked before each token; once it is true, what there is of the answer comes back as `stopped`.
        """


# (bundle folder, base folder or None where the bundle needs none, torch device) -> predictor
Loader = Callable[[Path, Path | None, str], Predictor]


def find_loader(family: str) -> Loader:
    """The loader of a family; IntegrityError lists the installed ones when there is none."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if family not in installed:
        names = ", ".join(sorted(installed)) or "none"
        raise IntegrityError(f"The bundle is of the family {family!r}; predictors are installed for: {names}")
    loader: Loader = installed[family].load()
    return loader


def load_predictor(bundle_dir: Path, base_dir: Path | None, *, device: str = "cpu") -> Predictor:
    """Load a bundle, whatever its family, and replay its parity certificate.

    Args:
        bundle_dir: the bundle.
        base_dir: the base it stands on; may be None for a bundle that needs none (see `BundleInfo.needs_base`).
        device: a torch device such as `cpu` or `cuda:0`.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, the base is another one, no predictor of its family is
            installed, or the loaded model does not answer as the trained one did.
    """
    predictor = find_loader(read_info(bundle_dir).family)(bundle_dir, base_dir, device)
    load_certificate(bundle_dir).replay(predictor)
    return predictor
