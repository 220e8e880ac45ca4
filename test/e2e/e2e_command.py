#!/usr/bin/env python3
"""The command's own face: texts, flags, files, mistakes, help, and the demo server."""

import hashlib
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import threading
import unittest

import e2e_support
from e2e_peers import Peer
from e2e_support import Weir, sha256, shell, wait_for, weir

README = os.path.join(os.path.dirname(__file__), "..", "..", "README.md")


def numbers(first, last):
    return b"".join(b"%d\n" % n for n in range(first, last + 1))


class Time(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        self.reader, self.writer = os.pipe()  # an input that does not end
        self.addCleanup(os.close, self.reader)
        self.addCleanup(os.close, self.writer)

    def test_for_ends_a_run_as_sigterm_does(self):
        os.write(self.writer, b"a\n")
        run = weir("--for", "300ms", "-v", "- | batch 9 within 1h", stdin=self.reader)
        self.ends(run, 0, "1 in = 1 out")
        self.assertEqual(run.out, b"a\n")

    def test_what_for_cannot_drain_is_lost(self):
        run = weir("--for", "100ms", "--drain", "100ms", "gen 1..1 | until(false; .)")
        self.ends(run, 3, "not drained: the drain took longer than --drain allows; 1 items are lost")

    def test_max_time_gives_a_run_up(self):
        self.ends(weir("--max-time", "0.05", "-", stdin=self.reader), 124, "the time of --max-time has passed")
        self.ends(weir("-m", "60", "gen 1..3"), 0)
        self.ends(weir("-m", "0", "gen 1..3"), 0)

    def test_a_source_that_ends_before_is_not_waited_for(self):
        self.ends(weir("--for", "1h", "gen 1..3"), 0)


class Variables(e2e_support.TestCase):
    def test_values_of_the_command_line_are_data(self):
        for value in ("login", 'a"b', "x | null", "\\(1)", "", "$x", "é"):
            run = weir("--arg", "x", value, "gen 1..1 | {v: $x}")
            self.ends(run, 0)
            self.assertEqual(json.loads(run.out), {"v": value})
        run = weir("--argjson", "limit", "2", "--argjson", "o", '{"a":[1.10]}', "gen 1..3 | where . >= $limit | [., $o]")
        self.assertEqual(run.out, b'[2,{"a":[1.10]}]\n[3,{"a":[1.10]}]\n')

    def test_an_unknown_name_is_shown_with_its_place(self):
        self.ends(weir("gen 1..3 | where . > $lim"), 2, "$lim is not defined",
                  "\n                       ^^^^ --arg lim VALUE gives it a value")
        self.ends(weir("--arg", "limit", "1", "gen 1..3 | where . > $limt"), 2, "^^^^^ did you mean '$limit'?")

    def test_mistakes_in_a_value_do_not_show_it(self):
        run = weir("--argjson", "x", '{"c4n4ry', "gen 1..1 | $x")
        self.ends(run, 2, "the value $x: ", "at byte 1")
        self.assertNotIn("c4n4ry", run.err)
        self.ends(weir("--arg", "x"), 2, "--arg needs NAME VALUE")
        self.ends(weir("--arg=x", "y", "gen 1..1 | $x"), 2, "--arg needs NAME VALUE")
        self.ends(weir("--arg", "x", "1", "--argjson", "x", "1", "gen 1..1 | $x"), 2, "given twice")
        self.ends(weir("--arg", "x.y", "1", "gen 1..1"), 2, "not a name")
        self.ends(weir("--arg", ". == $x", "gen 1..1"), 2, "'. == $x' is not a name; write --arg NAME VALUE")
        self.ends(weir("--arg", "x=1", ". == $x"), 2, "--arg takes two words: --arg x VALUE")

    def test_a_value_that_nothing_reads_is_a_mistake(self):
        self.ends(weir("--arg", "x", "1", "gen 1..1"), 2, "--arg x has no effect: no expression of this pipeline reads $x")

    def test_the_environment_is_read_by_name_only(self):
        secret = dict(os.environ, TOKEN="c4n4ry", OTHER="no")
        run = weir("--env", "TOKEN,OTHER", 'gen 1..1 | "Bearer " + $TOKEN, $OTHER', env=secret)
        self.ends(run, 0)
        self.assertEqual(run.out, b'"Bearer c4n4ry"\n"no"\n')
        self.ends(weir("gen 1..1 | $TOKEN", env=secret), 2, "$TOKEN is not defined")
        self.ends(weir("gen 1..1 | $ENV.TOKEN", env=secret), 2, "--env NAME reads a variable of the environment as $NAME")
        self.ends(weir("--env", "NOT_THERE", "gen 1..1 | $NOT_THERE"), 2, "the environment has no variable 'NOT_THERE'")

    def test_secrets_are_in_no_report(self):
        secret = dict(os.environ, TOKEN="c4n4ry")
        dead = self.path("dead")
        text = "gen 1..2 | {n: .} | set .t = $TOKEN + 1"
        run = weir("-vv", "--env", "TOKEN", "--dead", dead, text, env=secret)
        self.ends(run, 0, "string (***) and number (1) cannot be added")
        run.err += weir("explain", "--env", "TOKEN", text, env=secret).out.decode()
        run.err += weir("graph", "--env", "TOKEN", text, env=secret).out.decode()
        for text in ("$TOKEN | fromdate", "[] | getpath([$TOKEN])", '"a" | test("a"; $TOKEN)', "$TOKEN | error"):
            run.err += weir("--env", "TOKEN", "gen 1..1 | map (%s)" % text, env=secret).err
        self.assertEqual(len(re.findall(r"(?:set|map): item \d: ", run.err)), 6, run.err)
        self.assertNotIn("c4n4", run.err)
        self.assertNotIn(b"c4n4", self.read("dead"))

    def test_values_are_not_in_the_list_of_processes(self):
        with Weir("--arg", "x", "c4n4ry", "- | {x: $x}", stdin=subprocess.PIPE) as run:
            def words():
                with open("/proc/%d/cmdline" % run.pid, "rb") as file:
                    return file.read().split(b"\0")
            wait_for(lambda: b"******" in words(), "the value to be hidden")
            self.assertNotIn(b"c4n4ry", words())


class Texts(e2e_support.TestCase):
    def gives(self, out, *args, **how):
        run = weir(*args, **how)
        self.ends(run, 0)
        self.assertEqual(run.out, out)
        return run

    def test_stages_follow_each_other(self):
        self.gives(b"3\n4\n5\n", "gen 1..10 | skip 2 | head 3")

    @unittest.skipIf(e2e_support.SANITIZED, "sizes of memory mean nothing")
    def test_the_peak_is_that_of_this_process(self):
        code = "import subprocess, sys; big = b'x' * (200 << 20); subprocess.run(sys.argv[1:])"
        run = shell("python3 -c \"%s\" $WEIR -v 'gen 1..3'" % code)
        self.assertRegex(run.err, r"peak [0-9]{1,2}\.[0-9] MiB")

    def test_a_successful_run_says_nothing(self):
        self.assertEqual(self.gives(b"1\n", "gen 1..1").err, "")

    def test_standard_input_is_the_source_that_is_left_out(self):
        self.gives(b"b\n", "skip 1", stdin=b"a\nb\n")
        self.gives(b"a\nb\n", stdin=b"a\nb\n")
        self.gives(b"a\n", "- | head 1", stdin=b"a\nb\n")
        self.gives(b"a\n", "stdin | head 1", stdin=b"a\nb\n")

    def test_files_behind_the_text_are_the_source(self):
        one, two = self.write("one", "a 1\nb\n"), self.write("two", "c 1\n")
        self.gives(b"a 1\nc 1\n", "grep 1", one, two)

    def test_a_dash_among_the_files_is_standard_input(self):
        self.gives(
            b"a\nb\nc\n",
            "skip 0",
            self.write("one", "a\n"),
            "-",
            self.write("two", "c\n"),
            stdin=b"b\n",
        )

    def test_a_text_may_come_from_a_file_with_comments_and_options(self):
        text = self.write(
            "p.weir", "# what it does\n@mem 8MiB\ngen 1..10   # numbers\n  | skip 2\n  | head 3\n"
        )
        self.gives(b"3\n4\n5\n", "-f", text)

    def test_a_file_with_a_text_may_name_its_state(self):
        source, state = self.write("in", "a\nb\n"), self.path("state")
        text = self.write("p.weir", "@state %s\n%s | file %s\n" % (state, source, self.path("out")))
        self.ends(weir("-f", text), 0)
        self.assertEqual(self.read("out"), b"a\nb\n")
        self.assertTrue(os.listdir(state))

    def test_a_mistake_in_a_file_has_its_line(self):
        text = self.write("p.weir", "gen 1..10\n| skp 2\n")
        self.ends(weir("-f", text), 2, "p.weir:2:", "did you mean 'skip'?")
        text = self.write("p.weir", "gen 1..3\0 | grep 2")
        self.ends(weir("-f", text), 2, "has a NUL byte, at byte 8")
        text = self.write("p.weir", "gen 1..3 " + " " * (1 << 20))
        self.ends(weir("-f", text), 2, "longer than 1 MiB")

    def test_flags_may_stand_behind_the_text(self):
        self.gives(b"1\n2\n", "gen 1..", "-c", "2")

    def test_two_dashes_end_the_flags(self):
        self.gives(b"-x\n", "--", 'grep "-x"', self.write("f", "-x\ny\n"))

    def test_grep_takes_bytes_not_patterns(self):
        self.gives(b"a.c\n", 'grep "a.c"', stdin=b"abc\na.c\nac\n")

    def test_grep_v_takes_the_others(self):
        self.gives(b"abc\nac\n", 'grep -v "a.c"', stdin=b"abc\na.c\nac\n")
        self.gives(b"a -v\n", 'grep "-v"', stdin=b"a -v\nb\n")

    def test_batches_and_the_last_line_without_an_end(self):
        self.gives(b"a\nb\nc", "batch 2", stdin=b"a\nb\nc")


class Addresses(e2e_support.TestCase):
    def test_an_ipv6_zone_may_stand_in_an_address(self):
        with socket.socket(socket.AF_INET6) as server:
            try:
                server.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 here")
            server.listen()
            port, zone = server.getsockname()[1], socket.if_nametoindex("lo")

            def serve(head):
                connection = server.accept()[0]
                with connection:
                    if head:
                        connection.recv(65536)
                    connection.sendall(head + b"a\nb\n")

            for text, head in (
                ("http://[::1%%25%d]:%d/" % (zone, port), b"HTTP/1.0 200 OK\r\n\r\n"),
                ("tcp://[::1%%%d]:%d" % (zone, port), b""),
            ):
                server.settimeout(e2e_support.PATIENCE_S)
                thread = threading.Thread(target=serve, args=(head,))
                thread.start()
                run = weir(text)
                thread.join()
                self.ends(run, 0)
                self.assertEqual(run.out, b"a\nb\n")


class Mistakes(e2e_support.TestCase):
    def refused(self, *args, texts=()):
        run = weir(*args)
        self.ends(run, 2, *texts)
        self.assertEqual(run.out, b"")
        self.assertLess(len(run.err.splitlines()), 6, run)
        return run

    def caret_at(self, run, word):
        """The carets stand under the word."""
        lines = run.err.splitlines()
        below = [i for i, line in enumerate(lines) if line.strip().startswith("^")][0]
        start = lines[below].index("^")
        self.assertEqual(lines[below - 1][start : start + len(word)], word, run)

    def test_an_unknown_stage_has_a_caret_and_a_guess(self):
        run = self.refused(
            "gen 1..10 | bach 100", texts=["unknown stage 'bach'", "did you mean 'batch'?"]
        )
        self.caret_at(run, "bach")

    def test_a_mistyped_command_is_guessed(self):
        for word, meant in (("lsit", "list"), ("dmeo", "demo"), ("hlep", "help")):
            self.refused(word, texts=["unknown command '%s'" % word, "did you mean 'weir %s'?" % meant])
        self.refused("heed", texts=["unknown stage 'heed'", "did you mean 'head'?"])
        run = self.refused("input", texts=["'input' is not a function of expressions", "jq -n"])
        self.assertNotIn("did you mean", run.err)

    def test_nothing_is_connected_before_the_text_is_right(self):
        peer = self.peer(Peer(lambda c: c.reply(body="x\n")))
        self.refused("%s | hed 3" % peer.url(), texts=["did you mean 'head'?"])
        self.assertEqual(peer.connections, [])

    def test_an_output_file_is_not_made_before_the_text_is_right(self):
        self.refused("gen 1..3 | file %s | head" % self.path("out"))
        self.assertFalse(os.path.exists(self.path("out")))

    def test_words_without_quotes_say_how_to_quote(self):
        for words in (
            ["gen", "1..3"],
            ["http://127.0.0.1:1/", "|", "head", "3"],
            ["gen", "1..3", "|", "head", "2"],
            ["http://127.0.0.1:1/", "head 3"],
            ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"],
        ):
            self.refused(*words, texts=["as one text:"])

    def test_a_stage_in_a_word_of_its_own_is_shown_in_the_text(self):
        self.refused("http://127.0.0.1:1/", ".a", texts=["'.a' is not a file", "weir 'http://127.0.0.1:1/ | .a'"])
        self.refused("./f.log", "clf", texts=["weir './f.log | clf'"])

    def test_a_text_may_begin_with_a_format(self):
        self.assertEqual(weir("-r", "@csv", stdin=b"[1,\"a\"]\n").out, b"1,\"a\"\n")
        self.assertEqual(weir("@json \"n=\\(.n)\"", stdin=b"{\"n\":[1]}\n").out, b"\"n=[1]\"\n")
        self.refused("@mem 3", texts=["lines with @ are for a pipeline in a file", "weir -f FILE"])
        self.assertNotIn("-f FILE", self.refused("@json | bach").err)

    def test_an_address_among_the_files_says_where_it_belongs(self):
        run = self.refused("head 3", "http://u:c4n4ry@127.0.0.1:1/x", texts=["'ADDRESS | head 3'"])
        self.assertNotIn("c4n4ry", run.err)
        self.refused("head 3", "tcp://127.0.0.1:1", texts=["'tcp://127.0.0.1:1' is not a file"])

    def test_a_word_that_is_a_file_here_says_how_to_read_it(self):
        self.write("plain", "x\n")
        run = weir("plain", cwd=self.folder)
        self.ends(run, 2, "unknown stage 'plain'", "weir ./plain")
        self.ends(weir("./plain", cwd=self.folder), 0)
        self.assertNotIn("./", weir("plain2", cwd=self.folder).err)
        self.write("filo", "x\n") # nearest to a sink, which cannot stand there
        run = weir("filo | head 3", cwd=self.folder)
        self.ends(run, 2, "unknown stage 'filo'", "weir './filo ...'")
        self.assertNotIn("did you mean", run.err)
        self.assertNotIn("./", weir("gen 1..3 | filo", cwd=self.folder).err)
        self.write("My-File", "x\n")
        self.ends(weir("My-File|head 3", cwd=self.folder), 2, "weir './My-File ...'")

    def test_a_guess_is_a_component_that_may_stand_there(self):
        self.refused("gen 1..3 | fil x", texts=["did you mean 'file'?"])
        for text in ("fil x | head 3", "gen 1..3 | fil x | head 3"):
            run = self.refused(text, texts=["unknown stage 'fil'", "'weir list' names all there are"])
            self.assertNotIn("did you mean", run.err)

    def test_no_mistake_shows_a_secret(self):
        for words in (
            ["http://u:c4n4ry@127.0.0.1:1/?token=c4n4ry | head", "3"],
            ["tcp://u:c4n4ry@127.0.0.1:1"],
            ["gen 1..3 | tcp tcp://u:c4n4ry@127.0.0.1:1"],
            ["-H", "Authorization Bearer c4n4ry", "http://127.0.0.1:1/"],
        ):
            self.assertNotIn("c4n4ry", self.refused(*words).err)

    def test_a_missing_argument_shows_an_example(self):
        self.refused("gen 1..3 | head", texts=["head", "count is missing", "head 3"])

    def test_an_empty_stage_is_told(self):
        for text in ("gen 1..3 |", "| head 3", "gen 1..3 || head 2"):
            self.refused(text, texts=["empty stage"])

    def test_a_stage_of_the_future_says_what_to_do_instead(self):
        run = self.refused("gen 1..3 | tee", texts=["not in this version", "| tee FILE"])
        self.assertNotIn("did you mean", run.err)
        self.refused("nest", texts=["unknown stage 'nest'", "write explode .a"])
        self.refused("gen 1..3 | put .a = 1", texts=["write set .a = EXPRESSION"])
        self.refused("kafka://h/topic", texts=["kafka is not in this version"])
        self.refused("post gzip=1", texts=["post has no argument 'gzip'", "write 'gzip'"])
        self.refused("batch within=1s", texts=["batch has no argument 'within'", "write 'within VALUE'"])

    def test_only_an_unknown_name_is_taken_for_one_of_the_future(self):
        for text in ("gen 1..5 | head 2 tee", "gen 1..5 | head jq", "gen 1..5 | batch 3 jq", "./nofile.so"):
            self.assertNotIn("not in this version", self.refused(text).err)

    def test_an_unknown_flag_has_a_guess(self):
        self.refused("--stat", "x", "gen 1..3", texts=["--stat", "did you mean '--state'?"])

    def test_flags_with_bad_values_are_told(self):
        for flag, value in (
            ("--mem", "lots"),
            ("--idle", "soon"),
            ("--retry", "often"),
            ("-c", "x"),
            ("--drain", "-1"),
        ):
            self.refused(flag, value, "gen 1..3", texts=[value])

    def test_times_and_sizes_of_flags_want_their_unit(self):
        self.refused("--drain", "5", "gen 1..3", texts=["--drain: '5'", "5s or 5ms"])
        self.refused("--idle=0.5", "gen 1..3", texts=["--idle: '0.5'", "0.5s or 0.5ms"])
        self.refused("--mem", "64", "gen 1..3", texts=["--mem: '64'", "64MiB or 64KiB"])
        times = ("--drain", "5s", "--idle", "none", "--mem", "64MiB")
        self.ends(weir("check", *times, "http://localhost/"), 0)

    def test_curls_timeout_takes_plain_seconds_as_curl_does(self):
        for value in ("5", "0.5", "500ms", "1m30s"):
            self.ends(weir("check", "--connect-timeout", value, "http://localhost/"), 0)
        self.refused("--connect-timeout", "5x", "gen 1..3", texts=["'5x' is not a time"])

    def test_a_flag_that_acts_upon_nothing_is_a_mistake(self):
        for flag, name in (
            (("-H", "X: y"), "header"),
            (("-u", "a:b"), "user"),
            (("--retry", "5"), "retry"),
            (("--retry-after-max", "5s"), "retry-after-max"),
            (("--unix-socket", "/x"), "unix-socket"),
        ):
            for text in ("gen 1..3", "tcp://127.0.0.1:1")[: 1 if name == "retry" else 2]:
                self.refused(*flag, text, texts=["--%s has no effect: no part of this pipeline takes a URL" % name])
            self.ends(weir("check", *flag, "http://localhost/"), 0)
            self.ends(weir("check", *flag, "gen 1..3 | post http://localhost/"), 0)
        for flag, why in (("--follow", "connects"), ("--raw", "has a URL")):
            self.refused(
                flag, "gen 1..3 | post http://localhost/", texts=["no effect: no source of this pipeline " + why]
            )
            self.ends(weir("check", flag, "http://localhost/"), 0)
        for flag in (("--follow",), ("--retry", "5")):
            self.ends(weir("check", *flag, "tcp://127.0.0.1:1"), 0)
            self.refused(*flag, "gen 1..3 | tcp 127.0.0.1:1", texts=["no effect"])
        for flag in (("-k",), ("--cacert", "/x")):
            self.refused(*flag, "tcp://127.0.0.1:1", texts=["no effect: no part of this pipeline uses TLS"])
        self.refused("--idle", "5s", "gen 1..3", texts=["no source of this pipeline connects"])
        self.refused("--connect-timeout", "5", "gen 1..3", texts=["no part of this pipeline connects"])
        for text in ("gen 1..3", "queue | skip 1 | head 1"):
            self.refused("--strict", text, texts=["no effect: nothing in this pipeline rejects items"])
            self.refused("--dead", "x", text, texts=["no effect: no component of this pipeline rejects"])
        for text in ('grep "x"', "lines max=10B", "gen 1..3 | post http://localhost/", "sse"):
            self.ends(weir("check", "--strict", text), 0)
        self.ends(weir("check", "--idle", "5s", "--connect-timeout", "5", "tcp://127.0.0.1:1"), 0)
        self.ends(weir("-N", "-q", "-v", "gen 1..3"), 0)

    def test_an_option_of_grep_that_is_not_known_is_called_that(self):
        for option in ("-o", "-w", "-c", "-vo", "--color"):
            self.refused("gen 1..3 | grep %s 2" % option, texts=["grep has no option '%s'" % option])

    def test_what_is_no_address_is_told_with_the_one_that_was_meant(self):
        for text, meant in (
            ("localhost:8080", "http://localhost:8080"),
            ("localhost:8080/feed", "http://localhost:8080/feed"),
            ("https:/x", "https://x"),
            ("https:x", "https://x"),
            ("tcp:1.2.3.4:5", "tcp://1.2.3.4:5"),
            ("tls:1.2.3.4:5", "tls://1.2.3.4:5"),
            ("https//h/x", "https://h/x"),
            ("tcp//h:5", "tcp://h:5"),
            ("www.example.org/feed", "http://www.example.org/feed"),
            ("[::1]:8080/feed", "http://[::1]:8080/feed"),
            ("file:///etc/x", "/etc/x"),
            ("gen 1..3 | post localhost:8080/hook", "http://localhost:8080/hook"),
            ("gen 1..3 | post https:/h/hook", "https://h/hook"),
            ("gen 1..3 | post https//h/hook", "https://h/hook"),
        ):
            run = weir(text)
            self.assertIn(run.status, (1, 2), run)
            self.assertIn("did you mean %s?" % meant, run.err)

    def test_no_flag_takes_nothing_for_its_value(self):
        for flag in ("--state", "--cacert", "-f", "-u", "-H", "--mem", "--drain", "-c"):
            self.refused(flag, "", "gen 1..3", texts=["is empty"])
        self.refused("--state=", "gen 1..3", texts=["--state: DIR is empty"])

    def test_counts_of_flags_are_digits(self):
        for value in ("x", "-1", "+1", " 1", "1.0", "99999999999999999999"):
            self.refused("-c", value, "gen 1..3", texts=["-c: '%s' is not a number" % value])

    def test_a_flag_of_the_future_says_what_to_do_instead(self):
        for args, text in (
            (["-t"], "-J writes the time"),
            (["-C"], "on a terminal"),
            (["-R"], "to read each line as a string: | encode json"),
            (["--slurpfile"], "--argjson NAME"),
            (["-e"], "--end stops"),
            (["--compact-output"], "--pretty"),
            (["-X", "POST"], "GET"),
            (["-n", "3"], "-c N"),
            (["-L"], "redirects are followed"),
            (["--since", "10m"], "journal since="),
            (["--include", "x"], "grep -E"),
            (["--exclude", "x"], "grep -vE"),
            (["--ping-interval", "5s"], "ping=TIME"),
            (["--ping-timeout", "5s"], "pong=TIME"),
            (["--text"], "$meta.opcode"),
            (["--binary"], "$meta.opcode"),
        ):
            run = self.refused(*args, "gen 1..3", texts=["%s: not in this version" % args[0], text])
            self.assertNotIn("did you mean", run.err)

    def test_letters_that_mean_something_else_in_another_tool(self):
        self.refused("-c", ".a", texts=["-c: '.a' is not a number", "jq's -c, is the default"])
        self.refused("-f", "%s %o\\n", texts=["cannot read the pipeline file", "for kcat's -f write --format"])
        self.refused("-s", ".", texts=["weir streams", "| jq -s 'PROGRAM'", "curl's -s: leave it out"])
        self.refused("-n", ".", texts=["as jq -n: gen 1..1 |"])
        self.refused("-o", "beginning", "gen 1..1", texts=["-o is a flag of record", "| file PATH", "kcat's -o"])

    def test_a_subcommand_of_the_future_is_told_as_one(self):
        for args, text in (
            (["top"], "kill -QUIT PID"),
            (["bench"], ""),
        ):
            self.refused(*args, texts=["'weir %s' is not in this version" % args[0], text])
        self.refused("version", texts=["weir --version"])

    def test_check_finds_mistakes_and_opens_nothing(self):
        for word in ("check", "lint", "validate"):
            self.refused(word, "gen 1..3 | bach 3", texts=["unknown stage 'bach'"])
        out = self.path("out")
        run = weir("check", "gen 1..3 | file %s" % out)
        self.ends(run, 0)
        self.assertEqual(run.out, b"ok; with a state best-effort: 'gen' has no position from which a restart can continue\n")
        self.assertFalse(os.path.exists(out))
        self.refused("check", "gen 1..3 | head 2", "f", texts=["cannot be its input"])
        self.refused("check", texts=["no pipeline; for example:  weir check 'https"])
        self.refused("explain", texts=["no pipeline; for example:  weir explain 'https"])

    def test_check_reads_a_file_too(self):
        text = self.write("p.weir", "@mem 8MiB\ngen 1..3\n| hed 2\n")
        self.refused("check", "-f", text, texts=["p.weir:3:", "did you mean 'head'?"])

    def test_the_commands_of_the_readme_are_right(self):
        with open(README, encoding="utf-8") as file:
            blocks = file.read().split("```")[1::2]
        lines = [line for block in blocks for line in block.splitlines()]
        checked = 0
        for line in lines:
            command = re.match(r"(?:curl .* \| )?weir (?!demo|record|replay|check)(.*)", line)
            if command is not None and ".so" not in line:
                run = weir("check", *shlex.split(command.group(1), comments=True))
                self.ends(run, 0)
                checked += 1
        self.assertGreater(checked, 6)

    def test_explain_tells_what_each_part_does(self):
        run = weir("explain", "https://h/feed | queue 10 | file out")
        self.ends(run, 0)
        told = run.out.decode()
        for text in (" 1  https://h/feed\n", "when the far end is lost: it reconnects", "holds at most 10 items and 1 MiB, 1.6 % of the memory; full=block\n",
                     "delivery  with a state exactly-once-effect if the server sends a strong ETag"):
            self.assertIn(text, told)

    def test_slurp_is_refused_with_advice(self):
        self.refused("-s", "gen 1..3", texts=["jq -s 'PROGRAM'"])

    def test_control_characters_of_a_text_do_not_reach_the_terminal(self):
        run = weir("gen 1..3 | \x1b[31mred\x1b]0;x\x07")
        self.assertEqual(run.status, 2)
        self.assertNotIn("\x1b", run.err)

    def test_a_text_that_is_no_utf8_is_a_mistake_and_no_crash(self):
        run = shell('"$WEIR" "$(printf "gen 1..3 | \\377\\376")"')
        self.assertEqual(run.status, 2, run)

    def test_random_texts_are_refused_or_read_but_never_crash(self):

        rng = random.Random(11)
        words = [
            "gen 1..9",
            "head",
            "3",
            "|",
            "queue",
            "batch 2",
            "1MiB",
            '"x',
            "`",
            "{",
            "within 1s",
            "lines",
            "max=",
            "\\",
            "#",
            "@state",
            "grep",
            "''",
            "full=latest",
            "1..",
            "null",
            "stdout",
            "file",
            "tcp",
            ":",
        ]
        for _ in range(150):
            text = " ".join(rng.choice(words) for _ in range(rng.randrange(1, 9)))
            if re.search(r"file [^ ]|tcp|1\.\. ?", text):
                text = "gen 1..3 | " + text.replace("file", "head").replace("tcp", "skip").replace(
                    "1.. ", "1..2 "
                )
            run = weir(text, stdin=b"a\n", cwd=self.folder)
            self.assertIn(run.status, (0, 1, 2, 4), (text, run))


class Help(e2e_support.TestCase):
    def listed(self):
        run = weir("list")
        self.ends(run, 0)
        return [line for line in run.out.decode().splitlines() if line[0] != " "]

    def test_list_says_what_each_is_for(self):
        lines = weir("list").out.decode().splitlines()
        self.assertEqual(len(lines), 2 * len(self.listed()))
        self.assertIn("        The first N items; then ends everything before it.", lines)

    def test_list_names_sources_stages_and_sinks(self):
        kinds = {line.split()[0] for line in self.listed()}
        self.assertEqual(kinds, {"source", "stage", "sink"})
        for word in ("head", "batch", "queue", "grep", "skip"):
            self.assertTrue(
                any(line.split()[:2] == ["stage", word] for line in self.listed()), word
            )

    def test_list_may_be_asked_for_one_kind(self):
        for kind in ("source", "stage", "sink"):
            run = weir("list", kind + "s")
            self.ends(run, 0)
            self.assertEqual(
                [line for line in run.out.decode().splitlines() if line[0] != " "],
                [line for line in self.listed() if line.split()[0] == kind],
            )
        self.ends(weir("list", "flags"), 2, "sources, stages or sinks")

    def test_help_explains_each_stage_with_an_example_that_can_be_read(self):
        for line in self.listed():
            kind, word = line.split()[:2]
            if kind != "stage":
                continue
            run = weir("help", word)
            self.ends(run, 0)
            example = re.search(r"example +weir '(.*)'", run.out.decode())
            self.assertIsNotNone(example, run.out)
            text = example.group(1)
            self.write("event.schema.json", b"{}")
            self.ends(weir("check", text, cwd=self.folder), 0)

    def test_help_head_says_what_it_takes(self):
        out = weir("help", "head").out.decode()
        for text in ("head N", "how many", "example"):
            self.assertIn(text, out)

    def test_help_explains_a_flag(self):
        self.assertIn(b"--arg NAME VALUE", weir("help", "--arg").out)
        self.assertIn(b"--raw-output", weir("help", "-r").out)
        self.ends(weir("help", "--nope"), 2, "there is no flag '--nope'")

    def test_help_explains_expressions_and_lists_their_functions(self):
        out = weir("help", "expressions").out.decode()
        self.assertRegex(out, r"(?m)^  test\(a; b\) +\w")
        self.assertRegex(out, r"(?m)^  ascii_downcase +\w")
        self.assertLess(max(map(len, out.splitlines())), 120)
        calls = re.findall(r"(?m)^  (\S+(?:\(.*?\))?) {2,}", out.split("Functions:\n")[1])
        self.assertGreater(len(calls), 100)
        self.ends(weir("check", "gen 1..1 | (%s)" % ", ".join(re.sub(r"\b\w(?=[;)])", ".", call) for call in calls)), 0)

    def test_help_for_nothing_known_is_a_mistake(self):
        self.ends(weir("help", "hed"), 2, "hed", "did you mean 'head'?", "weir list")
        run = weir("help", "xyzzy")
        self.ends(run, 2, "xyzzy", "weir list")
        self.assertNotIn("did you mean", run.err)

    def test_help_finds_a_source_by_how_its_address_begins(self):
        self.assertIn(b"https://HOST/PATH", weir("help", "https").out)

    def test_help_explains_each_subcommand(self):
        words = {"demo": "/feed.ndjson", "list": "[sources|stages|sinks]", "state": "weir state reset NAME",
                 "check": "Exit: 0, or 2", "explain": "promised", "lint": "weir check", "help": "subcommand"}
        for word, text in words.items():
            run = weir("help", word)
            self.ends(run, 0)
            self.assertIn("weir ", run.out.decode().splitlines()[0])
            self.assertIn(text, run.out.decode())
            self.assertNotIn("--cacert", run.out.decode())

    def test_help_says_what_signals_do(self):
        self.assertIn("SIGQUIT)\nprints every task", weir("--help").out.decode())

    def test_help_lists_flags_and_exit_codes(self):
        for args in (["--help"], ["-h"], ["help"]):
            run = weir(*args)
            self.ends(run, 0)
            for text in ("--state DIR", "--cacert", "Exit:", "Examples:"):
                self.assertIn(text, run.out.decode())

    def test_version_names_the_libraries(self):
        run = weir("--version")
        self.ends(run, 0)
        self.assertRegex(run.out.decode(), r"^weir \d+\.\d+\.\d+ .*libuv/.*libcurl/")

    def test_a_reader_of_the_help_may_leave(self):
        self.ends(shell('"$WEIR" --help | head -1; exit "${PIPESTATUS[0]}"'), 0)

    def test_quiet_says_errors_only(self):
        run = weir("-q", stdin=b"one\nend\n")
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"one\nend\n", ""))
        self.ends(weir("-q", self.path("nothing.log")), 1, "nothing.log")
        for flags in (["-q", "-v"], ["-vq"]):
            self.assertEqual(weir(*flags, "gen 1..3").err, "")


class Demo(e2e_support.TestCase):
    def demo(self, address=":0"):
        run = Weir("demo", address)
        self.addCleanup(run.__exit__)
        for _ in range(20):
            line = run.read_line().decode()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/feed", line)
            if found:
                return run, "http://127.0.0.1:" + found.group(1), int(found.group(1))
        raise AssertionError("no address told\n" + run.err)

    def test_the_feed_gives_json_lines_at_once(self):

        _, base, _ = self.demo()
        run = weir("%s/feed.ndjson?rate=0&bad=0 | head 100" % base)
        self.ends(run, 0)
        self.assertEqual(
            [json.loads(line)["n"] for line in run.out.splitlines()], list(range(1, 101))
        )

    def test_lines_can_be_resumed(self):
        _, base, _ = self.demo()
        url = base + "/lines?n=2000&size=100"
        whole = weir(url).out
        self.assertEqual([len(line) for line in whole.splitlines()], [100] * 2000)
        head = shell('curl -sfI "$1"', url).out.decode().lower()
        self.assertIn("accept-ranges: bytes", head)
        tag = re.search(r'etag: (".*")', head).group(1)
        self.assertTrue(
            shell('curl -sf -r 1234- -H "If-Range: $2" "$1"', url, tag).out == whole[1234:]
        )
        self.assertTrue(
            shell('curl -sf -r 1234- -H "If-Range: \\"other\\"" "$1"', url).out == whole
        )

    def test_reconnects_for_two_reasons_in_turn_are_folded(self):
        _, base, _ = self.demo()
        run = weir(base + "/flaky?n=2500&every=150000 | null")
        self.ends(run, 0, "connection reset; retry 1", "closed the connection", " more like: http")
        self.assertLessEqual(len(run.err.splitlines()), 6, run)

    def test_flaky_gives_what_lines_gives(self):
        _, base, _ = self.demo()
        query = "?n=20000&size=100"
        run = weir("-v", base + "/flaky" + query + "&every=300000")
        self.ends(run, 0, "resume from byte")
        self.assertEqual(sha256(run.out), sha256(weir(base + "/lines" + query).out))

    def test_gzip_gives_what_lines_gives(self):
        _, base, _ = self.demo()
        query = "?n=3000&size=100"
        whole = weir(base + "/lines" + query).out
        packed = shell('curl -sf "$1"', base + "/gzip" + query).out
        self.assertLess(len(packed), len(whole) * 2 // 3)
        self.assertTrue(shell('curl -sf --compressed "$1"', base + "/gzip" + query).out == whole)
        self.assertTrue(weir(base + "/gzip" + query).out == whole)
        # Several members are gzip's own way to be appended to; curl 7.88 fails behind the first.
        several = base + "/gzip" + query + "&members=5"
        self.assertTrue(weir(several).out == whole)
        self.assertTrue(shell('curl -sf "$1" | gzip -dc', several).out == whole)

    def test_who_sends_no_more_gets_all_of_it(self):
        _, base, port = self.demo()
        send = 'printf "GET $1 HTTP/1.$2\\r\\nHost: a\\r\\n\\r\\n" | nc -N 127.0.0.1 "$3"'
        whole = weir(base + "/lines?n=20000").out
        for minor in ("0", "1"):
            reply = shell(send, "/lines?n=20000", minor, str(port)).out
            self.assertTrue(reply.partition(b"\r\n\r\n")[2] == whole)
        slow = shell(send, "/slow?n=3&ms=50&head_ms=50", "0", str(port)).out
        self.assertTrue(slow.endswith(b"\r\n\r\nslow line 1\nslow line 2\nslow line 3\n"))

    def test_curl_gets_what_weir_gets(self):
        _, base, _ = self.demo()
        for route in ("/", "/lines?n=5000", "/slow?n=3&ms=1"):
            self.assertEqual(shell('curl -sf "$1"', base + route).out, weir(base + route).out)

    def listening_addresses(self, pid):
        inodes = set()
        for fd in os.listdir("/proc/%d/fd" % pid):
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        found = []
        for table in ("tcp", "tcp6"):
            with open("/proc/net/" + table, encoding="ascii") as file:
                for row in file.readlines()[1:]:
                    fields = row.split()
                    if fields[3] == "0A" and fields[9] in inodes:
                        found.append(fields[1].split(":")[0])
        return found

    def test_it_listens_on_loopback_only(self):
        loopback = {"0100007F", "00000000000000000000000001000000"}
        run, _, _ = self.demo()
        addresses = self.listening_addresses(run.pid)
        self.assertTrue(addresses)
        self.assertLessEqual(set(addresses), loopback)

    def test_an_address_that_is_not_loopback_is_refused(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
            self.ends(weir("demo", address), 2, address, "loopback")

    def test_a_port_that_is_taken_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.ends(weir("demo", ":%d" % port), 1, str(port), "in use", "weir demo :0")

    def test_its_addresses_can_be_used_as_they_are(self):
        for address, host in (("[::1]:0", "[::1]"), ("localhost:0", "localhost")):
            run = Weir("demo", address)
            self.addCleanup(run.__exit__)
            run.read_line()
            url = run.read_line().decode().split("?")[0].strip()
            self.assertTrue(url.startswith("http://%s:" % host), url)
            self.ends(weir(url + "?bad=0 | head 1"), 0)
            run.send(signal.SIGINT)
            run.process.wait(e2e_support.PATIENCE_S)

    def test_nonsense_for_a_port_is_told(self):
        for address in ("8080x", ":99999", ":-1", ":", "127.0.0.1:65536"):
            self.ends(weir("demo", address), 2, "'%s'" % address, "to 65535")

    def test_a_signal_ends_it_with_success(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            run, base, _ = self.demo()
            with Weir(base + "/feed.ndjson") as client:
                client.read_line()
                run.send(number)
                self.ends(run.end(), 0)

    def test_malformed_requests_do_not_end_it(self):
        _, base, port = self.demo()
        for data in (
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"\0" * 5000,
            b"GET / HTTP/9.9\r\n\r\n",
            b"A" * 200000,
            b"GET /lines?n=-5 HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.settimeout(e2e_support.PATIENCE_S)
                try:
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except OSError:
                    pass
        self.ends(weir(base + "/lines?n=3"), 0)

    def test_a_client_that_leaves_does_not_end_it(self):
        _, base, _ = self.demo()
        for _ in range(5):
            self.ends(
                shell(
                    '"$WEIR" "$1" | head -1; exit "${PIPESTATUS[0]}"',
                    base + "/feed.ndjson?rate=1000",
                ),
                0,
            )
        self.ends(weir(base + "/lines?n=3"), 0)

    def test_a_whole_state_over_flaky_ends_in_the_right_file(self):
        _, base, _ = self.demo()
        query = "?n=20000&size=100&seed=7"
        command = (
            "--state",
            self.path("state"),
            "%s/flaky%s&every=500000 | file %s" % (base, query, self.path("out")),
        )
        self.ends(weir(*command), 0)
        expected = subprocess.run(
            ["curl", "-sf", base + "/lines" + query], capture_output=True, check=True
        ).stdout
        self.assertEqual(hashlib.sha256(self.read("out")).hexdigest(), sha256(expected))


if __name__ == "__main__":
    e2e_support.main()
