#!/usr/bin/env python3
"""The kill oracle: every source into every sink, killed with SIGKILL and started again.

    kill_run.py [--long] [SOURCE-SINK ...]        see kill.sh

Half of the kills come at a random moment, and a stream is killed until it has ended; the others come
as the command is about to make its n-th write, sync, rename or sendto (strace inject), in a stream of
its own that then runs to its end. What must hold stands in fault_oracle.py. A pair is void, which is a
failure, without a kill before its first save and one after it, and, where the sink cannot be cut
back, without a line that arrived twice.
"""

import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import fault_oracle
import kill_ends
from e2e_support import Weir, wait_for

SEED = int(os.environ.get("WEIR_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
AT_ONCE = 6  # they mostly sleep
LIVES_S = 0.32  # a stream takes a little longer
END_S = 30  # I6: ten seconds, and patience with a machine that does something else
KILLED = -9
# One of each line is called, by the version of the C library and the file system.
POINTS = {
    "write": "write,writev,pwrite64,pwritev,pwritev2",
    "sync": "fsync,fdatasync",
    "rename": "rename,renameat,renameat2",
    "sendto": "sendto,sendmsg",
}
FEW = (1, 2, 4, 7, 11)  # of each, in a short run


class Pair:
    def __init__(self, name, base, demo, quota, whole):
        self.name, self.base, self.demo = name, base, demo
        self.source, self.sink = name.split("-")
        self.quota, self.whole = quota, whole
        self.random = random.Random("%d %s" % (SEED, name))
        self.kills = self.before = self.after = self.duplicates = self.streams = 0
        self.points = dict.fromkeys(POINTS, 0)
        self.slowest_s = 0.0
        self.word = "none said"

    def is_void(self):
        repeats = kill_ends.SINKS[self.sink].repeats
        return not (self.before and self.after) or (repeats and not self.duplicates)

    def run(self):
        while self.kills < self.quota // 2 or (self.is_void() and self.kills < 5 * self.quota):
            Stream(self).killed_at_random()
        self.at_points()
        while self.kills < self.quota:
            Stream(self).killed_at_random()
        return self

    def at_points(self):
        if not traces() or self.sink == "exec":  # whose command would be killed as well
            return
        left = list(POINTS)
        self.random.shuffle(left)
        number = 0
        while left and (self.whole or (number < len(FEW) and self.kills < self.quota)):
            number += 1
            at = number if self.whole else FEW[number - 1]
            left = [point for point in left if Stream(self).killed_at(point, at)]

    def row(self):
        points = "/".join(str(self.points[point]) for point in POINTS)
        return "%-14s %5d %6d %6d %14s %10d %4d %4d %8d %6.1f  %s" % (
            self.name, self.kills, self.before, self.after, points, self.duplicates, 0, 0,
            self.kills * kill_ends.WINDOW, self.slowest_s, self.word)

    TITLE = "%-14s %5s %6s %6s %14s %10s %4s %4s %8s %6s  %s" % (
        "pair", "kills", "before", "after", "w/s/r/sendto", "duplicates", "lost", "torn", "W*K", "end s", "delivery")


WORD = re.compile("exactly-once-effect|at-least-once|best-effort")


class Stream:
    """The lines of one source on their way into one sink, by many runs."""

    def __init__(self, pair):
        self.pair = pair
        self.folder = tempfile.mkdtemp(dir=pair.base)
        seed = pair.random.randrange(1 << 30)
        self.source = kill_ends.SOURCES[pair.source](self.folder, pair.demo, seed)
        self.sink = kill_ends.SINKS[pair.sink](self.folder)
        self.source.record = self.sink.record
        self.kills = 0
        self.fresh = False  # the line that comes when all others have arrived
        pair.streams += 1

    def start(self, prefix=()):
        command = self.sink.command(self.source.text)
        how = {} if command[0] == "weir" else {"binary": command[0]}
        run = Weir(*command[1:], prefix=prefix, stdout=subprocess.DEVNULL, env=self.source.env, **how)
        run.killed = True  # by whom it may be: this is what is tested
        return run

    def ledger(self):
        return fault_oracle.Ledger(self.source.lines)

    def was_killed(self, point=None):
        saved = self.sink.saved()
        self.sink.check_record(self.ledger())
        self.kills += 1
        self.pair.kills += 1
        if saved:
            self.pair.after += 1
        else:
            self.pair.before += 1
        if point is not None:
            self.pair.points[point] += 1

    def wait(self, run, seconds, begun):
        """Until the run has ended (True), or the time is over. An endless source is stopped when all
        has arrived, and at the end one more line has passed."""
        told = False
        while run.process.poll() is None:
            left = begun + seconds - time.monotonic()
            if left <= 0:
                return False
            if told or not self.source.endless:
                try:
                    run.process.wait(left)
                except subprocess.TimeoutExpired:
                    return False
            elif self.sink.count() < len(self.source.lines):
                time.sleep(min(left, 0.01))
            elif not self.fresh:
                self.fresh = True
                self.source.fresh_line()
            elif not WORD.search(run.err):
                time.sleep(min(left, 0.01))  # it does not hear a signal yet
            else:
                told = True
                run.process.send_signal(15)
        return True

    def one_run(self, seconds=None, prefix=()):
        """A run, killed after so many seconds. True: it has ended by itself, with status 0."""
        begun = time.monotonic()
        with self.start(prefix) as run:
            if not self.wait(run, seconds or END_S, begun):
                if seconds is None:
                    raise fault_oracle.Violation("I6: it has not ended within %d s: %r" % (END_S, run.end(0.1)))
                run.kill()
                self.note_word(run)
                return False
            ended = run.end()
        if ended.status == -15:
            return self.one_run(seconds, prefix)  # it was told to end before it could hear that
        if ended.status not in (0, KILLED):
            raise fault_oracle.Violation("a run that was not killed: %r" % ended)
        self.note_word(run)
        cut = self.source.endless and self.sink.count() < len(self.source.lines)
        if cut and ended.status == 0:
            return self.one_run(seconds, prefix)  # it was told to end when it had just cut a file back
        if ended.status == 0 and not prefix:
            self.pair.slowest_s = max(self.pair.slowest_s, time.monotonic() - begun)
        return ended.status == 0

    def note_word(self, run):
        found = WORD.findall(run.err)
        if found:
            self.pair.word = found[-1]

    def finish(self):
        self.pair.duplicates += self.ledger().ended(
            self.sink.arrived(), self.kills, kill_ends.WINDOW, self.pair.word == "exactly-once-effect")

    def killed_at_random(self):
        try:
            while not self.one_run(self.pair.random.uniform(0.004, LIVES_S)):
                self.was_killed()
                if self.kills >= 8:
                    self.one_run()
                    break
            self.finish()
        finally:
            self.close()

    def killed_at(self, point, number):
        """False: there was no such call."""
        try:
            if self.one_run(END_S, self.inject(point, number)):
                self.finish()
                return False
            self.was_killed(point)
            self.one_run()
            self.finish()
            return True
        finally:
            self.close()

    def inject(self, point, number):
        # -D: the command is our child, and strace its grandchild, so the status is the command's.
        calls = POINTS[point]
        return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls,
                "-e", "inject=%s:signal=KILL:when=%d" % (calls, number)]

    def close(self):
        self.source.close()
        self.sink.close()
        if sys.exc_info()[0] is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print("FAILED: %s: kept in %s" % (self.pair.name, self.folder), flush=True)


def traces():
    return shutil.which("strace") is not None and not subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
    ).returncode


def main():
    words = sys.argv[1:]
    whole = "--long" in words
    names = [word for word in words if not word.startswith("-")] or [
        "%s-%s" % (source, sink) for source in kill_ends.SOURCES for sink in kill_ends.SINKS
        if whole or "%s-%s" % (source, sink) not in kill_ends.LONG_ONLY]
    if not os.path.exists(kill_ends.SQLITE):
        print("SKIPPED: sqlite: it was built without SQLite (Debian: libsqlite3-dev)")
        names = [name for name in names if not name.endswith("-sqlite")]
    total = 1000 if whole else 200
    base = tempfile.mkdtemp(prefix="weir-kill-")
    failed, pairs, began = [], [], time.monotonic()
    with Weir("demo", ":0") as demo:
        demo.killed = True
        demo.read_line()
        url = demo.read_line().split()[0].decode().rsplit("/", 1)[0]
        quota = -(-total // len(names))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {name: pool.submit(Pair(name, base, url, quota, whole).run) for name in names}
        for name, run in runs.items():
            try:
                pairs.append(run.result())
            except Exception as wrong:  # pylint: disable=broad-except
                failed.append("%s: %s" % (name, wrong))
    print("seed %d, %d lines a stream, W = %d lines" % (SEED, kill_ends.LINES, kill_ends.WINDOW))
    print(Pair.TITLE)
    for pair in pairs:
        print(pair.row())
        if pair.is_void():
            failed.append("%s: void: %d kills before the first save, %d after it, %d duplicates"
                          % (pair.name, pair.before, pair.after, pair.duplicates))
    for text in failed:
        print("FAILED: " + text)
    print("%d kills in %d streams, %.0f s" % (
        sum(pair.kills for pair in pairs), sum(pair.streams for pair in pairs), time.monotonic() - began))
    if not failed or "--tidy" in words:
        shutil.rmtree(base, ignore_errors=True)
    bad = len({text.split(":")[0] for text in failed})
    # With --tidy mistakes are expected: they are not counted as failed tests.
    line = "%d pairs hold, %d do not" if "--tidy" in words else "fault/kill_oracle: %d passed, %d failed"
    print(line % (len(names) - bad, bad), flush=True)
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main()
