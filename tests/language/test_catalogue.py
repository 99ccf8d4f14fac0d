"""Every language says everything that Hearth says, and nothing in another language."""

import dataclasses
import re
from string import Formatter
from typing import get_args

import pytest

from bot.config.bot import Language
from bot.language.catalogue import phrases_of
from bot.language.english import ENGLISH
from bot.language.phrases import Phrases

LANGUAGES: tuple[Language, ...] = get_args(Language)
OTHERS = tuple(language for language in LANGUAGES if language != "en")
#: Words of English sentences that none of the other languages has.
ENGLISH_WORDS = {"the", "this", "my", "please", "again", "and", "operator", "could", "what"}
#: A help ends with a list.
_ENDS = (".", "?", "!", ":", "。", "？", "！", "：")  # noqa: RUF001 - Chinese


def sentences(language: Language) -> dict[str, str]:
    """Return what a language says, by the name of the sentence."""
    return dataclasses.asdict(phrases_of(language))


def fields(sentence: str) -> set[str]:
    """Return what is filled into a sentence."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_at_least_five_languages_are_shipped() -> None:
    """English and four others, each with sentences of its own."""
    assert len({id(phrases_of(language)) for language in LANGUAGES}) == len(LANGUAGES) >= 5


def test_every_sentence_is_a_must() -> None:
    """No field has a default, so mypy finds a language that forgets one."""
    assert all(
        field.default is field.default_factory is dataclasses.MISSING and field.type is str
        for field in dataclasses.fields(Phrases)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_whole(language: Language) -> None:
    """It has something to say, on one line, with single spaces and an end."""
    for name, sentence in sentences(language).items():
        assert sentence == " ".join(re.split(r"[ \n\t]+", sentence.strip(" "))), name
        assert re.search(r"\w{2}", sentence), name
        assert sentence.endswith(_ENDS), name


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_what_the_original_names(language: Language) -> None:
    """Whoever fills in a number or a name need not know the language."""
    for name, sentence in sentences(language).items():
        assert fields(sentence) == fields(sentences("en")[name]), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_field_has_a_name(language: Language) -> None:
    """No field is counted, and none does more than to be filled in."""
    for name, sentence in sentences(language).items():
        for _, field, form, conversion in Formatter().parse(sentence):
            assert field is None or (field.isidentifier() and not (form or conversion)), name


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_over(language: Language) -> None:
    """Neither a whole sentence nor a word of one."""
    for name, sentence in sentences(language).items():
        assert sentence != sentences("en")[name], name
        assert not ENGLISH_WORDS & set(re.findall(r"\w+", sentence.lower())), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_occasions_have_the_same_sentence(language: Language) -> None:
    """A room can tell what happened: nothing was pasted and forgotten."""
    said = list(sentences(language).values())
    assert len(set(said)) == len(said)


def test_chinese_is_written_in_chinese() -> None:
    """With its own punctuation, and without a space."""
    for name, sentence in sentences("zh").items():
        assert re.search("[\N{CJK UNIFIED IDEOGRAPH-4E00}-\u9fff]{3}", sentence), name
        assert not re.search(r"[,.?!:;] ?", re.sub(r"\{\w+\}", "", sentence)), name


def test_english_is_plain_ascii() -> None:
    """What a terminal or a log shows of it is what the room sees."""
    assert all(sentence.isascii() for sentence in dataclasses.astuple(ENGLISH))
