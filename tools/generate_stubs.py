"""Generate the Python stubs of the contracts in `proto/` into `upwell/`, or into another folder with --out."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def generate(out: Path) -> None:
    """Run protoc with the Python, mypy and gRPC plugins over every proto file."""
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    outputs = [f"--{plugin}_out={out}" for plugin in ("python", "mypy", "grpc_python", "mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", *outputs, *protos]
    # protoc finds its plugins on PATH: the ones of this interpreter.
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(command, check=True, cwd=ROOT, env={"PATH": path})
    for package in {(out / proto).parent for proto in protos}:
        version, domain = package, package.parent
        for folder in (version, domain):
            (folder / "__init__.py").write_text('"""Generated from the contracts in `proto/`."""\n')


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT, help="folder to write the `upwell` package into")
    generate(parser.parse_args().out.resolve())
