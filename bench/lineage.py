"""Ancestors and descendants 20 stages deep: one gRPC call beside the SQL query it makes (the floor)."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import grpc

from bench.measure import median, p99, print_table, ratios
from shared.contracts.lineage import base_key, dataset_key, model_key, run_key
from shared.runtime.auth import Authenticator
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.settings import ServiceSettings
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.graph import Direction, Edge, Graph, Node
from svc_registry.rpc.lineage import lineage_rpc
from upwell.local.ports import choose_ports
from upwell.registry.v1 import lineage_service_pb2 as pb
from upwell.registry.v1 import lineage_service_pb2_grpc as pb_grpc

STAGES = 20


def chain(number: int) -> Graph:
    """A model trained in STAGES stages, each from the stage before and a dataset of its own."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for stage in range(STAGES):
        run, model = run_key(f"{number}-{stage}"), model_key(f"{number}-{stage}")
        used = [dataset_key(f"data-{number}", f"{stage:064d}"), base_key("b" * 64)]
        used += [model_key(f"{number}-{stage - 1}")] if stage else []
        keys = [run, model, *used]
        nodes += [Node(key=key, type=key.partition("/")[0], label=key, seen=True) for key in keys]
        edges += [Edge(run, model), *(Edge(key, run) for key in used)]
    return Graph(nodes=tuple({node.key: node for node in nodes}.values()), edges=tuple(edges))


async def measure(database: Database, repetitions: int, calls: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds a question, through gRPC and straight from SQL."""
    store = SqlRegistryStore(database, source="bench")
    port = choose_ports(["grpc"], {})["grpc"]
    settings = ServiceSettings(grpc_port=port, auth=False)
    server = GrpcServer(settings, default_port=port, rpcs=[lineage_rpc(store)], auth=Authenticator([], enabled=False))
    await server.start()
    root, leaf = model_key("7-0"), model_key(f"7-{STAGES - 1}")
    questions = {
        "ancestors": (leaf, Direction.UP, pb.DIRECTION_UP),
        "descendants": (root, Direction.DOWN, pb.DIRECTION_DOWN),
    }
    found: dict[str, dict[str, list[float]]] = {name: {"grpc": [], "sql": []} for name in questions}
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = pb_grpc.LineageServiceStub(channel)
        for _ in range(repetitions * calls):
            for name, (node, direction, wire_direction) in questions.items():
                began = time.perf_counter()
                answer = await stub.GetLineage(pb.GetLineageRequest(node=node, direction=wire_direction))
                found[name]["grpc"].append((time.perf_counter() - began) * 1e3)
                assert len(answer.nodes) >= 2 * STAGES - 1
                began = time.perf_counter()
                with store.reading() as tx:
                    tx.lineage.walk(node, direction, max_depth=0)
                found[name]["sql"].append((time.perf_counter() - began) * 1e3)
    await server.stop(0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=500, help="chains in the graph")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--calls", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'registry.db'}", schema="svc_registry")
        migrate(database, MIGRATIONS)
        with SqlRegistryStore(database, source="bench").transaction() as tx:
            for number in range(arguments.models):
                tx.lineage.add(chain(number))
        found = asyncio.run(measure(database, arguments.repetitions, arguments.calls))
        database.dispose()
    rows = [
        [f"{name}, {way}", median(values), p99(values), median(ratios(both["grpc"], values))]
        for name, both in found.items()
        for way, values in both.items()
    ]
    columns = [f"{STAGES} stages deep", "median ms", "p99 ms", "ours / this"]
    print_table("Lineage in one query and one round trip", columns, rows, vars(arguments) | {"database": "SQLite"})


if __name__ == "__main__":
    main()
