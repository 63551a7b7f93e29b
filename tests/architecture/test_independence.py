"""Each service stands alone, and torch stays where it belongs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from upwell.events import SERVICES

ROOT = Path(__file__).resolve().parents[2]
TORCH_FREE = ("svc_ingest", "svc_label", "svc_registry", "upwell", "shared.runtime.app")
# Import every module of a package in a process where some imports fail, as they would where they are not installed.
IMPORT_ALL = """
import importlib, importlib.machinery, pkgutil, sys
package, *blocked = sys.argv[1:]
class Blocker:  # looking for a blocked module is allowed, as libraries do; importing it is not
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name.split(".")[0] in blocked else None
    def create_module(self, spec):
        raise ImportError(f"{spec.name} is blocked here")
    def exec_module(self, module): ...
sys.meta_path.insert(0, Blocker())
module = importlib.import_module(package)
count = 0
for found in pkgutil.walk_packages(getattr(module, "__path__", []), package + "."):
    if not found.name.endswith("__main__") and ".alembic" not in found.name and ".migrations." not in found.name:
        importlib.import_module(found.name)
        count += 1
assert count or not hasattr(module, "__path__"), package
loaded = [name for name in blocked if name in sys.modules]
assert not loaded, loaded
"""


def import_all(package: str, *blocked: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package, *blocked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("package", TORCH_FREE)
def test_no_torch(package: str) -> None:
    import_all(package, "torch", "transformers", "peft", "accelerate")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_without_the_others(service: str) -> None:
    import_all(service, *(other for other in SERVICES if other != service))


def test_the_client_without_the_servers() -> None:
    import_all("upwell", "shared", *SERVICES, "faststream", "sqlmodel", "sqlalchemy", "minio", "pyarrow", "pandas")


def test_the_same_anatomy_everywhere() -> None:
    for service in SERVICES:
        names = {path.stem for path in (ROOT / service).iterdir()}
        wanted = {
            "README",
            "__main__",
            "adapters",
            "bootstrap",
            "domain",
            "handlers",
            "migrations",
            "ports",
            "rpc",
            "settings",
        }
        assert wanted | {"use_cases", "wire"} <= names, f"{service} lacks {wanted - names}"
