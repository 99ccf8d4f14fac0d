"""The sentences in English, which the others translate."""

from bot.language.phrases import Phrases

ENGLISH = Phrases(
    bare="Yes? Write what you need after my name, in the same message.",
    working="I am still working on this.",
    bug="Something went wrong on my side, and I could not answer this message."
    " The operator can see why.",
    crashed="I broke down each time I tried to answer this message, so I leave it."
    " The operator can see why.",
    left_out="I also made files that are too large to be posted, or too many: {names}.",
    looped="It looks as if a machine and I only answer each other, so I stop here. I answer again"
    " when a person speaks to me, or after a pause of half an hour.",
    overloaded="The model is overloaded right now. Please try again in a few minutes.",
    unavailable="The model cannot be reached right now. Please try again in a few minutes.",
    rate_limit="The model's rate limit is reached. Please try again in a few minutes.",
    billing="The model's account has no credit left. The operator has to see to it.",
    key="The model does not accept my key. The operator has to see to it.",
    max_turns="This took more steps than I may take. Please ask for less at once.",
    budget="My budget for this conversation is used up. The operator can raise it.",
    model_failed="The model could not answer this message.",
    timed_out="This took too long, so I stopped. Please try again, or ask for less at once.",
    not_started="I could not start thinking about this message. The operator can see why.",
    no_place="I am busy in too many other rooms right now. Please try again in a few minutes.",
    died="I broke off twice while thinking about this message. Please try again.",
)
