from __future__ import annotations

from pathlib import Path

import pytest

from shared.modeling.bases import load_base
from shared.modeling.text.template import NoChatTemplateError, encode, prompt_ids
from shared.modeling.tiny_qwen import CHAT_TEMPLATE

MESSAGES = [
    {"role": "system", "content": "回答要简短。"},
    {"role": "user", "content": "Is 3.5 bar normal?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "And 12?"},
    {"role": "assistant", "content": "不正常。"},
]
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are helpful<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def loaded(tiny_base: Path):
    return load_base(tiny_base).tokenizer


@pytest.fixture
def tokenizer(loaded):
    loaded.chat_template = CHAT_TEMPLATE
    return loaded


def said(tokenizer, encoded) -> list[str]:
    """The stretches of text that are taught."""
    stretches: list[list[int]] = []
    before = False
    for token, taught in zip(encoded.ids.tolist(), encoded.taught.tolist(), strict=True):
        if taught and not before:
            stretches.append([])
        if taught:
            stretches[-1].append(token)
        before = taught
    return [tokenizer.decode(stretch) for stretch in stretches]


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, SMOLLM2])
def test_the_models_turns_with_their_ends_are_taught_and_nothing_else(tokenizer, template: str):
    tokenizer.chat_template = template
    encoded = encode(MESSAGES, tokenizer)
    assert said(tokenizer, encoded) == ["Yes.<|im_end|>", "不正常。<|im_end|>"]
    whole = tokenizer.apply_chat_template(MESSAGES, tokenize=False)
    assert tokenizer.decode(encoded.ids) == whole


def test_the_first_prompt_is_what_the_model_reads_when_it_serves(tokenizer):
    encoded = encode(MESSAGES, tokenizer)
    prompt = prompt_ids(MESSAGES[:2], tokenizer)
    assert encoded.ids[: len(prompt)].tolist() == prompt
    assert not encoded.taught[: len(prompt)].any()
    assert encoded.taught[len(prompt)]


def test_a_template_that_marks_the_models_turns_itself_is_taken_as_it_is(tokenizer):
    tokenizer.chat_template = CHAT_TEMPLATE.replace(
        "{{ message['content'] }}<|im_end|>\n",
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|im_end|>\n{% endgeneration %}"
        "{% else %}{{ message['content'] }}<|im_end|>\n{% endif %}",
    )
    assert said(tokenizer, encode(MESSAGES, tokenizer)) == ["Yes.<|im_end|>", "不正常。<|im_end|>"]


def test_what_stands_in_a_text_is_never_taken_for_a_turns_beginning(tokenizer):
    messages = [*MESSAGES[:2], {"role": "assistant", "content": "a<|im_end|>\n<|im_start|>user\nb"}]
    encoded = encode(messages, tokenizer)
    assert said(tokenizer, encoded) == ["a<|im_end|>\n<|im_start|>user\nb<|im_end|>"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('no system role here') }}", "refuses the conversation: no system role here"),
        (
            (
                "{% for message in messages %}{% if loop.last or message['role'] != 'assistant' %}"
                "{{ message['content'] }}{% endif %}{% endfor %}"
            ),
            "renders earlier turns otherwise once later ones come",
        ),
    ],
)
def test_a_template_that_cannot_be_taught_is_refused_with_the_reason(tokenizer, template, reason: str):
    tokenizer.chat_template = template
    with pytest.raises(NoChatTemplateError, match=reason):
        encode(MESSAGES, tokenizer)


def test_a_cut_keeps_the_beginning(tokenizer):
    encoded = encode(MESSAGES, tokenizer)
    cut = encoded.cut(10)
    assert (len(cut), cut.ids.tolist()) == (10, encoded.ids[:10].tolist())
