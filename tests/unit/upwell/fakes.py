"""All five services behind one real gRPC port, with behaviour enough for the client and the command."""

# ruff: noqa: N802, RET503 - gRPC names the methods, and abort() never returns

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from tests.unit.upwell.fake_files import FakeArtifacts, FakeObjects
from tests.unit.upwell.fake_infer import FakeInfer
from upwell.client import Connection
from upwell.common.v1 import common_pb2
from upwell.infer.v1 import infer_service_pb2_grpc
from upwell.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc, table_pb2
from upwell.label.v1 import label_service_pb2, label_service_pb2_grpc
from upwell.registry.v1 import (
    artifact_service_pb2_grpc,
    lineage_service_pb2,
    lineage_service_pb2_grpc,
    marks_pb2,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
    registry_service_pb2,
    registry_service_pb2_grpc,
    version_service_pb2,
    version_service_pb2_grpc,
)
from upwell.train.v1 import events_pb2, metrics_pb2, train_service_pb2, train_service_pb2_grpc

TOKEN = "secret"


def abort(context, code: grpc.StatusCode, message: str, **fields: str) -> None:
    """Refuse as the services do."""
    wrong = [error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in fields.items()]
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.BadRequest(field_violations=wrong))
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


class FakeIngest(ingest_service_pb2_grpc.IngestServiceServicer):
    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.headers: list[ingest_service_pb2.IngestHeader] = []
        self.chunks: list[int] = []
        self.task = "缩放"

    def Ingest(self, request_iterator, context):
        first = next(request_iterator)
        assert first.WhichOneof("part") == "header"
        self.headers.append(first.header)
        if first.header.options.time_format == "nonsense":
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, "line 2: bad", **{"options.time_format": "use iso8601"})
        body = b"".join(self._taken(request_iterator))
        made = self.registry.produce(first.header.name, body.count(b"\n") - 1)
        return ingest_service_pb2.IngestResponse(dataset=made, rows=body.count(b"\n") - 1, channels=["value"])

    def _taken(self, parts) -> Iterator[bytes]:
        for part in parts:
            self.chunks.append(len(part.chunk))
            yield part.chunk

    def ListSources(self, request, context):
        csv = ingest_service_pb2.Source(name="csv", summary="Series.", endings=[".csv", ".tsv"], makes="series/v1")
        field = ingest_service_pb2.Source(name="field", summary="Fields.", endings=[".nc"], makes="field/v1")
        field.parameters.add(name="units", type="str", help="Units.").default_value.string_value = ""
        field.parameters.add(name="land", type="float", low=-5, help="Cold.").default_value.number_value = -5
        field.parameters.add(name="gaps", type="str", choices=["keep", "no"]).default_value.string_value = "no"
        return ingest_service_pb2.ListSourcesResponse(sources=[csv, field])

    def Preview(self, request, context):
        answer = ingest_service_pb2.PreviewResponse(rows=4, time="index")
        bucket = ingest_service_pb2.Bucket(min=1, max=2, count=1)
        answer.channels.add(channel="压力", buckets=[bucket] * (request.buckets or 500))
        return answer

    def PreviewRows(self, request, context):
        task = self.task
        rows = [table_pb2.TableRow(cells=[str(request.start_row + n), task]) for n in range(request.count or 10)]
        return table_pb2.PreviewRowsResponse(columns=["id", "task"], shown=rows, rows=40)


class FakeRegistry(registry_service_pb2_grpc.RegistryServiceServicer):
    """Numbers a dataset only when it was asked for it `slowness` times."""

    def __init__(self) -> None:
        self.versions: list[registry_service_pb2.DatasetVersion] = []
        self.models: list[registry_service_pb2.ModelVersion] = []
        self.moves: list[registry_service_pb2.AliasMove] = []
        self.slowness = 0
        self.tokens: list[str] = []

    def produce(self, name: str, rows: int) -> common_pb2.DatasetRef:
        number = 1 + sum(version.ref.name == name for version in self.versions)
        ref = common_pb2.DatasetRef(name=name, version=number, manifest_digest=f"{number:064x}")
        version = registry_service_pb2.DatasetVersion(ref=ref, kind="series/v1", size_bytes=2048, producer="svc_ingest")
        version.meta["rows"] = rows
        self.versions.insert(0, version)
        return common_pb2.DatasetRef(name=name, manifest_digest=ref.manifest_digest)

    def GetDataset(self, request, context):
        self.tokens.append(dict(context.invocation_metadata()).get("authorization", ""))
        if self.slowness:
            self.slowness -= 1
            context.abort(grpc.StatusCode.NOT_FOUND, "not yet")
        for version in self.versions:
            name = f"{version.ref.name}@{version.ref.version}"
            key = (version.ref.name, version.ref.manifest_digest)
            if request.reference in {name, version.ref.name} or key == (request.name, request.manifest_digest):
                return registry_service_pb2.GetDatasetResponse(dataset=version)
        context.abort(grpc.StatusCode.NOT_FOUND, f"There is no dataset {request.reference!r}")

    def ListDatasets(self, request, context):
        start = int(request.page_token or 0)
        end = start + request.page_size
        token = str(end) if end < len(self.versions) else ""
        return registry_service_pb2.ListDatasetsResponse(datasets=self.versions[start:end], next_page_token=token)

    def GetModel(self, request, context):
        for model in self.models:
            if request.run_id == model.ref.run_id or request.reference == f"{model.ref.name}@{model.ref.version}":
                return registry_service_pb2.GetModelResponse(model=model)
        context.abort(grpc.StatusCode.NOT_FOUND, "There is no such model")

    def ListModels(self, request, context):
        return registry_service_pb2.ListModelsResponse(models=self.models)

    def GetBase(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, f"There is no base {request.reference!r}")

    def PromoteModel(self, request, context):
        if request.version == 13 and not request.force:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "f1 is 0.5: at least 0.6 is asked for")
        kind = marks_pb2.MOVE_KIND_FORCED if request.force else marks_pb2.MOVE_KIND_MOVED
        move = registry_service_pb2.AliasMove(
            model=request.name, alias=request.alias, to_version=request.version, kind=kind, reason=request.reason
        )
        self.moves.append(move)
        return registry_service_pb2.PromoteModelResponse(move=move)

    def ListAliasMoves(self, request, context):
        return registry_service_pb2.ListAliasMovesResponse(moves=self.moves)


class FakePromotion(promotion_service_pb2_grpc.PromotionServiceServicer):
    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.gates: dict[str, marks_pb2.Gate] = {}
        self.asked_at: list[str] = []

    def SetGate(self, request, context):
        gate = marks_pb2.Gate(model=request.model, alias=request.alias, conditions=request.conditions, set_by="root")
        self.gates[request.alias] = gate
        return promotion_service_pb2.SetGateResponse(gate=gate)

    def ListGates(self, request, context):
        return promotion_service_pb2.ListGatesResponse(gates=self.gates.values())

    def DeleteGate(self, request, context):
        del self.gates[request.alias]
        return promotion_service_pb2.DeleteGateResponse()

    def RollBackAlias(self, request, context):
        move = registry_service_pb2.AliasMove(
            model=request.model,
            alias=request.alias,
            from_version=request.from_version,
            to_version=1,
            kind=marks_pb2.MOVE_KIND_ROLLED_BACK,
            reason=request.reason,
        )
        self.registry.moves.append(move)
        return promotion_service_pb2.RollBackAliasResponse(move=move)

    def ClearAlias(self, request, context):
        move = registry_service_pb2.AliasMove(model=request.model, alias=request.alias, from_version=1)
        return promotion_service_pb2.ClearAliasResponse(move=move)

    def GetServing(self, request, context):
        self.asked_at.append(request.at.ToJsonString() if request.HasField("at") else "now")
        answer = promotion_service_pb2.GetServingResponse()
        answer.model.ref.name, answer.model.ref.version = request.model, 3
        answer.model.deletion.reason = "old"
        answer.move.moved_by, answer.move.kind = "安娜", marks_pb2.MOVE_KIND_FORCED
        answer.move.moved_at.FromJsonString("2026-05-01T11:00:00Z")
        return answer


class FakeVersions(version_service_pb2_grpc.VersionServiceServicer):
    def __init__(self) -> None:
        self.signed: list[version_service_pb2.SignModelRequest] = []
        self.deleted: list[str] = []

    def CopyModel(self, request, context):
        ref = common_pb2.ModelRef(name=request.model, version=1)
        return version_service_pb2.CopyModelResponse(model=registry_service_pb2.ModelVersion(ref=ref))

    def SignModel(self, request, context):
        self.signed.append(request)
        name, _, version = request.reference.partition("@")
        model = registry_service_pb2.ModelVersion(ref=common_pb2.ModelRef(name=name, version=int(version)))
        model.signatures.add(key=request.key, value=request.signature)
        return version_service_pb2.SignModelResponse(model=model)

    def DeleteModel(self, request, context):
        self.deleted.append(f"model {request.name}@{request.version}: {request.reason}")
        ref = common_pb2.ModelRef(name=request.name, version=request.version)
        return version_service_pb2.DeleteModelResponse(model=registry_service_pb2.ModelVersion(ref=ref))

    def DeleteDataset(self, request, context):
        self.deleted.append(f"dataset {request.name}@{request.version}: {request.reason}")
        ref = common_pb2.DatasetRef(name=request.name, version=request.version)
        return version_service_pb2.DeleteDatasetResponse(dataset=registry_service_pb2.DatasetVersion(ref=ref))


class FakeLineage(lineage_service_pb2_grpc.LineageServiceServicer):
    def __init__(self) -> None:
        self.asked: list[lineage_service_pb2.FindTrainedModelsRequest] = []

    def GetLineage(self, request, context):
        up = request.direction == lineage_service_pb2.DIRECTION_UP
        other = "source/file.csv" if up else "run/7"
        answer = lineage_service_pb2.GetLineageResponse(root="dataset/pump/1")
        answer.nodes.add(key="dataset/pump/1", type="dataset", label="pump@1", seen=True)
        answer.nodes.add(key=other, type=other.partition("/")[0], label="", seen=False)
        parent, child = (other, "dataset/pump/1") if up else ("dataset/pump/1", other)
        answer.edges.add(parent=parent, child=child)
        if request.include_facts:
            answer.nodes[0].facts["kind"] = "series/v1"
            answer.nodes[0].made_at.FromJsonString("2026-11-27T08:00:00Z")
        return answer

    def FindPath(self, request, context):
        if request.other == "stranger@1":
            return lineage_service_pb2.FindPathResponse()
        answer = lineage_service_pb2.FindPathResponse(ancestor="dataset/pump/1", descendant="run/7")
        answer.nodes.add(key="dataset/pump/1", type="dataset", label="pump@1", seen=True)
        answer.nodes.add(key="run/7", type="run", label="series-lm 7", seen=True)
        answer.edges.add(parent="dataset/pump/1", child="run/7")
        return answer

    def FindTrainedModels(self, request, context):
        self.asked.append(request)
        answer = lineage_service_pb2.FindTrainedModelsResponse(start_count=int(request.reviewer != "nobody"))
        if request.reviewer in {"nobody", "idle"}:
            return answer
        number = 3 - int(request.page_token or 1)
        found = answer.models.add()
        found.model.ref.name, found.model.ref.version = "detector", number
        found.path.add(key="reviews/" + "a" * 64, type="reviews")
        found.path.add(key="dataset/标签/1", type="dataset", label="标签@1", seen=True)
        found.path.add(key=f"model/{number}", type="model", label=f"detector@{number}", seen=True)
        answer.next_page_token = "" if request.page_token else "2"
        answer.unread.add(key="reviews/" + "b" * 64, reason="reviews.parquet is damaged")
        return answer


class FakeLabel(label_service_pb2_grpc.LabelServiceServicer):
    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.asked = 0
        self.decided: list[label_service_pb2.DecideRequest] = []
        self.fails = ""

    def ListLabelers(self, request, context):
        asks = label_service_pb2.Labeler(name="asks", summary="Asks.", kinds=["field/v1"], makes="chat/v1")
        asks.described_parameters.add(name="samples", type="int", low=1, high=1e6).default_value.number_value = 500
        months = asks.described_parameters.add(name="months", type="int", is_list=True, help="From, to.")
        months.default_value.list_value.extend([6, 24])
        robust = label_service_pb2.Labeler(name="robust", summary="Finds.", kinds=["series/v1"])
        return label_service_pb2.ListLabelersResponse(labelers=[asks, robust])

    def StartLabeling(self, request, context):
        self.request = request.request
        return label_service_pb2.StartLabelingResponse(job_id=request.request.job_id)

    def GetJob(self, request, context):
        self.asked += 1
        state = common_pb2.WORK_STATE_RUNNING if self.asked < 3 else common_pb2.WORK_STATE_COMPLETED
        job = label_service_pb2.LabelJob(job_id=request.job_id, labeler="robust", state=state, candidate_count=7)
        if self.fails and self.asked >= 3:
            job.state = common_pb2.WORK_STATE_FAILED
            job.failure.reason = self.fails
        if self.request.labeler == "plan-oracle" and self.asked == 3:
            job.labeler, job.candidate_count = self.request.labeler, 0
            job.output.CopyFrom(self.registry.produce(f"{self.request.dataset}-plan-oracle", 50))
        return label_service_pb2.GetJobResponse(job=job)

    def ListCandidates(self, request, context):
        self.listed = request
        answer = label_service_pb2.ListCandidatesResponse(total_count=9)
        one = answer.candidates.add(candidate_id="c1", labeler="robust")
        one.dataset.name, one.dataset.version = "pump", 1
        one.segment.start_row, one.segment.end_row, one.segment.confidence = 3, 5, 0.75
        return answer

    def Decide(self, request, context):
        self.decided.append(request)
        return label_service_pb2.DecideResponse(batch_id=request.batch_id, decided_count=len(request.decisions) or 4)

    def Export(self, request, context):
        made = self.registry.produce(request.output or f"{request.dataset}-labels", 3)
        return label_service_pb2.ExportResponse(dataset=made, segment_count=3, review_count=2)


class FakeTrain(train_service_pb2_grpc.TrainServiceServicer):
    """Tells the story of a run; the first watch breaks off after `breaks_after` of its items."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.requests: list[events_pb2.TrainRequested] = []
        self.breaks_after: int | None = None
        self.silences: list[int] = []  # a watch each: how many items it tells before it neither speaks nor ends
        self.unknown = 0
        self.ends_in = common_pb2.WORK_STATE_COMPLETED
        self.states: dict[str, int] = {}
        self.resumed: list[str] = []
        self.told_after: list[int] = []
        self.metrics: list[metrics_pb2.StepMetric] = []
        self.metric_requests: list[metrics_pb2.ListMetricsRequest] = []
        self.largest_page = 1000

    def StartRun(self, request, context):
        if request.request.recipe == "nope":
            abort(
                context, grpc.StatusCode.INVALID_ARGUMENT, "Two fields are wrong", recipe="unknown", dataset="unknown"
            )
        self.requests.append(request.request)
        return train_service_pb2.StartRunResponse(run_id=request.request.run_id)

    def ListRecipes(self, request, context):
        recipe = train_service_pb2.Recipe(
            name="series-lm", summary="Finds stretches.", default_base="tiny-qwen", parent_families=["series"]
        )
        recipe.dataset_kinds.append("segments/v1")
        recipe.hyperparameters.update(
            {
                "max_steps": {"default": 200, "type": "int", "unit": "steps", "low": 0, "help": "Steps."},
                "learning_rate": {"default": 2e-3, "type": "float", "low": 1e-8, "high": 1, "help": "Rate."},
                "method": {"default": "full", "type": "str", "choices": ["full", "lora"], "help": "Method."},
                "smoke": {"default": False, "type": "bool", "help": "Try it."},
            }
        )
        return train_service_pb2.ListRecipesResponse(recipes=[recipe])

    def GetRun(self, request, context):
        state = self.states.get(request.run_id, common_pb2.WORK_STATE_QUEUED)
        return train_service_pb2.GetRunResponse(run=self._run(request.run_id, state))

    def ResumeRun(self, request, context):
        self.resumed.append(request.run_id)
        self.states[request.run_id] = common_pb2.WORK_STATE_QUEUED
        return train_service_pb2.ResumeRunResponse(run=self._run(request.run_id, common_pb2.WORK_STATE_QUEUED))

    def ListRuns(self, request, context):
        runs = [self._run("r1", common_pb2.WORK_STATE_COMPLETED), self._run("r2", common_pb2.WORK_STATE_FAILED)]
        return train_service_pb2.ListRunsResponse(
            runs=[run for run in runs if request.state in {common_pb2.WORK_STATE_UNSPECIFIED, run.state}]
        )

    def WatchRun(self, request, context):
        if self.unknown:
            self.unknown -= 1
            context.abort(grpc.StatusCode.NOT_FOUND, "There is no such run")
        self.told_after.append(request.after_sequence)
        silent_after = self.silences.pop(0) if self.silences else None
        place = 0
        for number, answer in enumerate(self._story(request.run_id)):
            if number == self.breaks_after:
                self.breaks_after = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            while number == silent_after and context.is_active():
                time.sleep(0.02)
            is_state = answer.WhichOneof("happened") == "run"
            if not is_state:
                place += 10
            answer.sequence = place
            unwanted = request.logs_only and answer.WhichOneof("happened") == "progress"
            is_end = is_state and answer.run.state != common_pb2.WORK_STATE_RUNNING
            if request.replay_only and is_end:
                return
            if not unwanted and (is_state or place > request.after_sequence):
                yield answer

    def ListMetrics(self, request, context):
        self.metric_requests.append(request)
        known = [m for m in self.metrics if m.step >= request.from_step]
        found = [m for m in known if not request.names or m.name in request.names]
        start = int(request.page_token or 0)
        end = start + min(request.page_size, self.largest_page)
        return metrics_pb2.ListMetricsResponse(
            metrics=found[start:end],
            next_page_token=str(end) if end < len(found) else "",
            names=sorted({m.name for m in self.metrics}),
        )

    def _story(self, run_id: str) -> Iterator[train_service_pb2.WatchRunResponse]:
        answer = train_service_pb2.WatchRunResponse
        yield answer(run=self._run(run_id, common_pb2.WORK_STATE_RUNNING))
        for step in (1, 2, 3):
            yield answer(log_line=f"line {step}")
            yield answer(progress=events_pb2.TrainProgress(run_id=run_id, attempt=1, step=step, total_steps=3))
        ref = common_pb2.ModelRef(name="detector", version=1, run_id=run_id)
        self.registry.models.append(registry_service_pb2.ModelVersion(ref=ref, recipe="series-lm"))
        yield answer(run=self._run(run_id, self.ends_in))

    def _run(self, run_id: str, state: int) -> train_service_pb2.Run:
        run = train_service_pb2.Run(run_id=run_id, state=state)
        run.request.recipe, run.request.model = "series-lm", "detector"
        if state == common_pb2.WORK_STATE_FAILED:
            run.failure.reason, run.failure.remedy = "The loss is not a number.", "Lower learning_rate."
            run.failure.cause = "nan_loss"
            run.failure.evidence.append("loss is nan at step 7")
            run.retried_with["batch_size"] = 4
        return run


class FakeServices:
    """The five, and where they listen."""

    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.ingest = FakeIngest(self.registry)
        self.label = FakeLabel(self.registry)
        self.train = FakeTrain(self.registry)
        self.infer = FakeInfer()
        self.lineage = FakeLineage()
        self.promotion = FakePromotion(self.registry)
        self.versions = FakeVersions()
        self.objects = FakeObjects()
        self.artifacts = FakeArtifacts(self.objects)
        self.address = ""

    def connection(self, **changes) -> Connection:
        names = ("ingest", "label", "train", "infer", "registry")
        return Connection(**{**dict.fromkeys(names, self.address), "token": TOKEN, **changes})

    def environment(self) -> dict[str, str]:
        names = ("INGEST", "LABEL", "TRAIN", "INFER", "REGISTRY")
        return {**{f"UPWELL_{name}_ADDRESS": self.address for name in names}, "UPWELL_TOKEN": TOKEN}


@contextmanager
def running_services() -> Iterator[FakeServices]:
    """Listening for the length of a block."""
    fake = FakeServices()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(fake.ingest, server)
    label_service_pb2_grpc.add_LabelServiceServicer_to_server(fake.label, server)
    train_service_pb2_grpc.add_TrainServiceServicer_to_server(fake.train, server)
    infer_service_pb2_grpc.add_InferServiceServicer_to_server(fake.infer, server)
    registry_service_pb2_grpc.add_RegistryServiceServicer_to_server(fake.registry, server)
    lineage_service_pb2_grpc.add_LineageServiceServicer_to_server(fake.lineage, server)
    promotion_service_pb2_grpc.add_PromotionServiceServicer_to_server(fake.promotion, server)
    version_service_pb2_grpc.add_VersionServiceServicer_to_server(fake.versions, server)
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(fake.artifacts, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait()
        fake.objects.stop()
