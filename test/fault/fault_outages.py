#!/usr/bin/env python3
"""What is at the far end goes away and comes back: nothing is lost, and what is repeated is bounded.

    fault_outages.py [--long] [Outages.test_...]

A hook is taken down again and again (50 times, in a short run 6), a server is stopped in the middle of
its feed (SIGSTOP), a disk is full and freed, the wall clock jumps.
"""

import glob
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True

import e2e_support
from e2e_support import TestCase, Weir, wait_for, weir

LONG = "--long" in sys.argv
OUTAGES = 50 if LONG else 6
BATCH = 20
MODULE = os.path.abspath(os.path.join(os.environ.get("WEIR_BUILD", "build"), "lib", "test", "fault.so"))
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)  # Debian: faketime


class Hook:
    """A server on one port that can be taken down, with all its connections."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.lines, self.lock, self.open = [], threading.Lock(), []
        self.listen()

    def listen(self):
        self.socket.listen(16)
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            got = b""
            while b"\r\n\r\n" not in got:
                piece = connection.recv(65536)
                if not piece:
                    return
                got += piece
            head, _, body = got.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
            while len(body) < length:
                piece = connection.recv(65536)
                if not piece:
                    return
                body += piece
            with self.lock:
                self.lines += body.splitlines()
            connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        except OSError:
            pass
        finally:
            connection.close()

    def down(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def up(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.listen()

    def count(self):
        with self.lock:
            return len(self.lines)


class Outages(TestCase):
    def test_a_hook_that_is_taken_down_again_and_again_gets_every_line(self):
        hook = Hook()
        self.addCleanup(hook.down)
        count = OUTAGES * 2 * BATCH
        text = "gen 1..%d | %s:pace %d 20ms | batch %d within 10ms | post http://127.0.0.1:%d/" % (
            count, MODULE, BATCH, BATCH, hook.port)
        with Weir("-v", text) as run:
            for number in range(OUTAGES):
                goal = hook.count() + BATCH
                wait_for(lambda: hook.count() >= goal or run.process.poll() is not None, "lines")
                if run.process.poll() is not None:
                    break
                hook.down()
                time.sleep(0.05)
                hook.up()
            ended = run.end()
        self.ends(ended, 0)
        numbers = [int(line) for line in hook.lines]
        twice = len(numbers) - len(set(numbers))
        print("%d outages of a hook: %d lines, %d lost, %d twice (bound %d)"
              % (number + 1, count, count - len(set(numbers)), twice, OUTAGES * BATCH))
        self.assertEqual(sorted(set(numbers)), list(range(1, count + 1)))
        self.assertLessEqual(twice, OUTAGES * BATCH)
        self.assertGreater(number + 1, OUTAGES // 2, "void: there were hardly any outages")

    def test_a_server_that_stops_in_its_feed_is_noticed_and_nothing_is_lost(self):
        with Weir("demo", ":0") as demo:
            demo.killed = True
            demo.read_line()
            base = demo.read_line().split()[0].decode().rsplit("/", 1)[0]
            out = self.path("out")
            text = "%s/feed.sse?rate=200&n=300&ring=1000&retry=1 | sse | file %s" % (base, out)
            with Weir("-v", "--idle", "500ms", "--state", self.path("state"), text) as run:
                wait_for(lambda: os.path.exists(out) and os.path.getsize(out) > 0, "lines")
                demo.send(signal.SIGSTOP)
                begun = time.monotonic()
                run.says("retry 1", 20)
                noticed_s = time.monotonic() - begun
                demo.send(signal.SIGCONT)
                wait_for(lambda: self.read("out").count(b"\n") >= 300, "all lines")
                run.send(signal.SIGTERM)
                self.ends(run.end(), 0)
            numbers = [int(n) for n in re.findall(rb'"n":(\d+),', self.read("out"))]
            print("a stopped server was noticed after %.1f s (--idle 500ms); %d events, in order, none twice"
                  % (noticed_s, len(numbers)))
            self.assertEqual(numbers, list(range(1, 301)))
            self.assertLess(noticed_s, 10)

    def test_a_disk_that_was_full_and_is_freed_ends_with_the_right_file(self):
        small = self.path("small")
        os.mkdir(small)
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small]
        if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
            self.skipTest("no small file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", small], check=False)
        lines = b"".join(b"%d %s\n" % (n, b"x" * (n % 90)) for n in range(1, 60001))
        source = self.write("in", lines)
        command = ["--state", os.path.join(small, "state"), "--name", "s",
                   "%s | file %s" % (source, os.path.join(small, "out"))]
        ended = weir(*command)
        self.assertEqual(ended.status, 1, ended)
        self.assertIn("No space left on device", ended.err)
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        self.ends(weir(*command), 0)
        with open(os.path.join(small, "out"), "rb") as file:
            self.assertEqual(file.read(), lines)

    def test_a_wall_clock_that_jumps_by_a_day_delays_nothing(self):
        if FAKETIME is None:
            print("**** SKIPPED: jumps of the clock: faketime is not installed ****")
            self.assertNotEqual(os.environ.get("CI"), "true", "in CI nothing is skipped")
            self.skipTest("faketime is not installed")
        stamp = self.write("stamp", "+0\n")
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": stamp, "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        text = "gen 1..600 | %s:pace 10 20ms | batch 50 within 30ms | file %s" % (MODULE, self.path("out"))
        begun = time.monotonic()
        with Weir("--state", self.path("state"), text, env=env) as run:
            for offset in ("+1d", "-1d", "+30d", "+0"):
                time.sleep(0.2)
                self.write("stamp", offset + "\n")
            self.ends(run.end(20), 0)
        took_s = time.monotonic() - begun
        print("four jumps of the wall clock: 1.2 s of pauses took %.1f s" % took_s)
        self.assertEqual(self.read("out").count(b"\n"), 600)
        self.assertGreater(took_s, 1.1)


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--long"]
    e2e_support.main()
