"""`upwell train chain`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from upwell.chainfile import Stage, read_chain
from upwell.cli.output import print_json, print_table, say, state_name
from upwell.cli.session import DataOption, JsonOption, run
from upwell.cli.watching import watch_run
from upwell.client import Upwell
from upwell.common.v1 import common_pb2
from upwell.train.v1 import train_service_pb2

STOPPED = (common_pb2.WORK_STATE_FAILED, common_pb2.WORK_STATE_CANCELLED)


def chain(
    file: Annotated[Path, typer.Argument(help="The chain's YAML file.", metavar="FILE.yaml")],
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow stage after stage until the last one ends.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for the runs of a chain: each stage goes on from the version that the one before it made.

    The same file again makes nothing twice: stages that have completed or still run are kept, one that failed or was
    cancelled is resumed, and those behind it with it. A changed stage, and all behind it, are new runs.

        chain: pump
        model: pump-detector
        stages:
          - {stage: stage1, recipe: series-lm, dataset: pump-labels@1}
          - {stage: stage2, recipe: series-lm, dataset: pump-labels@2, hyperparameters: {max_steps: 100}}

    Examples:
    - `upwell train chain pump.yaml`
    - `upwell train chain pump.yaml --watch`
    """
    stages = read_chain(file)

    async def work(upwell: Upwell) -> list[train_service_pb2.Run]:
        for stage in stages:
            await submit(upwell, stage)
        if watch:
            for stage in stages:
                say(f"{stage.stage}: run {stage.run_id}")
                await watch_run(upwell, stage.run_id)
        return [await upwell.train.run(stage.run_id) for stage in stages]

    runs = run(data, work)
    print_json(runs) if as_json else _print(stages, runs)


async def submit(upwell: Upwell, stage: Stage) -> None:
    """Ask for a stage's run, and let it go on when it stands there stopped."""
    await upwell.train.start(
        stage.recipe,
        dataset=stage.dataset,
        model=stage.model,
        base=stage.base,
        hyperparameters=stage.hyperparameters,
        stage=stage.stage,
        parent=stage.parent,
        parent_run=stage.parent_run,
        run_id=stage.run_id,
    )
    # Those before it were asked for already: what failed only because of them is queued again by now.
    if (await upwell.train.run(stage.run_id)).state in STOPPED:
        await upwell.train.resume(stage.run_id)


def _print(stages: Sequence[Stage], runs: Sequence[train_service_pb2.Run]) -> None:
    rows = [
        (stage.stage, stage.run_id, stage.recipe, stage.model, state_name(found.state))
        for stage, found in zip(stages, runs, strict=True)
    ]
    print_table(["stage", "run", "recipe", "model", "state"], rows, empty="")
