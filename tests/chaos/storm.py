"""The storm: what is killed, and what has to stand afterwards."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil
from google.protobuf import json_format

from tests.connected.train.world import FINAL, TINY, World
from tests.support.bus import events_on, stream_messages
from tests.support.postgres import Postgres
from tests.support.servers import Servers, Service, wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import registry_service_pb2 as registry_pb
from upwell.registry.v1 import registry_service_pb2_grpc as registry_grpc
from upwell.train.v1 import train_service_pb2 as pb

LEASE_S = 4.0
ENDED_WITHIN_S = 1800.0
NOTHING_STANDS_STILL_S = 120.0
MODELS = ("storm-petrel", "storm-gull")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How bad the weather is: `pause_s` is the mean time between two kills, in seconds.

    To compare means to make the run that was killed most often once more, undisturbed.
    """

    seed: int
    kills: int
    runs: int
    steps: int
    pause_s: float
    slots: int = 2
    compare: bool = False

    @property
    def hyperparameters(self) -> dict[str, object]:
        """Of every run: tiny, and a checkpoint every few steps."""
        return {**TINY, "max_steps": self.steps, "checkpoint_steps": max(self.steps // 20, 2)}


@dataclass(slots=True, kw_only=True)
class Seen:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    attempts: dict[str, int] = field(default_factory=dict)
    storm_s: float = 0.0
    whole_s: float = 0.0
    resumed: int = 0


def weather(plan: Plan, servers: Servers, postgres: Postgres, folder: Path, *, tell: Tell) -> Seen:
    """Ask for the runs, kill, wait, check. AssertionError when anything was lost or made twice."""
    storm = Storm(plan, servers, postgres, folder, tell)
    try:
        began = time.monotonic()
        storm.ask()
        storm.rage()
        storm.seen.storm_s = time.monotonic() - began
        storm.wait_for_ends()
        storm.seen.whole_s = time.monotonic() - began
        storm.check()
        if plan.compare:
            storm.compare()
    except BaseException:
        tell(storm.logs())
        raise
    finally:
        storm.over()
    return storm.seen


class Storm:
    """Two replicas of svc_train with folders of their own, svc_registry, NATS, S3 and PostgreSQL; and what kills them.

    Services share the database server, as in production.
    """

    def __init__(self, plan: Plan, servers: Servers, postgres: Postgres, folder: Path, tell: Tell) -> None:
        self._plan, self._servers, self._postgres, self._tell = plan, servers, postgres, tell
        self._random = random.Random(plan.seed)
        settings = {
            "UPWELL_DATABASE_URL": postgres.fresh(),
            "UPWELL_TRAIN_SLOTS": str(plan.slots),
            "UPWELL_TORCH_THREADS": "1",
            "UPWELL_LEASE_SECONDS": str(LEASE_S),
            "UPWELL_PATIENCE_SECONDS": "60",
        }
        self.world = World(servers, folder / "made", **settings)
        other = {**settings, "UPWELL_DATA_DIR": str(folder / "other-machine")}
        self._replicas = (self.world.train, self.world.start_replica(**other))
        self._paused: list[tuple[float, list[psutil.Process]]] = []
        self.seen = Seen()

    @property
    def run_ids(self) -> list[str]:
        """The runs asked for."""
        return [f"storm-{number}" for number in range(self._plan.runs)]

    def ask(self) -> None:
        """Publish the requests, as any client does, and wait until they are recorded."""
        for number, run_id in enumerate(self.run_ids):
            model = MODELS[number % len(MODELS)]
            hyperparameters = {**self._plan.hyperparameters, "seed": number}
            self.world.publish(self.world.request(run_id, model=model, hyperparameters=hyperparameters))
        wait_until(lambda: all(self._state(run_id) is not None for run_id in self.run_ids), 60, self.logs)
        wait_until(self._children, 120, self.logs)

    def rage(self) -> None:
        """Kill until the plan is fulfilled. What is killed comes up again; what is paused goes on past its lease."""
        kinds: Sequence[Callable[[], str]] = (
            self._kill_child,
            self._kill_child,
            self._kill_replica,
            self._kill_replica,
            self._pause_replica,
            self._kill_bus,
            self._kill_objects,
            self._crash_database,
            self._kill_registry,
        )
        while self.seen.kills.total() < self._plan.kills:
            self._wait(self._random.uniform(0.5, 1.5) * self._plan.pause_s)
            assert self._is_any_open(), f"all runs ended after {self.seen.kills}: ask for more steps"
            victim = self._random.choice(kinds)()
            if victim:
                self.seen.kills[victim] += 1
                self._tell(f"kill {self.seen.kills.total()}: {victim}")

    def wait_for_ends(self) -> None:
        """Everything stands again, and every run comes to its end."""
        self._wait(0, until_all_go_on=True)
        limit = time.monotonic() + ENDED_WITHIN_S
        while time.monotonic() < limit:
            states = {run_id: self._state(run_id) for run_id in self.run_ids}
            if all(state in FINAL for state in states.values()):
                return
            self._wait(1)
        raise AssertionError(f"runs have not ended: {states}")

    def check(self) -> None:
        """Each run made one version with all its steps, and the ledger of aliases tells every move."""
        for run_id in self.run_ids:
            run = self.world.run(run_id)
            assert run is not None
            assert run.state == common.WORK_STATE_COMPLETED, run
            self.seen.attempts[run_id] = run.attempt
            (completed,) = wait_until(lambda: self.world.events("train.completed", run_id), 60)  # noqa: B023
            assert completed["totalSteps"] == str(self._plan.steps), completed
            assert completed["attempt"] == run.attempt
            assert completed["bundleDigest"] == run.bundle_digest
            assert run.progress.step == self._plan.steps
        wait_until(lambda: len(self._versions()) >= self._plan.runs, 60, self.logs)
        versions = self._versions()
        assert sorted(version.ref.run_id for version in versions) == sorted(self.run_ids)
        assert {version.total_steps for version in versions} == {self._plan.steps}
        assert len(events_on(self._servers, "model.registered")) == self._plan.runs
        assert stream_messages(self._servers, "DEAD") == []
        assert not events_on(self._servers, "train.failed")
        self._check_ledger(versions)
        self.seen.resumed = sum(one._log.read_text().count("goes on after step") for one in self._replicas)
        wait_until(lambda: not self._rows_left(), 30, self.logs)

    def compare(self) -> None:
        """The run with the most attempts has the weights and the numbers that it has without any."""
        run_id = max(self.run_ids, key=lambda run_id: self.seen.attempts[run_id])
        asked = self._open_run(run_id).request
        calm = self.world.request(
            "calm", model="calm", hyperparameters=json_format.MessageToDict(asked.hyperparameters)
        )
        self.world.publish(calm)
        wait_until(lambda: self._state("calm") in FINAL, ENDED_WITHIN_S, self.logs)
        stormy, undisturbed = (self._weights(one) for one in (run_id, "calm"))
        assert stormy, "a bundle has weights"
        assert stormy == undisturbed, f"{run_id} was made in {self.seen.attempts[run_id]} attempts"
        assert dict(self._open_run(run_id).metrics) == dict(self._open_run("calm").metrics)
        self._tell(f"{run_id} has the weights of an undisturbed run, to the last bit")

    def _weights(self, run_id: str) -> dict[str, str]:
        manifest = self.world.artifacts.manifest(self._open_run(run_id).bundle_digest)
        return {entry.path: entry.sha256 for entry in manifest.files if entry.path.endswith(".safetensors")}

    def _check_ledger(self, versions: Sequence[registry_pb.ModelVersion]) -> None:
        with grpc.insecure_channel(self.world.registry.address) as channel:
            stub = registry_grpc.RegistryServiceStub(channel)
            token = self.world.token
            for model in MODELS[: self._plan.runs]:
                numbers = sorted(version.ref.version for version in versions if version.ref.name == model)
                assert numbers == list(range(1, len(numbers) + 1)), numbers
                for number in numbers:
                    request = registry_pb.PromoteModelRequest(
                        name=model, version=number, alias="champion", reason="storm"
                    )
                    stub.PromoteModel(request, metadata=token, timeout=30)
                moves = stub.ListAliasMoves(registry_pb.ListAliasMovesRequest(name=model), metadata=token).moves
                told = [(move.from_version, move.to_version) for move in reversed(moves)]
                assert told == [(number - 1, number) for number in numbers], told

    def _rows_left(self) -> bool:
        """Whether checkpoints of the runs still lie in the object store; stale ones go with the next cleaning."""
        return any(self._open_run(run_id).HasField("checkpoint") for run_id in self.run_ids)

    def _open_run(self, run_id: str) -> pb.Run:
        run = self.world.run(run_id)
        assert run is not None
        return run

    def _versions(self) -> list[registry_pb.ModelVersion]:
        return [version for model in MODELS for version in self.world.versions_of(model)]

    def _is_any_open(self) -> bool:
        return any(self._state(run_id) not in FINAL for run_id in self.run_ids)

    def _state(self, run_id: str) -> int | None:
        """Where a run stands, as soon as anybody can say so; None while it is not recorded."""
        limit = time.monotonic() + NOTHING_STANDS_STILL_S
        while time.monotonic() < limit:
            for replica in self._replicas:
                self.world.train = replica
                try:
                    run = self.world.run(run_id)
                except grpc.RpcError:
                    continue
                if run is not None:
                    return run.state
            self._tend()
            time.sleep(0.2)
        return None

    def _children(self) -> list[psutil.Process]:
        """The training processes of both replicas."""
        return [
            child
            for replica in self._replicas
            for child in _family(replica)[1:]
            if "svc_train.child" in _command_line(child)
        ]

    def _kill_child(self) -> str:
        children = self._children()
        if not children:
            return ""
        self._random.choice(children).kill()
        return "training process"

    def _kill_replica(self) -> str:
        replica = self._random.choice(self._replicas)
        replica.kill()
        return "svc_train"

    def _pause_replica(self) -> str:
        replica = self._random.choice(self._replicas)
        family = _family(replica)
        if not family or self._paused:
            return ""
        for process in family:
            process.send_signal(signal.SIGSTOP)
        self._paused.append((time.monotonic() + 2 * LEASE_S, family))
        return "pause of svc_train"

    def _kill_bus(self) -> str:
        return self._kill_server("nats")

    def _kill_objects(self) -> str:
        return self._kill_server("s3")

    def _kill_server(self, name: str) -> str:
        try:
            self._servers.kill(name)
        except (AssertionError, ProcessLookupError):  # it is down still
            return ""
        return name

    def _crash_database(self) -> str:
        self._postgres.crash()
        time.sleep(self._random.uniform(0, 2))
        self._postgres.start()
        return "postgresql"

    def _kill_registry(self) -> str:
        self.world.registry.kill()
        return "svc_registry"

    def _wait(self, seconds: float, *, until_all_go_on: bool = False) -> None:
        limit = time.monotonic() + seconds
        while True:
            self._tend()
            if time.monotonic() >= limit and not (until_all_go_on and self._paused):
                return
            time.sleep(0.1)

    def _tend(self) -> None:
        """What a supervisor does: start what has ended; and let the paused go on when their time is over."""
        for service in (*self._replicas, self.world.registry):
            if service.process is not None and service.process.poll() is not None:
                service.start(ready=False)
        for paused in list(self._paused):
            if time.monotonic() >= paused[0]:
                self._paused.remove(paused)
                for process in paused[1]:
                    if process.is_running():
                        process.send_signal(signal.SIGCONT)

    def logs(self) -> str:
        """The ends of the services' logs."""
        return "\n".join(f"== {one.name}\n{one.log_tail()}" for one in (*self._replicas, self.world.registry))

    def over(self) -> None:
        """Stop the services."""
        for _, processes in self._paused:
            for process in processes:
                if process.is_running():
                    process.send_signal(signal.SIGCONT)
        for service in (*self._replicas, self.world.registry):
            service.kill()


def _family(service: Service) -> list[psutil.Process]:
    """The service and all that it started; nothing when it is gone."""
    assert service.process is not None
    try:
        process = psutil.Process(service.process.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
