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
    stopped_one="I have stopped.",
    stopped_many="I have stopped. That ended {count} messages.",
    nothing_to_stop="There was nothing of yours to stop.",
    renewed="This is a new conversation. I have forgotten the one before.",
    renewed_later="This is a new conversation. I finish what was asked before, and then forget it.",
    running="I am answering {name}, for {seconds} s now.",
    quiet="I am not answering anything right now.",
    waiting_one="One message waits.",
    waiting_many="{count} messages wait.",
    session_hot="Our conversation is open. Answers in it so far: {turns}.",
    session_warm="Our conversation is put aside, and goes on from there. Answers in it so far:"
    " {turns}.",
    session_cold="The next message begins a new conversation.",
    usage="Answers in this conversation: {turns}, for {dollars} US dollars.",
    usage_all="Answers in all my conversations that are kept ({sessions}): {turns}, for {dollars}"
    " US dollars.",
    not_allowed='You may not use "{command}" here. An operator can.',
    commands="Write what you need after my name. These words, alone after it, I obey at once:",
    does_stop="ends what you have asked and I have not answered yet.",
    does_stop_all="ends whatever I have been asked here and have not answered yet.",
    does_new="begins a new conversation, and forgets this one once I have answered what was"
    " asked before.",
    does_status="tells what I am doing.",
    does_help="tells this.",
    does_usage="tells how much this conversation has cost.",
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
    busy="I am still busy with another message here, so I leave this one out. Please ask"
    " again later.",
    busy_more="I am still busy with another message here, so I leave out {count} messages of"
    " yours. Please ask again later.",
    too_many="Too many of your messages wait for me here already, so I leave this one out."
    " Please ask again later.",
    too_many_more="Too many of your messages wait for me here already, so I leave out {count} more."
    " Please ask again later.",
    crowded="Too many messages wait for me in this room already, so I leave this one out."
    " Please ask again later.",
    crowded_more="Too many messages wait for me in this room already, so I leave out {count} of"
    " yours. Please ask again later.",
)
