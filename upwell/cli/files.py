"""`upwell models pull|push` and `upwell datasets pull|push`: the files of versions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from upwell.cli.output import console, print_json, say, size, version_name
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.errors import ToolError

T = TypeVar("T")
FolderArgument = Annotated[Path, typer.Argument(help="The folder.", file_okay=False)]


def pull_model(
    model: Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")],
    folder: FolderArgument,
    data: DataOption = None,
) -> None:
    """Download a model version: every file verified, and gone on with when it was broken off.

    Examples:
    - `upwell models pull bleeding-detector@1 ./detector`
    """
    typer.echo(_moved(data, "pulling", lambda upwell, bar: upwell.artifacts.pull(folder, model=model, **bar)))


def push_model(
    folder: FolderArgument,
    *,
    model: Annotated[str, typer.Option(help="Name of the model to make a version of.")],
    dataset: Annotated[str, typer.Option(help="NAME@3 it was trained on, for its lineage.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a bundle as a model version. The same bundle again makes no new one.

    The folder is one that `upwell models pull` or a training run made: with bundle.json and certificate.json. What
    begins with a dot stays at home.

    Examples:
    - `upwell models push ./detector --model bleeding-detector --dataset bleeding-labels@1`
    """

    async def work(upwell: Upwell, bar: dict[str, Any]) -> Any:
        trained_on = ""
        if dataset:
            ref = (await upwell.registry.dataset(dataset)).ref
            trained_on = f"dataset/{ref.name}/{ref.manifest_digest}"
        return await upwell.artifacts.push_model(folder, name=model, dataset=trained_on, **bar)

    version = _moved(data, "pushing", work)
    if as_json:
        print_json(version)
        return
    typer.echo(version_name(version.ref))


def pull_dataset(
    dataset: Annotated[str, typer.Argument(help="NAME@3, or NAME for the newest version.")],
    folder: FolderArgument,
    data: DataOption = None,
) -> None:
    """Download a dataset version: every file verified, and gone on with when it was broken off.

    Conversations with fields are laid out for other tools too: geoformer_sft.json beside features/.

    Examples:
    - `upwell datasets pull pump-7@3 ./pump`
    """
    typer.echo(_moved(data, "pulling", lambda upwell, bar: upwell.artifacts.pull(folder, dataset=dataset, **bar)))


def push_dataset(
    folder: FolderArgument,
    *,
    name: Annotated[str, typer.Option(help="Name of the dataset to make a version of.")],
    kind: Annotated[str, typer.Option(help="What its files are, e.g. series/v1.")],
    meta: Annotated[
        Path | None,
        typer.Option(
            help="JSON file of facts for the manifest: what services read there for the kind.", dir_okay=False
        ),
    ] = None,
    parents: Annotated[
        list[str] | None, typer.Option("--parent", help="Lineage node it was made from; again for more.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a folder that is in a kind's layout already as a dataset version. For raw files use `upwell ingest`.

    Examples:
    - `upwell datasets push ./pump --name pump-7 --kind series/v1 --meta pump.json --parent source/file:pump.csv`
    """
    facts = _facts(meta)

    async def work(upwell: Upwell, bar: dict[str, Any]) -> Any:
        return await upwell.artifacts.push_dataset(
            folder, name=name, kind=kind, meta=facts, parents=parents or (), **bar
        )

    version = _moved(data, "pushing", work)
    if as_json:
        print_json(version)
        return
    typer.echo(version_name(version.ref))


def _moved(data: Path | None, what: str, work: Callable[[Upwell, dict[str, Any]], Awaitable[T]]) -> T:
    """Run work that is given the two callbacks of a bar by name; says what was moved."""
    with _byte_bar(what) as (bar, total):
        done = run(data, lambda upwell: work(upwell, bar))
    say(size(total()))
    return done


@contextmanager
def _byte_bar(what: str) -> Iterator[tuple[dict[str, Any], Callable[[], int]]]:
    screen = console(stderr=True)
    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(
        TextColumn("{task.description}"), *columns, console=screen, disable=not screen.is_terminal, transient=True
    )
    sizes: list[int] = []
    with bar:
        task = bar.add_task(what, total=None)

        def sized(count: int) -> None:
            sizes.append(count)
            bar.update(task, total=count)

        yield {"progress": lambda count: bar.advance(task, count), "sized": sized}, lambda: sum(sizes)


def _facts(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ToolError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(facts, dict):
        raise ToolError(f"{path} holds no JSON object.")
    return facts
