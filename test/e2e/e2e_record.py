#!/usr/bin/env python3
"""Recordings: what `weir record` keeps is what `weir replay` gives, with the breaks and the times, and
`weir check --shatter` finds what depends on where the bytes were cut.

WEIR_MODULES is the folder of the modules that the tests build.
"""
import os
import re
import signal
import threading
import time

import e2e_support
from e2e_peers import listener
from e2e_support import TestCase, Weir, wait_for, weir

MODULES = os.environ.get("WEIR_MODULES", "")


def sending(test, *pieces):
    """The port of a server that sends these to its first client, one when the last was received."""
    made = listener()
    test.addCleanup(made.close)

    def serve():
        client, _ = made.accept()
        with client:
            for piece in pieces:
                client.sendall(piece)
                if piece is not pieces[-1]:
                    time.sleep(0.15)  # so that the recording has a time to keep

    threading.Thread(target=serve, daemon=True).start()
    return made.getsockname()[1]


class Recordings(TestCase):
    def demo(self):
        demo = Weir("demo", ":0", stdout=open(self.path("demo"), "wb"))
        self.addCleanup(demo.__exit__, None, None, None)
        return wait_for(lambda: re.search(rb"http://127\.0\.0\.1:\d+", self.read("demo")),
                        "the demo to listen").group().decode()

    def record(self, source, *flags, **how):
        run = weir("record", source, "-o", self.path("r.wrec"), *flags, **how)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(run.out, b"")
        return run

    def test_a_feed_that_breaks_is_replayed_with_its_breaks(self):
        feed = self.demo() + "/flaky/feed.sse?rate=500&n=60&every=20&token=s3cret"
        run = self.record(feed, "-c", "60", "-H", "X-Key: s3cret", "-u", "me:s3cret")
        self.assertIn("retry 1 in", run.err)
        self.assertRegex(run.err, r"recorded [\d.]+ KiB in \d+ pieces, [2-9] connections, ")
        kept = self.read("r.wrec")
        self.assertNotIn(b"s3cret", kept)
        self.assertEqual(os.stat(self.path("r.wrec")).st_mode & 0o777, 0o600)

        fast = weir("replay", self.path("r.wrec"), "speed=max", "sse | json | .n")
        self.assertEqual((fast.status, fast.out.split()), (0, [b"%d" % n for n in range(1, 61)]), fast)
        self.assertIn("retry 1 in", fast.err)
        again = weir("replay '%s' speed=50 | where .n > 0 | .n" % self.path("r.wrec"))
        self.assertEqual((again.status, again.out), (0, fast.out), again)
        self.assertEqual(weir("check", "--shatter", self.path("r.wrec"), "-c", "200", "sse | json").out,
                         b"200 random splits and all 1-byte splits: identical (items: 60)\n")

    def test_a_compressed_body_and_a_status_are_replayed(self):
        base = self.demo()
        self.record(base + "/feed.csv.gz?n=50&rate=5000")
        plan = "gunzip | csv header | ndjson"
        run = weir("replay", self.path("r.wrec"), plan)
        self.assertEqual((run.status, len(run.out.splitlines())), (0, 50), run)
        shattered = weir("check", "--shatter", self.path("r.wrec"), "-c", "50", plan)
        self.assertEqual(shattered.out, b"50 random splits and all 1-byte splits: identical (items: 50)\n")
        run = weir("record", base + "/none", "-o", self.path("r.wrec"))
        self.assertEqual(run.status, 1, run)
        self.assertIn("404", run.err)
        again = weir("replay", self.path("r.wrec"))
        self.assertEqual(again.status, 1, again)
        self.assertIn("404", again.err)

    def test_a_socket_is_replayed_at_its_times(self):
        port = sending(self, b"one\ntw", b"o\nthree\n", b"four")
        run = self.record("tcp://127.0.0.1:%d" % port)
        self.assertRegex(run.err, r"recorded 18 B in [34] pieces, 1 connection, 0\.[3-9] s")
        began = time.monotonic()
        run = weir("replay", self.path("r.wrec"))
        self.assertEqual((run.status, run.out), (0, b"one\ntwo\nthree\nfour"), run)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)
        run = weir("replay", self.path("r.wrec"), "speed=max", 'grep "t" | file ' + self.path("out"))
        self.assertEqual((run.status, self.read("out")), (0, b"two\nthree\n"), run)

    def test_standard_input_and_a_file_are_recorded(self):
        self.record("-", stdin=b"a\nb\n")
        self.assertEqual(weir("replay", self.path("r.wrec")).out, b"a\nb\n")
        self.write("in", b'{"a":1}\n{"a":2}\n')
        self.record(self.path("in"))
        self.assertEqual(weir("replay", self.path("r.wrec"), "where .a > 1").out, b'{"a":2}\n')

    def test_a_killed_recorder_leaves_what_it_had(self):
        port = self.demo() + "/feed.ndjson?rate=200&bad=0"
        with Weir("record", port, "-o", self.path("r.wrec")) as run:
            wait_for(lambda: os.path.exists(self.path("r.wrec")) and b'"n":20,' in self.read("r.wrec"), "20 lines")
            run.kill()
        size = os.path.getsize(self.path("r.wrec"))
        run = weir("replay", self.path("r.wrec"), "speed=max", "json | .n")
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, "r.wrec': the recording is cut at byte %d" % size)
        self.assertEqual(run.out.split()[:20], [b"%d" % n for n in range(1, 21)])

    def test_ctrl_c_ends_a_recording_well(self):
        with Weir("record", self.demo() + "/slow", "-o", self.path("r.wrec")) as run:
            wait_for(lambda: os.path.exists(self.path("r.wrec")) and os.path.getsize(self.path("r.wrec")) > 500,
                     "a line")
            run.send(signal.SIGINT)
            ended = run.end()
        self.assertEqual(ended.status, 0, ended)
        self.assertEqual(weir("replay", self.path("r.wrec"), "speed=max").status, 0)

    def test_damage_and_other_files_are_named(self):
        self.record("-", stdin=b"a\nb\n" * 100)
        kept = bytearray(self.read("r.wrec"))
        kept[-100] ^= 1
        self.write("bad", bytes(kept))
        run = weir("replay", self.path("bad"))
        self.assertRegex(run.err, r"bad': the recording is damaged at byte \d+")
        self.assertEqual(run.status, 1)
        self.write("text", b"hello\n")
        self.assertIn("this is not a recording; weir record SOURCE -o FILE makes one",
                      weir("replay", self.path("text")).err)
        self.assertIn("No such file", weir("replay", self.path("none")).err)

    def test_what_cannot_be_recorded_is_said(self):
        out = self.path("r.wrec")
        for words, said in (
                (("record", "gen 1..", "-o", out), "this source cannot be recorded"),
                (("record", "./x | file y", "-o", out), "no sink"),
                (("record", "./x"), "record needs -o FILE"),
                (("./x", "-o", out), "-o is a flag of record; to write a file: | file PATH"),
                (("record", "./x", "-o", out, "--state", self.path("s")), "leave --state out"),
                (("replay",), "replay needs a file"),
                (("replay", out, "speed=fast"), "write a number from 0.001 on, or max"),
                (("explain", "--shatter", out, "json"), "--shatter is a flag of check"),
        ):
            run = weir(*words)
            self.assertEqual(run.status, 2, run)
            self.assertIn(said, run.err)
        self.assertEqual(weir("record", "-", "-o", self.path("no/such/folder")).status, 1)


class Shatter(TestCase):
    def shatter(self, plan, data, *flags):
        self.write("data", data)
        return weir("check", "--shatter", self.path("data"), "-c", "100", *flags, plan)

    def test_the_framers_of_weir_pass(self):
        for plan, data, items in (
                ("sse", b": hi\nid: 1\r\ndata: a\r\ndata: b\r\n\r\ndata:c\n\n\xef\xbb\xbfdata: d\n\n" * 20, 40),
                ("json", b'{"a":[1,2.5e3,"\\u00e9\xc3\xa9"]} [true,\nfalse] nul\n"x"\n' * 20, 60),
                ("csv header | ndjson", b'a,b\n1,"x ""y"" z"\r\n2,"l1\nl2"\n3,"\n' * 20, None),
                ("lines max=64B", b"one\r\ntwo\n\n" + b"x" * 100 + b"\nend" * 20, None),
                ("syslog", b"<34>1 2003-10-11T22:14:15.003Z h app - ID47 - \xef\xbb\xbfhi\n" * 20, 20),
                ("len32", b"\0\0\0\3abc\0\0\0\0\0\0\0\1x" * 20, 60),
                ("where .n > 3 | .n", b"".join(b'{"n":%d}\n' % n for n in range(100)), 96),
        ):
            run = self.shatter(plan, data)
            self.assertEqual(run.status, 0, (plan, run))
            self.assertIn("100 random splits and all 1-byte splits: identical", run.out.decode())
            if items is not None:
                self.assertIn("(items: %d)" % items, run.out.decode(), plan)

    @e2e_support.unittest.skipUnless(MODULES and os.environ.get("WEIR_STATIC") != "1", "needs modules")
    def test_a_wrong_framer_is_found_with_the_place(self):
        plan = "raw | %s/torn.so" % MODULES
        run = self.shatter(plan, b"one\ntwo\nthree\n")
        self.assertEqual(run.status, 1, run)
        self.assertEqual(run.out.decode().splitlines()[:4],
                         ["differs when each byte comes alone:", "  item 1, byte 1", "    whole  ne", "    split  "])
        again = run.out.decode().splitlines()[-1]
        self.assertIn("any speed=max split=1 | raw | ", again)
        words = re.fullmatch("to see it:  weir '(.*)'", again).group(1)
        self.assertEqual(weir(words).out.split(), [b"%c" % c for c in b"onetwothree"])

    def test_a_large_file_is_refused(self):
        self.write("large", b"x\n" * 200000)
        run = weir("check", "--shatter", self.path("large"), "lines")
        self.assertEqual(run.status, 2)
        self.assertIn("has more than 256 KiB", run.err)


if __name__ == "__main__":
    e2e_support.main()
