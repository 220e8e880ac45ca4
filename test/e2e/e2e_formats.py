#!/usr/bin/env python3
"""Formats through the built command: what is a record, what is rejected and how it is reported."""

import base64
import csv
import io
import json
import random
import socket
import struct

import e2e_support
from e2e_peers import Peer
from e2e_support import weir

ACCESS = b'192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "-" "curl/8"\n'


class Records(e2e_support.TestCase):
    def run_on(self, data, pipeline, *options):
        self.write("in", data)
        return weir(*options, "%s | %s" % (self.path("in"), pipeline))

    def dead(self):
        return [json.loads(line) for line in self.read("dead").splitlines()]

    def test_records_are_written_as_they_came(self):
        for pipeline, data in (
            ("logfmt", b'level=info msg="a \\"b\\"" cached\r\nlevel=warn'),
            ("kv delim=\",\" sep=\":\"", b"a: 1, b: 2\n"),
            ("clf", ACCESS),
            ("statsd", b"page.views:1|c|@0.1|#host:a\n"),
            ("prom", b'up{job="a"} 1 1395066363000\n'),
            ("influx", b"weather,city=Oslo temperature=82.5 1465839830100400200\n"),
            ("syslog", b"<34>Oct 11 22:14:15 host su: hello\n"),
        ):
            run = self.run_on(data, pipeline)
            self.ends(run, 0)
            self.assertEqual(run.out, data, pipeline)

    def test_malformed_lines_are_counted_and_reported_once(self):
        run = self.run_on(b"a=1\n" + b'b="x\n' * 500 + b"c=2\n", "logfmt")
        self.ends(run, 0, 'logfmt: line 2 (byte 6): a quoted value does not end; skipped\n  b="x')
        self.assertEqual(run.out, b"a=1\nc=2\n")
        self.assertIn("499 more like this", run.err)
        self.assertIn("500 of 502 items were rejected (logfmt: 500, first at line 2)", run.err)

    def test_a_dead_file_keeps_the_bytes_and_the_reason(self):
        run = self.run_on(ACCESS + b"no\xff log\n" + ACCESS, "clf", "--dead", self.path("dead"))
        self.ends(run, 0)
        self.assertEqual(run.out, ACCESS * 2)
        dead = self.dead()
        self.assertEqual(len(dead), 1)
        self.assertEqual(dead[0]["component"], "clf")
        self.assertEqual(dead[0]["number"], 2)
        self.assertEqual(dead[0]["reason"], "a time in brackets is missing, at byte 7, after: no\ufffd log")
        self.assertEqual(dead[0]["body64"], "bm//IGxvZw==")

    def test_strict_stops_at_the_first_malformed_line(self):
        run = self.run_on(b"<34>x\nhello\n<34>y\n", "syslog", "--strict")
        self.ends(run, 1, "syslog: message 2 (byte 6): neither a priority nor a time\n  hello\n  ^")
        self.assertEqual(run.out, b"<34>x\n")

    def test_syslog_messages_of_both_forms_come_from_a_socket(self):
        messages = [b"<34>1 2003-10-11T22:14:15.003Z h su - - - one\ntwo", b"<13>Oct 11 22:14:15 h a: b"]
        sent = b"%d %s%s\n99999 <1>%s%d %s" % (len(messages[0]), messages[0], messages[1], b"x" * 99996,
                                              len(messages[0]), messages[0])

        def script(connection):
            for i in range(0, len(sent), 1000):
                connection.send(sent[i:i + 1000])

        peer = self.peer(Peer(script, http=False))
        run = weir("%s | syslog max=1KiB | map .message" % peer.address)
        self.ends(run, 0, "the message at byte 79 has 99999 bytes, more than the limit of 1024: skipped")
        self.assertEqual(run.out, b'"one\\ntwo"\n"b"\n"one\\ntwo"\n')

    def flows(self, *messages):
        """Messages of IPFIX, each a pair of its sequence number and its sets."""
        out = []
        for sequence, sets in messages:
            body = b"".join(struct.pack(">HH", number, 4 + len(data)) + data for number, data in sets)
            out.append(struct.pack(">HHIII", 10, 16 + len(body), 1714564800, sequence, 7) + body)
        return out

    def test_flows_of_ipfix_are_read_from_a_stream_and_from_packets(self):
        template = struct.pack(">8H", 256, 3, 8, 4, 7, 2, 1, 8)
        record = socket.inet_aton("192.0.2.1") + struct.pack(">HQ", 443, 2**64 - 1)
        messages = self.flows((0, [(2, template), (256, record * 2)]), (2, [(256, record)]))
        line = (b'{"type":"flow","version":10,"exportTime":"2024-05-01T12:00:00Z","observationDomainId":7,'
                b'"sourceIPv4Address":"192.0.2.1","sourceTransportPort":443,"octetDeltaCount":18446744073709551615}\n')
        run = self.run_on(b"".join(messages), "netflow | ndjson")
        self.ends(run, 0)
        self.assertEqual(run.out, line * 3)
        packets = b"".join(struct.pack(">I", len(m)) + m for m in messages)
        run = self.run_on(packets, "len32 | netflow | where .sourceTransportPort > 442 | ndjson")
        self.ends(run, 0)
        self.assertEqual(run.out, line * 3)

    def test_a_packet_without_its_template_is_kept_and_gaps_are_reported(self):
        template = struct.pack(">4H", 256, 1, 4, 1)
        messages = self.flows((0, [(256, b"\x06")]), (1, [(2, template), (256, b"\x06")]), (7, [(256, b"\x11")]))
        run = self.run_on(b"".join(messages), "netflow | map .protocolIdentifier", "--dead", self.path("dead"))
        self.ends(run, 0, "a gap in sequence numbers: 0 flows of v5, 0 packets of v9 and 5 records of IPFIX")
        self.assertEqual(run.out, b"6\n17\n")
        dead = self.dead()
        self.assertEqual(len(dead), 1)
        self.assertEqual(dead[0]["reason"], "template 256 of domain 7 has not come, at byte 16")
        self.assertEqual(base64.b64decode(dead[0]["body64"]) if "body64" in dead[0] else dead[0]["body"].encode(),
                         messages[0])

    def test_a_regex_that_explodes_rejects_the_line_and_no_other(self):
        run = self.run_on(b"aaa\n" + b"a" * 100 + b"!\nbbb\naa\n", "regex `^(?<a>(a+)+)$`")
        self.ends(run, 0, "line 2 (byte 4): the regular expression needs more than 1000000 steps",
                  "line 3 (byte 106): the line does not match; skipped\n  bbb\n  ^")
        self.assertEqual(run.out, b"aaa\naa\n")

    def test_a_mistake_in_a_pattern_is_found_by_check(self):
        for pattern, text in (("(?<a>x", "missing closing parenthesis, at byte 6 of the pattern"),
                              ("x", "no named group")):
            run = weir("check", "./access.log | regex `%s`" % pattern)
            self.ends(run, 2, text)

    def test_rows_keep_their_line_ends_and_the_header_is_left_out(self):
        run = self.run_on(b'\xef\xbb\xbfid,name\n1,"a\n""b"""\r\n\n2,c', "csv header")
        self.ends(run, 0)
        self.assertEqual(run.out, b'1,"a\n""b"""\r\n2,c')

    def test_a_quote_without_an_end_rejects_one_line(self):
        rows = b"".join(b"%d,%s\n" % (i, b"x" * 90) for i in range(20000))
        run = self.run_on(b'id,name\n1,"a\n' + rows, "csv header")
        self.ends(run, 0, 'csv: row 2 (byte 10): a quoted value does not end; skipped\n  1,"a\n    ^\n')
        self.assertEqual(run.out, rows)

    def test_each_file_has_a_header_of_its_own(self):
        self.write("a.csv", b"id,name\n1,x\n")
        self.write("b.csv", b"name,id,more\ny,2,z\n")
        run = weir("csv header", self.path("a.csv"), self.path("b.csv"))
        self.ends(run, 0)
        self.assertEqual(run.out, b"1,x\ny,2,z\n")

    def test_a_killed_run_continues_with_the_header(self):
        rows = b"".join(b'%d,"row\n%d"\n' % (i, i) for i in range(3000))
        self.write("in", b"id,name\n" + rows)
        text = "%s | csv header on-error=stop | file %s" % (self.path("in"), self.path("out"))
        run = weir("-c", "1000", text, "--state", self.path("state"))
        self.ends(run, 0)
        self.assertEqual(self.read("out"), b"".join(rows.splitlines(True)[:2000]))
        run = weir(text, "--state", self.path("state"))
        self.ends(run, 0)
        self.assertEqual(self.read("out"), rows)

    def test_a_header_that_was_written_is_not_written_again(self):
        lines = b"".join(b'{"id":%d,"b":null}\n' % i for i in range(3000))
        for read, pipeline in (("json", "csv header"), ("json", "csv header columns=\"b,id\"")):
            self.write("in", lines[:20000])
            out, state = self.path("out-" + str(len(pipeline))), self.path("state-" + str(len(pipeline)))
            text = "%s | %s | %s on-error=stop | file %s" % (self.path("in"), read, pipeline, out)
            self.ends(weir("-c", "1000", text, "--state", state), 0)
            self.write("in", lines)
            self.ends(weir(text, "--state", state), 0)
            with open(out, "rb") as file:
                rows = file.read().split(b"\n")
            self.assertEqual(len(rows), 3002)
            self.assertEqual([row for row in rows if b"id" in row], rows[:1])
            self.assertEqual(rows[2000], b"1999," if b"id,b" in rows else b",1999")

    def test_rows_are_those_of_python(self):
        dice = random.Random(1)
        pieces = ["a", "1", "-2.5", ",", ";", '"', "\n", "\r", " ", "\u20ac", "x"]
        columns = ["id", "a b", 'c"']
        rows = [["".join(dice.choices(pieces, k=dice.randrange(6))) for _ in columns]
                for _ in range(2000)]
        self.write("in", "".join(json.dumps(dict(zip(columns, row))) + "\n" for row in rows).encode())
        for delim, name, quote in ((",", "minimal", csv.QUOTE_MINIMAL), (";", "all", csv.QUOTE_ALL),
                                   ("\t", "nonnumeric", csv.QUOTE_NONNUMERIC)):
            text = '%s | json | csv header crlf delim="%s" quote=%s' % (
                self.path("in"), delim.replace("\t", "\\t"), name)
            run = weir(text)
            self.ends(run, 0)
            expected = io.StringIO()
            csv.writer(expected, delimiter=delim, quoting=quote).writerows([columns] + rows)
            self.assertEqual(run.out.decode(), expected.getvalue())
            self.write("rows", run.out)
            run = weir('%s | csv header delim="%s" | ndjson' % (self.path("rows"),
                                                             delim.replace("\t", "\\t")))
            self.ends(run, 0)
            self.assertEqual([list(json.loads(line).values()) for line in run.out.splitlines()], rows)

    def test_packed_values_are_those_of_python(self):
        try:
            import cbor2
            import msgpack
        except ImportError as missing:
            self.skipTest("%s: python3-msgpack and python3-cbor2 are compared when installed" % missing)
        dice = random.Random(2)
        numbers = [0, -1, 23, 24, 127, 128, -32, -33, 255, 256, 65536, 2**32, 2**64 - 1, -2**63, 0.5]

        def value(depth):
            kind = dice.randrange(7 if depth < 4 else 4)
            if kind >= 5:
                return [value(depth + 1) for _ in range(dice.choice([0, 3, 15, 16]))]
            if kind == 4:
                return {"k%d" % i: value(depth + 1) for i in range(dice.choice([0, 2, 16]))}
            return [None, True, dice.choice(numbers), 'a\u20ac"' * dice.choice([0, 5, 6, 60])][kind]

        values = [value(0) for _ in range(200)] + ["x" * 70000, [0] * 70000]
        self.write("json", "".join(json.dumps(v) + "\n" for v in values).encode())
        for name, dumps in (("msgpack", msgpack.packb), ("cbor", cbor2.dumps)):
            run = weir("%s | json max=16MiB | %s" % (self.path("json"), name))
            self.ends(run, 0)
            self.assertEqual(run.out, b"".join(dumps(v) for v in values))
            self.write(name, run.out)
            run = weir("%s | %s max=16MiB" % (self.path(name), name))
            self.ends(run, 0)
            self.assertEqual([json.loads(line) for line in run.out.splitlines()], values)

    def test_a_text_that_is_compared_with_a_number_is_warned_of(self):
        for data, pipeline, warned in (
            (b"age\n7\n", "csv header | where .age > 3", True),
            (b"age\n7\n", "csv header | skip 0 | where .age > 3 and true", True),
            (b"age\n7\n", "csv header numbers | where .age > 3", False),
            (b"age\n7\n", "csv header | where (.age | tonumber) > 3", False),
            (b"age\n7\n", 'csv header | where .age == "7"', False),
            (b"age\n7\n", "csv header | {age: (.age | tonumber)} | where .age > 3", False),
            (b"age=7\n", "logfmt | where .age >= 3", True),
            (b"age=7\n", "kv | where .age >= 3", True),
            (b"age=7\n", r"regex `age=(?<age>\d+)` | where .age >= 3", True),
            (ACCESS, "clf | where .status < 300", False),
        ):
            with self.subTest(pipeline=pipeline):
                run = self.run_on(data, pipeline)
                self.ends(run, 0)
                self.assertEqual("each text is greater than each number" in run.err, warned, run.err)
                self.assertEqual(len(run.out.splitlines()), 1)

    def test_equal_names_in_a_header_are_reported_once(self):
        self.write("in.csv", b"a,b,a\n1,2,3\n4,5,6\n")
        said = "columns 1 and 3 of the header have the same name 'a': expressions read the last one, and ndjson writes both"
        for text, out in ((".a", b'"3"\n"6"\n'), ("csv header | ndjson", b'{"a":"1","b":"2","a":"3"}\n'
                           b'{"a":"4","b":"5","a":"6"}\n')):
            run = weir("%s | %s" % (self.path("in.csv"), text))
            self.ends(run, 0, "csv: " + said)
            self.assertEqual((run.out, run.err.count("same name")), (out, 1))
        run = weir("csv header | .a", self.path("in.csv"), self.path("in.csv"))
        self.assertEqual((run.out, run.err.count("same name")), (b'"3"\n"6"\n' * 2, 1))
        self.write("in.tsv", b"a\ta\n1\t2\n")
        self.ends(weir("%s | .a" % self.path("in.tsv")), 0, "tsv: columns 1 and 2 of the header have the same name 'a'")
        self.write("in.csv", b",,a\n1,2,3\n")
        run = weir("%s | ndjson" % self.path("in.csv"))
        self.assertEqual((run.out, run.err), (b'{"1":"1","2":"2","a":"3"}\n', ""))

    def test_a_header_without_rows_gives_nothing(self):
        for data in (b"a,b", b"a,b\n", b"a,b\r\n", b"\xef\xbb\xbfa,b\n", b"\xef\xbb\xbf", b"", b"\n", b"\r\n\r\n"):
            self.write("in.csv", data)
            for text in ("where true", "csv header | ndjson", "csv header | csv header", "csv header numbers | .a"):
                with self.subTest(data=data, text=text):
                    run = weir("%s | %s" % (self.path("in.csv"), text))
                    self.assertEqual((run.status, run.out, run.err), (0, b"", ""))

    def test_strings_of_cbor_in_pieces_are_put_together(self):
        pieces = b"\x7f" + b"\x6aabcdefghij" * 10 + b"\xff"
        self.write("in", b"\x01" + b"\x7f\x61a\x62bc\xff" + pieces + b"\x5f\x41\x01\x42\x02\x03\xff")
        run = weir("%s | cbor" % self.path("in"))
        self.ends(run, 0)
        self.assertEqual(run.out, b'1\n"abc"\n"%s"\n"AQID"\n' % (b"abcdefghij" * 10))
        run = weir("%s | cbor max=100B" % self.path("in"))
        self.ends(run, 0, "the value at byte 8 has 112 bytes, more than the limit of 100: skipped")
        self.assertEqual(run.out, b'1\n"abc"\n"AQID"\n')
        self.write("in", b"\x01\x7f\x61a\x41b\xff\x02")
        run = weir("%s | cbor" % self.path("in"))
        self.ends(run, 1, "a piece of a text is not a text whose length is known")
        self.assertEqual(run.out, b"1\n")

    def test_a_stream_of_packed_values_ends_where_it_is_malformed(self):
        self.write("in", b"\x01\x92\x02\xa1x\xc1\x03")
        run = weir("%s | msgpack" % self.path("in"))
        self.ends(run, 1, "the byte 0xc1, which MessagePack does not use")
        self.assertEqual(run.out, b'1\n[2,"x"]\n')


class Schemas(e2e_support.TestCase):
    def run_on(self, schema, lines, *options):
        self.write("s", json.dumps(schema).encode() if isinstance(schema, dict) else schema)
        self.write("in", "".join(json.dumps(line) + "\n" for line in lines).encode())
        return weir(*options, "%s | schema %s" % (self.path("in"), self.path("s")))

    def test_values_that_are_not_as_the_schema_says_are_rejected_with_their_place(self):
        schema = {"type": "object", "required": ["user"],
                  "properties": {"user": {"properties": {"age": {"type": "integer", "minimum": 0}}}}}
        lines = [{"user": {"age": 3}}, {"user": {"age": -3}}, {"a": 1}, [], {"user": 7}]
        run = self.run_on(schema, lines, "--dead", self.path("dead"))
        self.ends(run, 0)
        self.assertEqual([json.loads(line) for line in run.out.splitlines()], [lines[0], lines[4]])
        dead = [json.loads(line) for line in self.read("dead").splitlines()]
        self.assertEqual([record["reason"] for record in dead], [
            "/user/age: minimum 0, got -3", '(root): required "user" is missing', "(root): type object, got []"])
        run = self.run_on(schema, lines, "--strict")
        self.ends(run, 1, "schema: line 2 (byte 21): /user/age: minimum 0, got -3")

    def test_a_mistake_in_the_schema_is_a_mistake_in_the_text(self):
        self.write("s", b'{"properties": {"a": {"if": true}}}')
        run = weir("check", "gen 1..3 | schema %s" % self.path("s"))
        self.ends(run, 2, '/properties/a: the keyword "if" is not known')
        run = weir("check", "gen 1..3 | schema %s" % self.path("none"))
        self.ends(run, 2, "cannot open it: No such file or directory")

    def test_schemas_mean_what_they_mean_to_jsonschema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        rng = random.Random(7)
        validator = getattr(jsonschema, "Draft202012Validator", None) or jsonschema.Draft7Validator
        for _ in range(60):
            schema = {"$defs": {"x": random_schema(rng, 3)}, "allOf": [random_schema(rng, 0)]}
            lines = [random_value(rng, 0) for _ in range(40)]
            run = self.run_on(schema, lines)
            if "leads to itself" in run.err:
                continue
            self.ends(run, 0)
            want = [line for line in lines if validator(schema).is_valid(line)]
            self.assertEqual(run.out.decode(), "".join(json.dumps(line) + "\n" for line in want), schema)


NAMES = ["a", "b", "c", "a/b", "\u00e9"]


def random_value(rng, depth):
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind < 4:
        return rng.choice([None, True, False, 0, 1, 2, -1, 10, 1.0, 1.5, 100])
    if kind < 6:
        return rng.choice(["", "a", "ab", "abc", "\u00e9", "xyz", "\U0001f600b", "b\n"])
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {name: random_value(rng, depth + 1) for name in rng.sample(NAMES, rng.randrange(4))}


def random_schema(rng, depth):
    """Of the keywords that `schema` knows; a reference is to #/$defs/x."""
    if rng.random() < 0.07:
        return rng.random() < 0.7
    single = {
        "type": lambda: rng.choice(["null", "boolean", "integer", "number", "string", ["array", "object"]]),
        "const": lambda: random_value(rng, 1),
        "enum": lambda: [random_value(rng, 1) for _ in range(rng.randrange(1, 5))],
        "pattern": lambda: rng.choice(["^a", "b", "[a-c]{2}"]),
        "multipleOf": lambda: rng.choice([1, 2, 0.5]),
        "uniqueItems": lambda: True,
        "required": lambda: rng.sample(NAMES, rng.randrange(3)),
    }
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        single[name] = lambda: rng.choice([0, 1, 1.5, -1])
    for name in ("Length", "Items", "Properties"):
        single["min" + name] = single["max" + name] = lambda: rng.randrange(4)
    parts = {
        "properties": lambda: {name: random_schema(rng, depth + 1) for name in rng.sample(NAMES, 2)},
        "$ref": lambda: "#/$defs/x",
    }
    for name in ("items", "additionalProperties", "not"):
        parts[name] = lambda: random_schema(rng, depth + 1)
    for name in ("allOf", "anyOf", "oneOf"):
        parts[name] = lambda: [random_schema(rng, depth + 1) for _ in range(rng.randrange(1, 4))]
    keywords = dict(single, **(parts if depth < 3 else {}))
    return {name: keywords[name]() for name in rng.sample(sorted(keywords), rng.randrange(1, 4))}


if __name__ == "__main__":
    e2e_support.main()
