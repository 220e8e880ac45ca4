#!/usr/bin/env python3
"""What a response is read as, where its values are used: as its Content-Type says, and in the same way
after each break and each restart."""

import functools
import gzip
import json
import os
import re
import signal

import e2e_support
from e2e_peers import Nginx, Peer, ranged
from e2e_support import Weir, wait_for, weir

CSV = b'id,name\n1,ann\n2,"bob,\njr"\n'
ROWS = b'{"id":"1","name":"ann"}\n{"id":"2","name":"bob,\\njr"}\n'
PRETTY = b'[\n  {"a": 1}\n]\n{"a":2} {"a":3}'
EVENTS = b'id: 1\ndata: {"a":1}\n\nid: 2\ndata: {"a":\ndata: 2}\n\n'
KINDS = {
    "text/csv": CSV,
    "text/tab-separated-values": CSV.replace(b",", b"\t"),
    "application/json": PRETTY,
    "application/x-ndjson": b'{"a":1}\n{"a":2}\n',
    "text/event-stream": EVENTS,
}


def served(*answers):
    """A server that gives each connection its answer, a Content-Type (None: it has none) with a body;
    204 to those after them."""

    def script(connection):
        if connection.number > len(answers):
            return connection.reply("204 No Content", length=False)
        kind, body, *more = answers[connection.number - 1]
        return connection.reply(headers=(["Content-Type: " + kind] if kind else []) + more, body=body)

    return Peer(script)


class Types(e2e_support.TestCase):
    def test_a_compressed_body_is_unpacked_and_read_by_the_ending_in_its_path(self):
        zip = functools.partial(gzip.compress, mtime=0)
        for kind, path, body, out in (
            ("application/gzip", "/a.csv.gz?day=1", zip(CSV), ROWS),
            ("application/x-gzip", "/a.json.gz", zip(PRETTY), b'[{"a":1}]\n{"a":2}\n{"a":3}\n'),
            ("application/gzip", "/a.ndjson.gz", zip(b'{"a":1}\n{"a": 2}\n'), b'{"a":1}\n{"a": 2}\n'),
            ("application/gzip", "/a", zip(b'{"a":1}\n'), b'{"a":1}\n'),
            ("application/gzip", "/a.sse.gz", zip(EVENTS), b'{"a":1}\n{"a":2}\n'),
            ("application/gzip", "/a.tsv.gz", zip(b"a\tb\n1\t2\n") + zip(b"3\t4\n"),
             b'{"a":"1","b":"2"}\n{"a":"3","b":"4"}\n'),
        ):
            for text in ("auto", "where true", "auto | where true"):
                with self.subTest(kind=kind, path=path, text=text):
                    peer = self.peer(served((kind, body)))
                    run = weir("%s | %s" % (peer.url(path), text))
                    self.ends(run, 0)
                    self.assertEqual(run.out, out)
        packed = weir("gen 1..3 | zstd").out
        peer = self.peer(served(("application/zstd", packed)))
        self.assertEqual(weir("%s | map . + 1" % peer.url()).out, b"2\n3\n4\n")
        peer = self.peer(served(("application/gzip", zip(CSV))))
        self.assertEqual(weir("%sa.csv.gz" % peer.url()).out, zip(CSV))

    def test_a_compressed_body_that_is_broken_is_an_error(self):
        peer = self.peer(served(("application/gzip", gzip.compress(CSV * 100)[:40])))
        self.ends(weir("%sa.csv.gz | where true" % peer.url()), 1, "gunzip: ")

    def test_a_compressed_body_with_a_state_is_to_be_unpacked_by_the_text(self):
        peer = self.peer(served(("application/gzip", gzip.compress(CSV), 'ETag: "v1"')))
        run = weir("--state", self.path("state"), "%sa.csv.gz | where true" % peer.url())
        self.ends(run, 2, "it is compressed (application/gzip)", "write 'gunzip | csv header' behind the URL")

    def test_a_body_is_read_as_its_type_says(self):
        for kind, body, out in (
            ("text/csv; charset=utf-8", CSV, ROWS),
            ("Text/CSV", CSV, ROWS),
            ("text/tab-separated-values", b"a\tb\n1\t2\n", b'{"a":"1","b":"2"}\n'),
            ("application/json", PRETTY, b'[{"a":1}]\n{"a":2}\n{"a":3}\n'),
            ("application/problem+json", b'{\n"a":1}', b'{"a":1}\n'),
            ("application/x-ndjson", b'{"a":1}\n{"a": 2}\n', b'{"a":1}\n{"a": 2}\n'),
            ("text/plain", b'{"a":1}\n\n[2]', b'{"a":1}\n[2]'),
            (None, b'{"a":1}\n', b'{"a":1}\n'),
            ("text/event-stream", EVENTS, b'{"a":1}\n{"a":2}\n'),
            ("application/json", b"", b""),
        ):
            for text in ("auto", "where true", "auto | where true"):
                with self.subTest(kind=kind, text=text):
                    peer = self.peer(served((kind, body)))
                    run = weir("%s | %s" % (peer.url(), text))
                    self.ends(run, 0)
                    self.assertEqual(run.out, out)

    def test_json_reads_the_events_of_an_event_stream_and_json_of_all_others(self):
        for kind, body, out in (
            ("text/event-stream", EVENTS, b"1\n2\n"),
            ("text/event-stream; charset=utf-8", EVENTS, b"1\n2\n"),
            ("application/json", PRETTY.replace(b"[", b"").replace(b"]", b""), b"1\n2\n3\n"),
            ("text/csv", b'{"a":\n7}', b"7\n"),
            (None, b'{"a":8}', b"8\n"),
        ):
            with self.subTest(kind=kind):
                peer = self.peer(served((kind, body)))
                run = weir(peer.url("/") + " | json | .a")
                self.ends(run, 0)
                self.assertEqual(run.out, out)

    def test_what_nobody_looks_into_stays_as_it_came(self):
        for kind, body in KINDS.items():
            with self.subTest(kind=kind):
                peer = self.peer(served((kind, body)))
                run = weir(peer.url())
                self.ends(run, 0)
                self.assertEqual(run.out, body)
                self.assertEqual(len(peer.requests), 1)

    def test_a_compressed_body_is_read_as_its_type_says(self):
        peer = self.peer(served(("application/json", gzip.compress(PRETTY), "Content-Encoding: gzip")))
        run = weir("%s | .a?" % peer.url())
        self.ends(run, 0)
        self.assertEqual(run.out, b"2\n3\n")

    def test_a_refusal_says_nothing_about_the_type(self):
        def script(connection):
            if connection.number == 1:
                connection.reply("503 Busy", ["Content-Type: text/html", "Retry-After: 0"], "<html>")
            else:
                connection.reply(headers=["Content-Type: text/csv"], body=CSV)

        run = weir("%s | auto" % self.peer(Peer(script)).url())
        self.ends(run, 0, "503")
        self.assertEqual(run.out, ROWS)
        peer = self.peer(Peer(lambda connection: connection.reply("204 No Content", length=False)))
        self.ends(weir("%s | auto" % peer.url()), 0)

    def test_an_event_stream_goes_on_after_its_last_id(self):
        peer = self.peer(
            served(
                ("text/event-stream", b'retry: 1\nid: 1\ndata: {"a":1}\n\n'),
                ("text/event-stream", b'id: 2\nevent: x\ndata: {"a":2}\n\n'),
            )
        )
        run = weir("%s | .a" % peer.url())
        self.ends(run, 0, "resume after the event with id 1")
        self.assertEqual(run.out, b"1\n2\n")
        self.assertEqual([request.headers.get("last-event-id") for request in peer.requests], [None, "1", "2"])
        self.assertEqual(peer.requests[1].headers["accept"], "text/event-stream")

    def test_what_is_rejected_is_reported_by_the_component_that_reads_it(self):
        for kind, body, says in (
            ("text/csv", b"a,b\n1,2\n3\n", ("csv: row 3 (byte 8): the row has fewer values", "(csv: 1, first at row 3)")),
            ("application/json", b"1\n{]\n2\n", ("json: line 2 (byte 3): ", "(json: 1, first at line 2)")),
            ("text/event-stream", b"data: x\n\n", ("json: event 1: expected a value", "(json: 1, first at event 1)")),
            ("text/plain", b"1\n{]\n", ("line 2 (byte 3): ", ": 1, first at line 2)")),
        ):
            for text in ("auto", "auto | where true"):
                with self.subTest(kind=kind, text=text):
                    text = "%s | " + text
                    self.ends(weir(text % self.peer(served((kind, body))).url()), 0, *says)
                    self.ends(weir("--strict", text % self.peer(served((kind, body))).url()), 1)
                    dead = self.path("dead")
                    self.ends(weir("--dead", dead, text % self.peer(served((kind, body))).url()), 0)
                    entries = [json.loads(line) for line in self.read("dead").splitlines()]
                    self.assertEqual(len(entries), 1)
                    self.assertEqual(entries[0]["component"] + ":", re.search("(?:csv|json|where):", weir(
                        text % self.peer(served((kind, body))).url()).err).group())
                    os.unlink(dead)

    def test_an_explanation_says_what_may_come(self):
        run = weir("explain", "https://example.org/feed | where .x")
        self.ends(run, 0)
        for part in (
            b"auto   (inserted by the plan)",
            b"by the Content-Type of the first answer",
            b"text/event-stream as 'sse | json', which reconnects without limit",
            b"text/csv as 'csv header | ndjson'",
            b"an event stream: at-least-once if its events have ids",
        ):
            self.assertIn(part, run.out)
        self.ends(weir("check", "https://example.org/feed | where .x"), 0)
        self.assertIn(b'[label="auto", style=dashed]', weir("graph", "https://example.org/feed | where .x").out)
        self.assertIn(b'[label="auto"]', weir("graph", "https://example.org/feed | auto").out)

    def test_a_run_ends_that_waits_for_the_answer(self):
        peer = self.peer(Peer(lambda connection: connection.wait_end()))
        with Weir("%s | auto" % peer.url()) as run:
            wait_for(lambda: peer.requests, "a request")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)


class Breaks(e2e_support.TestCase):
    def broken(self, first, then):
        """A server whose first answer ends in the middle of its body; `then` answers the others."""

        def script(connection):
            if connection.number == 1:
                kind, body, length = first
                connection.reply(headers=["Content-Type: " + kind, 'ETag: "v1"'], body=body, length=length)
                connection.drained()
            else:
                then(connection)

        return self.peer(Peer(script))

    def test_a_body_is_read_on_as_it_began(self):
        rows = b"".join(b'%d,"a\nb"\n' % n for n in range(2000))
        values = b"".join(b'{"id":\n"%d"}' % n for n in range(2000))
        for kind, data in (("text/csv", b"id,x\n" + rows), ("application/json", values)):
            for says in (True, False):
                with self.subTest(kind=kind, says=says):
                    headers = ["Content-Type: " + kind] if says else []
                    peer = self.broken((kind, data[:9001], len(data)), ranged(data, headers=headers))
                    run = weir("%s | .id" % peer.url())
                    self.ends(run, 0, "resume from byte")
                    self.assertEqual(run.out, b"".join(b'"%d"\n' % n for n in range(2000)))
                    self.assertEqual(len(peer.requests), 2)

    def test_another_type_after_a_break_is_a_change(self):
        peer = self.broken(
            ("text/csv", CSV, 1000),
            lambda connection: connection.reply(headers=["Content-Type: application/json", 'ETag: "v1"'], body=b"[1]"),
        )
        run = weir("%s | auto" % peer.url())
        self.ends(run, 1, "the Content-Type was 'text/csv', and is now 'application/json'", "'csv header' behind the URL")
        self.assertEqual(run.out, ROWS)
        peer = self.peer(served(("text/event-stream", EVENTS), ("text/html", b"<html>")))
        self.ends(weir("%s | auto" % peer.url()), 1, "'text/event-stream', and is now 'text/html'", "'lines' behind the URL")

    def test_types_that_are_read_alike_are_no_change(self):
        data = b"".join(b'{"a":%d}\n' % n for n in range(1000))
        peer = self.broken(("text/plain", data[:4000], len(data)), ranged(data, headers=["Content-Type: application/x-ndjson"]))
        run = weir("%s | .a" % peer.url())
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(b"%d\n" % n for n in range(1000)))


class Restarts(e2e_support.TestCase):
    KILLS = 8
    COUNT = 60000

    def setUp(self):
        super().setUp()
        root = self.path("root")
        os.mkdir(root)
        os.chmod(root, 0o755)
        os.chmod(self.path(""), 0o755)
        places = "".join(
            "location /%s/ { alias %s/; default_type %s; limit_rate 2m; }" % (name, root, kind)
            for name, kind in (("csv", "text/csv"), ("json", "application/json"), ("lines", "text/plain"))
        )
        values = [b'{"id":"%d","name":"a b"}\n' % n for n in range(self.COUNT)]
        self.want = b"".join(values)
        for name, data in (
            ("csv", b"id,name\n" + b"".join(b"%d,a b\n" % n for n in range(self.COUNT))),
            ("json", b"".join(value[:-2] + b"\n}" for value in values)),
            ("lines", self.want),
        ):
            with open(os.path.join(root, name), "wb") as file:
                file.write(data)
        self.nginx = Nginx(root, more=places)
        self.addCleanup(self.nginx.close)

    def size(self):
        return os.path.getsize(self.path("out")) if os.path.exists(self.path("out")) else 0

    def killed(self, command, total):
        """Kill the command at points spread over its output, then let it finish; how often it was
        alive."""
        kills = 0
        for k in range(self.KILLS):
            goal = total * k // (self.KILLS + 1)
            with Weir(*command) as run:
                wait_for(lambda: self.size() > goal or run.process.poll() is not None, "output")
                self.assertIn(run.process.poll(), (None, 0), run.err)
                kills += run.process.poll() is None
                run.kill()
        return kills, weir(*command)

    def test_a_killed_run_goes_on_with_the_same_framer(self):
        for name in ("csv", "json", "lines"):
            with self.subTest(name=name):
                url = self.nginx.url("/%s/%s" % (name, name))
                command = ("--state", self.path(name + ".state"), "%s | where .id | file %s" % (url, self.path("out")))
                kills, run = self.killed(command, len(self.want))
                self.ends(run, 0, "resume from byte")
                self.assertEqual(e2e_support.sha256(self.read("out")), e2e_support.sha256(self.want))
                self.assertGreater(kills, self.KILLS // 2)
                run = weir("-v", *command)
                self.ends(run, 0, "read to its end in an earlier run", "0 in = 0 out")
                os.unlink(self.path("out"))

    def test_a_killed_run_goes_on_in_an_event_stream(self):
        half, count = 200, 400

        def script(connection):
            first = int(connection.request.headers.get("last-event-id", "0")) + 1
            if first > count:
                return connection.reply("204 No Content", length=False)
            connection.stream(["Content-Type: text/event-stream"])
            for n in range(first, (half if connection.number == 1 else count) + 1):
                connection.chunk('id: %d\ndata: {"n":\ndata: %d}\n\n' % (n, n))
            return connection.wait_end() if connection.number == 1 else connection.send("0\r\n\r\n")

        peer = self.peer(Peer(script))
        command = ("--state", self.path("state"), "%s | .n | file %s" % (peer.url(), self.path("out")))
        with Weir(*command) as run:
            wait_for(lambda: e2e_support.saved_offset(self.path("state"), "id") == half, "a saved id")
            run.kill()
        self.ends(weir(*command), 0, "resume after the event with id %d;" % half)
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % n for n in range(1, count + 1)))
        self.assertEqual(peer.requests[1].headers["last-event-id"], "%d" % half)
        self.assertEqual(peer.requests[1].headers["accept"], "text/event-stream")

    def test_another_type_after_a_restart_is_a_change(self):
        data = b"a\n" + b"".join(b"%d\n" % n for n in range(30000))
        part = data.rindex(b"\n", 0, 100000) + 1

        def script(connection):
            if connection.number == 1:
                connection.reply(headers=["Content-Type: text/csv", 'ETag: "v1"'], body=data[:part], length=len(data))
                connection.wait_end()
            else:
                ranged(data, headers=["Content-Type: application/json"])(connection)

        peer = self.peer(Peer(script))
        command = ("--state", self.path("state"), "%s | .a | null" % peer.url())
        with Weir(*command) as run:
            wait_for(lambda: e2e_support.saved_offset(self.path("state")) == part, "a saved position")
            run.kill()
        run = weir(*command)
        self.ends(run, 1, "the Content-Type was one that is read as csv, and is now 'application/json'", "weir state reset")


class Demo(e2e_support.TestCase):
    def test_the_demo_is_read_without_a_word_about_its_formats(self):
        demo = Weir("demo", ":0", stdout=open(self.path("demo"), "wb"))
        self.addCleanup(demo.__exit__, None, None, None)
        found = wait_for(lambda: re.search(rb"http://127\.0\.0\.1:\d+", self.read("demo")), "the demo to listen")
        base = found.group().decode()
        run = weir("%s/feed.ndjson?rate=0&n=200 | where .type == \"login\" | .n" % base)
        self.ends(run, 0, "items were rejected")
        self.assertGreater(len(run.out.split()), 10)
        run = weir("-c", "5", "%s/feed.sse?rate=0 | .n" % base)
        self.ends(run, 0)
        self.assertEqual(len(run.out.split()), 5)
        run = weir("-c", "300", "%s/flaky/feed.sse?rate=0 | .n" % base)
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(b"%d\n" % n for n in range(int(run.out.split()[0]), int(run.out.split()[0]) + 300)))


if __name__ == "__main__":
    e2e_support.main()
