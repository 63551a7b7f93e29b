"""The recipe `line`: points in, a certified line out. It stands on no base."""

from __future__ import annotations

from dataclasses import dataclass

from svc_train.recipes.base import Progress, Report, TrainingJob, TrainingResult
from svc_train.recipes.hyperparameters import Rule, hyperparameter, parse, resolved
from toy_line.points import KIND, read_points


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConfig:
    """Hyperparameters of `line`."""

    max_steps: int = hyperparameter(200, Rule(help="Steps of gradient descent.", unit="steps", low=1, high=10_000))
    learning_rate: float = hyperparameter(0.1, Rule(help="Length of a step.", low=1e-6, high=1.0))


class LineRecipe:
    """See `Recipe` in `svc_train/recipes/base.py`."""

    name = "line"
    summary = "Draws a straight line through points."
    family = "line"
    dataset_kinds = (KIND,)
    parent_families: tuple[str, ...] = ()
    default_base = ""
    config_type = LineConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `Recipe.train`."""
        # Who only asks what the recipe is need not pay for torch.
        import torch

        from shared.modeling.bundle import FULL, BundleInfo
        from shared.modeling.certificate import certify, load_certificate, save_certificate
        from toy_line.predictor import LinePredictor, load, save

        config = parse(LineConfig, job.hyperparameters)
        points = torch.tensor(read_points(job.training_set.folder))
        x, y = points[:, 0], points[:, 1]
        line = torch.zeros(2, requires_grad=True)  # slope and height
        optimizer = torch.optim.Adam([line], lr=config.learning_rate)
        for step in range(1, config.max_steps + 1):
            loss = torch.nn.functional.mse_loss(line[0] * x + line[1], y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            report(
                Progress(
                    step=step,
                    total_steps=config.max_steps,
                    loss=float(loss),
                    learning_rate=config.learning_rate,
                    tokens=0,
                    elapsed_s=0.0,
                )
            )
        metrics = {"mse": float(loss)}
        info = BundleInfo(
            family=self.family,
            recipe=self.name,
            method=FULL,
            base=None,
            spec={},
            lora={},
            hyperparameters=resolved(config),
            metrics=metrics,
            dtype="float32",
        )
        save(job.bundle_dir, info, line.detach())
        save_certificate(job.bundle_dir, certify(LinePredictor(line.detach())))
        load_certificate(job.bundle_dir).replay(load(job.bundle_dir, None, "cpu"))
        return TrainingResult(metrics=metrics, total_steps=config.max_steps, tokens=0, device="cpu")


RECIPE = LineRecipe()
