#!/usr/bin/env python3
"""JSON through the built command: streams of values, what is rejected, and the elements of an array."""

import json

import e2e_support
from e2e_support import Weir, saved_offset, wait_for, weir

PRETTY = b'{\n  "a": 1,\n  "b": [\n    1,\n    2\n  ]\n}\n{"c": 3} {"d":4}\r\n[\n]\n"x"'
COMPACT = b'{"a":1,"b":[1,2]}\n{"c": 3}\n{"d":4}\n[]\n"x"\n'


class Json(e2e_support.TestCase):
    def run_on(self, data, pipeline, *options):
        self.write("in", data)
        return weir(*options, "%s | %s" % (self.path("in"), pipeline))

    def test_pretty_printed_values_come_out_one_on_a_line(self):
        run = self.run_on(PRETTY, "json")
        self.ends(run, 0)
        self.assertEqual(run.out, COMPACT)
        self.assertEqual(weir("json", stdin=PRETTY).out, COMPACT)
        self.assertEqual(weir("json", self.path("in"), self.path("in")).out, COMPACT * 2)

    def test_malformed_values_are_counted_and_reported_once(self):
        bad = b'{"user":"bob" "type":"login"}\n'
        run = self.run_on(b'{"a":1}\n' + bad * 500 + b'{"never": "closed}\n{\n"b":2}\n', "json")
        self.ends(run, 0, "json: line 2 (byte 22): expected ',' or '}' after a member; skipped\n"
                             '  {"user":"bob" "type":"login"}\n'
                             "                ^\n")
        self.assertEqual(run.out, b'{"a":1}\n{"b":2}\n')
        self.assertIn("499 more like", run.err)
        self.assertIn("501 of 503 items were rejected (json: 501, first at line 2)", run.err)

    def test_a_dead_file_keeps_the_bytes_from_every_input(self):
        data = b'{"a":1}\n{"b" 2}\n\xff\n[3]\n'
        self.write("in", data)
        for arguments, copies in ((("%s | json" % self.path("in"),), 1), (("json", self.path("in")), 1),
                                  (("json", self.path("in"), self.path("in")), 2)):
            with self.subTest(arguments=arguments):
                dead = self.path("dead%d" % copies + str(len(arguments)))
                run = weir("--dead", dead, *arguments)
                self.ends(run, 0)
                self.assertEqual(run.out, b'{"a":1}\n[3]\n' * copies)
                with open(dead, "rb") as file:
                    found = [json.loads(line) for line in file]
                self.assertEqual([item.get("body", item.get("body64")) for item in found],
                                 ['{"b" 2}', "/w=="] * copies)
                self.assertEqual({item["component"] for item in found}, {"json"})

    def test_strict_stops_at_the_first_malformed_value(self):
        run = self.run_on(b'{"a":1}\n{\n"b" 2}\n[3]\n', "json", "--strict")
        self.ends(run, 1, "json: line 3 (byte 14): expected ':' after a key\n  \"b\" 2}\n      ^")
        self.assertEqual(run.out, b'{"a":1}\n')

    def test_a_value_over_the_limit_is_left_out(self):
        run = self.run_on(b'{"a":1}\n{"long":\n"' + b"x" * 3000 + b'"}\n[2]\n', "json max=1KiB")
        self.ends(run, 0, "the value at byte 8 has 3012 bytes, more than the limit of 1024: skipped")
        self.assertEqual(run.out, b'{"a":1}\n[2]\n')
        self.ends(self.run_on(b"[1]\n[2, 3]\n", "json max=4B on-long=fail"), 1, "longer than the limit of 4 bytes")

    def test_a_run_goes_on_inside_a_pretty_printed_file(self):
        values = b"".join(b'{\n  "n": %d\n}\n' % n for n in range(20000))
        self.write("in", values)
        text = "%s | json | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), text) as run:
            wait_for(lambda: run.process.poll() is not None or saved_offset(self.path("state")) > 0,
                     "a saved position")
            run.kill()
        self.ends(weir("--state", self.path("state"), text), 0)
        self.assertEqual(self.read("out"), b"".join(b'{"n":%d}\n' % n for n in range(20000)))

    def test_the_elements_of_an_array_are_given_one_by_one(self):
        run = self.run_on(b'{"meta": [1], "data": {"rows": [{"a":\n1}, 2, [3]]}}\n', "json items .data.rows")
        self.ends(run, 0)
        self.assertEqual(run.out, b'{"a":1}\n2\n[3]\n')
        self.ends(weir("- | json items .a[0]", stdin=b""), 2, "a path of names is needed")

    MIXED = (b'{"rows": [1]}\n{"error": "quota",\n "rows": null}\n{"rows": [2, 3 4]}\n'
             b'{"rows": [\n5,\n{"n" 6}, 7]}\n{"rows": [8]}\n[9]\n')

    def test_a_text_without_the_array_is_rejected(self):
        run = self.run_on(self.MIXED, "json items .rows")
        self.ends(run, 0, "json: line 3 (byte 42): there is no array at .rows: .rows is null; skipped\n"
                          '   "rows": null}\n'
                          "           ^\n")
        self.assertEqual(run.out, b"1\n2\n3\n5\n8\n")
        self.assertIn("line 4 (byte 63): expected ',' or ']' after an element: the rest of this text is not read; "
                      "skipped", run.err)
        self.assertIn("4 of 10 items were rejected (json: 4, first at line 3)", run.err)
        self.ends(self.run_on(b'{"data": {}}', "json items .data.rows"), 0,
                  "there is no array at .data.rows: .data is an object without .rows; skipped")

    def test_a_rejected_text_is_in_the_dead_file(self):
        dead = self.path("dead")
        run = self.run_on(self.MIXED, "json items .rows", "--dead", dead)
        self.ends(run, 0)
        self.assertEqual(run.out, b"1\n2\n3\n5\n8\n")
        with open(dead, "rb") as file:
            found = [json.loads(line) for line in file]
        self.assertEqual([item["body"] for item in found],
                         ['{"error": "quota",\n "rows": null}', " 4]}", '{"n" 6}, 7]}', "[9]"])
        self.assertIn("there is no array at .rows: .rows is null", found[0]["reason"])

    def test_strict_stops_at_a_text_without_the_array(self):
        for options, stage in ((("--strict",), "json items .rows"), ((), "json items .rows on-error=stop")):
            run = self.run_on(self.MIXED, stage, *options)
            self.ends(run, 1, "json: line 3 (byte 42): there is no array at .rows: .rows is null\n")
            self.assertEqual(run.out, b"1\n")

    def test_rejected_texts_do_not_move_a_restart(self):
        rows = b"".join(b'{"rows": [%d]}\n{"none": %d}\n' % (n, n) for n in range(50000))
        self.write("in", rows)
        text = "%s | json items .rows | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), text) as run:
            wait_for(lambda: run.process.poll() is not None or self.size("out") > 0, "the first elements")
            run.kill()
        self.ends(weir("--state", self.path("state"), text), 0)
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % n for n in range(50000)))

    def test_an_array_that_is_cut_off_is_a_failure(self):
        run = self.run_on(b'{"rows": [1, 2', "json items .rows")
        self.ends(run, 1, "the input ends inside a JSON text")
        self.assertEqual(run.out, b"1\n2\n")

    def test_elements_are_not_repeated_after_a_restart(self):
        rows = b'{"rows": [' + b",\n".join(b'{"n": %d}' % n for n in range(100000)) + b"]}"
        self.write("in", rows)
        text = "%s | json items .rows | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), text) as run:
            wait_for(lambda: run.process.poll() is not None or self.size("out") > 0, "the first elements")
            run.kill()
        self.ends(weir("--state", self.path("state"), text), 0)
        self.assertEqual(self.read("out"), b"".join(b'{"n": %d}\n' % n for n in range(100000)))

    def size(self, name):
        try:
            return len(self.read(name))
        except FileNotFoundError:
            return 0

    def test_records_and_messages_become_objects(self):
        run = self.run_on(b'level=info msg="a \\"b\\""\n', "logfmt | ndjson")
        self.assertEqual(run.out, b'{"level":"info","msg":"a \\"b\\""}\n')
        run = self.run_on(b'id: 4\ndata: {"a":\ndata: 1}\n\n', "sse | json")
        self.assertEqual(run.out, b'{"a":1}\n')


if __name__ == "__main__":
    e2e_support.main()
