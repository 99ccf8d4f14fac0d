"""The tables, and the way from each version of them to the next.

A released migration is never changed: a new one is appended. `PRAGMA user_version` counts
how many of them a file has seen.
"""

import sqlite3
from pathlib import Path

from bot.errors import JournalUnavailable

# AUTOINCREMENT, because retention may delete the newest row, and a number that was given out
# must never name another message. Times are REAL seconds since the epoch.
_FIRST = (
    """
    CREATE TABLE inbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        platform TEXT NOT NULL,
        bot TEXT NOT NULL,
        message_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        room TEXT NOT NULL,
        room_name TEXT,
        direct INTEGER NOT NULL,
        position INTEGER NOT NULL,
        author_id TEXT NOT NULL,
        author_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        html TEXT,
        received_at REAL NOT NULL,
        accepted_at REAL NOT NULL,
        state TEXT NOT NULL DEFAULT 'open',  -- or an Outcome
        verdict TEXT,                        -- the Outcome to come, once the reply is frozen
        answer TEXT,                         -- the reply as text, until it moves to the history
        reason TEXT,
        settled_at REAL,
        dropped_at REAL,                     -- when an operator took a dead letter off the list
        joined INTEGER,                      -- in whose turn it is answered; NULL: in its own
        stopped_by INTEGER,                  -- the command that has ended it, by its number here
        off_record INTEGER NOT NULL DEFAULT 0,
        UNIQUE (platform, bot, message_id)
    ) STRICT
    """,
    # state last, although it is always the same: counting needs no rows then
    "CREATE INDEX inbox_open ON inbox (lane, position, seq, state) WHERE state = 'open'",
    # a reply that may be half in the room goes before whatever is next
    """
    CREATE INDEX inbox_frozen ON inbox (lane, position, seq)
    WHERE state = 'open' AND verdict IS NOT NULL
    """,
    "CREATE INDEX inbox_joined ON inbox (joined) WHERE joined IS NOT NULL",
    "CREATE INDEX inbox_settled ON inbox (settled_at) WHERE state <> 'open'",
    # what was said in a room lately; a message that is only accepted is in none of these
    """
    CREATE INDEX inbox_said ON inbox (platform, bot, room, settled_at)
    WHERE state IN ('answered', 'told')
    """,
    """
    CREATE INDEX inbox_held ON inbox (platform, bot, room, settled_at)
    WHERE reason IN ('loop_guard', 'loop_guard: pace')
    """,
    "CREATE INDEX inbox_dead ON inbox (seq) WHERE state = 'dead' AND dropped_at IS NULL",
    "CREATE INDEX inbox_stopped ON inbox (stopped_by) WHERE stopped_by IS NOT NULL",
    "CREATE INDEX inbox_off_record ON inbox (message_id) WHERE off_record",
    """
    CREATE TABLE attempts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        entry INTEGER NOT NULL REFERENCES inbox ON DELETE CASCADE,
        number INTEGER NOT NULL,
        prompt_uuid TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL,
        alone INTEGER NOT NULL,              -- no other turn ran: a crash is this one's doing
        state TEXT NOT NULL,
        started_at REAL NOT NULL,
        ended_at REAL,
        error TEXT,
        behind INTEGER,                      -- the attempt during which it was sent, as an addition
        heard INTEGER,                       -- up to this position the room's talk came along
        UNIQUE (entry, number)
    ) STRICT
    """,
    "CREATE INDEX attempts_behind ON attempts (behind, seq) WHERE behind IS NOT NULL",
    # additions that the child has, and that go before what waits
    """
    CREATE INDEX attempts_added ON attempts (seq, entry)
    WHERE state = 'running' AND behind IS NOT NULL
    """,
    "CREATE INDEX attempts_session ON attempts (session_id, seq)",
    "CREATE UNIQUE INDEX attempts_running ON attempts (entry) WHERE state = 'running'",
    """
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        entry INTEGER NOT NULL REFERENCES inbox ON DELETE CASCADE,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        html TEXT NOT NULL,
        state TEXT NOT NULL,
        remote_id TEXT,
        tries INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0,
        possible_duplicate INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        created_at REAL NOT NULL,
        sent_at REAL,
        posted_at REAL,
        file TEXT,                           -- the name, when the part is a file
        UNIQUE (entry, kind, number)
    ) STRICT
    """,
    # until the part is posted; apart, since whoever reads a part seldom needs it
    """
    CREATE TABLE file (
        part INTEGER PRIMARY KEY REFERENCES outbox ON DELETE CASCADE,
        content BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX outbox_remote ON outbox (remote_id) WHERE remote_id IS NOT NULL",
    # signs of progress that are to be brought to an end
    """
    CREATE INDEX outbox_signs ON outbox (entry)
    WHERE kind = 'progress' AND number < 2 AND state <> 'dead'
    """,
    # here, since a message ends in more than one place; the ids stay: they say what to leave out
    """
    CREATE TRIGGER inbox_withheld AFTER UPDATE OF state ON inbox
    WHEN NEW.off_record AND NEW.state <> 'open' BEGIN
        UPDATE inbox SET text = '', html = NULL, answer = NULL WHERE seq = NEW.seq;
        DELETE FROM file WHERE part IN (SELECT seq FROM outbox WHERE entry = NEW.seq);
        UPDATE outbox SET html = '', file = CASE WHEN file IS NOT NULL THEN '' END
        WHERE entry = NEW.seq AND kind <> 'progress';
    END
    """,
    """
    CREATE TABLE counters (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT
    """,
    """
    INSERT INTO counters VALUES
        ('accepted', 0), ('answered', 0), ('told', 0), ('stopped', 0), ('skipped', 0), ('dead', 0)
    """,
    # here, since messages that arrive together then take one statement
    """
    CREATE TRIGGER inbox_accepted AFTER INSERT ON inbox BEGIN
        UPDATE counters SET value = value + 1 WHERE name = 'accepted';
    END
    """,
    # whatever ends a message, what was to be answered in its turn and has not ended waits again
    """
    CREATE TRIGGER inbox_ended AFTER UPDATE OF state ON inbox
    WHEN old.state = 'open' AND new.state <> 'open' BEGIN
        UPDATE inbox SET joined = NULL WHERE joined = new.seq AND state = 'open';
    END
    """,
    """
    CREATE TABLE history (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        platform TEXT NOT NULL,
        bot TEXT NOT NULL,
        room TEXT NOT NULL,
        author_id TEXT NOT NULL,
        author_name TEXT NOT NULL,
        question TEXT NOT NULL,
        answer TEXT,                         -- NULL: the next one's, which answered both
        settled_at REAL NOT NULL,
        position INTEGER NOT NULL            -- of the question
    ) STRICT
    """,
    # author_id last: one person's exchanges are picked within the index, newest first
    "CREATE INDEX history_room ON history (platform, bot, room, seq, author_id)",
    "CREATE INDEX history_settled ON history (settled_at)",
    """
    CREATE TABLE room (
        lane TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 1
    ) STRICT
    """,
    """
    CREATE TABLE place (
        platform TEXT NOT NULL,
        bot TEXT NOT NULL,
        room TEXT NOT NULL,
        room_name TEXT,
        direct INTEGER NOT NULL,
        cursor TEXT,                         -- last message read from the room's history
        used_at REAL NOT NULL,
        PRIMARY KEY (platform, bot, room)
    ) STRICT
    """,
    # authors whom a platform called bots, ours among them
    """
    CREATE TABLE known_bot (
        platform TEXT NOT NULL,
        author_id TEXT NOT NULL,
        author_name TEXT NOT NULL,
        PRIMARY KEY (platform, author_id)
    ) STRICT
    """,
    """
    CREATE TABLE horizon (                   -- before it, nothing is remembered
        platform TEXT NOT NULL,
        bot TEXT NOT NULL,
        room TEXT NOT NULL,
        user TEXT NOT NULL,                  -- '' for the room's own session
        position INTEGER NOT NULL,           -- of the command that set it
        owed INTEGER NOT NULL,               -- the session from before it may still be there
        accepted_at REAL NOT NULL,
        PRIMARY KEY (platform, bot, room, user)
    ) STRICT
    """,
    """
    CREATE TABLE halt (                      -- the last stop
        platform TEXT NOT NULL,
        bot TEXT NOT NULL,
        room TEXT NOT NULL,
        author TEXT NOT NULL,                -- '' for everybody
        position INTEGER NOT NULL,
        entry INTEGER NOT NULL,              -- its number in the inbox
        PRIMARY KEY (platform, bot, room, author)
    ) STRICT
    """,
    """
    CREATE TABLE node (
        id TEXT PRIMARY KEY,
        beat REAL NOT NULL
    ) STRICT
    """,
)

_SECOND = (
    """
    CREATE TABLE life (                      -- of the server, from a start to its end
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        began_at REAL NOT NULL,
        stopped_at REAL,                     -- when it was told to stop: whatever ended it then
        lost_at REAL                         -- when it was found to have ended without being told
    ) STRICT
    """,
    # the life that ended while the attempt ran
    "ALTER TABLE attempts ADD COLUMN life INTEGER",
    "CREATE INDEX attempts_lost ON attempts (life) WHERE life IS NOT NULL",
)

MIGRATIONS = (_FIRST, _SECOND)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest version, one transaction a step."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        why = f"its schema version {version} is newer than this server's {len(MIGRATIONS)}"
        raise JournalUnavailable(path, f"{why}: run the newer server, or restore an older copy")
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        with db:
            db.execute("BEGIN IMMEDIATE")
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
