"""`ocean-questions`: questions about windows of ocean fields, with answers computed from the fields."""

from __future__ import annotations

from svc_label.labelers.ocean_questions.labeler import LABELER

__all__ = ["LABELER"]
