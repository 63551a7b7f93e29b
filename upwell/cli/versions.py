"""`upwell models copy|sign|delete` and `upwell datasets delete`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import print_json, version_name
from upwell.cli.session import DataOption, JsonOption, parse_version, run
from upwell.client import Upwell
from upwell.errors import ToolError
from upwell.registry.v1 import registry_service_pb2
from upwell.signing import sign_bundle

ModelArgument = Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept for ever.")]


def copy(
    model: ModelArgument,
    other: Annotated[str, typer.Argument(help="The model that gets a new version.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version of another model with the same bundle; the same copy twice is one version.

    Examples:
    - `upwell models copy pump-detector@4 pump-detector-site-b`
    """
    made = run(data, lambda upwell: upwell.versions.copy_model(model, other))
    if as_json:
        print_json(made)
        return
    typer.echo(version_name(made.ref))


def sign(
    model: ModelArgument,
    *,
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key, as `upwell keys new` wrote it.")],
    name: Annotated[str, typer.Option(help="The key's name where it is trusted; by default the file's.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a version's bundle on this machine, and keep the signature in the registry.

    Examples:
    - `upwell models sign pump-detector@4 --key release.pem`
    """
    private_key = read_key(key)

    async def work(upwell: Upwell) -> registry_service_pb2.ModelVersion:
        version = await upwell.registry.model(model)
        return await upwell.versions.sign_model(
            f"{version.ref.name}@{version.ref.version}",
            bundle_digest=version.bundle_digest,
            key=name or key.stem,
            signature=sign_bundle(private_key, version.bundle_digest),
        )

    signed = run(data, work)
    if as_json:
        print_json(signed)
        return
    typer.echo(f"{version_name(signed.ref)} is signed by {', '.join(each.key for each in signed.signatures)}")


def delete_model(
    model: Annotated[str, typer.Argument(help="NAME@4.")],
    *,
    reason: ReasonOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a version for good: it is found no longer, its number is never given again, its lineage stays.

    Refused while an alias names it, or while a version that was made from it is left.

    Examples:
    - `upwell models delete pump-detector@4 --reason "trained on wrong labels"`
    """
    name, version = parse_version(model)
    gone = run(data, lambda upwell: upwell.versions.delete_model(name, version=version, reason=reason))
    if as_json:
        print_json(gone)
        return
    typer.echo(f"{version_name(gone.ref)} is deleted")


def delete_dataset(
    dataset: Annotated[str, typer.Argument(help="NAME@3.")],
    *,
    reason: ReasonOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a version for good: it is found no longer, and its content never becomes a version of the name again.

    Refused while a dataset or model version that was made from it is left.

    Examples:
    - `upwell datasets delete pump-7@3 --reason "holds private data"`
    """
    name, version = parse_version(dataset)
    gone = run(data, lambda upwell: upwell.versions.delete_dataset(name, version=version, reason=reason))
    if as_json:
        print_json(gone)
        return
    typer.echo(f"{version_name(gone.ref)} is deleted")


def read_key(path: Path) -> str:
    """The text of a key file; ToolError when it cannot be read."""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: no key can be read there: {error}.") from error
