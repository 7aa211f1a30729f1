"""The site's metadata: calls and the screen media that belong to them, in SQLite."""

import collections
import json
import sqlite3
import threading
import time

SCHEMA = """
CREATE TABLE call (
    id TEXT PRIMARY KEY, region TEXT NOT NULL, start_ms INTEGER NOT NULL, stop_ms INTEGER NOT NULL,
    body TEXT NOT NULL, indexed_at REAL NOT NULL);
CREATE INDEX call_by_time ON call (start_ms, id);
-- available_at is the time from which the medium is there at all: late screens come when they are let go.
CREATE TABLE screen (
    number INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL, media_id TEXT NOT NULL, start_ms INTEGER NOT NULL,
    stop_ms INTEGER NOT NULL, body TEXT NOT NULL, available_at REAL NOT NULL, indexed_at REAL NOT NULL);
CREATE INDEX screen_by_call ON screen (call_id);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
NEVER = 1e18


class Store:
    def __init__(self, path, make=False):
        self.lock = threading.RLock()
        self.base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.base.execute("PRAGMA synchronous = OFF")
        # Bodies of calls never change: each is read and parsed once.
        self.parsed = {}
        self.added = 0
        # What the last searches found: {search: (until when, state of the base, texts)}.
        self.searches = collections.OrderedDict()
        if make:
            self.base.executescript(SCHEMA)

    def all(self, statement, *values):
        with self.lock:
            return self.base.execute(statement, values).fetchall()

    def remember(self, name, value):
        self.all("INSERT OR REPLACE INTO fact VALUES (?, ?)", name, json.dumps(value))

    def fact(self, name):
        rows = self.all("SELECT value FROM fact WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def add_call(self, body, start_ms, stop_ms, lag=0.0):
        self.added += 1
        self.all(
            "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?)",
            body["id"], body["region"], start_ms, stop_ms, json.dumps(body), time.time() + lag)

    def call(self, call_id, region):
        rows = self.all("SELECT body FROM call WHERE id = ? AND region = ?", call_id, region)
        return json.loads(rows[0][0]) if rows else None

    def calls(self, region, start_ms, end_ms, name, test):
        """Texts of the calls that a search shows and the test passes, in the order of start. The next page of a search of the
        same `name` is found without looking again."""
        search, now = (region, start_ms, end_ms, name), time.time()
        with self.lock:
            state = self.added, self.all("PRAGMA data_version")
            until, known, found = self.searches.get(search, (0, None, None))
            if now < until and known == state:
                return found
            rows = self.all(
                "SELECT id FROM call WHERE region = ? AND start_ms >= ? AND stop_ms <= ? AND indexed_at <= ?"
                " ORDER BY start_ms, id", region, start_ms, end_ms, now)
            found = [text for text, body in (self.known(row[0]) for row in rows) if test(body)]
            until = self.all("SELECT min(indexed_at) FROM call WHERE indexed_at > ?", now)[0][0] or NEVER
            self.searches[search] = until, state, found
            while len(self.searches) > 8:
                self.searches.popitem(last=False)
        return found

    def known(self, call_id):
        """Text and value of a call, read once."""
        if call_id not in self.parsed:
            text = self.all("SELECT body FROM call WHERE id = ?", call_id)[0][0]
            self.parsed[call_id] = text, json.loads(text)
        return self.parsed[call_id]

    def add_screen(self, call_id, body, start_ms, stop_ms, available_at=0.0, lag=0.0):
        self.all(
            "INSERT INTO screen (call_id, media_id, start_ms, stop_ms, body, available_at, indexed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            call_id, body["mediaId"], start_ms, stop_ms, json.dumps(body), available_at,
            max(available_at, time.time() + lag) if available_at < NEVER else NEVER)

    def screens(self, call_id, searched=False):
        """Bodies of a call's screen media; `searched` leaves out what the index does not show yet."""
        column = "indexed_at" if searched else "available_at"
        return [
            json.loads(row[0]) for row in self.all(
                f"SELECT body FROM screen WHERE call_id = ? AND {column} <= ? ORDER BY number", call_id, time.time())]

    def remove_screen(self, call_id, media_id):
        with self.lock:
            rows = self.all("SELECT number, body FROM screen WHERE call_id = ? AND media_id = ?", call_id, media_id)
            self.all("DELETE FROM screen WHERE call_id = ? AND media_id = ?", call_id, media_id)
        return [json.loads(row[1]) for row in rows]

    def searched_screen_calls(self, start_ms):
        return [row[0] for row in self.all(
            "SELECT DISTINCT call_id FROM screen WHERE start_ms >= ? AND indexed_at <= ? ORDER BY call_id",
            start_ms, time.time())]

    def let_late_screens_go(self, lag):
        now = time.time()
        with self.lock:
            waiting = self.all("SELECT count(*) FROM screen WHERE available_at = ?", NEVER)[0][0]
            self.all(
                "UPDATE screen SET available_at = ?, indexed_at = ? WHERE available_at = ?", now, now + lag, NEVER)
        return waiting

    def forget_results(self):
        """Takes away what was registered; the names of their files."""
        names = []
        with self.lock:
            for number, body in self.all("SELECT number, body FROM screen"):
                medium = json.loads(body)
                if "muxed_mediaIds" in medium.get("parameters", {}):
                    self.all("DELETE FROM screen WHERE number = ?", number)
                    names.append(medium["originalMediaDescriptor"]["path"])
        return names

    def every_screen(self):
        return [(row[0], json.loads(row[1])) for row in self.all("SELECT call_id, body FROM screen ORDER BY number")]
