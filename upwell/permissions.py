"""Who may do what on the bus, from the subject table; and the nats-server configuration that says so.

`python -m upwell.permissions --listen 0.0.0.0:4222 --store-dir /data` prints the configuration. Passwords stand in
it as variables (`password_variable`), which nats-server reads from its environment. It parses their values as
configuration values, so a password has to begin with a letter and to hold letters and digits only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass

from upwell.events import DEAD_PREFIX, EVENTS, EXCUSED_BUCKET, REPLAYED, SERVICES, STREAMS, Event, durable_name

ADMIN = "admin"
CLIENT = "client"
API = "$JS.API"
# Answers to requests come back on subjects below this one.
INBOX = "_INBOX.>"
EXCUSED_STREAM = f"KV_{EXCUSED_BUCKET}"
EXCUSED_SUBJECTS = f"$KV.{EXCUSED_BUCKET}.>"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUser:
    """A user of the bus. `publish` and `subscribe` list the subjects allowed; `publish_denied` wins over `publish`."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    publish_denied: tuple[str, ...] = ()


def bus_users() -> tuple[BusUser, ...]:
    """One user a service, one for operators, one for everybody who publishes requests and reads facts."""
    return (*(_service_user(service) for service in SERVICES), _admin_user(), _client_user())


def password_variable(user: str) -> str:
    """The environment variable that holds a bus user's password."""
    return f"UPWELL_NATS_PASSWORD_{user.upper()}"


def _service_user(service: str) -> BusUser:
    taken = [event for event in EVENTS if service in event.takers]
    heard = [event for event in EVENTS if service in event.broadcast]
    return BusUser(
        name=service,
        publish=(
            *(event.subject for event in EVENTS if service in event.publishers),
            f"{DEAD_PREFIX}>",
            *(subject for event in taken for subject in _durable_subjects(event.stream, _durable(service, event))),
            *dict.fromkeys(subject for event in heard for subject in _broadcast_subjects(event)),
            *(subject for stream in REPLAYED.get(service, ()) for subject in _reader_subjects(stream)),
            EXCUSED_SUBJECTS,
            f"{API}.STREAM.INFO.{EXCUSED_STREAM}",
            f"{API}.DIRECT.GET.{EXCUSED_STREAM}.{EXCUSED_SUBJECTS}",
        ),
        # A broadcast needs a consumer with a random name; the durables of others have names, and stay theirs.
        publish_denied=tuple(_foreign_durable_subjects({event.stream for event in heard}, service)),
        subscribe=(INBOX,),
    )


def _admin_user() -> BusUser:
    """Owns streams and consumers, reads dead letters and publishes them again."""
    return BusUser(
        name=ADMIN,
        publish=(*(event.subject for event in EVENTS), f"{API}.>", "$JS.ACK.>", EXCUSED_SUBJECTS),
        subscribe=(INBOX,),
    )


def _client_user() -> BusUser:
    return BusUser(
        name=CLIENT,
        publish=(
            *(event.subject for event in EVENTS if event.is_request),
            f"{API}.INFO",
            f"{API}.STREAM.NAMES",
            *(subject for stream in STREAMS for subject in _reader_subjects(stream)),
        ),
        subscribe=(INBOX, *dict.fromkeys(event.subject.partition(".")[0] + ".*" for event in EVENTS)),
    )


def _durable(service: str, event: Event) -> str:
    return durable_name(service, event.subject)


def _durable_subjects(stream: str, consumer: str) -> tuple[str, ...]:
    """What using a consumer takes that somebody else has made."""
    return (
        f"{API}.CONSUMER.INFO.{stream}.{consumer}",
        f"{API}.CONSUMER.MSG.NEXT.{stream}.{consumer}",
        f"$JS.ACK.{stream}.{consumer}.>",
    )


def _broadcast_subjects(event: Event) -> tuple[str, ...]:
    return (f"{API}.CONSUMER.CREATE.{event.stream}.*.{event.subject}", *_durable_subjects(event.stream, "*"))


def _reader_subjects(stream: str) -> tuple[str, ...]:
    """What has happened, message by message; what happens now comes by a plain subscription.

    Consumers of their own are not for clients: the server delivers with its own rights to any subject a consumer
    names, so whoever may make one may forge facts (measured: `train.requested` delivered to `dataset.rejected`).
    """
    return (f"{API}.STREAM.INFO.{stream}", f"{API}.STREAM.MSG.GET.{stream}")


def _foreign_durable_subjects(streams: set[str], user: str) -> Iterator[str]:
    """What would let a user take, acknowledge, change or delete what belongs to another one's durable."""
    for event in EVENTS:
        for service in event.takers:
            if event.stream in streams and service != user:
                place = f"{event.stream}.{_durable(service, event)}"
                yield f"{API}.CONSUMER.MSG.NEXT.{place}"
                yield f"{API}.CONSUMER.CREATE.{place}"
                yield f"{API}.CONSUMER.CREATE.{place}.>"
                yield f"{API}.CONSUMER.DELETE.{place}"
                yield f"$JS.ACK.{place}.>"


def nats_config(*, listen: str, store_dir: str, monitor: str = "") -> str:
    """The nats-server configuration.

    Args:
        listen: `host:port` for clients.
        store_dir: folder of the streams.
        monitor: `host:port` of the HTTP monitor, which asks for no password; empty turns it off.
    """
    lines = [
        f"listen: {json.dumps(listen)}",
        *([f"http: {json.dumps(monitor)}"] if monitor else []),
        f"jetstream {{ store_dir: {json.dumps(store_dir)} }}",
        "authorization {",
        "  users: [",
        *(_user_block(user) for user in bus_users()),
        "  ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _user_block(user: BusUser) -> str:
    publish: dict[str, tuple[str, ...]] = {"allow": user.publish}
    if user.publish_denied:
        publish["deny"] = user.publish_denied
    permissions = json.dumps({"publish": publish, "subscribe": {"allow": user.subscribe}}, indent=2)
    indented = permissions.replace("\n", "\n      ")
    return f"""    {{
      user: {json.dumps(user.name)}
      password: ${password_variable(user.name)}
      permissions: {indented}
    }}"""


def main() -> None:
    """Print the configuration."""
    parser = argparse.ArgumentParser(prog="python -m upwell.permissions", description=main.__doc__)
    parser.add_argument("--listen", default="127.0.0.1:4222", help="host:port for clients")
    parser.add_argument("--store-dir", default="/data", help="folder of the streams")
    parser.add_argument("--monitor", default="", help="host:port of the HTTP monitor; off when absent")
    options = parser.parse_args()
    print(  # noqa: T201
        nats_config(listen=options.listen, store_dir=options.store_dir, monitor=options.monitor), end=""
    )


if __name__ == "__main__":
    main()
