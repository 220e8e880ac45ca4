#!/usr/bin/env python3
"""The systemd journal, with a journalctl that the test has in PATH: a script over a file of entries,
which knows the options that weir uses."""

import json
import os
import signal
import struct

import e2e_support
from e2e_support import Weir, wait_for, weir

JOURNALCTL = """#!/usr/bin/env python3
import os, sys, time
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
args = dict((a.split("=", 1) + [""])[:2] for a in sys.argv[1:])
with open(folder + "/called", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
assert args["--output"] == "export" and "--follow" in args
with open(folder + "/entries", "rb") as file:
    entries = [e.split(b"\\0SEP\\0") for e in file.read().split(b"\\0END\\0")[:-1]]
unit = args.get("--unit")
after = args.get("--after-cursor")
at = 0
if after:
    at = [cursor.decode() for cursor, _, _ in entries].index(after) + 1
elif "--since" not in args:
    at = len(entries) - int(args["--lines"])
if os.path.exists(folder + "/refuses"):
    sys.stderr.write("No journal files were opened due to insufficient permissions.\\n")
    sys.exit(1)
for cursor, of, entry in entries[at:]:
    if unit is None or of.decode() == unit:
        sys.stdout.buffer.write(entry)
        sys.stdout.buffer.flush()
    if os.path.exists(folder + "/dies") and cursor == b"c3":
        os.unlink(folder + "/dies")
        os.kill(os.getpid(), 9)
if os.path.exists(folder + "/ends"):
    sys.exit(0)
while True:
    time.sleep(1000)
"""


def field(name, value):
    value = value if isinstance(value, bytes) else str(value).encode()
    if b"\n" in value:
        return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


class Journal(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        script = self.write("bin/journalctl", JOURNALCTL)
        os.chmod(script, 0o755)
        self.env = {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        self.entries = b""
        for n in range(1, 7):
            message = b"two\nlines" if n == 2 else b"message %d" % n
            unit = "b" if n == 5 else "a"
            entry = (
                field("__CURSOR", "c%d" % n)
                + field("PRIORITY", n)
                + field("MESSAGE", message)
                + field("_SYSTEMD_UNIT", unit)
                + b"\n"
            )
            self.entries += b"\0SEP\0".join([b"c%d" % n, unit.encode(), entry]) + b"\0END\0"
        self.write("bin/entries", self.entries)

    def called(self):
        return self.read("bin/called").decode().splitlines()

    def test_entries_are_records(self):
        text = "journal since=yesterday | where .PRIORITY >= 2 | fields .PRIORITY, .MESSAGE"
        run = weir("-c", "3", text, env=self.env)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(
            [json.loads(line) for line in run.out.splitlines()],
            [
                {"PRIORITY": 2, "MESSAGE": "two\nlines"},
                {"PRIORITY": 3, "MESSAGE": "message 3"},
                {"PRIORITY": 4, "MESSAGE": "message 4"},
            ],
        )
        self.assertEqual(self.called(), ["--output=export --no-pager --follow --no-tail --since=yesterday"])
        run = weir("-c", "2", "journal last=2", env=self.env)
        self.assertEqual(run.out, b"message 5\nmessage 6\n")
        run = weir("-c", "1", "journal unit=b since=@0", env=self.env)
        self.assertEqual(run.out, b"message 5\n")
        self.assertIn("--unit=b", self.called()[-1])

    def test_it_continues_after_the_cursor(self):
        self.write("bin/dies", "")
        run = weir("-c", "6", "journal since=@0 | fields .PRIORITY", env=self.env)
        self.ends(run, 0, "was ended by SIGKILL; restart 1 in 0.", "resume after entry 3")
        self.assertEqual([json.loads(line)["PRIORITY"] for line in run.out.splitlines()], [1, 2, 3, 4, 5, 6])
        self.assertIn("--after-cursor=c3", self.called()[-1])

    def test_state_continues_after_a_kill(self):
        out, state = self.path("out"), self.path("state")
        text = "journal since=@0 | fields .PRIORITY | file " + out
        with Weir("--state", state, text, env=self.env) as run:
            wait_for(lambda: os.path.exists(out) and self.read("out").count(b"\n") == 6, "6 entries")
            wait_for(lambda: b"cursor c6" in self.record(), "the state")
            run.kill()
        first = self.entries.split(b"\0END\0")[0]
        seventh = first.replace(b"c1", b"c7").replace(b"PRIORITY=1", b"PRIORITY=7")
        self.write("bin/entries", self.entries + seventh + b"\0END\0")
        with Weir("--state", state, text, env=self.env) as run:
            wait_for(lambda: self.read("out").count(b"\n") >= 7, "the seventh")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0, "at-least-once")
        self.assertIn("--after-cursor=c6", self.called()[-1])
        lines = [json.loads(line)["PRIORITY"] for line in self.read("out").splitlines()]
        self.assertEqual(lines, [1, 2, 3, 4, 5, 6, 7])

    def record(self):
        for name in os.listdir(self.path("state")):
            if name.endswith(".weir"):
                try:
                    return self.read("state/" + name)
                except FileNotFoundError:
                    pass
        return b""

    def test_what_is_missing_is_said(self):
        self.write("bin/refuses", "")
        self.ends(
            weir("journal", env=self.env), 1, "insufficient permissions", "status 1", "systemd-journal"
        )
        run = weir("journal", env={"PATH": self.path("nothing")})
        self.ends(run, 1, "cannot start 'journalctl'", "a part of systemd")
        self.ends(weir("journal match=--user", env=self.env), 2, "match=_UID=0")


if __name__ == "__main__":
    e2e_support.main()
