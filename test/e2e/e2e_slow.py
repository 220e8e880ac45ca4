#!/usr/bin/env python3
"""A consumer slower than the source stops the source, in constant memory and without work.

The sizes are those of the whole process: its code, the libraries, and what libcurl and OpenSSL
hold.
"""

import os
import shutil
import socket
import tempfile
import threading
import time

import e2e_support
from e2e_peers import Certificates, Nginx, Peer
from e2e_support import SANITIZED, Weir, cpu_ticks, proc_status, rests, wait_for

PEAK_KIB = 24 * 1024
STALL_S = 3
BIG = 1 << 30


class SlowConsumer(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="weir-e2e-root-")
        os.chmod(cls.root, 0o755)
        cls.text = b"".join(b"%d %s\n" % (n, b"x" * (n % 300)) for n in range(400000))
        # Nobody gets beyond the first part: the rest of the gigabyte is a hole.
        with open(os.path.join(cls.root, "big"), "wb") as file:
            file.write(cls.text)
            file.truncate(BIG)
        cls.certificates = Certificates()
        cls.nginx = Nginx(cls.root, cls.certificates)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.close()
        cls.certificates.close()
        shutil.rmtree(cls.root)

    def settled(self, run, read):
        """Poll a counter until it has moved, and then stood still for a while in which neither weir
        nor its server wanted to run; its value."""
        last, since = read(), time.monotonic()

        def still():
            nonlocal last, since
            now = read()
            if now != last or now == 0 or not rests(run.pid, self.nginx.worker()):
                last, since = now, time.monotonic()
            return time.monotonic() - since > 0.5

        wait_for(still, "a counter to stand still")
        return last

    def stalls(self, run, sent):
        """The run does nothing while its reader does nothing: no bytes, no time of the processor,
        no memory."""
        before = self.settled(run, sent)
        ticks, began = cpu_ticks(run.pid), time.monotonic()
        threading.Event().wait(STALL_S)
        spent = (cpu_ticks(run.pid) - ticks) / os.sysconf("SC_CLK_TCK")
        self.assertLess(spent / (time.monotonic() - began), 0.01)
        self.assertEqual(sent(), before)
        if not SANITIZED:
            self.assertLessEqual(proc_status(run.pid, "VmHWM"), PEAK_KIB)
        return before

    def goes_on(self, run):
        """Once its reader reads again, what comes is what was sent."""
        want, got = 30 << 20, bytearray()
        while len(got) < want:
            piece = os.read(run.process.stdout.fileno(), 1 << 16)
            self.assertTrue(piece, run.err)
            got += piece
        self.assertTrue(got[:want] == self.text[:want])
        if not SANITIZED:
            self.assertLessEqual(proc_status(run.pid, "VmHWM"), PEAK_KIB)

    def test_a_pipe_that_is_not_read_stops_an_http_server(self):
        self.assertGreater(len(self.text), 40 << 20)
        before = self.nginx.written()
        with Weir(self.nginx.url("/big")) as run:
            sent = self.stalls(run, lambda: self.nginx.written() - before)
            self.assertLess(sent, 32 << 20)
            self.goes_on(run)

    def test_a_pipe_that_is_not_read_stops_an_https_server(self):
        before = self.nginx.written()
        with Weir("--cacert", self.certificates.ca, self.nginx.tls_url("/big")) as run:
            self.stalls(run, lambda: self.nginx.written() - before)
            self.goes_on(run)

    def test_a_queue_that_is_full_stops_the_server(self):
        before = self.nginx.written()
        with Weir("%s | queue 1000000 4MiB" % self.nginx.url("/big")) as run:
            self.stalls(run, lambda: self.nginx.written() - before)
            self.goes_on(run)

    def test_items_without_bytes_stay_within_the_budget(self):
        lines = 12000000
        path = os.path.join(self.root, "newlines")
        with open(path, "wb") as file:
            file.write(b"\n" * lines)
        for stages in ("queue 10000000", "batch 1000 | queue 10000", "batch 1 | queue 10000000"):
            with Weir("--mem", "64MiB", "%s | %s" % (path, stages)) as run:
                peak = self.settled(run, lambda: proc_status(run.pid, "VmHWM"))
                if not SANITIZED:
                    self.assertLessEqual(peak, 64 * 1024 + PEAK_KIB, stages)
                got, want = 0, 1 << 20 if "batch 1 " in stages else lines
                while got < want:
                    piece = os.read(run.process.stdout.fileno(), 1 << 16)
                    self.assertTrue(piece, run.err)
                    got += len(piece)

    def test_a_socket_that_is_not_read_stops_a_tcp_server(self):
        counted = [0]

        def script(connection):
            view = memoryview(self.text)
            while view:
                n = connection.socket.send(view[:65536])
                counted[0] += n
                view = view[n:]

        left, right = socket.socketpair()
        with left, Weir(self.peer(Peer(script, http=False)).address, stdout=right) as run:
            right.close()
            self.stalls(run, lambda: counted[0])

    def test_a_tcp_sink_that_does_not_read_stops_the_server(self):
        taken = threading.Event()
        peer = self.peer(Peer(lambda connection: taken.wait(e2e_support.PATIENCE_S), http=False))
        before = self.nginx.written()
        with Weir("%s | tcp 127.0.0.1:%d" % (self.nginx.url("/big"), peer.port)) as run:
            self.stalls(run, lambda: self.nginx.written() - before)
            taken.set()

    def test_the_idle_time_does_not_run_while_weir_is_the_brake(self):
        before = self.nginx.written()
        with Weir("--idle", "2s", self.nginx.url("/big")) as run:
            self.settled(run, lambda: self.nginx.written() - before)
            threading.Event().wait(3)
            self.assertEqual(run.err, "")
            self.goes_on(run)
            self.assertEqual(run.err, "")

    def test_a_whole_gigabyte_passes_in_constant_memory(self):
        with Weir("%s | grep \"1\" | queue | null" % self.nginx.url("/big")) as run:
            process = run.process
            peak = 0

            def sample():
                nonlocal peak
                try:
                    peak = max(peak, proc_status(run.pid, "VmHWM"))
                except (AssertionError, FileNotFoundError, ProcessLookupError):
                    pass
                return process.poll() is not None

            wait_for(sample, "the end", 2 * e2e_support.PATIENCE_S)
            self.ends(run.end(), 0)
        if not SANITIZED:
            # One megabyte of a line over the limit is held before it is given up.
            self.assertLessEqual(peak, PEAK_KIB)


if __name__ == "__main__":
    e2e_support.main()
