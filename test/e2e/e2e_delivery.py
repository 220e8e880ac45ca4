#!/usr/bin/env python3
"""What moves a position: the far end's answer for all that comes before it, through filters and batches,
whatever happens to the rest of the stream."""

import http.server
import os
import select
import signal
import subprocess
import threading

import e2e_support
from e2e_support import Weir, saved_offset, wait_for, weir


class Hook:
    """Takes POSTs. judge(lines) gives the status of a request, and may wait; what got a 2xx is in `taken`."""

    def __init__(self, case, judge):
        self.taken, self.refused, lock = [], 0, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(this):  # pylint: disable=no-self-argument
                lines = this.rfile.read(int(this.headers["Content-Length"])).splitlines()
                status = judge(lines)
                with lock:
                    if status == 200:
                        self.taken += lines
                    else:
                        self.refused += 1
                this.send_response(status)
                this.send_header("Content-Length", "0")
                this.end_headers()

            def log_message(this, *_):  # pylint: disable=no-self-argument
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)
        self.url = "http://127.0.0.1:%d/" % self.server.server_address[1]


LINES = [b"line %d" % i for i in range(1, 41)]
DATA = b"".join(line + b"\n" for line in LINES)


def before(line):
    """The bytes of the file before this line."""
    return DATA.index(line + b"\n")


class Delivery(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        self.source = self.write("in", DATA)
        self.state = self.path("state")

    def saved(self):
        return saved_offset(self.state)

    def test_an_item_that_is_refused_stops_the_position_and_not_the_stream(self):
        open_now = threading.Event()
        hook = Hook(self, lambda lines: 503 if lines == [b"line 7"] and not open_now.is_set() else 200)
        text = "%s | post %s parallel=4" % (self.source, hook.url)
        with Weir("--state", self.state, text) as run:
            wait_for(lambda: len(hook.taken) == len(LINES) - 1, "all but the one to be taken")
            wait_for(lambda: self.saved() == before(b"line 7"), "the position before it")
            run.kill()
        self.assertEqual(self.saved(), before(b"line 7"))
        open_now.set()
        taken = len(hook.taken)
        self.ends(weir("--state", self.state, text), 0)  # after the kill it continues there
        self.assertEqual(sorted(hook.taken[taken:]), sorted(LINES[6:]))
        self.assertEqual(self.saved(), len(DATA))

    def test_an_item_that_is_rejected_for_good_is_settled_and_the_position_passes_it(self):
        hook = Hook(self, lambda lines: 400 if lines == [b"line 7"] else 200)
        run = weir("--state", self.state, "--dead", self.path("dead"), "%s | post %s" % (self.source, hook.url))
        self.ends(run, 0, "post: 1, first at line 7")
        self.assertEqual(hook.taken, LINES[:6] + LINES[7:])
        self.assertIn(b'"body":"line 7"', self.read("dead"))
        self.assertEqual(self.saved(), len(DATA))

    def test_a_batch_behind_a_filter_moves_the_position_to_what_it_holds_first(self):
        open_now = threading.Event()
        hook = Hook(self, lambda lines: 200 if b"line 16" not in lines or open_now.wait(e2e_support.PATIENCE_S) else 500)
        self.addCleanup(open_now.set)
        # 1, 10..19, 21, 31: batches of 1 10 11, 12 13 14, 15 16 17 ...
        text = '%s | grep "1" | batch 3 | post %s' % (self.source, hook.url)
        with Weir("--state", self.state, text) as run:
            wait_for(lambda: len(hook.taken) == 6, "two batches to be taken")
            wait_for(lambda: self.saved() == before(b"line 15"), "the position before the third")
            run.send(signal.SIGTERM)
            run.send(signal.SIGTERM)  # the second one stops at once
            run.process.wait(e2e_support.PATIENCE_S)
            self.assertEqual(run.process.returncode, 143)
        self.assertEqual(self.saved(), before(b"line 15"))
        open_now.set()
        ones = [line for line in LINES if b"1" in line]
        wait_for(lambda: len(hook.taken) == 9, "the one that was under way")  # nobody waits for its answer
        self.ends(weir("--state", self.state, text), 0)
        self.assertEqual(hook.taken, ones[:9] + ones[6:])

    def test_an_outage_of_the_sink_pauses_the_source_and_loses_nothing(self):
        open_now = threading.Event()
        hook = Hook(self, lambda lines: 200 if open_now.is_set() else 503)
        with Weir("batch 1000 within 100ms | post " + hook.url, stdin=subprocess.PIPE) as run:
            pipe = run.process.stdin.fileno()
            os.set_blocking(pipe, False)
            sent = 0
            while select.select([], [pipe], [], 1)[1]:  # for a second nothing is taken: it has paused
                try:
                    line = b"%d %s\n" % (sent + 1, b"x" * 1000)
                    self.assertEqual(os.write(pipe, line), len(line))
                    sent += 1
                except BlockingIOError:
                    pass
                self.assertLess(sent, 100000)
            self.assertGreater(hook.refused, 0)
            self.assertEqual(hook.taken, [])
            open_now.set()
            run.process.stdin.close()
            run.process.stdin = None
            self.ends(run.end(), 0)
        self.assertEqual([int(line.split()[0]) for line in hook.taken], list(range(1, sent + 1)))


if __name__ == "__main__":
    e2e_support.main()
