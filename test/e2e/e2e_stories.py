"""The first hour of a newcomer, against `weir demo`: the commands as they are typed, and what is seen.

WEIR_BUILD is the folder of the build, which the last story installs into a folder of the test's own; CC
is its compiler.
"""

import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import e2e_support
from e2e_support import PATIENCE_S, TestCase, Weir, shell, wait_for, weir


class Story(TestCase):
    """A test with a demo; self.feed is its feed."""

    def setUp(self):
        super().setUp()
        self.demo = Weir("demo", ":0", stdout=open(self.path("demo"), "wb"))
        self.addCleanup(self.demo.__exit__, None, None, None)
        found = wait_for(lambda: re.search(rb"http://127\.0\.0\.1:\d+", self.read("demo")), "the demo to listen")
        self.base = found.group().decode()
        self.feed = self.base + "/feed.ndjson"

    def demo_says(self):
        """What the demo has counted; ends it."""
        self.demo.send(signal.SIGINT)
        self.assertEqual(self.demo.process.wait(PATIENCE_S), 0)
        return self.read("demo").decode().partition("weir demo has served:\n")[2]


class ShowMeSomething(Story):
    def test_lines_come_at_once_and_ctrl_c_ends_with_the_ledger(self):
        with Weir("-v", self.feed) as run:
            # The feed is endless and slow, so a line that comes now has waited for no buffer to be full.
            self.assertTrue(run.read_line().startswith(b'{"n":1,'))
            self.assertTrue(run.read_line().startswith(b'{"n":2,'))
            run.send(signal.SIGINT)
            ended = run.end()
        self.ends(ended, 0)
        ledger = re.search(r"^weir: (\d+) in = (\d+) out \+ 0 filtered \+ 0 rejected \+ 0 dropped +[\d.]+ m?s +peak ",
                           ended.err, re.M)
        self.assertIsNotNone(ledger, ended.err)
        self.assertEqual(ledger.group(1), ledger.group(2))
        self.assertEqual(int(ledger.group(1)), 2 + len(ended.out.splitlines()))

    def test_head_in_the_shell_ends_it_quietly(self):
        run = shell('set -o pipefail; "$WEIR" "$1" | head -3; echo "${PIPESTATUS[0]}"', self.feed)
        lines = run.out.decode().splitlines()
        self.assertEqual([line[:6] for line in lines[:3]], ['{"n":1', '{"n":2', '{"n":3'])
        self.assertEqual((lines[3:], run.err), (["0"], ""))

    def test_it_is_curl(self):
        url = self.base + "/feed.csv.gz?n=2000"
        self.assertEqual(weir(url).out, shell('curl -sfN "$1"', url).out)


class DirtyJson(Story):
    TEXT = ' | json | where .type == "login" | fields .user .ip'

    def test_only_logins_come_and_the_malformed_lines_are_told_once(self):
        url = self.feed + "?rate=0&n=2000"
        run = weir(url + self.TEXT)
        self.ends(run, 0)
        logins = [json.loads(line) for line in run.out.splitlines()]
        self.assertTrue(logins)
        for login in logins:
            self.assertEqual(list(login), ["user", "ip"])
            self.assertRegex(login["user"], r"^u\d{4}$")
        lines = run.err.splitlines()
        told = [line for line in lines if line.endswith("; skipped")]
        bad = int(re.search(r"/feed\.ndjson .*malformed (\d+)", self.demo_says()).group(1))
        self.assertGreater(bad, 20)
        self.assertIn("%d of 2 000 items were rejected" % bad, run.err)
        self.assertLess(len(told), bad, run.err)  # they are folded
        # The first line of the demo's feed is malformed.
        self.assertRegex(lines[0], r"^weir: json: line 1 \(byte \d+\): the text ends inside an object; skipped$")
        self.assertIn('"user":"u3873"', lines[1])
        self.assertRegex(lines[2], r"^ +\^$")

    def test_dead_keeps_them_byte_for_byte(self):
        url = self.feed + "?rate=0&n=500"
        whole = self.path("whole")
        # The times in the feed are those of the request, so both look at one copy of it.
        with open(whole, "wb") as file:
            subprocess.run(["curl", "-sf", url], stdout=file, check=True)
        run = weir("--dead", self.path("bad.ndjson"), "json | where .type == \"login\" | fields .user .ip", whole)
        self.ends(run, 0)
        with open(whole, "rb") as file:
            lines = file.read().splitlines()
        wanted = [line for line in lines if not line.endswith(b"}")]
        dead = [json.loads(line) for line in self.read("bad.ndjson").splitlines()]
        self.assertEqual([entry["body"].encode() for entry in dead], wanted)
        self.assertEqual({(entry["component"], entry["code"]) for entry in dead}, {("json", "EPARSE")})
        logins = [json.loads(line) for line in lines if line.endswith(b"}")]
        logins = [line for line in logins if line["type"] == "login"]
        self.assertEqual([json.loads(line) for line in run.out.splitlines()],
                         [{"user": login["user"], "ip": login["ip"]} for login in logins])

    def test_strict_ends_the_run_at_the_first(self):
        run = weir("--strict", self.feed + "?rate=0&n=100" + self.TEXT)
        self.ends(run, 1, "json", "the text ends inside an object")


class Typo(TestCase):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.addCleanup(self.server.close)
        self.url = "http://127.0.0.1:%d/feed.ndjson" % self.server.getsockname()[1]

    def refused(self, text, *mistakes):
        """Of each mistake the message, the line, and carets under `marked` with the hint behind them."""
        run = weir(text)
        self.ends(run, 2)
        lines = run.err.splitlines()
        for message, marked, hint in mistakes:
            self.assertEqual(lines[:2], ["weir: " + message, "  " + text])
            self.assertEqual(lines[2], ("  %*s%s %s" % (text.rindex(marked), "", "^" * len(marked), hint)).rstrip())
            lines = lines[3:]
        self.assertEqual(lines, [])
        with self.assertRaises(BlockingIOError):  # nobody has connected
            self.server.accept()

    def test_all_mistakes_are_shown_with_what_to_type(self):
        unknown = ("unknown stage 'wher'", "wher", "did you mean 'where'?")
        assigns = ("where: '=' assigns in jq; to compare write '=='", "=", "")
        self.refused(self.url + " | jsn | wher .x = 1", ("unknown stage 'jsn'", "jsn", "did you mean 'json'?"), unknown, assigns)
        self.refused(self.url + " | json | wher .x == 1", unknown)
        self.refused(self.url + " | json | where .x = 1", assigns)

    def test_explain_reads_like_a_text(self):
        run = weir("explain", "--dead", "bad.ndjson", self.url + " | json | where .x == 1 on-error=skip | queue 100 | file out")
        self.ends(run, 0)
        told = [line.strip() for line in run.out.decode().splitlines()]
        for text in (
            "takes json, gives json; uses CPU",
            "when the far end is lost: it reconnects and continues after the last line given",
            "an item that it rejects is written to 'bad.ndjson' (on-error=dead)",
            "an item that it rejects is skipped, counted and logged (on-error=skip)",
            "holds at most 100 items and 1 MiB, 1.6 % of the memory; full=block",
            "queues    in 4; any other component takes an item when the next one asks for it",
            "full      when the output is slow, everything before it waits, back to the far end of the source",
            "memory    all buffers together hold at most 64 MiB",
            "SIGTERM   sources stop, and pending items are still delivered",
            "without one best-effort",
            "exactly-once-effect: after a kill the next run leaves the output as if there had been no kill",
            "best-effort: after a kill items may be missing, and some may come twice",
        ):
            self.assertIn(text, told)
        self.assertTrue(any(line.startswith("delivery  with a state exactly-once-effect if ") for line in told), told)
        with self.assertRaises(BlockingIOError):
            self.server.accept()


class Demo(Story):
    def test_it_counts_what_it_has_served(self):
        self.ends(weir(self.feed + "?rate=0&n=300 | null"), 0)
        self.ends(weir(self.base + "/slow?n=2&ms=0 | null"), 0)
        self.assertEqual(self.demo_says(), "  /feed.ndjson      requests 1  lines 300  malformed 6\n"
                                           "  /slow             requests 1  lines 2\n")

    def test_rows_in_gzip_are_always_the_same(self):
        text = self.base + "/feed.csv.gz?n=500 | gunzip | csv header | where .page =~ `search` | ndjson"
        run = weir(text)
        self.ends(run, 0)
        rows = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual({row["page"] for row in rows}, {'/search?q=red, "big"'})
        self.assertEqual(list(rows[0]), ["n", "time", "type", "user", "page", "status", "took_ms"])
        self.assertEqual(weir(text).out, run.out)

    def test_a_bomb_is_refused(self):
        for text in ("/bomb.gz | gunzip | null", "/bomb.gz?coded=1 | null"):
            self.ends(weir(self.base + text), 1, "a decompression bomb?", "more than 1000 times as many")


class LiveFeedThatDrops(Story):
    """Story 4: an SSE feed that breaks off again and again, and a kill -9."""

    RETRY = re.compile(r"flaky/feed\.sse\?every=6: [^;]+; retry 1 in (\d+\.\d) s \(resume after the event with id (\d+);")

    def run_it(self, state, enough):
        """Numbers that come until enough(numbers, retries), then a kill -9 or Ctrl-C; each retry as (seconds, id)."""
        text = self.base + "/flaky/feed.sse?every=6 | json | .n"
        numbers, retries = [], []
        with Weir("-vv", "--state", state, text) as run:
            while not enough(numbers, retries):
                numbers.append(int(run.read_line()))
                retries = [(float(s), int(last)) for s, last in self.RETRY.findall(run.err)]
            if numbers[0] == 1:
                run.kill()
                out, _ = run.process.stdout.read(), run.process.wait()
                numbers += [int(line) for line in out[: out.rfind(b"\n") + 1].split()]
            else:
                run.send(signal.SIGINT)
                ended = run.end()
                self.ends(ended, 0, " in = ", "state saved")
                numbers += [int(line) for line in ended.out.split()]
            err = run.err
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "a gap or a repeat within a run")
        for seconds, last in retries:
            self.assertGreaterEqual(seconds, 1.0)  # the stream asks for it: retry: 1000
            self.assertIn(last, numbers)
        return numbers, err

    def test_it_reconnects_after_the_last_id_and_after_a_kill_there_is_no_gap(self):
        state = self.path("s")
        first, err = self.run_it(state, lambda numbers, retries: len(retries) >= 2 and numbers[-1] > retries[-1][1])
        self.assertEqual(first[0], 1)
        self.assertIn("delivery: at-least-once", err)
        second, err = self.run_it(state, lambda numbers, retries: numbers and numbers[-1] > first[-1] + 3 and retries)
        self.assertGreater(second[0], 1)
        self.assertLessEqual(second[0], first[-1] + 1)
        self.assertIn("resume after the event with id %d" % (second[0] - 1), err)


class TailOverRotations(TestCase):
    LINES = 6000

    def test_totals_equal_what_the_demo_has_counted(self):
        text = r'tail access.log wait=200ms | regex `" (?<status>\d{3}) ` | .status | head %d' % self.LINES
        with Weir("-r", text, cwd=self.folder) as run:
            wait_for(lambda: e2e_support.rests(run.pid), "the folder to be watched")
            demo = weir("demo", "--log", "access.log", "--lines", str(self.LINES), "--rate", "20000", cwd=self.folder)
            ended = run.end()
        self.ends(demo, 0)
        self.ends(ended, 0)
        told = demo.out.decode().partition("weir demo has written:\n")[2].splitlines()
        self.assertEqual(told[0], "  lines %d  rotations 3 (rename, copy and truncate, delete and create)" % self.LINES)
        counts = collections.Counter(ended.out.decode().split())
        self.assertEqual(sorted("  %s %d" % count for count in counts.items()), sorted(told[1:]))

    def test_counts_by_status_in_periods_add_up(self):
        text = (r'tail access.log wait=200ms | regex `" (?<status>\d{3}) ` | head %d | count by .status every 200ms'
                % self.LINES)
        with Weir(text, cwd=self.folder) as run:
            wait_for(lambda: e2e_support.rests(run.pid), "the folder to be watched")
            demo = weir("demo", "--log", "access.log", "--lines", str(self.LINES), "--rate", "10000", cwd=self.folder)
            ended = run.end()
        self.ends(demo, 0)
        self.ends(ended, 0)
        told = demo.out.decode().partition("weir demo has written:\n")[2].splitlines()
        counts = collections.Counter()
        rows = [json.loads(row) for row in ended.out.splitlines()]
        for row in rows:
            counts[row["status"]] += row["count"]
        self.assertEqual(sorted("  %s %d" % count for count in counts.items()), sorted(told[1:]))
        self.assertGreater(len({row["time"] for row in rows}), 1)

    def test_what_the_demo_does_not_do(self):
        self.ends(weir("demo", "--log", "/no/such/folder/log"), 1, "demo: open '/no/such/folder/log': No such file")
        self.ends(weir("demo", ":0", "--log", "log"), 2, "either :PORT, --log FILE or --syslog HOST:PORT")
        self.ends(weir("--lines", "3", "gen 1..9"), 2, "--lines N is for weir demo", "-c N")


@unittest.skipIf(os.environ.get("WEIR_STATIC") == "1", "a static command loads no modules")
class MyOwnStage(TestCase):
    def test_init_and_make_test_and_run_it(self):
        prefix = self.path("prefix")
        home = tempfile.mkdtemp(prefix="weir-story-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        self.done("cmake", "--install", os.environ["WEIR_BUILD"], "--prefix", prefix)
        pc = [folder for folder, _, files in os.walk(prefix) if "weir.pc" in files][0]
        installed = os.path.join(prefix, "bin", "weir")
        env = dict(os.environ, PKG_CONFIG_PATH=pc, LD_LIBRARY_PATH=os.path.dirname(pc))
        run = weir("init", "mystage", binary=installed, cwd=home)
        self.ends(run, 0)
        folder = os.path.join(home, "mystage")
        compiler = "CC=" + os.environ.get("CC", "cc")
        told = self.done("make", "test", compiler, cwd=folder, env=env)
        self.assertIn("-fsanitize=address", told)
        self.assertRegex(told, r"\d+ passed, 0 failed|ok")
        self.done("make", compiler, cwd=folder, env=env)
        run = weir("gen 1..10 | ./mystage.so", binary=installed, cwd=folder)
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(b"%d\n" % (n * (n + 1) // 2) for n in range(1, 11)))

    def done(self, *command, **how):
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **how)
        self.assertEqual(run.returncode, 0, "%s\n%s" % (" ".join(command), run.stdout.decode(errors="replace")))
        return run.stdout.decode(errors="replace")


if __name__ == "__main__":
    e2e_support.main()
