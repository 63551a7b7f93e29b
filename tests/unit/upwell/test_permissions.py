from __future__ import annotations

import subprocess
import sys

import pytest

from upwell.events import EVENTS, SERVICES
from upwell.permissions import ADMIN, CLIENT, bus_users, nats_config, password_variable

USERS = {user.name: user for user in bus_users()}


def test_every_service_operator_and_client_is_a_user():
    assert set(USERS) == {*SERVICES, ADMIN, CLIENT}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_publish_what_the_table_says(service):
    facts = {event.subject for event in EVENTS} & set(USERS[service].publish)
    assert facts == {event.subject for event in EVENTS if service in event.publishers}


@pytest.mark.parametrize("user", [*SERVICES, CLIENT])
def test_only_the_operator_has_the_whole_api(user):
    assert not {"$JS.API.>", ">", "$JS.>"} & set(USERS[user].publish)


def test_the_configuration_holds_variables_and_no_passwords():
    text = nats_config(listen="127.0.0.1:4222", store_dir='/data/"odd" folder')
    for user in USERS:
        assert f"password: ${password_variable(user)}\n" in text
    assert r'store_dir: "/data/\"odd\" folder"' in text
    assert "http:" not in text
    assert 'http: "127.0.0.1:8222"' in nats_config(listen="x:1", store_dir="/data", monitor="127.0.0.1:8222")


def test_the_module_prints_the_configuration():
    command = [sys.executable, "-m", "upwell.permissions", "--listen", "0.0.0.0:4222", "--store-dir", "/data"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed == nats_config(listen="0.0.0.0:4222", store_dir="/data")
