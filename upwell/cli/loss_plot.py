"""Loss curves as a picture."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from upwell.cli.pictures import DOTS_PER_INCH, pyplot_without_screen
from upwell.client.curves import Curve
from upwell.errors import ToolError

# The palette of Okabe and Ito, which colour-blind people can tell apart; yellow is too faint on white. Dashes and
# markers tell the curves apart without any colour.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Fonts with Chinese, Japanese and Korean letters, where one is installed.
WIDE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC",
)  # fmt: skip
FEW_POINTS = 30
SIZE_INCHES = (9.0, 5.2)


def draw_losses(curves: Sequence[Curve], path: Path, *, log_scale: bool, from_zero: bool) -> Sequence[str]:
    """Draw the curves into a file; sentences about what is not in it.

    Raises:
        ToolError: no curve has a point that can be drawn, matplotlib is not installed, or the file cannot be written.
    """
    drawn = [curve for curve in curves if _points(curve, log_scale=log_scale)]
    remarks = [f"{curve.name} is not drawn: no loss above 0 is known of it." for curve in curves if curve not in drawn]
    if not drawn:
        raise ToolError("There is nothing to draw: " + " ".join(remarks))
    pyplot = pyplot_without_screen()
    settings = {"svg.fonttype": "none", "font.family": ["DejaVu Sans", *_installed(WIDE_FONTS)]}
    with pyplot.rc_context(settings), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure, axes = pyplot.subplots(figsize=SIZE_INCHES, layout="constrained")
        try:
            styles = zip(cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False)
            for curve, style in zip(drawn, styles, strict=False):
                _draw(axes, curve, style, log_scale=log_scale, from_zero=from_zero)
            _label(axes, log_scale=log_scale, from_zero=from_zero)
            figure.savefig(path, dpi=DOTS_PER_INCH)
        except OSError as error:
            raise ToolError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            pyplot.close(figure)
    if path.suffix.lower() == ".png" and any("Glyph" in str(each.message) for each in caught):
        remarks.append("No font on this machine has all letters of the names: draw an .svg, or install a CJK font.")
    return remarks


def _draw(axes: Any, curve: Curve, style: tuple[str, str, str], *, log_scale: bool, from_zero: bool) -> None:
    colour, dash, marker = style
    points = _points(curve, log_scale=log_scale)
    start = 0 if from_zero else curve.start
    steps = [start + step for step, _ in points]
    losses = [loss for _, loss in points]
    label = curve.name if len(points) > 1 else f"{curve.name} (at its end)"
    axes.plot(
        steps,
        losses,
        color=colour,
        linestyle=dash if len(points) > 1 else "none",
        linewidth=1.6,
        marker=marker if len(points) <= FEW_POINTS else None,
        markersize=6,
        label=label,
    )


def _label(axes: Any, *, log_scale: bool, from_zero: bool) -> None:
    whose = "of the version's own training" if from_zero else "of the chain"
    axes.set_xlabel(f"optimiser steps {whose}")
    axes.set_ylabel("training loss" + (" (logarithmic)" if log_scale else ""))
    axes.set_title("Training loss by step")
    axes.set_xlim(left=0)
    if log_scale:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(visible=True, which="both" if log_scale else "major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False)


def _points(curve: Curve, *, log_scale: bool) -> Sequence[tuple[int, float]]:
    return [(step, loss) for step, loss in curve.points if loss > 0 or not log_scale]


def _installed(names: Sequence[str]) -> list[str]:
    fonts = {font.name for font in importlib.import_module("matplotlib.font_manager").fontManager.ttflist}
    return [name for name in names if name in fonts]
