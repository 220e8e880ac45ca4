#!/usr/bin/env python3
"""--durable: what was written is on the disk before a position beyond it is. The order of the calls is
read from a trace: a machine that loses power keeps what was synced, and that only."""

import os
import re
import shutil
import signal
import subprocess
import unittest

import e2e_support
from e2e_support import Weir, saved_offset, wait_for, weir

CALL = re.compile(
    r"^\d+ +(?:(\w+)\((\d+|AT_FDCWD)(?:<([^>]*)>)?(.*)|<\.\.\. (\w+) resumed>(.*))$"
)


def can_trace():
    return shutil.which("strace") is not None and not subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
    ).returncode


class Trace:
    """The calls on files, in the order in which they have ended; a call that was interrupted by one of
    another thread counts where it began, if that is the worse place for what is claimed: a sync syncs
    what was written before it began, and is over when it has ended."""

    def __init__(self, path):
        self.calls = []  # (name, path, rest of the line)
        began = {}
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                thread = line.split(" ", 1)[0]
                match = CALL.match(line.rstrip("\n"))
                if match is None:
                    continue
                name, _, at, rest, resumed, end = match.groups()
                if resumed is not None:
                    if thread in began:
                        name, at, rest = began.pop(thread)
                        self.calls.append((name + "-end", at, rest + end))
                    continue
                at = (at or "").replace(" (deleted)", "")
                self.calls.append((name, at, rest))
                if rest.endswith("<unfinished ...>"):
                    began[thread] = (name, at, rest.replace("<unfinished ...>", ""))
                else:
                    self.calls.append((name + "-end", at, rest))

    def saves(self, out, folder):
        """For each record that gets its name: its text, and how many bytes of `out` and whether its
        name were on the disk then."""
        written = syncing = synced = 0
        named = False
        record, found = "", []
        for name, at, rest in self.calls:
            if name == "writev-end" and at == out:
                written += int(rest.rsplit("= ", 1)[1].split()[0])
            elif name == "fdatasync" and at == out:
                syncing = written
            elif name == "fdatasync-end" and at == out:
                synced = syncing
            elif name == "fsync-end" and at == folder:
                named = True
            elif name == "writev" and at.endswith(".weir.new"):
                record = rest
            elif name == "fsync-end" and at.endswith(".weir.new"):
                record = "synced " + record
            elif name == "renameat" and '.weir.new"' in rest:
                found.append((record, synced, named))
                record = ""
        return found


@unittest.skipUnless(can_trace() and not e2e_support.SANITIZED,
                     "strace is missing or may not trace here, or a sanitizer traces itself")
class Order(e2e_support.TestCase):
    def traced(self, *args, stdout=None):
        calls = "writev,fsync,fdatasync,renameat"
        # -D: the command is our child, and strace its grandchild, so the status is the command's.
        prefix = ["strace", "-D", "-f", "-y", "-q", "-s", "2000", "-o", self.path("trace"), "-e", "trace=" + calls]
        return Weir("--durable", "--state", self.path("state"), *args, prefix=prefix,
                    stdout=stdout if stdout is not None else subprocess.DEVNULL)

    def grow(self, run, count, line=b"%d a line of the log\n"):
        """Let the file grow in pieces, each of which is saved before the next one comes."""
        length = 0
        for i in range(count):
            with open(self.path("in"), "ab") as file:
                file.write(b"".join(line % (i * 10 + k) for k in range(10)))
                length = file.tell()
            wait_for(lambda: saved_offset(self.path("state")) == length or run.process.poll() is not None, "a save")
        run.send(signal.SIGTERM)
        self.ends(run.end(), 0)
        ended = (lambda: os.path.exists(self.path("trace")) and b"exited" in self.read("trace")[-400:])
        wait_for(ended, "the end of the trace")
        return length

    def check(self, saves, length_of, count):
        self.assertGreaterEqual(len(saves), count)
        lengths = []
        for record, synced, named in saves:
            self.assertTrue(record.startswith("synced "), record)
            length = length_of(record)
            self.assertLessEqual(length, synced)
            self.assertTrue(named or length == 0, record)
            lengths.append(length)
        self.assertEqual(lengths, sorted(lengths))
        self.assertGreaterEqual(len(set(lengths)), count)

    def test_a_file_is_on_the_disk_before_each_record_that_counts_its_bytes(self):
        self.write("in", b"")
        out = self.path("out")
        with self.traced("tail %s from=start | file %s" % (self.path("in"), out)) as run:
            length = self.grow(run, 5)
            self.assertIn("saved together; also after a power cut", run.err)
        saves = Trace(self.path("trace")).saves(out, self.folder)
        self.check(saves, self.counted, 5)
        self.assertEqual(self.read("out"), self.read("in"))
        self.assertEqual(length, len(self.read("out")))

    @staticmethod
    def counted(record):
        """The length of the file in a record; 0: it has not begun."""
        found = re.search(r"\\nsink (\d+) ", record)
        return int(found[1]) if found else 0

    @staticmethod
    def position(record):
        found = re.search(r"\\nposition offset (\d+)", record)
        return int(found[1]) if found else 0

    def test_a_redirected_standard_output_is_on_the_disk_before_each_position(self):
        self.write("in", b"")
        with open(self.path("out"), "wb") as out:
            with self.traced("tail %s from=start" % self.path("in"), stdout=out) as run:
                self.grow(run, 3)
        trace = Trace(self.path("trace"))
        saves = [(record, synced, True) for record, synced, _ in trace.saves(self.path("out"), self.folder)]
        self.check(saves, self.position, 3)
        self.assertEqual(self.read("out"), self.read("in"))

    def test_the_file_of_rejected_items_is_on_the_disk_before_each_position(self):
        self.write("in", b"")
        dead = self.path("dead")
        with self.traced("--dead", dead, "tail %s from=start | where .x | file %s" % (self.path("in"), self.path("out"))
                         ) as run:
            self.grow(run, 3, b"{%d\n")
        saves = Trace(self.path("trace")).saves(dead, self.folder)
        rejected = self.read("dead").splitlines(keepends=True)
        lines = self.read("in").splitlines(keepends=True)
        self.assertEqual(len(rejected), len(lines))

        def needed(record):
            """The bytes of the dead file for the lines before the position."""
            count = self.position(record) and self.read("in")[: self.position(record)].count(b"\n")
            return sum(map(len, rejected[:count]))

        self.check(saves, needed, 3)


class Refused(e2e_support.TestCase):
    def refused(self, *args, texts):
        run = weir("--durable", "--state", self.path("state"), *args)
        self.ends(run, 2, *texts)
        self.assertEqual(os.listdir(self.path("state")) if os.path.exists(self.path("state")) else [], [])

    def test_what_cannot_be_durable_is_refused_by_its_name(self):
        source = self.write("in", b"1\n")
        for sink in ("exec \"cat\"", "tcp 127.0.0.1:1", "unix /x", "null"):
            run = weir("check", "--durable", "%s | %s" % (source, sink))
            self.ends(run, 2, "'%s' cannot say that what it has written is safe from a power cut" % sink.split()[0])
        self.ends(weir("--durable", "%s | file %s" % (source, self.path("out"))), 2, "--durable needs --state DIR")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_what_has_no_position_or_no_file_says_so(self):
        self.ends(weir("--durable", "--state", self.path("s"), "gen 1..3 | file %s" % self.path("out")), 2,
                  "--durable has no effect: no source of this pipeline has a position")
        run = weir("--durable", "--state", self.path("s"), self.write("in", b"1\n"))
        self.ends(run, 2, "standard output is no file, so it cannot be synced")
        os.mkfifo(self.path("fifo"))
        end = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, end)
        run = weir("--durable", "--state", self.path("t"), "%s | file %s" % (self.path("in"), self.path("fifo")))
        self.ends(run, 2, "is no regular file, so it cannot be synced")

    def test_explain_and_check_say_what_holds(self):
        text = "./in | file ./out"
        run = weir("explain", "--durable", text)
        self.ends(run, 0)
        for words in (b"for power cuts: its file is synced before a position is saved",
                      b"exactly-once-effect, also after a power cut, if",
                      b"after a kill or a power cut the next run"):
            self.assertIn(words, run.out)
        self.assertNotIn(b"power cut", weir("explain", text).out)
        self.assertIn(b"also after a power cut", weir("check", "--durable", "./in | post http://localhost/").out)


if __name__ == "__main__":
    e2e_support.main()
