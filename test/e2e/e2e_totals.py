"""count, sum and the like through the built command: periods of a live stream, and a run that is killed."""

import json
import os
import signal
import subprocess

import e2e_support
from e2e_support import TestCase, Weir, wait_for, weir


def counted(rows):
    return sum(json.loads(row)["count"] for row in rows.splitlines())


class Periods(TestCase):
    def test_each_period_is_given_while_the_stream_is_silent(self):
        with Weir("count every 100ms", stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"a\nb\n")
            run.process.stdin.flush()
            first = json.loads(run.read_line())
            run.process.stdin.write(b"c\n")
            run.process.stdin.flush()
            while first["count"] < 3:
                first["count"] += json.loads(run.read_line())["count"]
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual((first["count"], ended.out), (3, b""))

    def test_at_sigterm_what_has_come_is_given(self):
        with Weir("-v", "tail log from=start wait=50ms | count by . every 1h", cwd=self.folder) as run:
            self.write("log", b"1\n2\n1\n")
            wait_for(lambda: e2e_support.rests(run.pid), "the file to be read")
            run.send(signal.SIGTERM)
            ended = run.end()
        self.ends(ended, 0, "3 in")
        rows = [json.loads(row) for row in ended.out.splitlines()]
        self.assertEqual([(row["value"], row["count"]) for row in rows], [(1, 2), (2, 1)])


class Killed(TestCase):
    """A period holds the receipts of its items: what a killed run has counted and not written is counted by
    the next one, and what was written is not counted twice."""

    TEXT = "tail log from=start wait=50ms | count every 20ms | file out"

    def counted(self):
        if not os.path.exists(self.path("out")):
            return 0
        return counted(self.read("out").rpartition(b"\n")[0])

    def test_the_counts_of_all_runs_add_up(self):
        for lines in range(5000, 25000, 5000):
            with open(self.path("log"), "ab") as log:
                log.write(b"".join(b"%d\n" % n for n in range(5000)))
            with Weir("--state", "state", self.TEXT, cwd=self.folder) as run:
                wait_for(lambda: self.counted() > lines - 5000, "a row in the file")
                run.kill()
        with Weir("--state", "state", self.TEXT, cwd=self.folder) as run:
            run.says("delivery:")  # now the file is as it was saved
            with open(self.path("log"), "ab") as log:
                log.write(b"one more, behind all others\n")
            lines += 1
            wait_for(lambda: self.counted() >= lines, "all lines to be counted")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)
        self.assertEqual(self.counted(), lines)

    def test_a_total_of_a_finished_run_is_not_written_again(self):
        self.write("data", b"1\n2\n3\n")
        for _ in range(2):
            self.ends(weir("--state", "state", "./data | sum . | file out", cwd=self.folder), 0)
            self.assertEqual(self.read("out"), b'{"sum":6}\n')


class Limits(TestCase):
    def test_groups_that_do_not_fit_into_memory_are_rejected_with_the_reason(self):
        run = weir("-r", "--mem", "1MiB", "gen 1..100000 | count by . | count | .count")
        self.ends(run, 0, "groups need more than half of the byte budget: --mem SIZE sets a larger one")
        self.assertLess(int(run.out), 100000)

    def test_the_number_of_groups_has_a_limit_that_is_named(self):
        run = weir("--strict", "gen 1..100 | count by . groups=10")
        self.ends(run, 1, "there are 10 groups: groups=N allows more")


if __name__ == "__main__":
    e2e_support.main()
