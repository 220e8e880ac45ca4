#!/usr/bin/env python3
"""Decoding on demand: a file is decoded by its ending where its values are used, and only there."""

import gzip
import subprocess

import e2e_support
from e2e_support import weir

CSV = b'id,name\n1,ann\n2,"bob, jr"\n'
PRETTY = b'{\n  "a": 1\n}\n{"a":2}\n'


class Decode(e2e_support.TestCase):
    def test_a_file_is_decoded_by_its_ending(self):
        for name, data, text, out in (
            ("a.json", PRETTY, "where .a == 1", b'{"a":1}\n'),
            ("array.json", b'[\n{"a":1},\n{"a":2}\n]\n', ".[] | .a", b"1\n2\n"),
            ("a.csv", CSV, ".name", b'"ann"\n"bob, jr"\n'),
            ("b.csv", CSV, 'where .id == "2"', b'{"id":"2","name":"bob, jr"}\n'),
            ("a.tsv", b"id\tname\n1\tann\n", ".name", b'"ann"\n'),
            ("a.sse", b'data: {"a":1}\n\ndata: {"a":2}\n\n', "where .a == 2", b'{"a":2}\n'),
            ("a.jsonl", b'{"a":1}\r\n{"a":2}', "where .a", b'{"a":1}\r\n{"a":2}'),
            ("a.ndjson", b'{"a":1}\n{"a":2}\n', "where .a == 2", b'{"a":2}\n'),
        ):
            with self.subTest(name=name):
                path = self.write(name, data)
                for run in (weir("%s | %s" % (path, text)), weir(text, path)):
                    self.ends(run, 0)
                    self.assertEqual(run.out, out)

    def test_a_compressed_file_is_unpacked(self):
        lines = b'{"id":"1"}\n{"id":"2"}\n'
        for ending, command in (
            (".gz", ["gzip", "-c"]),
            (".zst", ["zstd", "-q", "-c"]),
            (".br", ["brotli", "-c"]),
            (".lz4", ["lz4", "-q", "-c"]),
        ):
            for name, data, out in (("a.csv", CSV, b'{"id":"2","name":"bob, jr"}\n'), ("a.ndjson", lines, lines[11:])):
                with self.subTest(ending=ending, name=name):
                    packed = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
                    path = self.write(name + ending, packed)
                    run = weir('%s | where .id == "2"' % path)
                    self.ends(run, 0)
                    self.assertEqual(run.out, out)
                    self.assertEqual(weir(path).out, packed)
                    self.assertEqual(weir("%s | raw" % path).out, packed)

    def test_auto_gives_json_of_what_comes(self):
        path = self.write("a.csv.gz", gzip.compress(CSV))
        self.assertEqual(weir("%s | auto" % path).out, b'{"id":"1","name":"ann"}\n{"id":"2","name":"bob, jr"}\n')
        path = self.write("a.sse", b'data: {"a":\ndata: 1}\n\n')
        self.assertEqual(weir("%s | sse | auto" % path).out, b'{"a":1}\n')
        run = weir("auto", stdin=b'{"a":1}\n[1\n')
        self.ends(run, 0, "json: line 2 (byte 10): the text ends inside an array")
        self.assertEqual(run.out, b'{"a":1}\n')

    def test_a_line_that_is_no_json_is_rejected_as_json_rejects_it(self):
        for text in ("where .a", "auto | where .a", "json | where .a"):
            with self.subTest(text=text):
                run = weir(text, stdin=b'{"a":1}\n{"a" 1}\n{"a":2}\n')
                self.ends(run, 0, ": line 2 (byte 13): expected ':' after a key; skipped")
                self.assertIn("1 of 3 items was rejected", run.err)
                self.assertEqual(run.out, b'{"a":1}\n{"a":2}\n')
                self.ends(weir("--strict", text, stdin=b'{"a" 1}\n'), 1)

    def test_explain_says_what_auto_does(self):
        for text, says in (
            ("./a.csv.gz | where .x", (
                "gunzip   (auto, inserted by the plan: the file's name ends in .gz)",
                "csv header   (auto, inserted by the plan: the file's name ends in .csv)",
                "auto   (inserted by the plan)",
                "here: each record becomes an object of its fields",
            )),
            ("./a.json | .x", ("json   (auto, inserted by the plan: the file's name ends in .json)",)),
            ("./a.json | auto", ("json   (auto, inserted by the plan: the file's name ends in .json)", "  auto\n")),
            (".x", ("auto   (inserted by the plan)", "here: each line is one value")),
        ):
            with self.subTest(text=text):
                run = weir("explain", text)
                self.ends(run, 0)
                for part in says:
                    self.assertIn(part.encode(), run.out)
        run = weir("explain", "./a.csv | grep x")
        self.assertNotIn(b"auto", run.out)

    def test_check_graph_and_fmt_work_with_auto(self):
        for text in ("./a.csv.gz | where .x", "./a.csv.gz | auto | where .x"):
            with self.subTest(text=text):
                self.ends(weir("check", text), 0)
                self.assertEqual(weir("fmt", text).out.split(), text.encode().split())
                graph = weir("graph", text)
                self.ends(graph, 0)
                self.assertIn(b'[label="csv header", style=dashed]', graph.out)
                self.assertIn(b'[label="auto"', graph.out)

    def test_files_after_the_text_are_decoded_alike(self):
        paths = [self.write("a%d.csv" % n, b"id\n%d\n" % n) for n in (1, 2)]
        self.assertEqual(weir(".id", *paths).out, b'"1"\n"2"\n')
        self.assertIn(b"the file's name ends in .csv", weir("explain", ".id", *paths).out)

    def test_each_of_several_files_is_decoded_by_its_own_ending(self):
        csv = self.write("a.csv", b"id,name\n1,ann\n")
        packed = self.write("b.csv.gz", gzip.compress(b"id,name\n2,bob"))
        lines = self.write("c.ndjson", b'{"id": 3}')
        pretty = self.write("d.json.gz", gzip.compress(b'{\n"id":4\n}'))
        run = weir("where .id", csv, packed, lines, pretty, stdin=b'{"id":5}\n')
        self.ends(run, 0)
        self.assertEqual(run.out.splitlines(), [
            b'{"id":"1","name":"ann"}', b'{"id":"2","name":"bob"}', b'{"id": 3}', b'{"id":4}'])
        run = weir(".id | tostring", lines, "-", packed, stdin=b'{"id":5}\n')
        self.ends(run, 0)
        self.assertEqual(run.out, b'"3"\n"5"\n"2"\n')

    def test_several_compressed_files_are_searched(self):
        logs = [self.write("%d.log.gz" % n, gzip.compress(b"GET /%d\nPUT /%d" % (n, n))) for n in (1, 2)]
        plain = self.write("3.log", b"GET /3\n")
        run = weir('grep "GET"', *logs, plain)
        self.ends(run, 0)
        self.assertEqual(run.out, b"GET /1\nGET /2\nGET /3\n")
        self.assertEqual(weir("head 3", *logs).out, b"GET /1\nPUT /1\nGET /2\n")
        self.assertEqual(weir("csv header | .[]", *logs).out, b'"PUT /1"\n"PUT /2"\n')
        self.assertEqual(weir("null", *logs).status, 0)

    def test_explain_and_graph_name_the_files(self):
        paths = [self.write("a.csv", CSV), self.write("b.ndjson", b""), self.write("c.csv", CSV)]
        run = weir("explain", ".id", *paths)
        self.ends(run, 0)
        text = run.out.decode()
        self.assertIn("(reads %s, %s, %s, one after another, each by the ending of its name)" % tuple(paths), text)
        self.assertIn("    %s, %s:\n     1  csv header" % (paths[0], paths[2]), text)
        self.assertIn("    %s:\n     3  auto" % paths[1], text)
        self.assertNotIn("stdin", text)
        self.assertIn("a state works with one file, not with several", text)
        graph = weir("graph", ".id", *paths).out
        for edge in (b"n0 -> n1 ", b"n1 -> n2 ", b"n2 -> n4 ", b"n0 -> n3 ", b"n3 -> n4 ", b"n4 -> n5 "):
            self.assertIn(edge, graph)

    def test_a_rejected_item_names_its_file(self):
        good, bad = self.write("good.csv", b"a,b\n1,2\n"), self.write("bad.csv", b"a,b\n1\n2,3\n")
        other, dead = self.write("c.ndjson", b"{\n"), self.path("dead.ndjson")
        run = weir("--dead", dead, "where .a", good, bad, other)
        self.ends(run, 0, "csv: row 2 of '", "bad.csv' (byte 4): the row has fewer values than the header; sent to")
        self.assertIn("2 of 6 items were rejected (csv: 1, first at row 2 of '", run.err)
        self.assertEqual([line.count(b'"body":') for line in self.read("dead.ndjson").splitlines()], [1, 1])
        self.ends(weir("--strict", "where .a", good, bad, other), 1, "bad.csv' (byte 4)")

    def test_json_lines_are_written_in_another_form(self):
        path = self.write("a.ndjson", b'{"a":1,"b":2}\n{"a":3,"b":4}\n')
        for text, out in (
            ("where .a > 1 | csv header", b"a,b\n3,4\n"),
            ("where .a > 1 | logfmt", b"a=3 b=4\n"),
            ("head 1 | set .a = 2 | csv header", b"a,b\n2,2\n"),
        ):
            with self.subTest(text=text):
                run = weir(text, path)
                self.ends(run, 0)
                self.assertEqual(run.out, out)
                self.assertEqual(weir(text, path, self.write("e.ndjson.gz", gzip.compress(b""))).out, out)

    def test_a_run_goes_on_in_a_file_that_is_decoded(self):
        rows = b"id,name\n" + b"".join(b"%d,x\n" % n for n in range(1000))
        want = b"".join(b'{"id":"%d","name":"x"}\n' % n for n in range(1000))
        for name, data in (("a.csv", rows), ("a.csv.gz", gzip.compress(rows)), ("a.json", b" ".join(want.split()))):
            with self.subTest(name=name):
                path, out = self.write(name, data), self.path(name + ".out")
                state = self.path(name + ".state")
                text = "%s | where .id | head 400 | file %s" % (path, out)
                whole = "%s | where .id | file %s" % (path, out)
                self.ends(weir("--state", state, "--name", "n", text), 0)
                self.ends(weir("--state", state, "--name", "n", whole), 0)
                self.assertEqual(self.read(name + ".out"), want)


if __name__ == "__main__":
    e2e_support.main()
