"""The words in which answers about fields say what was computed, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)

# measure -> what was computed -> language -> word. No word of a measure is a part of another one.
SAID: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "direction": {
        "rises": {ENGLISH: "rises", CHINESE: "上升"},
        "falls": {ENGLISH: "falls", CHINESE: "下降"},
        "stays": {ENGLISH: "stays level", CHINESE: "持平"},
    },
    "phase": {
        "warm": {ENGLISH: "El Nino", CHINESE: "厄尔尼诺"},
        "cold": {ENGLISH: "La Nina", CHINESE: "拉尼娜"},
        "neutral": {ENGLISH: "neutral", CHINESE: "中性"},
    },
    "side": {
        "positive": {ENGLISH: "above normal", CHINESE: "高于常年"},
        "negative": {ENGLISH: "below normal", CHINESE: "低于常年"},
        "none": {ENGLISH: "close to normal", CHINESE: "接近常年"},
    },
}

NAMES: Mapping[str, Mapping[str, str]] = {
    "nino12": {ENGLISH: "Nino1+2 index", CHINESE: "Nino1+2指数"},
    "nino3": {ENGLISH: "Nino3 index", CHINESE: "Nino3指数"},
    "nino34": {ENGLISH: "Nino3.4 index", CHINESE: "Nino3.4指数"},
    "nino4": {ENGLISH: "Nino4 index", CHINESE: "Nino4指数"},
    "sst_mean": {ENGLISH: "mean sea surface temperature anomaly", CHINESE: "区域平均海表温度距平"},
    "taux_nino4": {ENGLISH: "eastward wind stress anomaly in Nino4", CHINESE: "Nino4区纬向风应力距平"},
    "taux_nino34": {ENGLISH: "eastward wind stress anomaly in Nino3.4", CHINESE: "Nino3.4区纬向风应力距平"},
    "tauy_nino4": {ENGLISH: "northward wind stress anomaly in Nino4", CHINESE: "Nino4区经向风应力距平"},
    "tauy_nino34": {ENGLISH: "northward wind stress anomaly in Nino3.4", CHINESE: "Nino3.4区经向风应力距平"},
}
# Neither unit has a digit that could be taken for a number of the answer.
DEGREES, STRESS = "°C", "N/m²"


def word(measure: str, computed: str, language: str) -> str:
    """How it is said."""
    return SAID[measure][computed][language]


def computed_by(measure: str, said: str) -> str:
    """What a word says was computed; empty for a word of no language."""
    return next((computed for computed, words in SAID[measure].items() if said in words.values()), "")


def opposites(measure: str, said: str) -> tuple[str, ...]:
    """The other words of the measure, in all languages."""
    kept = computed_by(measure, said)
    return tuple(
        word for computed, words in SAID[measure].items() if computed != kept for word in sorted(words.values())
    )
