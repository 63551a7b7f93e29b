"""Trees of `training_info.json` files, as tools of several makers leave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BASE = "microsoft/layoutlmv3-base"


def entry(dataset: str, steps: int, **changed: Any) -> dict[str, Any]:
    """One training; a None takes a field away."""
    values: dict[str, Any] = {
        "dataset": dataset,
        "steps": steps,
        "epochs": 2.0,
        "metrics": {"loss": round(10 / (abs(steps) + 1), 6), "eval": {"f1": 0.75}, "note": "好"},
        "hyperparams": {"learning_rate": 5e-5, "batch_size": 8, "标签": ["标题", "正文"]},
        "start_time": "2026-03-01T08:00:00",
        "end_time": "2026-03-01T09:30:00",
    }
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def info(model: str, history: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """A file whose figures agree with its history."""
    values: dict[str, Any] = {
        "model_name": model,
        "stage": "stage1",
        "final_checkpoint": "checkpoint-final",
        "base_model": BASE,
        "created_at": "2026-03-01T08:00:00",
        "last_updated": "2026-03-02T08:00:00.123456",
        "total_steps": sum(each.get("steps", 0) for each in history),
        "last_dataset": history[-1]["dataset"] if history else "",
        "training_history": history,
    }
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


FIRST = entry("hrds/简单", 100)
SECOND = entry("hrds-hard", 250)


def good_tree() -> dict[str, dict[str, Any]]:
    """Two experiments that share their first stage, one that stands alone, and what nobody foresaw."""
    return {
        "exp_a/stage1_hrds/training_info.json": info("文档-stage1", [FIRST]),
        "exp_a/features_hrds/training_info.json": info("features", [FIRST, SECOND], stage="features"),
        "exp_a/parent_finder_hrds/training_info.json": info(
            "parent finder", [FIRST, SECOND, entry("parents", 30)], stage=3, git={"commit": "abc", "dirty": False}
        ),
        "exp_b/stage2/training_info.json": info("文档-stage2", [FIRST, entry("comphrdoc", 40)], stage="stage2"),
        "exp_b/implied/training_info.json": info("alone", [entry("x", 5), entry("y", 6), entry("z", 0)]),
    }


def contents(tree: Mapping[str, Any]) -> dict[str, bytes]:
    """The bytes of each file; bytes stay what they are."""
    return {
        path: value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, indent=4).encode()
        for path, value in tree.items()
    }


def write_tree(root: Path, tree: Mapping[str, Any]) -> Path:
    """The files below a folder."""
    for path, content in contents(tree).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def read_tree(root: Path) -> dict[str, Any]:
    """Each `training_info.json` below a folder, by its relative path."""
    return {
        path.relative_to(root).as_posix(): json.loads(path.read_bytes()) for path in root.rglob("training_info.json")
    }
