"""Interfaces: what a model is asked and what it answers. Many families may share one."""

from __future__ import annotations

from enum import StrEnum


class Interface(StrEnum):
    """What goes in and what comes out; svc_infer picks by it what serves a model, and never by the model's family.

    Attributes:
        SERIES: SeriesInput -> SeriesAnswer (shared/modeling/series/values.py).
        TEXT: TextInput -> TextAnswer (shared/modeling/text/values.py), piece by piece where that is wanted.
        PLAN: PlanInput -> PlanAnswer (shared/planning/values.py).
        FIELD: FieldInput -> FieldAnswer (shared/fields/values.py).
        VALUES: a JSON object -> a JSON object: for every family that fits none of the others.
    """

    SERIES = "series"
    TEXT = "text"
    PLAN = "plan"
    FIELD = "field"
    VALUES = "values"
