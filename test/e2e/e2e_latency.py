#!/usr/bin/env python3
"""Nothing waits for the next: each line is out before another comes."""

import subprocess
import threading
import time

import e2e_support
from e2e_peers import Peer
from e2e_support import SANITIZED, Weir


class Latency(e2e_support.TestCase):
    ROUNDS = 100

    def echoes(self, command, send, **how):
        """A line is out before the next is sent, each time; the times it took."""
        took = []
        with Weir(command, **how) as run:
            for n in range(self.ROUNDS):
                line = b"line %d" % n
                began = time.monotonic()
                send(line + b"\n", run)
                self.assertEqual(run.read_line(5), line)
                took.append(time.monotonic() - began)
        took.sort()
        print(
            "latency of %s: p50 %.2f ms, p99 %.2f ms"
            % (self.id().rsplit("_", 1)[-1], took[len(took) // 2] * 1000, took[-2] * 1000)
        )
        self.assertLess(took[len(took) // 2], 0.05 if not SANITIZED else 0.5)

    def served(self, http, stages=""):
        ready, box = threading.Event(), []

        def script(connection):
            if http:
                connection.stream()
            box.append(connection)
            ready.set()
            connection.wait_end()

        def send(data, _):
            self.assertTrue(ready.wait(e2e_support.PATIENCE_S))
            (box[0].chunk if http else box[0].send)(data)

        peer = self.peer(Peer(script, http=http))
        self.echoes((peer.url() if http else peer.address) + stages, send)

    def test_one_line_in_is_one_line_out_over_http(self):
        self.served(True)

    def test_one_line_in_is_one_line_out_over_tcp(self):
        self.served(False)

    def test_one_line_in_is_one_line_out_through_a_queue(self):
        self.served(True, ' | queue | skip 0 | grep "line" | queue 5')

    def test_one_line_in_is_one_line_out_of_standard_input(self):
        def send(data, run):
            run.process.stdin.write(data)
            run.process.stdin.flush()

        self.echoes("-", send, stdin=subprocess.PIPE)

    def test_a_line_reaches_a_tcp_sink_before_the_next_is_sent(self):
        got, step = [], threading.Semaphore(0)

        def sink(connection):
            file = connection.socket.makefile("rb")
            for line in file:
                got.append(line)
                step.release()

        peer = self.peer(Peer(sink, http=False))
        with Weir("- | tcp 127.0.0.1:%d" % peer.port, stdin=subprocess.PIPE) as run:
            for n in range(self.ROUNDS):
                run.process.stdin.write(b"%d\n" % n)
                run.process.stdin.flush()
                self.assertTrue(step.acquire(timeout=5), "line %d has not come\n%s" % (n, run.err))
            run.process.stdin.close()
            run.process.stdin = None
            self.ends(run.end(), 0)
        self.assertEqual(got, [b"%d\n" % n for n in range(self.ROUNDS)])

    def test_a_batch_waits_no_longer_than_its_time(self):
        with Weir("- | batch 1000 within 50ms", stdin=subprocess.PIPE) as run:
            for n in range(10):
                run.process.stdin.write(b"%d\n" % n)
                run.process.stdin.flush()
                self.assertEqual(run.read_line(5), b"%d" % n)


if __name__ == "__main__":
    e2e_support.main()
