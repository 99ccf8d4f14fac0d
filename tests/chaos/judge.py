"""Judges a run by what the chat and the model have seen. Pure.

The server's journal is believed in three things only: when it accepted and started something,
that a reply is a sentence of its own or none at all, and what it marked as a possible duplicate.
Whether something was acknowledged, answered, shown twice or asked twice, chat and model know.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

from tests.chaos.plan import Blow
from tests.chaos.records import Asked, History, Life, Row, Sent, Shown
from tests.chaos.recovery import Recovery, recoveries

#: Ids of the bots, as questions number them.
BOTS = ("ada", "bo")
OUTCOMES = ("answered", "told", "stopped", "skipped", "dead", "open")
#: What the webhook says of what it has on disk, and of what it cannot write.
_ACKNOWLEDGED, _UNAVAILABLE = 204, 503
_ENDED = ("accepted", "answered", "told", "stopped", "skipped", "dead")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a run was like."""

    #: Figures by their names, in the order in which they are shown.
    figures: Mapping[str, int | float | str]
    recoveries: tuple[Recovery, ...]
    #: What must never be; empty for a good run.
    violations: tuple[str, ...]


def judge(history: History) -> Verdict:
    """Return figures and violations."""
    case = _Case(history)
    kinds = {
        "lost": list(case.lost()),
        "never arrived, not caught up with": list(case.missed()),
        "acknowledged, not in the journal": list(case.unknown()),
        "acknowledged while the disk was full": list(case.impossible()),
        "shown twice without a mark": list(case.unmarked()),
        "notices shown too often": list(case.superfluous_notices()),
        "placeholders left behind": list(case.placeholders()),
        "said too often that it takes long": list(case.superfluous_signs()),
        "started out of order": list(case.disorder()),
        "shown out of order": list(case.shown_disorder()),
        "asked twice in one conversation": list(case.repeated()),
        "dead, not shown": list(case.dead()),
        "equation wrong": list(case.wrong_equations()),
        "server": list(case.bad_ends()),
    }
    figures = case.figures() | {name: len(found) for name, found in kinds.items()}
    violations = [f"{name}: {what}" for name, found in kinds.items() for what in found]
    if not history.settled:
        violations.append(f"not settled: {figures['still open']} open when the time was up")
    return Verdict(
        figures=figures, recoveries=tuple(recoveries(history)), violations=tuple(violations)
    )


class _Case:
    """A history, looked up by message and by room."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._rows = {row.message_id: row for row in history.rows}
        said = [shown for shown in history.shown if not shown.growing]
        self._marks = Counter(mark for shown in said for mark in shown.marks)

    # ---- figures ----

    def figures(self) -> dict[str, int | float | str]:
        asked = self._history.asked
        acknowledged = [one for one in asked if one.acknowledged_at is not None]
        asked_again = Counter(p.number for p in self._history.prompts if p.number is not None)
        return {
            "messages": len(asked),
            "acknowledged": len(acknowledged),
            "never acknowledged": len(asked) - len(acknowledged),
            "  of these answered nevertheless": sum(
                self._answered(one) for one in asked if one.acknowledged_at is None
            ),
            "acknowledged or caught up": sum(one.message_id in self._rows for one in asked),
            "webhook requests": sum(len(one.deliveries) for one in asked),
            "  without an answer": sum(s.status is None for o in asked for s in o.deliveries),
            "  refused": sum(s.status not in (None, 204) for o in asked for s in o.deliveries),
            "  refused while the disk was full": sum(
                sent.status == _UNAVAILABLE for _, sent in self._sent_while_full()
            ),
            "answered": sum(self._answered(one) for one in acknowledged),
            "told": sum(self._outcome(one) == "told" for one in acknowledged),
            "still open": sum(row.state == "open" for row in self._history.rows),
            "dead letters": sum(row.state == "dead" for row in self._history.rows),
            "answers that grew": sum(bool(s.marks and s.edits) for s in self._history.shown),
            "told that it takes long": sum(shown.working for shown in self._history.shown),
            "duplicates shown": sum(count - 1 for count in self._marks.values()),
            "parts marked as possible duplicates": sum(row.marked for row in self._history.rows),
            "prompts for a question that had one before": sum(c - 1 for c in asked_again.values()),
            "blows": sum(self._history.blows.values()),
            **{f"  {blow}": count for blow, count in sorted(self._history.blows.items())},
            "troubles": sum(self._history.troubles.values()),
            **{f"  {trouble}": count for trouble, count in sorted(self._history.troubles.items())},
            "starts of the server": len(self._history.lives),
            "  that ended on a full disk": sum(
                life.ended_by is None and _met_a_full_disk(life, self._history)
                for life in self._history.lives
            ),
            "polls of the equation": len(self._history.polls),
            **{f"chat: {kind}": count for kind, count in sorted(self._history.complaints.items())},
            "seconds": round(self._history.took_s, 1),
        }

    # ---- violations ----

    def lost(self) -> Iterator[str]:
        """Yield what was acknowledged and came to nothing that a person could see.

        What is open is not lost yet; that it is still open in the end is a violation of its own.
        """
        for one in self._history.asked:
            outcome = self._outcome(one)
            if one.acknowledged_at is None or self._answered(one):
                continue
            if outcome not in ("told", "dead", "open"):
                parts = sum(self._marks[mark] > 0 for mark in one.question.marks)
                yield f"{_name(one)} ({outcome}; {parts}/{len(one.question.marks)} parts shown)"
        for room, missing in self._notice_balance():
            if missing < 0:
                yield f"room {room}: {-missing} notices are in the journal and not in the room"

    def missed(self) -> Iterator[str]:
        """Yield what a room's history shows, and no server has found there."""
        if self._history.has_history:
            yield from map(_name, missed(self._history.asked, self._history.rows))

    def unknown(self) -> Iterator[str]:
        """Yield what was acknowledged and is not on disk."""
        for one in self._history.asked:
            if one.acknowledged_at is not None and one.message_id not in self._rows:
                yield _name(one)

    def impossible(self) -> Iterator[str]:
        """Yield what was acknowledged although it could not be on disk."""
        for one, sent in self._sent_while_full():
            if sent.status == _ACKNOWLEDGED:
                yield _name(one)

    def unmarked(self) -> Iterator[str]:
        """Yield what stands in a room more often than the journal knows to be possible."""
        for one in self._history.asked:
            row = self._rows.get(one.message_id)
            extra = sum(max(0, self._marks[mark] - 1) for mark in one.question.marks)
            spare = 0 if row is None else row.spare
            if extra > spare:
                yield f"{_name(one)}: {extra} shown again, {spare} marked"

    def superfluous_notices(self) -> Iterator[str]:
        """Yield rooms with more sentences of the server than it knows to be possible."""
        spare = Counter[int]()
        for row in self._history.rows:
            spare[row.room] += row.spare_notices
        for room, extra in self._notice_balance():
            if extra > spare[room]:
                yield f"room {room}: {extra} too many, {spare[room]} marked"

    def placeholders(self) -> Iterator[str]:
        """Yield what says that an answer goes on, when there is none that could."""
        for shown in self._history.shown:
            if shown.growing:
                yield f"room {shown.room}: message {shown.message_id}: {shown.text!r}"

    def superfluous_signs(self) -> Iterator[str]:
        """Yield rooms that were told more often that it takes long than the journal knows."""
        said = Counter(shown.room for shown in self._history.shown if shown.working)
        known = Counter[int]()
        for row in self._history.rows:
            known[row.room] += row.working
        for room, count in sorted(said.items()):
            if count > known[room]:
                yield f"room {room}: {count} times, {known[room]} known"

    def disorder(self) -> Iterator[str]:
        """Yield where a message was started while an accepted, lower one of its lane was open."""
        for rows in _by_lane(self._history.rows).values():
            for low, high in combinations(sorted(rows, key=lambda row: row.message_id), 2):
                for start in high.starts:
                    if low.accepted_at < start and (
                        low.settled_at is None or start < low.settled_at
                    ):
                        yield f"lane {low.lane}: {high.message_id} started before {low.message_id}"

    def shown_disorder(self) -> Iterator[str]:
        """Yield answers that stand in the wrong order in a room, whatever the journal says of them.

        Wrong is: the lower message was acknowledged before the higher one was first started, and
        is answered after it.
        """
        answers = self._answers()
        rooms: dict[int, list[tuple[Asked, int]]] = {}
        for one in self._history.asked:
            answer = answers.get(one.question.marks[0])
            if answer is not None:
                rooms.setdefault(one.room, []).append((one, answer.message_id))
        for room in rooms.values():
            ordered = sorted(room, key=lambda pair: pair[0].message_id)
            for (low, low_answer), (high, high_answer) in combinations(ordered, 2):
                if low_answer > high_answer and self._had_to_come_first(low, high):
                    yield f"room {low.room}: {_name(high)} before {_name(low)}"

    def repeated(self) -> Iterator[str]:
        """Yield what one conversation with the model held twice."""
        found = Counter(number for prompt in self._history.prompts for number in prompt.repeated)
        for number, count in sorted(found.items()):
            yield f"question {number} ({count} prompts)"

    def dead(self) -> Iterator[str]:
        """Yield messages that were given up although nothing was wrong with them."""
        by_id = {one.message_id: one for one in self._history.asked}
        for row in self._history.rows:
            one = by_id.get(row.message_id)
            if row.state == "dead" and (one is None or not self._answered(one)):
                yield f"message {row.message_id}: {(row.reason or '')[-300:]}"

    def wrong_equations(self) -> Iterator[str]:
        """Yield polls whose sum is wrong, counters that went back, and a wrong end."""
        for poll in self._history.polls:
            if poll.counts["accepted"] != sum(poll.counts[name] for name in OUTCOMES):
                yield f"{dict(poll.counts)}"
        for before, after in pairwise(self._history.polls):
            back = [name for name in _ENDED if after.counts[name] < before.counts[name]]
            if back:
                yield f"went back: {back}, {dict(before.counts)} then {dict(after.counts)}"
        yield from self._wrong_end()

    def bad_ends(self) -> Iterator[str]:
        """Yield what a process of the server left behind, or that it ended by itself."""
        for number, life in enumerate(self._history.lives):
            yield from (f"start {number}: {what}" for what in _bad_end(life, self._history))

    # ---- the pieces ----

    def _answered(self, one: Asked) -> bool:
        return all(self._marks[mark] for mark in one.question.marks)

    def _sent_while_full(self) -> Iterator[tuple[Asked, Sent]]:
        """Yield the requests that began and ended within a time of a full disk."""
        for window in self._history.full:
            for one in self._history.asked:
                for sent in one.deliveries:
                    if window.begin < sent.began and sent.ended < window.end:
                        yield one, sent

    def _outcome(self, one: Asked) -> str:
        row = self._rows.get(one.message_id)
        return "unknown" if row is None else row.state

    def _answers(self) -> dict[str, Shown]:
        """Return where each mark stands first."""
        found: dict[str, Shown] = {}
        for shown in sorted(self._history.shown, key=lambda shown: shown.message_id):
            for mark in shown.marks:
                found.setdefault(mark, shown)
        return found

    def _had_to_come_first(self, low: Asked, high: Asked) -> bool:
        row, acknowledged = self._rows.get(high.message_id), low.acknowledged_at
        if row is None or not row.starts or acknowledged is None:
            return False
        return acknowledged < row.starts[0]

    def _notice_balance(self) -> Iterator[tuple[int, int]]:
        """Yield by how many the notices in each room exceed those of the journal."""
        notices = [s for s in self._history.shown if not (s.marks or s.growing or s.working)]
        said = Counter(shown.room for shown in notices)
        known = Counter[int]()
        for row in self._history.rows:
            known[row.room] += row.notices
        for room in sorted(said.keys() | known.keys()):
            if said[room] != known[room]:
                yield room, said[room] - known[room]

    def _wrong_end(self) -> Iterator[str]:
        if not self._history.polls:
            yield "it was never read"
            return
        if not self._history.settled:
            return
        last, states = self._history.polls[-1].counts, Counter(r.state for r in self._history.rows)
        counted = {name: last[name] for name in OUTCOMES if last[name] != states[name]}
        if last["accepted"] != len(self._history.rows) or counted:
            yield f"in the end {dict(last)}, but the rows are {dict(states)}"


def missed(asked: Iterable[Asked], rows: Iterable[Row]) -> Iterator[Asked]:
    """Yield what was said in a room where the bot had been heard before, and is not accepted."""
    known: dict[tuple[int, str], float] = {}
    accepted = set[int]()
    for row in rows:
        place = (row.room, row.bot)
        known[place] = min(row.accepted_at, known.get(place, row.accepted_at))
        accepted.add(row.message_id)
    for one in asked:
        heard_at = known.get((one.room, BOTS[one.question.bot]))
        if one.message_id not in accepted and heard_at is not None and heard_at < one.said_at:
            yield one


def _name(one: Asked) -> str:
    return f"question {one.question.number} (message {one.message_id})"


def _by_lane(rows: tuple[Row, ...]) -> dict[str, list[Row]]:
    lanes: dict[str, list[Row]] = {}
    for row in rows:
        lanes.setdefault(row.lane, []).append(row)
    return lanes


def _met_a_full_disk(life: Life, history: History) -> bool:
    """Whether it ended as a start on a full disk has to: with one sentence."""
    full = any(life.started < w.end and w.begin < life.ended for w in history.full)
    return full and life.status == 1 and life.listening is None and len(life.words) == 1


def _bad_end(life: Life, history: History) -> Iterator[str]:
    if any(word.startswith("Traceback") for word in life.words):
        yield f"it printed a traceback: {life.words[-1]}"
    if life.orphans:
        yield f"{life.orphans} children outlived it"
    if life.zombies:
        yield f"{life.zombies} children were not waited for"
    if life.hung:
        yield "it did not end when it was told to"
    if life.ended_by is None and not _met_a_full_disk(life, history):
        yield f"it ended by itself, with status {life.status}"
    if life.ended_by is Blow.TERM and not life.hung and life.status and life.listening:
        yield f"it was told to end and did so with status {life.status}"
