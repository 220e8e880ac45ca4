#!/usr/bin/env python3
"""--json-log: what is reported to stderr is one JSON object a line, whatever a message holds."""

import json
import re
import signal

import e2e_support
from e2e_peers import Feed, Peer
from e2e_support import Weir, wait_for, weir


def read(err):
    """The objects of stderr; a line that is none fails. Each has what every one has."""
    found = []
    for line in err.splitlines():
        one = json.loads(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"]), line
        assert one["level"] in ("error", "warning", "info", "debug"), line
        assert isinstance(one["message"], str), line
        found.append(one)
    return found


class JsonLog(e2e_support.TestCase):
    def logged(self, status, *args, **how):
        run = weir("--json-log", *args, **how)
        self.assertEqual(run.status, status, run)
        return read(run.err)

    def one(self, logged, **fields):
        """The one object with these fields; a value may be a part of a message."""
        found = [one for one in logged
                 if all(value in one.get(name, "") if isinstance(value, str) else one.get(name) == value
                        for name, value in fields.items())]
        self.assertEqual(len(found), 1, logged)
        return found[0]

    def test_a_run_ends_with_its_counts(self):
        logged = self.logged(0, "gen 1..5 | grep 1 | null")
        self.assertEqual(len(logged), 1)
        end = self.one(logged, message="end")
        for name, count in (("in", 5), ("out", 1), ("filtered", 4), ("rejected", 0), ("dropped", 0), ("in_flight", 0)):
            self.assertEqual(end[name], count)
        self.assertIs(end["state_saved"], False)
        self.assertGreater(end["peak_bytes"], 0)
        self.assertEqual(self.logged(0, "-q", "gen 1..5 | null"), [])

    def test_malformed_items_are_told_with_their_component_whatever_is_in_them(self):
        bad = b"".join(b'{"a":"\x01\x1b[31m\xff\xe2\x80\xae\\" \xc3\xa9 %d\n' % i for i in range(9))
        logged = self.logged(0, "json", self.write("in", bad + b'{"a":1}\n'))
        first = self.one(logged, component="json", message="skipped\n")
        self.assertEqual(first["origin"], "json")
        self.assertIn("line 1", first["message"])
        rest = self.one(logged, component="json", repeats=8)
        self.assertIn("line 9", rest["message"])
        end = self.one(logged, message="end")
        self.assertEqual((end["in"], end["rejected"], end["rejects"]), (10, 9, "(json: 9, first at line 1)"))

    def test_a_name_of_a_file_with_anything_in_it_is_shown_as_json(self):
        name = self.path("a\n\t\"\\\x7f\u00e9\udcff")
        logged = self.logged(1, "-q", "lines", name)
        self.one(logged, level="error", component="file", message="No such file")

    def test_mistakes_are_objects_too(self):
        for args, text in (
            (("gen 1..3 | bach 2",), "unknown stage 'bach'\n"),
            (("--follow", "gen 1..3"), "--follow has no effect"),
            (("--frm", "x", "gen 1..3"), "unknown flag '--frm'"),
            (("--mem", "3", "gen 1..3"), "is not a size"),
            (("check", "gen 1..3 | where .a ="), ""),
            ((self.path("none"),), "No such file"),
            (("-f", self.path("none")), "cannot read the pipeline file"),
        ):
            run = weir("--json-log", *args)
            self.assertNotEqual(run.status, 0)
            found = [one for one in read(run.err) if one["level"] == "error"]
            self.assertTrue(found and any(text in one["message"] for one in found), run)
        self.ends(weir("demo", "--json-log"), 2, "--json-log is for running a pipeline")

    def test_a_lost_connection_and_a_failure_have_their_origin(self):
        def script(connection):
            if connection.number == 1:
                connection.stream()
                connection.chunk("one\n")
                connection.reset()
            else:
                connection.reply(status="404 Not Found", body=b"no\n")

        peer = self.peer(Peer(script))
        logged = self.logged(1, "--follow", peer.url())
        retry = self.one(logged, component="http", message="retry 1 in")
        self.assertTrue(retry["origin"].startswith("http("), retry)
        self.one(logged, level="error", component="http", message="404")
        self.assertEqual(self.one(logged, message="end")["reconnects"], 1)

    def test_secrets_are_in_no_object(self):
        url = "http://user:canary1@127.0.0.1:1/x?token=canary2"
        for args in ((url,), ("-H", "X-Key: canary3", url), ("-u", "me:canary4", url), ("-v", "--retry", "1", url)):
            run = weir("--json-log", *args)
            self.assertNotIn("canary", run.err)
            self.assertTrue(read(run.err))

    def test_components_and_tasks_are_objects(self):
        logged = self.logged(0, "-v", "gen 1..5 | grep 1 | null")
        parts = [one for one in logged if one["message"] == "component"]
        self.assertEqual([(one["component"], one["in"], one["out"]) for one in parts],
                         [("gen", 0, 5), ("grep", 5, 1), ("null", 1, 0)])
        feed = Feed(self, b"one\n")
        with Weir("--json-log", feed.address) as run:
            self.assertEqual(run.read_line(), b"one")
            run.send(signal.SIGQUIT)
            wait_for(lambda: "budget" in run.err, "the tasks")
            run.send(signal.SIGTERM)
            done = run.end()
        self.assertTrue(any("budget" in one["message"] for one in read(done.err)))

    def test_a_state_is_told(self):
        source = self.write("in", b"1\n2\n")
        logged = self.logged(0, "--state", self.path("s"), "%s | file %s" % (source, self.path("out")))
        self.one(logged, level="info", message="delivery: exactly-once-effect")
        self.assertIs(self.one(logged, message="end")["state_saved"], True)


if __name__ == "__main__":
    e2e_support.main()
