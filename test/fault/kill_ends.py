"""The ends of the pipelines that kill_run.py kills: sources whose lines are known, and sinks that
can be asked what has arrived."""

import fcntl
import os
import random
import re
import sqlite3
import sys
import threading
import time
import urllib.request
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True

import fault_oracle
from e2e_peers import Peer

LINES = 240  # of a stream
STEP, STEP_MS = 20, 20  # so many lines, then a pause: a stream lasts over several saves
BATCH = 50
# The lines of 100 ms, of the time that a save may take here, and of one batch.
WINDOW = STEP * (100 + 100) // STEP_MS + BATCH
BUILD = os.environ.get("WEIR_BUILD", "build")
MODULE = os.path.abspath(os.path.join(BUILD, "lib", "test", "fault.so"))
SQLITE = os.path.abspath(os.path.join(BUILD, "bin", "fault_sqlite"))
TRY_S = 30


def get(url):
    with urllib.request.urlopen(url, timeout=TRY_S) as answer:
        return answer.read()


# ---- sources: text is the beginning of the pipeline, lines are all its lines


class Source:
    endless = False  # it ends by itself
    env = None  # of the command, where it is not ours

    def __init__(self, folder, demo, seed):
        self.folder, self.demo = folder, demo
        self.random = random.Random(seed)
        self.lines = []
        self.open()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_lines(self, name):
        self.lines = fault_oracle.numbered_lines(1, LINES, self.random)
        with open(self.path(name), "wb") as file:
            file.write(b"".join(line + b"\n" for line in self.lines))

    def close(self):
        pass


class File(Source):
    def open(self):
        self.write_lines("in")
        self.text = self.path("in")


class Cursor(Source):
    """As a journal: positions are words that mean something to the source only."""

    def open(self):
        self.write_lines("in")
        self.text = "%s:cursor %s" % (MODULE, self.path("in"))


class Range(Source):
    """The demo's file; connections break off, and go on by Range and ETag."""

    def open(self):
        query = "?n=%d&seed=%d&size=%d" % (LINES, self.random.randrange(1, 1 << 30), self.random.choice((0, 90, 700)))
        self.lines = get(self.demo + "/lines" + query).splitlines()
        if len(set(self.lines)) < LINES:  # very short ones may be the same
            return self.open()
        self.text = "%s/flaky%s&every=150000" % (self.demo, query)


class Sse(Source):
    """The demo's events; connections break off, and go on by Last-Event-ID."""

    def open(self):
        query = "feed.sse?rate=0&n=%d&retry=1" % LINES
        body = get("%s/%s" % (self.demo, query))
        self.lines = re.findall(rb"(?m)^data: (.*)$", body)
        self.text = "%s/flaky/%s&every=100 | sse" % (self.demo, query)


class Tail(Source):
    """A log that is written and renamed while it is read. It is not renamed before a record knows it: a
    run begins with the files that it knows, and those that are there under their names."""

    endless = True

    def open(self):
        self.lines = fault_oracle.numbered_lines(1, LINES, self.random)
        self.log = self.path("log")
        self.text = "tail %s from=start wait=100ms" % self.log
        self.stop = threading.Event()
        self.append(self.lines[:STEP])
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def append(self, lines):
        with open(self.log, "ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def write(self):
        for at in range(STEP, LINES, STEP):
            if self.stop.wait(STEP_MS / 1000):
                return
            if at in (LINES // 3, LINES * 2 // 3):
                known = b" inode %d " % os.stat(self.log).st_ino
                while known not in (self.record() or b""):
                    if self.stop.wait(STEP_MS / 1000):
                        return
                if os.path.exists(self.log + ".1"):
                    os.rename(self.log + ".1", self.log + ".2")
                os.rename(self.log, self.log + ".1")
            self.append(self.lines[at : at + STEP])

    def fresh_line(self):
        """One more line, when all have arrived."""
        self.writer.join()
        line = fault_oracle.numbered_lines(len(self.lines) + 1, 1, self.random)
        self.lines += line
        self.append(line)

    def record(self):
        """The newest record of the run that reads the log; the stream replaces this."""
        return None

    def close(self):
        self.stop.set()
        self.writer.join()


JOURNALCTL = """#!/bin/sh
after=
for arg; do
    case $arg in --after-cursor=*) after=${arg#--after-cursor=} ;; esac
done
entries=${0%/*}/entries
line=-3
if [ -n "$after" ]; then
    line=$(grep -n -F -x "__CURSOR=$after" "$entries" | cut -d: -f1)
    [ -n "$line" ] || { echo "Failed to seek to cursor" >&2; exit 1; }
fi
exec tail -n +$((line + 4)) -f "$entries"
"""


class Journal(Source):
    """The journal, by a journalctl of ours in PATH: entries of four lines, found by their cursor. It is
    a command that goes on for a moment when weir has been killed."""

    endless = True

    def open(self):
        os.mkdir(self.path("bin"))
        with open(self.path("bin/journalctl"), "w", encoding="ascii") as script:
            script.write(JOURNALCTL)
        os.chmod(self.path("bin/journalctl"), 0o755)
        self.env = {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        self.lines = fault_oracle.numbered_lines(1, LINES, self.random)
        self.text = "journal since=@0"
        self.append(self.lines)

    def append(self, lines):
        with open(self.path("bin/entries"), "ab") as file:
            file.write(b"".join(b"__CURSOR=s=%08x;i=%s\nPRIORITY=6\nMESSAGE=%s\n\n"
                                % (zlib.crc32(line), line.split(b",")[0], line) for line in lines))

    def fresh_line(self):
        line = fault_oracle.numbered_lines(len(self.lines) + 1, 1, self.random)
        self.lines += line
        self.append(line)


SOURCES = {"journal": Journal, "range": Range, "sse": Sse, "tail": Tail, "cursor": Cursor, "file": File}

# ---- sinks: command is the whole command, arrived() the lines that are there, saved() how many of
# them the newest record holds for safe (None: there is no record)


class Sink:
    repeats = False  # it cannot be cut back

    def __init__(self, folder):
        self.folder = folder
        self.open()

    def open(self):
        pass

    def path(self, name):
        return os.path.join(self.folder, name)

    def arrived(self):
        return self.read().split(b"\n")[:-1]  # what stands behind the last line end is no line yet

    def count(self):
        return len(self.arrived())

    def weir(self, text):
        retries = ["--retry", "inf"] if "http:" in text else []
        return ["weir", "-v", "--state", self.path("state"), "--name", "s", *retries, text]

    def record(self):
        for name in ("s.weir", "s.weir.old"):
            try:
                with open(self.path("state/" + name), "rb") as file:
                    return file.read()
            except FileNotFoundError:
                pass
        return None

    def saved(self):
        record = self.record()
        return None if record is None else sum(map(int, re.findall(rb"\nitems (\d+)", record)))

    def check_record(self, ledger):
        """I5, after a kill."""
        saved = self.saved()
        there, _ = ledger.look(self.arrived())
        if saved is not None and saved > there:
            raise fault_oracle.Violation("I5: %d lines are saved, %d are there" % (saved, there))

    def close(self):
        pass


class FileSink(Sink):
    def command(self, source):
        return self.weir("%s | queue 100 | %s:pace %d %dms | file %s" % (source, MODULE, STEP, STEP_MS, self.path("out")))

    def read(self):
        try:
            with open(self.path("out"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def count(self):
        return self.read().count(b"\n")

    def check_record(self, ledger):
        super().check_record(ledger)
        record, content = self.record(), self.read()
        found = re.search(rb"\nsink (\d+) ", record or b"")
        if found and int(found[1]) > len(content):
            raise fault_oracle.Violation("I5: %s bytes are saved, %d are there" % (found[1], len(content)))


TAKE = """exec 9>"$1.lock"
flock 9
while IFS= read -r line; do
    printf '%s\\n' "$line"
done >>"$1"
"""


class Exec(FileSink):
    """A command that appends whole lines to a file. It outlives the weir that has started it, and goes on
    with what is in its pipe; the next one waits for it."""

    repeats = True

    def open(self):
        with open(self.path("take"), "w", encoding="ascii") as script:
            script.write(TAKE)

    def command(self, source):
        return self.weir("%s | queue 100 | %s:pace %d %dms | exec 'sh %s %s'"
                         % (source, MODULE, STEP, STEP_MS, self.path("take"), self.path("out")))

    def count(self):
        return len(set(self.arrived()))

    def check_record(self, ledger):
        with open(self.path("out.lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Sink.check_record(self, ledger)


class Hook(Sink):
    """A server that takes whole bodies, and answers a little later."""

    repeats = True

    def open(self):
        self.bodies, self.lock = [], threading.Lock()
        self.pauses = random.Random(7)
        self.peer = Peer(self.script, http=False)

    def script(self, connection):
        got = bytearray()
        while b"\r\n\r\n" not in got:
            piece = connection.socket.recv(65536)
            if not piece:
                return
            got += piece
        head, _, body = bytes(got).partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
        while len(body) < length:
            piece = connection.socket.recv(65536)
            if not piece:
                return  # a body that is not whole is not taken
            body += piece
        with self.lock:
            self.bodies.append(body)
        time.sleep(self.pauses.uniform(0, 0.004))
        connection.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    def command(self, source):
        pace = "%s:pace %d %dms" % (MODULE, STEP, STEP_MS)
        return self.weir("%s | queue 100 | %s | batch %d within 20ms | post %s" % (source, pace, BATCH, self.peer.url()))

    def read(self):
        with self.lock:
            return b"".join(self.bodies)

    def count(self):
        return len(set(self.arrived()))

    def close(self):
        self.peer.close()


class Sqlite(Sink):
    """The example program, which keeps its position in the table's transactions."""

    def command(self, source):
        return [SQLITE, "%s | queue 100 | %s:pace %d %dms" % (source, MODULE, STEP, STEP_MS), self.path("db")]

    def ask(self, query):
        if not os.path.exists(self.path("db")):
            return []
        base = sqlite3.connect(self.path("db"), timeout=TRY_S)
        base.text_factory = bytes
        try:
            return [row[0] for row in base.execute(query)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            base.close()

    def arrived(self):
        return [line for line in self.ask("select line from lines order by number")]

    def count(self):
        return (self.ask("select count(*) from lines") or [0])[0]

    def record(self):
        text = self.ask("select state from position")
        return text[0] if text else None


SINKS = {"file": FileSink, "hook": Hook, "sqlite": Sqlite, "exec": Exec}
# Pairs of which each end is in another one that the short run has.
LONG_ONLY = ["journal-sqlite", "journal-exec", "range-exec", "sse-exec", "tail-exec", "cursor-exec"]
