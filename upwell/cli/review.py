"""`upwell review list|decide|progress`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from upwell.cli.output import counted, print_json, print_table, say, table, version_name
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.label.v1 import label_service_pb2 as pb

CANDIDATE = ("candidate", "dataset", "rows", "channel", "label", "confidence#", "labeler", "decision")
app = typer.Typer(help="Look at candidates and decide on them.", no_args_is_help=True)


class Pick(StrEnum):
    """How the queue chooses."""

    TOP = "top"
    LOWEST = "lowest"
    UNCERTAIN = "uncertain"
    RANDOM = "random"
    STRATIFIED = "stratified"


class Verdict(StrEnum):
    """What is decided."""

    APPROVE = "approve"
    REJECT = "reject"
    CORRECT = "correct"


DECISIONS = {
    Verdict.APPROVE: pb.DECISION_APPROVED,
    Verdict.REJECT: pb.DECISION_REJECTED,
    Verdict.CORRECT: pb.DECISION_CORRECTED,
}
Dataset = Annotated[str, typer.Argument(help="NAME@3 or NAME; all datasets when absent.")]
Labeler = Annotated[str, typer.Option(help="Only this labeler's, e.g. robust or model:NAME@1.")]
MinConfidence = Annotated[float | None, typer.Option(min=0, max=1, help="Lowest confidence.")]
MaxConfidence = Annotated[float | None, typer.Option(min=0, max=1, help="Highest confidence.")]


@app.command("list")
def list_candidates(
    dataset: Dataset = "",
    *,
    pick: Annotated[Pick, typer.Option(help="How to choose.")] = Pick.TOP,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="For random and stratified.")] = 0,
    labeler: Labeler = "",
    min_confidence: MinConfidence = None,
    max_confidence: MaxConfidence = None,
    decided: Annotated[bool, typer.Option("--decided", help="Also those that have a decision.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the queue: candidates without a decision, best first.

    Examples:
    - `upwell review list pump-7`
    - `upwell review list pump-7 --pick uncertain --limit 50 --json`
    """
    wanted = _filter(dataset, labeler, min_confidence, max_confidence, undecided_only=not decided)
    chosen = pb.Pick.Value(f"PICK_{pick.name}")
    answer = run(data, lambda upwell: upwell.label.candidates(wanted, pick=chosen, limit=limit, seed=seed))
    if as_json:
        print_json(answer)
        return
    print_table(CANDIDATE, [_row(each) for each in answer.candidates], empty="")
    say(f"{len(answer.candidates)} of {answer.total_count} candidates")


@app.command()
def decide(
    verdict: Annotated[Verdict, typer.Argument(help="What to decide.")],
    candidates: Annotated[list[str] | None, typer.Argument(help="Ids; or none, with --dataset.")] = None,
    *,
    dataset: Annotated[str, typer.Option(help="Decide on all undecided candidates of this dataset.")] = "",
    labeler: Labeler = "",
    min_confidence: MinConfidence = None,
    max_confidence: MaxConfidence = None,
    rows: Annotated[str, typer.Option(metavar="START:END", help="For correct: the right rows, END outside.")] = "",
    label: Annotated[str, typer.Option(help="For correct: the right label.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    reviewer: Annotated[str, typer.Option(help="Who; an admin may name another.", show_default="your token")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve, reject or correct candidates, one by one or all of a dataset that match.

    Examples:
    - `upwell review decide approve ID1 ID2`
    - `upwell review decide reject --dataset pump-7 --labeler robust --max-confidence 0.2`
    - `upwell review decide correct ID --rows 120:140 --label spike`
    """
    if bool(candidates) == bool(dataset):
        raise typer.BadParameter("name candidates, or a dataset with --dataset")
    decision = DECISIONS[verdict]
    bulk = None
    singles: list[pb.CandidateDecision] = []
    if candidates:
        corrected = _corrected(verdict, candidates, rows, label)
        singles = [
            pb.CandidateDecision(candidate_id=each, decision=decision, corrected=corrected, reason=reason)
            for each in candidates
        ]
    elif verdict is Verdict.CORRECT:
        raise typer.BadParameter("correct one candidate at a time, by its id")
    else:
        wanted = _filter(dataset, labeler, min_confidence, max_confidence, undecided_only=True)
        bulk = pb.BulkDecision(filter=wanted, decision=decision, reason=reason)

    async def work(upwell: Upwell) -> pb.DecideResponse:
        return await upwell.label.decide(singles, bulk=bulk, reviewer=reviewer)

    answer = run(data, work)
    if as_json:
        print_json(answer)
        return
    typer.echo(counted(answer.decided_count, "decision"))


@app.command()
def progress(dataset: Dataset = "", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Count decisions per dataset, labeler and reviewer.

    Examples:
    - `upwell review progress pump-7`
    """
    counts = run(data, lambda upwell: upwell.label.progress(dataset))
    if as_json:
        print_json(counts)
        return
    rows = [
        (
            version_name(c.dataset),
            c.labeler,
            c.reviewer or "-",
            c.undecided_count,
            c.approved_count,
            c.rejected_count,
            c.corrected_count,
        )
        for c in counts
    ]
    columns = ["dataset", "labeler", "reviewer", "undecided#", "approved#", "rejected#", "corrected#"]
    print_table(columns, rows, empty="No candidates yet: `upwell label run DATASET --labeler robust` proposes some.")


def candidate_table(candidates: Sequence[pb.Candidate]) -> Table:
    """A row a candidate."""
    return table(CANDIDATE, [_row(each) for each in candidates])


def _row(candidate: pb.Candidate) -> tuple[object, ...]:
    segment = candidate.corrected if candidate.decision == pb.DECISION_CORRECTED else candidate.segment
    decision = pb.Decision.Name(candidate.decision).removeprefix("DECISION_").lower()
    return (
        candidate.candidate_id,
        version_name(candidate.dataset),
        f"{segment.start_row}:{segment.end_row}",
        segment.channel or "all",
        segment.label or "anomaly",
        f"{candidate.segment.confidence:.3f}",
        candidate.labeler,
        f"{decision} by {candidate.reviewer}" if candidate.reviewer else "-",
    )


def _filter(
    dataset: str, labeler: str, low: float | None, high: float | None, *, undecided_only: bool
) -> pb.CandidateFilter:
    return pb.CandidateFilter(
        dataset=dataset, labeler=labeler, min_confidence=low, max_confidence=high, undecided_only=undecided_only
    )


def _corrected(verdict: Verdict, candidates: list[str], rows: str, label: str) -> common_pb2.Segment | None:
    if verdict is not Verdict.CORRECT:
        if rows or label:
            raise typer.BadParameter("--rows and --label go with correct")
        return None
    start, _, end = rows.partition(":")
    if len(candidates) != 1 or not start.isdecimal() or not end.isdecimal():
        raise typer.BadParameter("correct one candidate, with --rows START:END")
    if int(end) <= int(start):
        raise ToolError(f"--rows {rows}: END must be after START.")
    return common_pb2.Segment(start_row=int(start), end_row=int(end), label=label)
