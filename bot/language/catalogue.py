"""Which sentences a bot's language has."""

from bot.config.bot import Language
from bot.language.chinese import CHINESE
from bot.language.english import ENGLISH
from bot.language.french import FRENCH
from bot.language.german import GERMAN
from bot.language.phrases import Phrases
from bot.language.spanish import SPANISH


def phrases_of(language: Language) -> Phrases:
    """Return the sentences of *language*. mypy sees to it that none is forgotten."""
    match language:
        case "en":
            return ENGLISH
        case "de":
            return GERMAN
        case "fr":
            return FRENCH
        case "es":
            return SPANISH
        case "zh":
            return CHINESE
