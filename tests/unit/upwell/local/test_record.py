from __future__ import annotations

import json
import socket
import stat

import pytest

from upwell.errors import StackError
from upwell.events import SERVICES
from upwell.local.environment import client_environment, service_environment, tokens_setting
from upwell.local.folder import DataFolder
from upwell.local.ports import HOST, choose_ports, is_free
from upwell.local.record import PERSON, load_record, renew_record


@pytest.fixture
def folder(tmp_path):
    folder = DataFolder.at(tmp_path / "data")
    folder.make()
    return folder


def test_a_record_is_private_and_stays_the_same(folder):
    first = renew_record(folder)
    assert stat.S_IMODE(folder.record.stat().st_mode) == 0o600
    assert renew_record(folder) == first == load_record(folder)


def test_ports_differ_and_secrets_begin_with_a_letter(folder):
    record = renew_record(folder)
    assert len(set(record.ports.values())) == len(record.ports)
    secrets = [*record.bus_passwords.values(), *record.s3_keys.values(), *record.tokens.values()]
    assert len(set(secrets)) == len(secrets)
    # nats-server would read 12e4... as a number.
    assert all(secret[0].isalpha() and secret.isalnum() for secret in secrets)


def test_what_an_older_record_lacks_is_added(folder):
    record = renew_record(folder)
    value = json.loads(folder.record.read_text())
    del value["tokens"]["svc_train"], value["ports"]["s3"]
    folder.record.write_text(json.dumps(value))
    renewed = renew_record(folder)
    assert set(renewed.tokens) == set(record.tokens)
    assert renewed.tokens["svc_label"] == record.tokens["svc_label"]
    assert renewed.ports["s3"]


def test_a_damaged_record_is_an_error_that_names_the_file(folder):
    folder.record.write_text("{")
    with pytest.raises(StackError, match=str(folder.record)):
        load_record(folder)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="--data"):
        DataFolder.at(tmp_path / "file" / "data").make()


def test_a_port_that_is_taken_is_replaced():
    with socket.socket() as squatter:
        squatter.bind((HOST, 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        assert not is_free(taken)
        assert choose_ports(["nats"], {"nats": taken})["nats"] != taken


def test_services_get_their_own_user_and_the_person_gets_admin(folder):
    record = renew_record(folder)
    for service in SERVICES:
        environment = service_environment(service, folder=folder, record=record)
        assert environment["UPWELL_NATS_USER"] == service
        assert environment["UPWELL_NATS_PASSWORD"] == record.bus_passwords[service]
        assert f"{service}:service:{environment['UPWELL_SERVICE_TOKEN']}" in environment["UPWELL_TOKENS"].split(",")
        assert ("HF_HUB_OFFLINE" in environment) == (service in {"svc_train", "svc_infer"})
    person = f"{record.person}:admin:{client_environment(record)['UPWELL_TOKEN']}"
    assert person in tokens_setting(record).split(",")
    assert client_environment(record)["UPWELL_TOKEN"] == record.tokens[PERSON]


def test_a_clients_token_reaches_no_service_and_its_settings_do(folder, monkeypatch):
    monkeypatch.setenv("UPWELL_TOKEN", "mine")
    monkeypatch.setenv("UPWELL_LOG_LEVEL", "DEBUG")
    environment = service_environment("svc_train", folder=folder, record=renew_record(folder))
    assert "UPWELL_TOKEN" not in environment
    assert environment["UPWELL_LOG_LEVEL"] == "DEBUG"
