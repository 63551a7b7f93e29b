"""How questions and answers are put, in English and in Chinese; a slot is filled with a name or with a fact.

Slots of questions: `statistic`, `months` (shown), `ahead` (that follow), `first` and `last` (month that is shown).
Slots of answers: `statistic`, `unit`, and the kind's facts by name.
"""

# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.fields.wording import CHINESE, ENGLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasing:
    """A way to ask, and the ways to answer."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]


Phrasings = Mapping[str, Phrasing]

STATE: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "These maps show {first} to {last}. What is the {statistic} in the last month, and what state is that?",
            "Look at the {months} months up to {last}. Give the latest {statistic} and name the ENSO state.",
            "Which ENSO state do the fields end in ({last}), judged by the {statistic}?",
        ),
        answers=(
            "The {statistic} is {last} {unit} in the last month: {phase}.",
            "It ends at {last} {unit}, which is {phase} by the {statistic}.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "以下是{first}至{last}的海洋场。最后一个月的{statistic}是多少？处于什么状态？",
            "请看截至{last}的{months}个月，给出最新的{statistic}并判断ENSO状态。",
            "根据{statistic}，{last}处于哪种ENSO状态？",
        ),
        answers=(
            "最后一个月的{statistic}为{last} {unit}，属于{phase}状态。",
            "{statistic}最新值为{last} {unit}，即{phase}。",
        ),
    ),
}
EXTREME: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "When was the {statistic} highest between {first} and {last}, and how high?",
            "Find the peak of the {statistic} in these {months} months.",
            "In which of the months from {first} to {last} did the {statistic} peak?",
        ),
        answers=(
            "The {statistic} peaks in {highest_month} with {highest} {unit}.",
            "In {highest_month}, at {highest} {unit}.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "{first}至{last}期间，{statistic}何时最高？最高是多少？",
            "找出这{months}个月中{statistic}的峰值。",
            "从{first}到{last}，{statistic}在哪个月达到最高？",
        ),
        answers=("{statistic}在{highest_month}达到最高，为{highest} {unit}。", "{highest_month}，为{highest} {unit}。"),
    ),
}
TREND: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "How did the {statistic} change from {first} to {last}?",
            "Did the {statistic} rise or fall over these {months} months, and by how much?",
            "Describe the trend of the {statistic} up to {last}.",
        ),
        answers=(
            "The {statistic} {direction}: from {first} to {last} {unit}, a change of {change} {unit}.",
            "It {direction}, from {first} {unit} to {last} {unit}: {change} {unit} in all.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "{statistic}从{first}到{last}如何变化？",
            "这{months}个月里{statistic}是升还是降？变化了多少？",
            "描述截至{last}的{statistic}变化趋势。",
        ),
        answers=(
            "{statistic}{direction}：由{first}变为{last} {unit}，变化{change} {unit}。",
            "总体{direction}，从{first} {unit}到{last} {unit}，变化{change} {unit}。",
        ),
    ),
}
MEAN: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "What is the average {statistic} from {first} to {last}?",
            "Was the {statistic} above or below normal on average in these {months} months?",
            "Summarise the {statistic} over the months up to {last}.",
        ),
        answers=(
            "The average {statistic} is {mean} {unit}, {side}.",
            "On average {side}: {mean} {unit}, between {lowest} and {highest} {unit}.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "{first}至{last}的平均{statistic}是多少？",
            "这{months}个月的{statistic}平均高于还是低于常年？",
            "概括截至{last}的{statistic}。",
        ),
        answers=(
            "平均{statistic}为{mean} {unit}，{side}。",
            "平均{side}：{mean} {unit}，介于{lowest}与{highest} {unit}之间。",
        ),
    ),
}
NEXT_TREND: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "These maps end in {last}. Where will the {statistic} be {ahead} months later?",
            "From {months} months of fields, forecast how the {statistic} moves over the next {ahead} months.",
            "Will the {statistic} rise or fall in the {ahead} months after {last}?",
        ),
        answers=(
            "The {statistic} {direction} by {change} {unit} to {last} {unit}.",
            "It {direction}: the last of these months has {last} {unit}, a change of {change} {unit}.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "海洋场截至{last}，{ahead}个月后的{statistic}会是多少？",
            "根据{months}个月的海洋场，预测未来{ahead}个月{statistic}的走势。",
            "{last}之后的{ahead}个月，{statistic}会上升还是下降？",
        ),
        answers=(
            "{statistic}将{direction}，变化{change} {unit}，达到{last} {unit}。",
            "预计{direction}：期末为{last} {unit}，变化{change} {unit}。",
        ),
    ),
}
NEXT_PEAK: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "When will the {statistic} be highest in the {ahead} months after {last}?",
            "Forecast the peak of the {statistic} over the next {ahead} months; the fields end in {last}.",
        ),
        answers=(
            "The {statistic} will peak in {highest_month} at {highest} {unit}.",
            "In {highest_month}, with {highest} {unit}.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "{last}之后的{ahead}个月中，{statistic}何时最高？",
            "海洋场截至{last}，预测未来{ahead}个月{statistic}的峰值。",
        ),
        answers=(
            "{statistic}将在{highest_month}达到峰值{highest} {unit}。",
            "{highest_month}，预计为{highest} {unit}。",
        ),
    ),
}
NEXT_MEAN: Phrasings = {
    ENGLISH: Phrasing(
        questions=(
            "What will the {statistic} be on average in the {ahead} months after {last}?",
            "Will the {statistic} be above or below normal in the next {ahead} months? The fields end in {last}.",
        ),
        answers=(
            "On average {mean} {unit}, which is {side}.",
            "The {statistic} will be {side}, {mean} {unit} on average.",
        ),
    ),
    CHINESE: Phrasing(
        questions=(
            "{last}之后的{ahead}个月，平均{statistic}会是多少？",
            "海洋场截至{last}，未来{ahead}个月的{statistic}会高于还是低于常年？",
        ),
        answers=("平均为{mean} {unit}，{side}。", "{statistic}将{side}，平均为{mean} {unit}。"),
    ),
}
