"""`ocean-chat` from a Geoformer and questions to a certified bundle that answers about fields."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from shared.contracts.chat import CHAT_FILE, GEOFORMER, conversation_of_line
from shared.errors import IntegrityError, InvalidInputError
from shared.fields.samples import FieldSample, read_sample, write_sample
from shared.modeling.bundle import read_info
from shared.modeling.geoformer.spec import GeoformerSpec
from shared.modeling.ocean_chat.predictor import OceanChatPredictor, load
from shared.modeling.ocean_chat.spec import OceanChatSpec
from shared.modeling.predictor import load_predictor
from shared.modeling.text.values import TextInput
from svc_train.recipes.base import Checkpoint, ParentSource, Progress, TrainingJob, find_recipe
from svc_train.recipes.ocean_chat.config import tiny
from tests.modeling.ocean_chat.talks import SMALL, questions, talk_job, trained_geoformer

pytestmark = pytest.mark.heavy

RECIPE = find_recipe("ocean-chat")


def trained(job: TrainingJob) -> tuple[list[Progress], list[Checkpoint], Any]:
    told: list[Any] = []
    result = RECIPE.train(job, told.append)
    return [t for t in told if isinstance(t, Progress)], [t for t in told if isinstance(t, Checkpoint)], result


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> ParentSource:
    return trained_geoformer(tmp_path_factory.mktemp("pacific"))


@pytest.fixture(scope="module")
def asked(parent: ParentSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return questions(tmp_path_factory.mktemp("chat") / "asked", parent.folder.parent / "field")


@pytest.fixture(scope="module")
def served(
    parent: ParentSource, asked: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingJob, OceanChatPredictor]:
    job = talk_job(tmp_path_factory.mktemp("served"), base=tiny_base, asked=asked, parent=parent)
    trained(job)
    return job, load(job.bundle_dir, tiny_base, "cpu")


def packed(sample: FieldSample, folder: Path) -> bytes:
    path = folder / "sample.npz"
    write_sample(path, sample)
    return path.read_bytes()


def first_sample(asked: Path) -> FieldSample:
    return read_sample(asked / "features/000001.npz", "first")


def about(feature: bytes | None, text: str = f"{GEOFORMER}\nHow warm is it?", **changes: Any) -> TextInput:
    return TextInput(
        id="a",
        messages=({"role": "user", "content": text},),
        max_new_tokens=5,
        features=() if feature is None else (feature,),
        **changes,
    )


@pytest.mark.parametrize(("adapter", "tokens"), [("linear", 2), ("mlp", 1), ("resampler", 4)])
def test_it_learns_and_leaves_a_certified_bundle(  # noqa: PLR0917 - fixtures are arguments
    tmp_path: Path, tiny_base: Path, parent: ParentSource, asked: Path, adapter: str, tokens: int
) -> None:
    job = talk_job(
        tmp_path, base=tiny_base, asked=asked, parent=parent, adapter=adapter, tokens=tokens, max_steps=16, answers=1
    )
    progress, _, result = trained(job)
    assert progress[-1].loss < progress[0].loss - 0.7
    assert (result.metrics["train_conversations"], result.metrics["held_out_conversations"]) == (19, 5)
    assert {"number_accuracy", "number_accuracy_blind", "eval_loss", "answers"} <= set(result.metrics)
    info = read_info(job.bundle_dir)
    assert (info.family, info.recipe, info.method, info.spec["adapter"]) == (
        "ocean-chat",
        "ocean-chat",
        "lora",
        adapter,
    )
    predictor = load_predictor(job.bundle_dir, tiny_base)
    feature = (asked / "features/000001.npz").read_bytes()
    [answer] = predictor.predict([about(feature)])
    assert 1 <= answer.tokens <= 5


def test_tiny_is_a_run_of_seconds() -> None:
    assert {name: getattr(tiny(), name) for name in SMALL} == SMALL


def test_only_the_adapters_and_what_joins_them_train(
    served: tuple[TrainingJob, OceanChatPredictor], parent: ParentSource
) -> None:
    job, _ = served
    ours, theirs = (load_file(folder / name) for folder, name in (
        (job.bundle_dir, "geoformer.safetensors"), (parent.folder, "model.safetensors"),
    ))  # fmt: skip
    assert ours
    assert all(torch.equal(tensor, theirs[f"members.0.{name}"]) for name, tensor in ours.items())
    assert not any("decoder" in name or "head" in name for name in ours)


def test_the_answer_depends_on_the_fields_and_on_nothing_that_follows_them(
    served: tuple[TrainingJob, OceanChatPredictor], asked: Path, tmp_path: Path
) -> None:
    _, predictor = served
    sample = first_sample(asked)
    messages = ({"role": "user", "content": f"{GEOFORMER}\nHow warm is it?"},)

    def embedded(changed: FieldSample) -> torch.Tensor:
        return predictor.prompt(messages, (packed(changed, tmp_path),)).reads["inputs_embeds"]

    as_it_is = embedded(sample)
    assert not torch.equal(embedded(replace(sample, history_TCYX=2 * sample.history_TCYX)), as_it_is)
    assert torch.equal(embedded(replace(sample, future_FCYX=5 * sample.future_FCYX, facts="")), as_it_is)
    blind = predictor.prompt_about(messages, [sample], blind=True)
    places = torch.tensor(blind.ids) < 0
    assert blind.reads["inputs_embeds"][0, places].abs().max() == 0
    assert int(places.sum()) == 2 * sample.history


def test_a_channel_may_be_missing_and_one_too_many_is_not_read(
    served: tuple[TrainingJob, OceanChatPredictor], asked: Path, tmp_path: Path
) -> None:
    _, predictor = served
    sample = first_sample(asked)
    sst = replace(
        sample,
        channels=("sst",),
        bases=("given",),
        history_TCYX=sample.history_TCYX[:, :1],
        future_FCYX=sample.future_FCYX[:, :1],
    )
    more = replace(
        sample,
        channels=("ssh", *sample.channels),
        bases=("", *sample.bases),
        history_TCYX=np.concatenate([sample.history_TCYX[:, :1] / 7, sample.history_TCYX], axis=1),
        future_FCYX=np.concatenate([sample.future_FCYX[:, :1] / 7, sample.future_FCYX], axis=1),
    )
    prompts = [
        predictor.prompt(about(None).messages, (packed(one, tmp_path),)).reads["inputs_embeds"]
        for one in (sample, sst, more)
    ]
    assert torch.equal(prompts[0], prompts[2])
    assert not torch.equal(prompts[0], prompts[1])


def test_features_that_do_not_fit_are_refused(
    served: tuple[TrainingJob, OceanChatPredictor], asked: Path, tmp_path: Path
) -> None:
    _, predictor = served
    sample = first_sample(asked)
    feature = packed(sample, tmp_path)
    pickled = io.BytesIO()
    np.savez(pickled, history=np.array([{}], dtype=object))
    for question, reason in (
        (about(None), "the messages have 1 <geoformer>, and 0 attachments came"),
        (about(feature, "How warm?"), "the messages have 0 <geoformer>, and 1 attachments came"),
        (about(b"no zip"), r"attachment 1: is no \.npz file"),
        (about(pickled.getvalue()), "attachment 1: 'history' holds pickled objects"),
        (about(packed(replace(sample, lon=sample.lon + 1), tmp_path)), "attachment 1: 'lon' has 13 centres from 161"),
        (about(packed(replace(sample, channels=("a", "b")), tmp_path)), "attachment 1: has the channels a, b"),
        (about(packed(replace(sample, history_TCYX=sample.history_TCYX * np.nan), tmp_path)), "anything is known"),
    ):
        with pytest.raises(InvalidInputError, match=reason):
            predictor.predict([question])


def test_an_answer_comes_piece_by_piece(served: tuple[TrainingJob, OceanChatPredictor], asked: Path) -> None:
    _, predictor = served
    question = replace(about((asked / "features/000001.npz").read_bytes()), max_new_tokens=12)
    pieces: list[str] = []
    answer = predictor.answer(question, say=pieces.append)
    assert "".join(pieces) == answer.text
    assert predictor.predict([question]) == [answer]


def test_what_is_read_together_has_the_numbers_it_has_alone(
    served: tuple[TrainingJob, OceanChatPredictor], asked: Path
) -> None:
    from shared.modeling.bases import load_base
    from shared.modeling.ocean_chat.storage import load_network
    from svc_train.recipes.ocean_chat.data import read_data
    from svc_train.recipes.ocean_chat.run import make_task

    job, _ = served
    network = load_network(job.bundle_dir, job.needed_base.folder, read_info(job.bundle_dir))
    tokenizer = load_base(job.needed_base.folder).tokenizer
    data = read_data(job, tiny(), network.spec, tokenizer)
    task = make_task(network, tiny(), data, tokenizer)
    few = data.train[:3]
    assert len({len(one.encoded) for one in few}) > 1
    with torch.inference_mode():
        together = float(task.loss(task.collate(few), [1]))
        alone = sum(float(task.loss(task.collate([one]), [1])) for one in few)
    assert together == pytest.approx(alone, rel=1e-5)


def test_a_resumed_run_equals_an_uninterrupted_one_to_the_last_bit(
    tmp_path: Path, tiny_base: Path, parent: ParentSource, asked: Path
) -> None:
    ask = {"max_steps": 4, "checkpoint_steps": 2, "lora_dropout": 0.2, "answers": 0}
    whole = replace(
        talk_job(tmp_path / "whole", base=tiny_base, asked=asked, parent=parent, **ask),
        checkpoints_dir=tmp_path / "checkpoints",
    )
    through, _, _ = trained(whole)
    rest = replace(
        talk_job(tmp_path / "rest", base=tiny_base, asked=asked, parent=parent, **ask),
        resume_from=tmp_path / "checkpoints" / "step-00000002",
    )
    after, _, _ = trained(rest)
    assert [p.loss for p in after] == [p.loss for p in through[2:]]
    for name in ("adapter.safetensors", "heads.safetensors", "certificate.json"):
        assert (rest.bundle_dir / name).read_bytes() == (whole.bundle_dir / name).read_bytes()


def test_a_run_goes_on_from_its_own_kind(
    tmp_path: Path, tiny_base: Path, asked: Path, served: tuple[TrainingJob, OceanChatPredictor]
) -> None:
    first, _ = served
    before = ParentSource(name="talker@1", run_id="run-2", folder=first.bundle_dir)
    job = talk_job(tmp_path, base=tiny_base, asked=asked, parent=before, max_steps=1, answers=0)
    begun, _, _ = trained(job)
    fresh = read_info(first.bundle_dir).metrics["eval_loss"]
    assert begun[0].loss == pytest.approx(fresh, abs=1)
    with pytest.raises(InvalidInputError, match="adapter: mlp, but talker@1, the parent, has linear"):
        trained(talk_job(tmp_path / "b", base=tiny_base, asked=asked, parent=before, adapter="mlp"))


def test_what_cannot_be_trained_is_said(tmp_path: Path, tiny_base: Path, parent: ParentSource, asked: Path) -> None:
    with pytest.raises(InvalidInputError, match="parent: is missing: name the Geoformer"):
        trained(talk_job(tmp_path, base=tiny_base, asked=asked, parent=None))
    with pytest.raises(InvalidInputError, match="of 24 conversations none is left to learn from within max_length 8"):
        trained(talk_job(tmp_path, base=tiny_base, asked=asked, parent=parent, max_length=8))
    with pytest.raises(InvalidInputError, match="lora_targets: 'q proj' is neither 'all-linear' nor names"):
        trained(talk_job(tmp_path, base=tiny_base, asked=asked, parent=parent, lora_targets="q proj"))
    with pytest.raises(InvalidInputError, match="max_length: 5000 tokens are more than the base reads"):
        trained(talk_job(tmp_path, base=tiny_base, asked=asked, parent=parent, max_length=5000))


def test_a_resampler_needs_tokens_that_its_heads_divide() -> None:
    odd = GeoformerSpec(channels=("sst",), scales=(1.0,), lat=(-5.0, 5.0), lon=(190.0, 240.0), d_model=6, heads=1)
    assert OceanChatSpec(geoformer=odd).adapter == "linear"
    with pytest.raises(InvalidInputError, match=r"adapter: a resampler has 4 heads, .* the size 6"):
        OceanChatSpec(geoformer=odd, adapter="resampler")


def test_a_sample_that_is_wrong_is_named_with_its_line(
    tmp_path: Path, tiny_base: Path, parent: ParentSource, asked: Path
) -> None:
    broken = tmp_path / "asked"
    (broken / "features").mkdir(parents=True)
    [line, *_] = (asked / CHAT_FILE).read_bytes().splitlines()
    (broken / CHAT_FILE).write_bytes(line + b"\n")
    job = talk_job(tmp_path, base=tiny_base, asked=broken, parent=parent)
    place = r"line 1 of chat\.jsonl: features/000001\.npz"
    with pytest.raises(InvalidInputError, match=f"{place}: is missing"):
        trained(job)
    sample = first_sample(asked)
    write_sample(broken / "features/000001.npz", replace(sample, lat=sample.lat / 2))
    with pytest.raises(InvalidInputError, match=f"{place}: 'lat' has 5 centres from -4 to 4; the Geoformer reads"):
        trained(job)
    assert sample.bases == ("given", "given")
    write_sample(broken / "features/000001.npz", replace(sample, bases=("1997-01/1998-06", "given")))
    with pytest.raises(InvalidInputError, match=f"{place}: sst departs from the usual year of 1997-01 to 1998-06, the"):
        trained(job)
    conversation = conversation_of_line(line, "line 1")
    (broken / CHAT_FILE).write_bytes(replace(conversation, features=()).to_line() + b"\n")
    with pytest.raises(InvalidInputError, match=r"line 1 of chat\.jsonl has 1 <geoformer> and 0 features"):
        trained(job)


def test_a_bundle_whose_encoder_was_changed_is_not_served(
    tmp_path: Path, tiny_base: Path, parent: ParentSource, asked: Path
) -> None:
    job = talk_job(tmp_path, base=tiny_base, asked=asked, parent=parent, max_steps=2, answers=0)
    trained(job)
    path = job.bundle_dir / "geoformer.safetensors"
    load_predictor(job.bundle_dir, tiny_base)
    tensors = load_file(path)
    save_file({**tensors, "place_PD": tensors["place_PD"].flip(0) * 3}, path)
    with pytest.raises(IntegrityError, match="certified: golden input 0: the fields are read off by"):
        load_predictor(job.bundle_dir, tiny_base)
    save_file({name: tensor for name, tensor in tensors.items() if name != "place_PD"}, path)
    with pytest.raises(IntegrityError, match="lacks the tensors"):
        load_predictor(job.bundle_dir, tiny_base)
