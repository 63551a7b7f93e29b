"""The deploy files are valid, and agree with the code on names, ports, users and variables."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from shared.runtime.settings import ServiceSettings
from upwell.events import SERVICES
from upwell.permissions import bus_users, nats_config

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent


def compose() -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text()
    # As compose does it: a default, or a value for what must be set.
    text = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: found[2] if ":-" in found[0] else "set", text)
    return dict(yaml.safe_load(text))


def settings_of(service: str) -> set[str]:
    module = importlib.import_module(f"{service}.settings")
    classes = [
        value for value in vars(module).values() if isinstance(value, type) and issubclass(value, ServiceSettings)
    ]
    return {f"UPWELL_{name.upper()}" for cls in classes for name in cls.model_fields}


def kustomized() -> list[dict[str, Any]]:
    ended = subprocess.run(
        [str(BIN / "kubectl"), "kustomize", "deploy/k8s/base"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(ended.stdout))


def test_the_dockerfile_passes_its_linter() -> None:
    subprocess.run([str(BIN / "hadolint"), str(DEPLOY / "Dockerfile")], check=True)


def test_compose_follows_the_specification() -> None:
    parsed = PyCompose.from_yaml(yaml.safe_dump(compose()))
    assert set(SERVICES) | {"nats", "postgres", "minio", "bootstrap"} == set(parsed.service_names())
    broken = compose()
    broken["services"]["svc_label"]["ports"] = {"not": "a list"}
    with pytest.raises(ValueError, match=r"ports|sequence|map"):
        PyCompose.from_yaml(yaml.safe_dump(broken))


@pytest.mark.parametrize("service", SERVICES)
def test_compose_names_variables_that_exist(service: str) -> None:
    described = compose()["services"][service]
    environment = set(described["environment"])
    assert environment <= settings_of(service)
    port = importlib.import_module(f"{service}.settings").DEFAULT_PORT
    assert described["environment"]["UPWELL_GRPC_PORT"] == str(port)
    assert described["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert described["build"]["args"] == {"SERVICE": service}


def test_compose_gives_the_bus_a_password_for_each_user() -> None:
    given = set(compose()["services"]["nats"]["environment"])
    assert given == {f"UPWELL_NATS_PASSWORD_{user.name.upper()}" for user in bus_users()}


def test_the_bus_configuration_is_fresh() -> None:
    made = nats_config(listen="0.0.0.0:4222", store_dir="/data")
    assert (DEPLOY / "nats" / "nats-server.conf").read_text() == made, (
        "run `python -m upwell.permissions --listen 0.0.0.0:4222 --store-dir /data > deploy/nats/nats-server.conf`"
    )


def test_kubernetes_accepts_the_base(tmp_path: Path) -> None:
    manifest = tmp_path / "base.yaml"
    manifest.write_text(yaml.safe_dump_all(kustomized()))
    subprocess.run([str(BIN / "kubernetes-validate"), "--strict", str(manifest)], check=True)


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_agrees_with_the_code(service: str) -> None:
    name = service.replace("_", "-")
    port = importlib.import_module(f"{service}.settings").DEFAULT_PORT
    found = {item["kind"]: item for item in kustomized() if item["metadata"]["name"] == name}
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].startswith(f"upwell/{service}:")
    assert container["ports"][0]["containerPort"] == container["readinessProbe"]["grpc"]["port"] == port
    assert found["Service"]["spec"]["ports"][0]["port"] == port
    assert {variable["name"] for variable in container["env"]} <= settings_of(service)
    config = next(item for item in kustomized() if item["kind"] == "ConfigMap")
    assert set(config["data"]) <= settings_of(service)


def test_the_image_refuses_a_service_that_is_none() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for service in SERVICES:
        assert service in dockerfile
    assert "exit 1" in dockerfile
