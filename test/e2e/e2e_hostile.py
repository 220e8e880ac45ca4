#!/usr/bin/env python3
"""Clients that are slow on purpose, and more of them than the server takes: a good client is served
as if they were not there, and each of them costs little.

The peer is test/bench/peers/peer_hostile.c. What it measures are times: the bounds here are far
above what a quiet machine shows (test/bench judges that) and far below what a client waits for that
is kept out.
"""

import json
import os
import re
import resource
import subprocess

import e2e_support
from e2e_support import PATIENCE_S, SANITIZED, Weir, look_for_reports

PEER = os.environ.get("WEIR_HOSTILE_PROGRAM", "peer_hostile")
MORE_THAN_ALL = 1100
GOOD_REQUESTS = 300
LONG = "/lines?n=100000000"


class Hostile(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def measure(self, mode, others, path=LONG):
        with Weir("demo", ":0") as run:
            line = b""
            while b"http://" not in line:
                line = run.read_line()
            port = re.search(rb"http://127\.0\.0\.1:(\d+)", line).group(1).decode()
            peer = subprocess.run(
                [PEER, port, mode, str(others), str(GOOD_REQUESTS), path, str(run.pid)],
                capture_output=True,
                timeout=PATIENCE_S * 3,
                check=True,
            )
            look_for_reports(run.err)
            return json.loads(peer.stdout)

    def is_served(self, mode, others, path=LONG):
        found = self.measure(mode, others, path)
        self.assertEqual(found["failed"], 0, found)
        if not SANITIZED:
            self.assertLess(found["p50_us"], 10 * 1000, found)
            self.assertLess(found["p99_us"], 1000 * 1000, found)
        return found

    def test_those_that_send_nothing_keep_no_one_out(self):
        self.is_served("silent", MORE_THAN_ALL)

    def test_heads_that_never_end_keep_no_one_out(self):
        self.is_served("headers", MORE_THAN_ALL)

    def test_bodies_that_never_end_keep_no_one_out(self):
        self.is_served("body", MORE_THAN_ALL)

    def test_a_thousand_ranges_keep_no_one_out(self):
        self.is_served("range", MORE_THAN_ALL)

    def test_those_that_read_slowly_keep_no_one_out(self):
        self.is_served("read", MORE_THAN_ALL)

    def test_those_that_do_not_read_keep_no_one_out_and_cost_24_kib_each(self):
        for path in (LONG, "/feed.ndjson?rate=0"):
            found = self.is_served("stuck", MORE_THAN_ALL, path)
            self.assertGreater(found["open"], 900)
            if not SANITIZED:
                self.assertLessEqual(found["growth_bytes"], 24 * 1024, found)

    def test_those_that_read_fast_do_not_slow_down_others(self):
        self.is_served("fast", 50)


if __name__ == "__main__":
    e2e_support.main()
