#!/usr/bin/env python3
"""--from and --end: where a source begins and stops. What it cannot do is refused before anything is
opened, with what it can."""

import os
import select

import e2e_support
from e2e_peers import Peer, ranged
from e2e_support import Weir, saved_offset, wait_for, weir

LINES = b"".join(b"line %d\n" % i for i in range(1, 2001))
AT = LINES.index(b"line 1500\n")


class Begin(e2e_support.TestCase):
    def gives(self, expected, *args, texts=()):
        run = weir(*args)
        self.ends(run, 0, *texts)
        self.assertEqual(run.out, expected)
        return run

    def test_a_file_begins_at_a_byte_and_its_positions_count_from_its_first_one(self):
        path, state = self.write("in", LINES), self.path("state")
        self.gives(LINES[AT:], "--from", "off:%d" % AT, path)
        self.gives(LINES, "--from", "beginning", path)
        self.gives(LINES[AT:][:20], "--from", "off:%d" % AT, "-c", "2", "--state", state, path)
        self.assertEqual(saved_offset(state), AT + 20)
        self.gives(LINES[AT + 20 :], "--from", "stored", "--state", state, path)
        self.ends(weir("--from", "off:%d" % (len(LINES) + 1), path), 2, "has %d bytes, and cannot begin" % len(LINES))
        self.gives(b"", "--from", "off:%d" % len(LINES), path)

    def test_a_state_that_has_a_position_says_where_to_go_on(self):
        path = self.write("in", LINES)
        state = ("--state", self.path("state"), "--name", "n")
        self.gives(LINES[AT:][:10], "--from", "off:%d" % AT, "-c", "1", *state, path)
        self.ends(weir("--from", "beginning", *state, path), 2, "--from has no effect: the state 'n'",
                  "weir state reset n --state")
        self.ends(weir("--from", "stored", path), 2, "--from stored needs --state")

    def test_a_url_begins_at_a_byte_whether_the_server_knows_ranges_or_versions_or_not(self):
        for etag, drops in (('"v1"', False), ('"v1"', True), (None, False)):
            drop = (lambda c, first: first + 3000 if c.number == 1 else None) if drops else None
            peer = self.peer(Peer(ranged(LINES, etag=etag, drop=drop)))
            self.gives(LINES[AT:], "--from", "off:%d" % AT, peer.url(), texts=["resume from byte"] if drops else ())
            self.assertEqual(peer.requests[0].headers["range"], "bytes=%d-" % AT)
            self.assertNotIn("if-range", peer.requests[0].headers)
            if drops:
                self.assertEqual(peer.requests[1].headers["if-range"], etag)
        whole = self.peer(Peer(lambda c: c.reply(body=LINES)))
        self.gives(LINES[AT:], "--from", "off:%d" % AT, whole.url())
        short = self.peer(Peer(lambda c: c.reply(body=LINES[: AT - 1])))
        self.ends(weir("--from", "off:%d" % AT, short.url()), 1, "ends before the position")

    def test_a_url_with_a_state_continues_where_it_began_and_got(self):
        peer, state = self.peer(Peer(ranged(LINES))), ("--state", self.path("state"))
        out = self.path("out")
        text = "%s | file %s" % (peer.url(), out)
        self.ends(weir("--from", "off:%d" % AT, "-c", "3", *state, text), 0)
        self.ends(weir(*state, text), 0, "resume from byte %d" % (AT + 30))
        self.assertEqual(self.read("out"), LINES[AT:])

    def test_an_event_stream_begins_after_an_id_and_stops_at_the_end_of_its_response(self):
        def script(connection):
            first = int(connection.request.headers.get("last-event-id", 0)) + 1
            body = b"".join(b"id: %d\ndata: %d\n\n" % (i, i) for i in range(first, first + 3))
            connection.reply(headers=["Content-Type: text/event-stream"], body=body)

        peer = self.peer(Peer(script))
        self.gives(b"8\n9\n10\n", "--from", "id:7", "--end", peer.url() + " | sse")
        self.assertEqual(len(peer.requests), 1)
        self.gives(b"1\n2\n3\n4\n", "-c", "4", peer.url() + " | sse")
        follows = self.peer(Peer(lambda c: c.reply(body=b"a\nb\n")))
        self.gives(b"a\nb\n", "--follow", "--end", follows.url())

    @staticmethod
    def line_comes(run, path):
        with open(path, "ab") as log:
            log.write(b"added\n")
        return select.select([run.process.stdout], [], [], 0.05)[0]

    def test_a_tail_begins_and_stops_as_it_is_told(self):
        path = self.write("in", LINES + b"half")
        tail = "tail " + path
        self.gives(LINES, "--from", "beginning", "--end", tail, texts=["ends inside a line: its last 4 bytes"])
        self.gives(b"", "--from", "end", "--end", tail + " from=start")
        self.gives(LINES[-20:], "--end", tail + " last=2")
        self.write("out", b"")
        state = ("--state", self.path("state"), "--end", "%s from=start | file %s" % (tail, self.path("out")))
        self.ends(weir(*state), 0)
        with open(path, "ab") as log:
            log.write(b" and whole\nmore\n")
        self.ends(weir(*state), 0)
        self.assertEqual(self.read("out"), LINES + b"half and whole\nmore\n")
        with Weir("--from", "end", tail) as run:  # without --end it goes on
            wait_for(lambda: self.line_comes(run, path), "a line that is added")
            run.kill()

    def test_numbers_begin_later(self):
        self.gives(b"4\n5\n", "--from", "off:3", "gen 1..5")
        self.gives(b"", "--from", "off:5", "gen 1..5")
        self.gives(b"", "--from", "off:9223372036854775807", "gen 1..5")

    def test_what_a_source_cannot_do_is_refused_by_its_name(self):
        path = self.write("in", b"1\n")
        for args, text in (
            (("--from", "end", path), "'file' cannot begin at the end; it can begin at the beginning, or at an offset"),
            (("--from", "@1714564800", path), "'file' cannot begin at a time"),
            (("--from", "id:3", "http://localhost/"), "'http' cannot begin at an id"),
            (("--from", "off:3", "http://localhost/ | sse"), "'http' cannot begin at an offset"),
            (("--from", "off:3", "http://localhost/ | where .a"), "'http' cannot begin at an offset"),
            (("--from", "off:3", "tail " + path), "'tail' cannot begin at an offset"),
            (("--from", "beginning", "udp://:0"), "'udp' cannot begin at the beginning: it gives what comes"),
            (("--from", "off:3", "-"), "'stdin' cannot begin at an offset"),
            (("--from", "off:3", "grep x", path, path), "an offset is of one file, not of several"),
            (("--end", path), "has no effect: 'file' ends by itself"),
            (("--end", "http://localhost/"), "has no effect: 'http' ends by itself"),
            (("--end", "gen 1.."), "'gen'"),
            (("--end", "udp://:0"), "'udp' cannot stop at the end"),
            (("--end", "ws://localhost/"), "'ws'"),
            (("--from", "then", path), "--from: 'then' is no place to begin; write beginning, end"),
            (("--from", "off:x", path), "'x' is not a number"),
            (("--from", "@noon", path), "'@noon' is not a time"),
        ):
            run = weir("check", *args)
            self.ends(run, 2, text)

    def test_the_journal_begins_and_stops_as_it_is_told(self):
        folder = self.path("bin")
        os.mkdir(folder)
        tool = os.path.join(folder, "journalctl")
        with open(tool, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho \"$@\" >> %s\nprintf '__CURSOR=c1\\nMESSAGE=one\\n\\n'\n" % self.path("args"))
        os.chmod(tool, 0o755)
        for args, words in (
            (("--from", "beginning"), "--since=@0.000000"),
            (("--from", "@2024-05-01T12:00:00Z"), "--since=@1714564800.000000"),
            (("--from", "@1714564800.5"), "--since=@1714564800.500000"),
            (("--from", "id:s=1;i=2"), "--after-cursor=s=1;i=2"),
            (("--from", "end"), "--lines=0"),
        ):
            run = weir("--end", *args, "journal", env={"PATH": folder + ":" + os.environ["PATH"]})
            self.ends(run, 0)
            self.assertEqual(run.out, b"one\n")
            said = self.read("args").decode().splitlines()[-1]
            self.assertIn(words, said)
            self.assertNotIn("--follow", said)


if __name__ == "__main__":
    e2e_support.main()
