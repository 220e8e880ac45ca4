#!/usr/bin/env python3
"""Memory that does not grow: with the length of a stream whose sink stalls, and with their number.

    fault_memory.py [--long] [Memory.test_...]

In a short run 300 MB and 3,000 streams; with --long 10 GiB and 100,000.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True

import e2e_support
from e2e_support import TestCase, Weir, proc_status

LONG = "--long" in sys.argv
BYTES = 10 << 30 if LONG else 300 << 20
STREAMS = 100000 if LONG else 3000
STALLS = 20
PEAK_MIB_MAX = 64
PROGRAM = os.path.abspath(os.path.join(os.environ.get("WEIR_BUILD", "build"), "bin", "fault_streams"))


class Memory(TestCase):
    def setUp(self):
        super().setUp()
        demo = Weir("demo", ":0")
        self.addCleanup(demo.__exit__)
        demo.read_line()
        self.base = demo.read_line().split()[0].decode().rsplit("/", 1)[0]
        demo.killed = True

    def test_a_long_stream_through_a_sink_that_stalls_needs_no_more_than_its_budget(self):
        size = 1000
        count = BYTES // (size + 1)
        text = "%s/lines?n=%d&size=%d | queue | grep -v never" % (self.base, count, size)
        with Weir("--mem", "32M", text) as run:
            got, next_stall, peak = 0, 0, 0
            buffer = bytearray(1 << 20)
            while True:
                if got >= next_stall:
                    time.sleep(0.05)
                    next_stall += BYTES // STALLS
                    peak = max(peak, proc_status(run.pid, "VmHWM"))
                n = run.process.stdout.readinto(buffer)
                if not n:
                    break
                got += n
            self.ends(run.end(), 0)
        print("%.1f GB through a sink that stalled %d times: peak %.1f MiB resident, --mem 32M"
              % (got / 1e9, STALLS, peak / 1024))
        self.assertEqual(got, count * (size + 1))
        self.assertLess(peak / 1024, PEAK_MIB_MAX)

    def test_many_short_streams_leave_nothing_behind(self):
        url = self.base + "/lines?n=3&size=20"
        ended = subprocess.run([PROGRAM, url, str(STREAMS)], capture_output=True, text=True,
                               timeout=900, check=False)
        print(ended.stdout, end="")
        self.assertEqual(ended.returncode, 0, ended)


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--long"]
    e2e_support.main()
