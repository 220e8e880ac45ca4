#!/usr/bin/env python3
"""Compressed files and bodies, beside the tools that make them: gzip, zstd, brotli and lz4."""

import gzip
import os
import random
import subprocess
import zlib

import e2e_support
from e2e_peers import Peer
from e2e_support import TestCase, Weir, sha256, wait_for, weir

TOOLS = {  # stage: (pack, the name in Content-Encoding)
    "gunzip": (["gzip", "-c"], "gzip"),
    "unzstd": (["zstd", "-q", "-c"], "zstd"),
    "unbrotli": (["brotli", "-q", "5", "-c"], "br"),
    "unlz4": (["lz4", "-q", "-c"], None),
}


def packed(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def lines(count, seed=1):
    rng = random.Random(seed)
    return b"".join(b"line %d of %d\r\n" % (n, rng.randrange(10**12)) for n in range(count))


class Compressed(TestCase):
    def test_what_each_tool_packs_is_unpacked(self):
        data = lines(100000)
        for stage, (command, _) in TOOLS.items():
            with self.subTest(stage=stage):
                body = packed(command, data)
                path = self.write("in." + stage, body)
                run = weir("%s | %s" % (path, stage))
                self.ends(run, 0)
                self.assertEqual(sha256(run.out), sha256(data))
                run = weir(stage, stdin=body)
                self.assertEqual(sha256(run.out), sha256(data))
                run = weir('%s | %s | grep "line 77777 "' % (path, stage))
                self.ends(run, 0)
                self.assertEqual(run.out, data.split(b"\n")[77777] + b"\n")

    def test_files_behind_the_text_are_unpacked_one_after_another(self):
        names = [self.write("%d.gz" % n, gzip.compress(lines(1000, n))) for n in range(3)]
        run = weir('gunzip | grep "line 999 "', *names)
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(lines(1000, n).split(b"\n")[999] + b"\n" for n in range(3)))

    def test_members_and_frames_that_follow_each_other_are_one_stream(self):
        for stage in ("gunzip", "unzstd", "unlz4"):
            with self.subTest(stage=stage):
                body = b"".join(packed(TOOLS[stage][0], part) for part in (b"one\nt", b"", b"wo\n"))
                run = weir(stage, stdin=body)
                self.ends(run, 0)
                self.assertEqual(run.out, b"one\ntwo\n")

    def test_input_that_ends_early_fails_with_its_place(self):
        for stage, (command, _) in TOOLS.items():
            with self.subTest(stage=stage):
                body = packed(command, lines(100000))[:-5]
                run = weir("%s | null" % stage, stdin=body)
                self.ends(run, 1, stage + ":", "input is incomplete (at byte %d," % len(body))
                self.ends(weir(stage, stdin=b""), 1, "the input is empty")

    def test_another_format_is_named(self):
        for stage in TOOLS:
            with self.subTest(stage=stage):
                self.ends(weir(stage, stdin=b"\xffa line of text\n" * 100), 1, stage + ":", "cannot be decoded")

    def test_what_follows_gzip_is_ignored_as_gzip_does(self):
        run = weir("gunzip", stdin=gzip.compress(b"one\n") + b"garbage\n")
        self.ends(run, 0, "the rest is ignored")
        self.assertEqual(run.out, b"one\n")

    def test_a_window_over_the_limit_is_refused_and_may_be_asked_for(self):
        data = lines(1000)  # of a pipe, whose length zstd does not know
        path = self.write("in.zst", packed(["zstd", "-q", "-1", "--long=25", "-c"], data))
        self.ends(weir("%s | unzstd | null" % path), 1, "a window of 33554432 bytes, the limit is 8388608; set the limit with window=")
        self.ends(weir("--mem", "64MiB", "%s | unzstd window=32MiB | null" % path), 1, "of memory, more than the limit")
        run = weir("--mem", "128MiB", "%s | unzstd window=32MiB" % path)
        self.ends(run, 0)
        self.assertEqual(sha256(run.out), sha256(data))

    def test_a_line_of_a_live_stream_is_not_held_up(self):
        packer = zlib.compressobj(wbits=31)
        with Weir("gunzip", stdin=subprocess.PIPE) as run:
            for line in (b"one", b"two"):
                run.process.stdin.write(packer.compress(line + b"\n") + packer.flush(zlib.Z_SYNC_FLUSH))
                run.process.stdin.flush()
                self.assertEqual(run.read_line(), line)
            self.ends(run.end(stdin=packer.flush()), 0)

    def test_a_killed_run_goes_on_behind_what_it_has_written(self):
        data, rng = lines(400000), random.Random(3)
        source, out = self.write("in.gz", gzip.compress(data, 1)), self.path("out")
        text = '%s | gunzip | grep "1" | file %s' % (source, out)
        want = b"".join(line + b"\n" for line in data.split(b"\n") if b"1" in line)
        size = 0
        for _ in range(5):
            goal = min(size + rng.randrange(1, len(want) // 3), len(want) - 1)
            with Weir("--state", self.path("state"), text) as run:
                wait_for(lambda: run.process.poll() is not None or
                         (os.path.exists(out) and os.path.getsize(out) >= goal), "the file to grow")
                run.kill()
            size = os.path.getsize(out)
        self.ends(weir("--state", self.path("state"), text), 0, "exactly-once-effect")
        self.assertEqual(sha256(self.read("out")), sha256(want))

    def test_what_is_packed_each_tool_unpacks(self):
        data = lines(100000)
        source = self.write("in", data)
        for stage, tool in (("gzip", "gzip"), ("gzip level=1", "gzip"), ("zstd", "zstd"), ("zstd level=19", "zstd")):
            with self.subTest(stage=stage):
                run = weir("%s | %s" % (source, stage))
                self.ends(run, 0)
                self.assertLess(len(run.out), len(data) / 2)
                self.assertEqual(sha256(packed([tool, "-dc"], run.out)), sha256(data))
        # A file without a last line end, long lines and NUL come through, too.
        odd = b"a\0b\r\n" + b"x" * 3000000 + b"\nlast"
        run = weir("%s | gzip" % self.write("odd", odd))
        self.ends(run, 0)
        self.assertEqual(sha256(gzip.decompress(run.out)), sha256(odd))

    def test_a_line_is_packed_as_soon_as_it_comes(self):
        for stage, unpack in (("gzip", "gunzip"), ("zstd", "unzstd")):
            with self.subTest(stage=stage), Weir(stage + " | " + unpack, stdin=subprocess.PIPE) as run:
                for line in (b"one", b"two"):
                    run.process.stdin.write(line + b"\n")
                    run.process.stdin.flush()
                    self.assertEqual(run.read_line(), line)
                self.ends(run.end(), 0)

    def test_a_packed_file_that_a_restart_continues_is_whole(self):
        data, rng = lines(400000), random.Random(4)
        source, out = self.write("in", data), self.path("out.gz")
        text, size = "%s | gzip level=1 | file %s" % (source, out), 0
        for _ in range(4):
            with Weir("--state", self.path("state"), text) as run:
                goal = size + rng.randrange(1, 1000000)
                wait_for(lambda: run.process.poll() is not None or
                         (os.path.exists(out) and os.path.getsize(out) >= goal), "the file to grow")
                run.kill()
            size = os.path.getsize(out)
        self.ends(weir("--state", self.path("state"), text), 0, "exactly-once-effect")
        self.assertEqual(sha256(gzip.decompress(self.read("out.gz"))), sha256(data))

    def test_a_body_is_unpacked_by_its_content_encoding(self):
        data = lines(50000)
        bodies = {coding: packed(command, data) for command, coding in TOOLS.values() if coding}
        bodies["br, gzip"] = gzip.compress(bodies["br"])
        bodies["gzip, zstd, br"] = packed(
            TOOLS["unbrotli"][0], packed(TOOLS["unzstd"][0], bodies["gzip"]))
        for coding, body in bodies.items():
            with self.subTest(coding=coding):
                reply = lambda c, b=body, e=coding: c.reply(headers=["Content-Encoding: " + e], body=b)
                run = weir(self.peer(Peer(reply)).url())
                self.ends(run, 0)
                self.assertEqual(sha256(run.out), sha256(data))
                cut = lambda c, b=body[:-9], e=coding: c.reply(headers=["Content-Encoding: " + e], body=b)
                self.ends(weir("--retry", "0", self.peer(Peer(cut)).url()), 1, "is incomplete")

    def test_a_packed_file_over_http_is_unpacked_by_its_stage(self):
        data = lines(1000)
        peer = self.peer(Peer(lambda c: c.reply(body=gzip.compress(data))))
        run = weir("%s | gunzip" % peer.url("/access.log.gz"))
        self.ends(run, 0)
        self.assertEqual(run.out, data)


if __name__ == "__main__":
    e2e_support.main()
