#!/usr/bin/env python3
"""What stands on standard output: raw strings, indentation, envelopes and formats; and on a terminal,
colours and nothing that it would obey."""

import json
import os
import pty
import subprocess

import e2e_support
from e2e_support import BINARY, TestCase, weir

HOSTILE = b'{"a":"x\\u001b[2J","b":"\xc2\x9b\x7f"}\n\x1b]0;title\x07\r \xff\n'


def on_terminal(*args, stdin=b"", **environment):
    """All that the command writes to a terminal."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", **environment}
    env = {name: value for name, value in env.items() if value is not None}
    process = subprocess.Popen([BINARY, *args], stdin=subprocess.PIPE, stdout=slave, stderr=subprocess.PIPE, env=env)
    os.close(slave)
    process.stdin.write(stdin)
    process.stdin.close()
    out = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(master)
    process.stderr.read()
    process.stderr.close()
    process.wait()
    return out.replace(b"\r\n", b"\n")


def messages(*args, stdin=b""):
    """What the command writes to stderr, as bytes."""
    return subprocess.run([BINARY, *args], input=stdin, capture_output=True).stderr


class Pipe(TestCase):
    def test_what_goes_into_a_pipe_is_as_it_came(self):
        self.assertEqual(weir("skip 0", stdin=HOSTILE).out, HOSTILE)
        self.assertEqual(weir("-", stdin=HOSTILE).out, HOSTILE)

    def test_raw_strings(self):
        run = weir("-r", ".a", stdin=b'{"a":"x\\ny"}\n{"a":"q\\"\\u00e9"}\n{"a":[1, "z"]}\n{"a":null}\n')
        self.ends(run, 0)
        self.assertEqual(run.out, 'x\ny\nq"é\n[1,"z"]\nnull\n'.encode())
        self.assertEqual(weir("--raw-output", "gen 1..2 | \"n\\(.)\"").out, b"n1\nn2\n")

    def test_indentation_as_jq_has_it(self):
        run = weir("--pretty", ".", stdin=b'{"a":[1,{}],"b":{"c":"d"}}\n[]\n2\n')
        self.ends(run, 0)
        self.assertEqual(run.out, b'{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": "d"\n  }\n}\n[]\n2\n')

    def test_envelopes_tell_where_an_item_comes_from(self):
        path = self.write("in", "ab\ncd\n")
        self.assertIsNone(json.loads(weir("-J", path).out.splitlines()[1])["position"])
        run = weir("-J", "--state", self.path("state"), path)
        self.ends(run, 0)
        items = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual([(i["number"], i["position"].split()[:2], i["body"]) for i in items],
                         [(1, ["offset", "0"], "ab"), (2, ["offset", "3"], "cd")])
        self.assertIn("in)", items[0]["origin"])
        self.assertRegex(items[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        events = self.write("e", "event: login\nid: 9\ndata: {\"n\": 1}\n\n")
        run = weir("-J", events + " | sse | json")
        self.assertEqual(json.loads(run.out)["body"], {"n": 1})
        run = weir("-J", events + " | sse")
        item = json.loads(run.out)
        self.assertEqual((item["id"], item["fields"]["event"]), ("9", "login"))
        self.assertEqual(json.loads(weir("-J", "--pretty", path).out.split(b"}\n")[0] + b"}")["number"], 1)

    def test_formats_are_those_of_kcat(self):
        path = self.write("in", "ab\ncd\n")
        self.assertEqual(weir("--format", "%n %s %S\\n", path).out, b"1 ab 2\n2 cd 2\n")
        self.assertEqual(weir("--format", "%s,", path).out, b"ab,cd,")
        self.ends(weir("--format", "%p", path), 2, "the format is wrong at '%p'")

    def test_a_long_line_stays_whole_in_an_envelope(self):
        path = self.write("in", b"x" * 3000000 + b"\nshort\n")
        run = weir("--format", "%S\\n", path)
        self.ends(run, 0, "skipped")
        self.assertEqual(run.out, b"5\n")

    def test_a_flag_without_an_effect_is_a_mistake(self):
        for flag in ("-r", "--pretty"):
            self.ends(weir(flag, "gen 1..3"), 2, "has no effect: its output is not JSON; to read lines as JSON: | json")
        for flag in (("-r",), ("--pretty",), ("-J",), ("--format", "%s")):
            self.ends(weir(*flag, "gen 1..3 | . | file " + self.path("out")), 2,
                      "has no effect: this pipeline does not write to standard output")
        self.ends(weir("--format", "%s", "-r", "gen 1..3 | ."), 2, "leave --raw-output out")
        self.ends(weir("-J", "-r", "gen 1..3 | ."), 2, "-r has no effect")


class Messages(TestCase):
    def test_no_message_has_what_a_terminal_would_obey(self):
        for data in (b"{\x9b2Jx\n", b"\x1b[2J\n", b"[1,\xc2\x9b2J]\n", b"\x07\r[\n", "[1,é\n".encode()):
            with self.subTest(data=data):
                run = messages("json", stdin=data)
                self.assertIn(b"; skipped", run)
                self.assertNotRegex(run.replace(b"\n", b""), rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]")
                run.decode()
        self.assertIn("é".encode(), messages("json", stdin="[1,é\n".encode()))
        self.assertNotIn(b"\x1b", messages("-f", "no\x1b[2Jfile"))


class OnTerminal(TestCase):
    def test_json_is_coloured(self):
        out = on_terminal("gen 1..1 | {a: \"x\", b: null}")
        self.assertIn(b"\x1b[34;1m\"a\"\x1b[0m", out)
        self.assertIn(b"\x1b[0;32m\"x\"\x1b[0m", out)
        self.assertIn(b"\x1b[1;30mnull\x1b[0m", out)

    def test_no_colour_when_nobody_wants_it(self):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
            with self.subTest(environment=environment):
                self.assertEqual(on_terminal("gen 1..1 | {a: [., \"x\"]}", **environment), b'{"a":[1,"x"]}\n')
        self.assertEqual(weir("gen 1..1 | {a: \"x\"}").out, b'{"a":"x"}\n')

    def test_nothing_is_obeyed(self):
        out = on_terminal("skip 0", stdin=HOSTILE, NO_COLOR="1")
        self.assertEqual(out, b'{"a":"x\\u001b[2J","b":"\\u009b\\x7f"}\n\\x1b]0;title\\x07\\x0d \\xff\n')
        out = on_terminal("--format", "%s\\n", "skip 1", stdin=HOSTILE)
        self.assertEqual(out, b"\\x1b]0;title\\x07\\x0d \\xff\n")
        out = on_terminal("-r", ".a, .b", stdin=HOSTILE, NO_COLOR="1")
        self.assertEqual(out, b"x\\x1b[2J\n\\u009b\\x7f\n")
        self.assertNotIn(b"\x1b", on_terminal("-J", "skip 0", stdin=HOSTILE, NO_COLOR="1"))

    def test_lines_without_control_characters_are_as_they_came(self):
        self.assertEqual(on_terminal("-", stdin="é\ta b\n\nlast".encode()), "é\ta b\n\nlast".encode())


if __name__ == "__main__":
    e2e_support.main()
