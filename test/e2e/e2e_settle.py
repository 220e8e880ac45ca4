#!/usr/bin/env python3
"""With a state, what a reader of a stream has not read comes again in the next run: pipes, fifos and
sockets whose reader leaves, and a weir that is killed while its reader is slow."""

import fcntl
import os
import random
import signal
import struct
import subprocess
import termios
import threading

import e2e_support
from e2e_peers import Peer
from e2e_support import BINARY, Weir, saved_offset, wait_for, weir

LINES = b"".join(b"%d %s\n" % (n, b"x" * (n * 7 % 90)) for n in range(1, 40001))
WORD = "delivery: at-least-once: up to what the reader had read"


def number(line):
    return int(line.split()[0])


class Settle(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        self.source = self.write("in", LINES)
        self.state = self.path("state")

    def saved(self):
        """The bytes of the source that have settled, as the record says."""
        return max(saved_offset(self.state), 0)

    def test_the_next_run_begins_at_the_line_that_a_reader_of_single_bytes_had_not_read_whole(self):
        settled = 0
        for count in (2, 1, 5):
            with Weir("--state", self.state, self.source) as run:
                fd, got = run.process.stdout.fileno(), b""
                while got.count(b"\n") < count:
                    got += os.read(fd, 1)
                os.read(fd, 1)  # of the next line, which is not read whole
                self.assertEqual(got, LINES[settled : settled + len(got)])
                settled += len(got)
                wait_for(lambda: self.saved() == settled, "what was read to be saved")
                run.process.stdout.close()
                run.process.stdout = None
                run.says(WORD)
                self.assertEqual(run.process.wait(e2e_support.PATIENCE_S), 0)
            self.assertEqual(self.saved(), settled)

    def test_what_readers_of_the_shell_have_not_read_is_not_passed_over(self):
        read = 0  # bytes that readers have read for certain, or may have read ahead
        for reader in ("(read -r a; read -r b; echo $a; echo $b)", "head -3", "head -1"):
            text = '"$0" --state "$1" "$2" | ' + reader
            out = subprocess.run(["sh", "-c", text, BINARY, self.state, self.source], check=False,
                                 stdout=subprocess.PIPE, timeout=e2e_support.PATIENCE_S).stdout
            begin = (b"\n" + LINES).index(b"\n" + out)
            self.assertLessEqual(begin, read)
            ahead = len(out) if reader[0] == "(" else 64 * 1024
            read = max(read, begin + ahead)

    def test_a_whole_run_is_waited_for_and_comes_once(self):
        with Weir("--state", self.state, self.source) as run:
            fd, got = run.process.stdout.fileno(), b""
            while len(got) < len(LINES):
                got += os.read(fd, 100000)
            self.ends(run.end(), 0, WORD)
        self.assertEqual(got, LINES)
        self.assertEqual(weir("--state", self.state, self.source).out, b"")

    def test_a_weir_that_is_killed_loses_nothing_that_its_slow_reader_had_not_read(self):
        rng, highest, seen = random.Random(5), 0, 0
        for kill in [True] * 12 + [False]:
            got = b""
            with Weir("--state", self.state, self.source) as run:
                fd = run.process.stdout.fileno()
                saved, pieces = self.saved(), rng.randrange(1, 20)
                while kill and pieces > 0:
                    got += os.read(fd, rng.choice((1, 700, 20000)))
                    pieces -= 1
                if kill and rng.random() < 0.7:
                    settled = saved + (got.rindex(b"\n") + 1 if b"\n" in got else 0)
                    wait_for(lambda: self.saved() >= settled, "a save")
                if kill:
                    run.kill()
                while piece := os.read(fd, 1 << 20):
                    got += piece  # a reader that lives on reads what the pipe still holds
            lines = got[: got.rindex(b"\n") + 1].splitlines() if b"\n" in got else []
            for line in lines:
                self.assertLessEqual(number(line), highest + 1)
                highest = max(highest, number(line))
            seen += len(lines)
        self.assertEqual(highest, 40000)
        self.assertGreater(seen, 40000)  # else no kill has made anything come again

    def test_of_what_a_tcp_peer_had_not_read_only_its_own_kernel_may_lose_some(self):
        read, held, runs, started = [], [], [], threading.Event()

        def unread(connection):
            return struct.unpack("i", fcntl.ioctl(connection.socket, termios.FIONREAD, b"\0" * 4))[0]

        def full(connection):
            """What the kernel holds for the peer, once it takes no more."""
            counts = [-1]

            def still():
                counts.append(unread(connection))
                return len(counts) > 100 and len(set(counts[-100:])) == 1

            wait_for(still, "the peer's kernel to take no more")
            return counts[-1]

        def unsent(connection):
            """What weir has written and the peer's kernel has not taken."""
            port = ":%04X" % connection.socket.getpeername()[1]
            with open("/proc/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table]
            return sum(int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(port))

        def stopped(connection):
            """What the kernel holds is counted while nothing can be added to it."""
            runs[0].process.send_signal(signal.SIGSTOP)
            count = full(connection)
            if unsent(connection) > 0:
                held.append(count)
                return True
            runs[0].process.send_signal(signal.SIGCONT)
            return False

        def script(connection):
            started.wait(e2e_support.PATIENCE_S)
            read.append(len(connection.socket.recv(700)))
            wait_for(lambda: self.saved() > 0, "a save")
            wait_for(lambda: stopped(connection), "weir to have written more than the peer takes")
            connection.reset()
            runs[0].process.send_signal(signal.SIGCONT)

        peer = self.peer(Peer(script, http=False))
        text = "%s | tcp %s once" % (self.source, peer.address[len("tcp://") :])
        with Weir("--state", self.state, text) as run:
            runs.append(run)
            started.set()
            ended = run.end()
        self.ends(ended, 3, "best-effort", "is lost with the peer", "not delivered")
        self.assertGreater(self.saved(), 0)
        self.assertLessEqual(self.saved(), read[0] + held[0])

    def test_the_end_of_a_drain_leaves_what_is_unread_to_the_next_run(self):
        source = self.write("few", b"one\ntwo\nthree\n")
        with Weir("--state", self.state, "--drain", "2s", source) as run:
            got = os.read(run.process.stdout.fileno(), 4)
            run.says("not read; the next run sends them again")
            self.assertEqual(run.process.wait(e2e_support.PATIENCE_S), 3)
        again = weir("--state", self.state, source)
        self.ends(again, 0)
        self.assertEqual((got, again.out), (b"one\n", b"two\nthree\n"))


if __name__ == "__main__":
    e2e_support.main()
