#!/usr/bin/env python3
"""Event streams to a file with a state, killed.

A run is killed at its n-th call of each kind that changes a file, for all n, by strace; each time it
reconnects; and 50 times at random. Then it is let go on to the end, and the file must be that of a
run that was never killed. The demo that serves the stream breaks off at random itself.

Where the demo does not go on behind the last id the file cannot be the same. Then nothing that was
in the file may vanish, and the gap or the repeats must be reported.
"""

import concurrent.futures
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True

import e2e_support
from e2e_support import TestCase, Weir, sha256, wait_for, weir

KILLED = -9
AT_ONCE = 4  # they mostly wait for the next connection
# One of each line is called, by the version of the C library and the file system.
WRITES = "write,writev,pwrite64,pwritev,pwritev2"
SYNCS = "fsync,fdatasync"
RENAMES = "rename,renameat,renameat2"
CUTS = "ftruncate"
NOT_CUT = "It is not truncated, .* a gap or repeats are possible"


def can_trace():
    return shutil.which("strace") is not None and not subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
    ).returncode


class Runs:
    """A file and a state in a folder of their own, and the runs that write them."""

    def __init__(self, base, url):
        self.folder = tempfile.mkdtemp(dir=base)
        self.out = os.path.join(self.folder, "out")
        self.state = os.path.join(self.folder, "state")
        self.command = ["--state", self.state, "--name", "s", "%s | sse | file %s" % (url, self.out)]

    def start(self, prefix=()):
        run = Weir(*self.command, prefix=prefix, env={"ASAN_OPTIONS": "detect_leaks=0"})
        run.killed = True  # by whom it may be: this is what is tested
        return run

    def finish(self, prefix=()):
        with self.start(prefix) as run:
            return run.end()

    def killed_at(self, calls, number):
        """A run that is killed when it is about to make its call with this number."""
        names = ("s.weir", "s.weir.new", "s.weir.old", "s.lock")
        paths = [self.out, self.state] + [os.path.join(self.state, name) for name in names]
        trace = os.path.join(self.folder, "trace")
        # -D: the command is our child, and strace its grandchild, so the status is the command's.
        return self.finish(
            ["strace", "-D", "-f", "-qq", "-o", trace, "-e", "trace=" + calls]
            + ["-e", "inject=%s:signal=KILL:when=%d" % (calls, number)]
            + [word for path in paths for word in ("-P", path)]
        )

    def is_saved(self):
        return os.path.exists(os.path.join(self.state, "s.weir"))

    def position(self):
        """The id that is saved; 0: none."""
        try:
            with open(os.path.join(self.state, "s.weir"), "rb") as record:
                found = re.search(rb"\nposition id (\d+)", record.read())
        except FileNotFoundError:
            found = None
        return int(found[1]) if found else 0

    def all_is_saved(self):
        return self.position() == len(self.content().splitlines())

    def content(self):
        try:
            with open(self.out, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def last(self):
        """The number of the last event in the file."""
        return int((re.findall(rb'"n":(\d+),', self.content()) or [0])[-1])

    def discard(self):
        shutil.rmtree(self.folder)


def numbers(content):
    return [json.loads(line)["n"] for line in content.splitlines()]


class EventStreams(TestCase):
    def setUp(self):
        super().setUp()
        demo = Weir("demo", ":0")
        self.addCleanup(demo.__exit__)
        demo.read_line()
        self.base = demo.read_line().split()[0].decode().rsplit("/", 1)[0]
        demo.killed = True

    def runs(self, path):
        return Runs(self.folder, self.base + path)

    def never_killed(self, count):
        """What a run that is not killed writes of a stream that does not break off."""
        runs = self.runs("/feed.sse?rate=0&n=%d&retry=1" % count)
        self.ends(runs.finish(), 0)
        content = runs.content()
        self.assertEqual(numbers(content), list(range(1, count + 1)))
        return sha256(content)

    def ends_right(self, runs, expected, what):
        run = runs.finish()
        self.ends(run, 0)
        self.assertEqual(sha256(runs.content()), expected, "%s: %r" % (what, run))

    @unittest.skipUnless(can_trace(), "strace is missing or may not trace here")
    def test_a_run_that_is_killed_at_any_call_ends_with_the_same_file(self):
        url = "/flaky/feed.sse?rate=0&n=500&every=100&retry=1"
        expected = self.never_killed(500)
        self.ends_right(self.runs(url), expected, "without a kill")
        saved = {True: 0, False: 0}

        def kill(calls, number):
            runs = self.runs(url)
            run = runs.killed_at(calls, number)
            if run.status != KILLED:
                self.ends(run, 0)
            else:
                saved[runs.is_saved()] += 1
            self.ends_right(runs, expected, "%s, call %d" % (calls, number))
            runs.discard()
            return run.status == KILLED

        def kill_at_each(calls):
            return next(n for n in itertools.count(1) if not kill(calls, n)) - 1

        def kill_at_a_cut():
            """A run that is to cut what another has left is killed at that; how often it was."""
            count = 0
            for number in range(2, 7):
                runs = self.runs(url)
                runs.killed_at(WRITES, number)
                count += runs.killed_at(CUTS, 1).status == KILLED
                self.ends_right(runs, expected, "killed at write %d and at a cut" % number)
                runs.discard()
            return count

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            kinds = [pool.submit(kill_at_each, calls) for calls in (WRITES, SYNCS, RENAMES)]
            cuts = pool.submit(kill_at_a_cut)
            counts = [kind.result() for kind in kinds] + [cuts.result()]
        print("killed at %d writes, %d syncs, %d renames, %d cuts" % tuple(counts))
        self.assertGreater(min(counts[:3]), 2, "void: hardly anything was killed")
        self.assertGreater(counts[3], 0, "void: nothing was killed at a cut")
        self.assertGreater(saved[False], 0, "void: nothing was killed before the first save")
        self.assertGreater(saved[True], 0, "void: nothing was killed after the first save")

    def test_a_run_that_is_killed_whenever_it_reconnects_ends_with_the_same_file(self):
        expected = self.never_killed(300)
        runs = self.runs("/flaky/feed.sse?rate=0&n=300&every=50&retry=3600000")
        kills = 0
        while True:
            with runs.start() as run:
                wait_for(
                    lambda: "retry 1 in 3600." in run.err or run.process.poll() is not None,
                    "a reconnect",
                )
                if run.process.poll() is not None:
                    self.ends(run.end(), 0)
                    break
                if kills % 2 == 1:
                    wait_for(runs.all_is_saved, "a save")
                run.kill()
                kills += 1
        print("killed at %d reconnects" % kills)
        self.assertGreater(kills, 2, "void: hardly anything was killed while it reconnected")
        self.assertEqual(sha256(runs.content()), expected)

    def test_a_run_that_is_killed_at_random_ends_with_the_same_file(self):
        began = time.monotonic()
        expected = self.never_killed(20000)
        took_s = time.monotonic() - began
        url = "/flaky/feed.sse?rate=0&n=20000&every=500&retry=1"
        runs = self.runs(url)
        saved = kills = 0
        while kills < 50:
            with runs.start() as run:
                try:
                    run.process.wait(random.uniform(0, 2 * took_s))
                except subprocess.TimeoutExpired:
                    run.kill()
                    kills += 1
                    saved += runs.is_saved()
                    continue
                self.ends(run.end(), 0)
            self.assertEqual(sha256(runs.content()), expected)
            runs = self.runs(url)
        self.ends_right(runs, expected, "after %d kills at random" % kills)
        self.assertGreater(saved, 0, "void: nothing was killed after the first save")

    def kill_with_a_tail(self, path):
        """A run that is killed when it has written what is not saved."""
        runs = self.runs(path)
        with runs.start() as run:
            wait_for(lambda: 0 < runs.position() < runs.last(), "more than what is saved")
            run.kill()
        return runs

    def grows(self, runs, before):
        """Another run appends to what is there, and reports what it cannot know."""
        with runs.start() as run:
            wait_for(lambda: len(runs.content()) > len(before) + 2000, "more of the file")
            run.says("a gap or repeats are possible if the server ignores the id")
            run.send(15)
            self.ends(run.end(), 0)
        self.assertEqual(runs.content()[: len(before)], before)
        return run.err

    def test_nothing_vanishes_where_the_last_id_is_ignored(self):
        refused = 0
        for _ in range(5):
            runs = self.kill_with_a_tail("/feed.sse?rate=0&n=1000000&ignore=1")
            before = runs.content()
            err = self.grows(runs, before)
            self.assertIn(b'{"n":1,', runs.content()[len(before) :])
            refused += bool(re.search(NOT_CUT, err))
        self.assertGreater(refused, 0, "void: nothing was there that could have been cut")

    def test_events_that_come_again_within_a_run_are_reported(self):
        with self.runs("/feed.sse?rate=0&n=100&retry=1&ignore=1").start() as run:
            run.says("begins with an event already received: events are repeated")

    def test_nothing_vanishes_where_the_ring_is_too_short(self):
        path = "/feed.sse?rate=2000&ring=20&retry=1"
        refused = 0
        for _ in range(5):
            runs = self.kill_with_a_tail(path)
            before = runs.content()
            last = numbers(before[: before.rindex(b"\n") + 1])[-1]

            def is_gone():
                """Has the event behind the last one left the ring?"""
                fresh = weir("%s%s | sse | head 1" % (self.base, path))
                return numbers(fresh.out)[0] > last + 1

            wait_for(is_gone, "the ring to move on")
            err = self.grows(runs, before)
            again = runs.content()[len(before) :]
            self.assertGreater(int(re.search(rb'"n":(\d+)', again)[1]), last + 1)
            refused += bool(re.search(NOT_CUT, err))
        self.assertGreater(refused, 0, "void: nothing was there that could have been cut")


if __name__ == "__main__":
    e2e_support.main()
