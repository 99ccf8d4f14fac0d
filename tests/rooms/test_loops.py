"""The rule by which conversations of machines end, as stories."""

import random
from collections.abc import Callable

import pytest

from bot.config.bot import LoopRules
from bot.journal.views import Dialogue, Hold, Round
from bot.records import LOOP_GUARD, LOOP_GUARD_PACE
from bot.rooms.loops import PAUSE_S, Held, Word, judge, leeway, reach, run, wants_more
from tests.rooms.people import NOON

NOTICE = "It looks as if a machine and I only answer each other."
RULES = LoopRules()
#: What people say to a bot in an afternoon.
TALK = (
    "what is new?", "and who did that", "ok", "thanks", "show me the list", "ok", "the other one",
    "why?", "can you make it shorter", "thanks!", "no, the one of March", "continue", "continue",
    "great", "one more thing: who is on duty tomorrow", "ok",
)  # fmt: skip


_CHANCE = random.Random(5)  # noqa: S311 - no secret


def _babble() -> str:
    """Return a text like no other."""
    return "".join(_CHANCE.choices("abcdefgh ", k=250))


class Room:
    """The Watercooler, in which Ada answers whatever the rule lets through."""

    def __init__(self, rules: LoopRules = RULES, *, bots: frozenset[str] = frozenset()) -> None:
        self.rules = rules
        self.bots = bots
        self.now = NOON.timestamp()
        self.rounds: list[Round] = []
        self.last_hold: Hold | None = None
        #: So many more messages are let through for certain.
        self.leeway = 0
        #: What Ada said last.
        self.heard = ""
        self.answered = self.announced = self.skipped = 0

    def say(
        self,
        author: str,
        text: str | None,
        *,
        after_s: float = 5.0,
        answer: str = "",
        takes_s: float = 1.0,
    ) -> Held | None:
        """Say something to Ada so long after her last word; she answers, or not."""
        self.now += after_s
        said_at = self.now
        word = Word(author=author, by_bot=author in self.bots, text=text, at=said_at)
        held = self._judge(word)
        self.now += takes_s
        if held is not None:
            self._hold(word, held)
            return held
        self.answered += 1
        self.heard = answer or f"Answer number {self.answered}, which is about {text}."
        past = Round(
            author=author,
            by_bot=word.by_bot,
            text=text,
            reply="" if text is None else f"<p>{self.heard}</p>",
            accepted_at=said_at,
            settled_at=self.now,
        )
        self.rounds.insert(0, past)
        return None

    def _judge(self, word: Word) -> Held | None:
        """See that nobody is held who was sure to be let through."""
        dialogue = self._dialogue(word)
        held = judge(word, dialogue, self.rules, notice=NOTICE)
        assert held is None or self.leeway <= 0
        self.leeway -= 1
        if held is None and self.leeway <= 0:
            self.leeway = leeway(word, dialogue, self.rules)
        return held

    def _hold(self, word: Word, held: Held) -> None:
        self.last_hold = Hold(author=word.author, text=word.text, reason=held.reason, at=self.now)
        self.skipped += held.told
        self.announced += not held.told
        if not held.told:
            self.heard = NOTICE

    def _dialogue(self, word: Word) -> Dialogue:
        rounds = tuple(self.rounds[: reach(self.rules)])
        return Dialogue(by_bot=word.by_bot, rounds=rounds, hold=self.last_hold)

    @property
    def story(self) -> tuple[int, int, int]:
        """Tell how many were answered, announced and skipped."""
        return self.answered, self.announced, self.skipped


def meet(room: Room, partner: Callable[[str], str], times: int, *, after_s: float = 2.0) -> None:
    """Have a machine answer each word of Ada's, beginning with one of its own."""
    room.say("machine", "Hello Ada, I have a question about the tea.", after_s=after_s)
    for _ in range(times):
        room.say("machine", partner(room.heard), after_s=after_s)


@pytest.mark.parametrize("after_s", [0.0, 2.0, 120.0, 1700.0])
def test_a_known_bot_is_answered_four_times(after_s: float) -> None:
    """However fast it is: then it is told once, and hears no more."""
    room = Room(bots=frozenset({"machine"}))
    number = iter(range(1000))
    meet(room, lambda heard: f"{next(number)} is what I think of {heard[-9:]}", 99, after_s=after_s)
    assert room.story == (4, 1, 95)


@pytest.mark.parametrize("after_s", [0.0, 2.0, 120.0, 1700.0])
def test_an_echo_is_answered_a_few_times(after_s: float) -> None:
    """Though nothing says that it is a machine; one message in two minutes for hours, too."""
    room = Room()
    meet(room, lambda heard: f"@Ada {heard}", 200, after_s=after_s)
    assert room.story == (5, 1, 195)


@pytest.mark.parametrize("after_s", [2.0, 120.0])
def test_an_automatic_reply_ends(after_s: float) -> None:
    """The same words again and again can be a person's, so there are four times as many answers."""
    room = Room()
    away = "Thank you for your message! I am away until Monday."
    meet(room, lambda _heard: away, 99, after_s=after_s)
    assert room.story == (18, 1, 81)


def test_politeness_ends() -> None:
    """Two machines that thank each other for the last thanks."""
    room = Room()
    for _ in range(99):
        room.say("machine", "Thanks!", answer="You are welcome!")
    assert room.story == (33, 1, 65)


def test_what_nobody_can_type_ends() -> None:
    """A text that is new each time, three seconds after ours."""
    room = Room()
    meet(room, lambda _heard: _babble(), 99, after_s=3.0)
    assert room.story == (17, 1, 82)


def test_a_fast_machine_ends() -> None:
    """Short and new each time: twenty in a minute are answered."""
    room = Room()
    for number in range(99):
        room.say("machine", f"{number * 7919}", after_s=0.1, takes_s=0.1)
    assert room.story == (20, 1, 78)
    assert room.last_hold is not None
    assert room.last_hold.reason == LOOP_GUARD_PACE


def test_a_machine_with_a_persons_pace_ends() -> None:
    """After two hundred answers without half an hour's pause or anybody else's word."""
    room = Room()
    for number in range(400):
        room.say("machine", f"{number * 7919} is a number", after_s=40.0, takes_s=10.0)
    assert room.story == (200, 1, 199)


def test_a_machine_that_goes_on_by_itself_is_not_let_in_again() -> None:
    """It is skipped as long as it does not pause, which is told once."""
    room = Room(bots=frozenset({"machine"}))
    for number in range(1000):
        room.say("machine", f"alarm {number * 7919}", after_s=60.0)
    assert room.story == (4, 1, 995)


def test_a_pause_ends_it() -> None:
    """Then the machine has the same number of answers again."""
    room = Room(bots=frozenset({"machine"}))
    meet(room, lambda heard: heard, 9)
    assert room.story == (4, 1, 5)
    room.say("machine", "Good morning!", after_s=PAUSE_S + 1)
    meet(room, lambda heard: heard, 8)
    assert room.story == (8, 2, 10)


def test_what_is_rare_is_no_loop() -> None:
    """A bot that says the same once an hour is always answered."""
    room = Room(bots=frozenset({"machine"}))
    for _ in range(200):
        room.say("machine", "The build is green.", after_s=3600.0)
    assert room.story == (200, 0, 0)


def test_a_persons_word_ends_it() -> None:
    """Kim is answered meanwhile, and then the machine is, as often as before."""
    room = Room(bots=frozenset({"machine"}))
    meet(room, lambda heard: heard, 9)
    assert room.say("kim", "ok") is None
    assert room.answered == 5
    for _ in range(9):
        room.say("machine", room.heard)
    assert room.story == (9, 2, 9)


def test_a_person_is_answered_between_machines() -> None:
    """Whatever they do to each other."""
    room = Room(bots=frozenset({"machine"}))
    for number in range(50):
        assert room.say("kim", f"{number * 7919}, Ada?", after_s=1.0) is None
        room.say("machine", room.heard)
    assert room.story == (100, 0, 0)


def test_who_was_taken_for_a_machine_need_only_say_something() -> None:
    """In words of their own, at once."""
    room = Room()
    for _ in range(34):
        room.say("kim", "continue")
    assert room.story == (1 + 32, 1, 0)
    assert room.say("kim", "continue") == Held(reason=LOOP_GUARD, told=True)
    assert room.say("kim", "no, I am a person") is None
    assert room.say("kim", "continue") is None


def test_an_echo_of_the_announcement_is_skipped() -> None:
    """The announcement is not the beginning of the next round."""
    room = Room()
    meet(room, lambda heard: heard, 6)
    assert room.heard == NOTICE
    assert room.say("machine", NOTICE) == Held(reason=LOOP_GUARD, told=True)


def test_two_echoes_take_no_turns_with_each_other() -> None:
    """Neither of them is a person to whom the other one owes its answers."""
    room = Room()
    for _ in range(100):
        room.say("machine", room.heard or "Hello Ada, I have a question.")
        room.say("parrot", room.heard)
    assert room.announced == 1
    assert room.answered <= 6


def test_twenty_people_who_chat_quickly_are_not_hit() -> None:
    """Each says what people say, over and over, and reads no answer to the end."""
    room = Room()
    for number in range(1000):
        author = f"person {number * 7 % 20}"
        room.say(author, TALK[number * 11 % len(TALK)], after_s=0.2, takes_s=0.3)
    assert room.story == (1000, 0, 0)


def test_one_person_who_writes_quickly_is_not_hit() -> None:
    """Fifteen messages, each right after the answer."""
    room = Room()
    for text in TALK[:15]:
        room.say("kim", text, after_s=0.5, takes_s=0.5)
    assert room.story == (15, 0, 0)


@pytest.mark.parametrize("text", ["ok", "thanks", "continue", "yes", "👍", "what is new today?"])
def test_one_person_who_repeats_a_word_is_not_hit(text: str) -> None:
    """Ten times in a minute."""
    room = Room()
    for _ in range(10):
        room.say("kim", text, after_s=4.0, takes_s=2.0)
    assert room.story == (10, 0, 0)


def test_a_game_of_questions_is_not_hit() -> None:
    """Yes and no, a, b, c and d, or where to go next: the same few words for an evening."""
    for answers in (("yes", "no"), ("a", "b", "c", "d"), ("north", "south", "look", "take lamp")):
        room = Room()
        for _ in range(150):
            room.say("kim", _CHANCE.choice(answers), after_s=8.0, takes_s=2.0)
        assert room.story == (150, 0, 0)


def test_a_person_who_pastes_is_not_hit() -> None:
    """Long texts, one after the other, faster than anybody types."""
    room = Room()
    for _ in range(15):
        room.say("kim", _babble(), after_s=4.0)
    assert room.story == (15, 0, 0)


def test_a_long_talk_of_one_person_is_not_hit() -> None:
    """Two hundred messages in a day, with a pause for lunch."""
    room = Room()
    for number in range(250):
        pause = PAUSE_S + 1 if number == 120 else 45.0
        room.say("kim", f"{number * 7919}: {TALK[number % len(TALK)]}", after_s=pause)
    assert room.story == (250, 0, 0)


def test_what_is_off_the_record_is_not_compared() -> None:
    """Nobody is taken for a machine by it; of bots and of pace alone it can be seen."""
    room = Room()
    for _ in range(50):
        room.say("kim", None)
    assert room.say("kim", _babble(), after_s=1.0) is None
    assert room.story == (51, 0, 0)
    room = Room(bots=frozenset({"machine"}))
    for _ in range(50):
        room.say("machine", None)
    assert room.story == (4, 1, 45)
    room = Room()
    for _ in range(50):
        room.say("machine", None, after_s=0.1, takes_s=0.1)
    assert room.story == (20, 1, 29)


def test_many_messages_at_once_are_no_loop() -> None:
    """What was sent before our answer is no reaction to it; other bounds are for that."""
    room = Room()
    for number in range(60):
        room.say("kim", "hello?", after_s=0.01 - (number > 0), takes_s=0.99)
    assert room.story == (60, 0, 0)


def test_a_burst_that_was_refused_is_no_talk() -> None:
    """Five hundred messages in a second are told of in one sentence; the next one is answered."""
    room = Room()
    room.say("kim", "hello?")
    burst = Round(
        author="kim",
        by_bot=False,
        text="hello?",
        reply="",
        accepted_at=room.now + 1.0,
        settled_at=room.now + 3.0,
    )
    room.rounds[:0] = [burst] * 500
    room.now += 3.0
    assert room.say("kim", "are you still there?") is None
    assert room.say("kim", "hello?") is None


def test_a_bot_file_sets_the_bounds() -> None:
    """The depth of a chain, and the rate."""
    room = Room(LoopRules(depth=1, rate=2), bots=frozenset({"machine"}))
    meet(room, lambda heard: heard, 9)
    assert room.story == (1, 1, 8)
    room = Room(LoopRules(depth=1, rate=2))
    for number in range(9):
        room.say("machine", f"{number * 7919}", after_s=0.1, takes_s=0.1)
    assert room.story == (2, 1, 6)


def test_nearly_always_a_few_rounds_tell_enough() -> None:
    """More are read of a chain, and of a talk of two."""
    room = Room()
    for author, text in zip(("kim", "lee") * 8, TALK, strict=True):
        room.say(author, text)
    word = Word(author="kim", by_bot=False, text="who is on duty?", at=room.now)
    assert not wants_more(word, Dialogue(by_bot=False, rounds=tuple(room.rounds[:8]), hold=None))
    room = Room()
    for _ in range(8):
        room.say("kim", "continue")
    dialogue = Dialogue(by_bot=False, rounds=tuple(room.rounds), hold=None)
    assert wants_more(word, dialogue)
    assert len(run(word, dialogue.rounds)) == 8
    assert not wants_more(word, Dialogue(by_bot=False, rounds=(), hold=None))


def test_a_burst_that_is_refused_is_no_loop() -> None:
    """Who sent hundreds of messages at once is answered when they were told so."""
    room = Room()
    at = room.now
    room.rounds = [
        Round(
            author="kim",
            by_bot=False,
            text=f"message {number * 7919}",
            reply="Too many.",
            accepted_at=at + number / 1000,
            settled_at=at + 2.0,
        )
        for number in reversed(range(500))
    ]
    room.now += 2.0
    assert room.say("kim", "sorry, my cat sat on the keyboard", after_s=20.0) is None
