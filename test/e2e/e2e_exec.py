#!/usr/bin/env python3
"""Commands as source and sink: their status, their end, their environment, and what they leave."""

import os
import signal

import e2e_support
from e2e_support import Weir, wait_for, weir


def lives(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Source(e2e_support.TestCase):
    def test_status_decides(self):
        self.assertEqual(weir("exec \"printf 'one\\ntwo\\nrest'\"").out, b"one\ntwo\nrest")
        run = weir("exec 'echo one; echo trouble >&2; printf half; exit 3'")
        self.ends(run, 1, "exec: trouble", "exited with status 3 after line 1", "of 4 bytes")
        self.assertEqual(run.out, b"one\n")
        self.ends(weir("exec 'kill -9 $$'"), 1, "was ended by SIGKILL")
        self.ends(weir("exec weir-no-such-command restart=always"), 1, "status 127 (not found)")

    def test_framers_and_values(self):
        self.assertEqual(weir("exec `printf 'a\\0b\\0'` | nul").out, b"a\nb\n")
        text = "exec `echo '{\"n\":1}'; echo '{\"n\":2}'` | where .n > 1"
        self.assertEqual(weir(text).out, b'{"n":2}\n')

    def test_secrets_come_by_the_environment(self):
        run = weir("exec 'echo $TOKEN'", env={"TOKEN": "s3cret"})
        self.assertEqual(run.out, b"s3cret\n")
        self.assertNotIn("s3cret", run.err)

    def test_slow_reader_slows_it_down(self):
        with Weir("--mem", "4MiB", "exec 'yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'") as run:
            e2e_support.wait_until_full(run.process.stdout)
            wait_for(lambda: e2e_support.rests(run.pid), "weir to rest")
            self.assertLess(e2e_support.proc_status(run.pid, "VmRSS"), 40000 * (1 + 9 * e2e_support.SANITIZED))
            run.send(signal.SIGTERM)
            run.process.stdout.close()
            run.process.stdout = None
            self.assertEqual(run.end().status, 0)

    def test_it_is_started_again(self):
        mark = self.path("mark")
        text = "exec 'echo x >> %s; if [ $(wc -l < %s) -lt 3 ]; then exit 7; fi; echo done'" % (
            mark,
            mark,
        )
        run = weir(text + " restart=on-failure")
        self.ends(run, 0, "exited with status 7; restart 1 in 0.", "from the start")
        self.assertEqual(run.out, b"done\n")

    def test_nothing_is_left_behind(self):
        text = "exec 'echo $$; sleep 1000 & echo $!; %s wait' grace=%s"
        for extra, grace in (("", "10s"), ("trap : TERM;", "50ms"), ("trap \"\" TERM;", "50ms")):
            with Weir(text % (extra, grace)) as run:
                pids = [int(run.read_line()), int(run.read_line())]
                run.send(signal.SIGTERM)
                self.assertEqual(run.end().status, 0)
            for pid in pids:
                wait_for(lambda pid=pid: not lives(pid), "the command to have ended")

    def test_state_makes_it_best_effort(self):
        run = weir("--state", self.path("s"), "exec 'seq 3' | file " + self.path("out"))
        self.ends(run, 0, "best-effort")
        self.assertEqual(self.read("out"), b"1\n2\n3\n")
        self.ends(
            weir("--state", self.path("t"), "--state-required", "exec 'seq 3' | null"), 2, "exec"
        )


class Sink(e2e_support.TestCase):
    def test_its_status_is_awaited(self):
        out = self.path("out")
        self.ends(weir("gen 1..3 | exec 'sleep 0.1; cat > %s'" % out), 0)
        self.assertEqual(self.read("out"), b"1\n2\n3\n")
        self.assertEqual(weir("gen 1..3 | exec 'sort -r'").out, b"3\n2\n1\n")
        self.ends(weir("gen 1..3 | exec 'cat > /dev/null; exit 6'"), 1, "exited with status 6")
        self.assertEqual(weir(self.write("none", "") + " | exec 'wc -l'").out, b"0\n")

    def test_a_command_that_leaves_is_a_failure(self):
        run = weir("gen 1.. | exec 'head -2'")
        self.ends(run, 1, "exited with status 0", "before the end of its input")
        self.assertEqual(run.out, b"1\n2\n")
        self.ends(weir("gen 1.. | exec 'kill -TERM $$'"), 1, "was ended by SIGTERM")

    def test_what_it_has_not_read_comes_again(self):
        source, seen, killed = self.path("in"), self.path("seen"), self.path("killed")
        self.write("in", "".join("%d\n" % n for n in range(1, 100001)))
        take = (
            "exec >> %s; [ -e %s ] && exec cat; touch %s;"
            "while read -r line; do echo $line; if [ $line = 50 ]; then kill -9 $PPID; exit; fi; done"
        ) % (seen, killed, killed)
        text = "%s | exec '%s'" % (source, take)
        with Weir("--state", self.path("s"), text) as run:
            run.killed = True
            run.end()
        run = weir("--state", self.path("s"), text)
        self.assertEqual(run.status, 0, run)
        self.assertEqual({int(line) for line in self.read("seen").split()}, set(range(1, 100001)))


if __name__ == "__main__":
    e2e_support.main()
