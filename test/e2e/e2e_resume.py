#!/usr/bin/env python3
"""Going on after a break: within a run from where the stream broke, across runs from what is safely
written.

With a strong validator there is no gap and no repeat; without one weir says so and does not
pretend. With a state the file at the end is the source's, however often and wherever the run was
killed.
"""

import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile

import e2e_support
from e2e_peers import Nginx, Peer, http_date, ranged
from e2e_support import Weir, saved_offset, sha256, sha256_of, wait_for, weir


def numbered(count, seed=1):
    """Lines of mixed lengths that begin with their number."""
    rng = random.Random(seed)
    return b"".join(
        b"%d %s\n" % (n, b"x" * rng.choice((0, 3, 40, 200, 5000))) for n in range(1, count + 1)
    )


class Reconnects(e2e_support.TestCase):
    def test_a_stream_that_drops_has_no_gap_and_no_repeat(self):
        data = numbered(3000)
        rng = random.Random(3)
        peer = self.peer(
            Peer(
                ranged(
                    data,
                    drop=lambda c, first: (
                        None if c.number > 8 else first + rng.randrange(100000, 300000)
                    ),
                )
            )
        )
        run = weir("-v", peer.url())
        self.ends(run, 0, "retry 1 in", "resume from byte", "reconnect")
        self.assertEqual(sha256(run.out), sha256(data))
        for request in peer.requests[1:]:
            self.assertEqual(request.headers["if-range"], '"v1"')
            self.assertEqual(data[request.first_byte() - 1 : request.first_byte()], b"\n")

    def test_an_old_last_modified_is_a_validator_too(self):
        data, date = numbered(300), http_date(-3600)
        peer = self.peer(
            Peer(
                ranged(
                    data,
                    etag=None,
                    modified=date,
                    headers=["Date: " + http_date(0)],
                    drop=lambda c, first: 70000 if c.number == 1 else None,
                )
            )
        )
        run = weir(peer.url())
        self.ends(run, 0, "resume from byte")
        self.assertEqual(sha256(run.out), sha256(data))
        self.assertEqual(peer.requests[1].headers["if-range"], date)

    def test_a_fresh_last_modified_is_no_validator(self):
        data, date = numbered(300), http_date(0)
        peer = self.peer(
            Peer(
                ranged(
                    data,
                    etag=None,
                    modified=date,
                    headers=["Date: " + date],
                    drop=lambda c, first: 70000,
                )
            )
        )
        self.ends(weir(peer.url()), 1, "cannot be resumed")
        self.assertEqual(len(peer.requests), 1)

    def test_a_weak_etag_is_no_validator(self):
        peer = self.peer(Peer(ranged(numbered(300), etag='W/"v1"', drop=lambda c, first: 70000)))
        self.ends(weir(peer.url()), 1, "cannot be resumed")
        self.assertEqual(len(peer.requests), 1)

    def test_a_server_that_ignores_the_range_is_skipped_to_the_place(self):
        data = numbered(300)

        def script(connection):
            end = 70000 if connection.number == 1 else None
            connection.reply(headers=['ETag: "v1"'], body=data[:end], length=len(data))

        run = weir(self.peer(Peer(script)).url())
        self.ends(run, 0)
        self.assertEqual(sha256(run.out), sha256(data))

    def test_content_that_has_changed_is_an_error_and_nothing_of_it_comes_out(self):
        data = numbered(300)
        peer = self.peer(
            Peer(ranged(data, etag=lambda c: '"v%d"' % c.number, drop=lambda c, first: 70000))
        )
        run = weir(peer.url())
        self.ends(run, 1, "has changed", "another validator")
        self.assertTrue(data[:70000].startswith(run.out))
        self.assertEqual(len(peer.requests), 2)

    def test_content_of_another_length_is_an_error(self):
        data = numbered(300)

        def script(connection):
            if connection.number == 1:
                return connection.reply(
                    headers=['ETag: "v1"', "Accept-Ranges: bytes"],
                    body=data[:70000],
                    length=len(data),
                )
            first = connection.request.first_byte()
            return connection.reply(
                "206 Partial Content",
                [
                    'ETag: "v1"',
                    "Content-Range: bytes %d-%d/%d" % (first, len(data) + 4, len(data) + 5),
                ],
                data[first:] + b"more\n",
            )

        self.ends(weir(self.peer(Peer(script)).url()), 1, "has changed")

    def test_a_206_from_the_wrong_place_is_an_error(self):
        data = numbered(300)

        def script(connection):
            if connection.number == 1:
                return connection.reply(
                    headers=['ETag: "v1"', "Accept-Ranges: bytes"],
                    body=data[:70000],
                    length=len(data),
                )
            first = connection.request.first_byte() + 1
            return connection.reply(
                "206 Partial Content",
                ['ETag: "v1"', "Content-Range: bytes %d-%d/%d" % (first, len(data) - 1, len(data))],
                data[first:],
            )

        run = weir(self.peer(Peer(script)).url())
        self.ends(run, 1, "the response begins at")
        self.assertTrue(data.startswith(run.out))

    def test_without_a_validator_a_broken_body_is_truncated(self):
        peer = self.peer(Peer(ranged(numbered(300), etag=None, drop=lambda c, first: 70000)))
        self.ends(weir(peer.url()), 1, "cannot be resumed")
        self.assertEqual(len(peer.requests), 1)

    def test_a_chunked_body_that_breaks_off_is_truncated_with_a_hint(self):
        def script(connection):
            connection.stream()
            for row in range(1, 11):
                connection.chunk("row %d\n" % row)

        rows = b"".join(b"row %d\n" % row for row in range(1, 11))
        for flags, text in (((), "%s"), (("--retry", "3"), "%s"), ((), "%s | head 100")):
            peer = self.peer(Peer(script))
            run = weir(*flags, text % peer.url())
            self.ends(run, 1, "cannot be resumed", "--follow sends the request again")
            self.assertEqual((run.out, len(peer.requests)), (rows, 1))
        peer = self.peer(Peer(script))
        run = weir("--follow", "--retry", "2", peer.url())
        self.ends(run, 1, "gave up after 2 retries")
        self.assertNotIn("--follow", run.err)
        self.assertEqual((run.out, len(peer.requests)), (rows, 3))  # what comes again is left out

    def test_a_stream_that_is_followed_reconnects_and_reports_the_gap(self):
        def script(connection):
            connection.stream()
            connection.chunk("connection %d\n" % connection.number)
            connection.send("0\r\n\r\n" if connection.number == 2 else "20\r\npart of a line")

        run = weir("-v", "--follow", self.peer(Peer(script)).url() + " | head 3")
        self.ends(run, 0, "a gap or repeats are possible after line 1", "2 reconnects")
        self.assertIn("the body has ended", run.err)
        self.assertEqual(run.out, b"connection 1\nconnection 2\nconnection 3\n")

    def test_a_feed_that_begins_with_its_history_is_not_repeated(self):
        def script(connection):
            connection.stream()
            for row in range(1, 1000 * connection.number + 1):
                connection.chunk("row %d\n" % row)

        peer = self.peer(Peer(script))
        run = weir("--follow", peer.url() + " | head 3000")
        self.ends(run, 0, "what comes again is left out", "what was given has come again", "it goes on after line 1000")
        self.assertEqual(run.out, b"".join(b"row %d\n" % row for row in range(1, 3001)))

    def test_a_feed_that_begins_with_a_greeting_loses_nothing(self):
        def script(connection):
            connection.stream()
            connection.chunk("hello\n")
            for row in range(3):
                connection.chunk("row %d of connection %d\n" % (row, connection.number))
            connection.send("0\r\n\r\n")

        run = weir("--follow", self.peer(Peer(script)).url() + " | head 10")
        self.ends(run, 0, "differs from what was given", "a gap or repeats are possible after line 4")
        rows = [b"row %d of connection %d" % (row, number) for number in (1, 2, 3) for row in range(3)]
        self.assertEqual(run.out.split(b"\n")[:-1], [b"hello"] + rows)

    def test_a_field_is_the_position_over_reconnects_and_kills(self):
        def script(connection):
            connection.stream(["Content-Type: application/x-ndjson"])
            for row in range(max(1, 50 * connection.number - 70), 50 * connection.number + 1):
                connection.chunk('{"seq":%d}\n' % row)

        text = "%s since=.seq | where .seq %% 2 == 0 | file %s"
        text %= (self.peer(Peer(script)).url(), self.path("out"))
        for least in (60, 120):
            with Weir("--follow", "--state", self.path("s"), text) as run:
                run.says("continues after .seq")
                run.says("are left out, whose .seq is not greater than")
                wait_for(lambda: self.read("out").count(b"\n") >= least, "%d rows" % least)
                run.kill()
        rows = [int(line.split(b":")[1][:-1]) for line in self.read("out").split(b"\n")[:-1]]
        self.assertEqual(sorted(set(rows)), [2 * row for row in range(1, max(rows) // 2 + 1)])
        run = weir("check", "--state", self.path("s"), text)
        self.ends(run, 0)
        self.assertIn(b"at-least-once", run.out)

    def test_tries_are_counted_anew_after_progress(self):
        data = numbered(400)
        peer = self.peer(
            Peer(ranged(data, drop=lambda c, first: None if c.number > 7 else first + 60000))
        )
        run = weir("--retry", "1", peer.url())
        self.ends(run, 0)
        self.assertEqual(sha256(run.out), sha256(data))

    def test_a_stream_that_drops_without_progress_is_given_up(self):
        data = numbered(300)
        peer = self.peer(
            Peer(ranged(data, drop=lambda c, first: 70000 if c.number == 1 else first))
        )
        run = weir("--retry", "2", peer.url())
        self.ends(run, 1, "gave up after 2")
        self.assertEqual(len(peer.requests), 3)

    def test_a_stalled_stream_is_resumed_after_the_idle_time(self):
        data = numbered(300)

        def script(connection):
            if connection.number == 1:
                connection.reply(
                    headers=['ETag: "v1"', "Accept-Ranges: bytes"],
                    body=data[:70000],
                    length=len(data),
                )
                connection.wait_end()
            else:
                ranged(data)(connection)

        run = weir("--idle", "1s", self.peer(Peer(script)).url())
        self.ends(run, 0, "no data for 1.0 s", "resume from byte")
        self.assertEqual(sha256(run.out), sha256(data))


class KilledRuns(e2e_support.TestCase):
    KILLS = 20

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="weir-e2e-root-")
        os.chmod(cls.root, 0o755)
        cls.data = numbered(9000, 2)
        with open(os.path.join(cls.root, "feed"), "wb") as file:
            file.write(cls.data)
        cls.nginx = Nginx(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.close()
        shutil.rmtree(cls.root)

    def size(self, name):
        try:
            return os.path.getsize(self.path(name))
        except FileNotFoundError:
            return 0

    def killed_many_times(self, command, total):
        """Kill the command at points spread over its output, then let it finish; how often it was
        alive to be killed."""
        kills = 0
        for k in range(self.KILLS):
            goal = total * k // (self.KILLS + 2)
            with Weir(*command) as run:
                wait_for(
                    lambda: self.size("out") > goal or run.process.poll() is not None, "output"
                )
                self.assertIn(run.process.poll(), (None, 0), run.err)
                kills += run.process.poll() is None
                run.kill()
        self.ends(weir(*command), 0)
        return kills

    def test_a_run_killed_20_times_gives_curls_sha256(self):
        command = (
            "--state",
            self.path("state"),
            "%s | queue | file %s" % (self.nginx.url("/slow/feed"), self.path("out")),
        )
        kills = self.killed_many_times(command, len(self.data))
        self.assertEqual(
            sha256_of("cat", self.path("out")), sha256_of("curl", "-sf", self.nginx.url("/feed"))
        )
        self.assertGreater(kills, self.KILLS // 2)

    def test_a_file_source_killed_20_times_gives_the_same_file(self):
        big = numbered(60000, 4)
        command = (
            "--state",
            self.path("state"),
            "%s | grep \"1\" | file %s" % (self.write("in", big), self.path("out")),
        )
        expected = b"".join(line + b"\n" for line in big.split(b"\n") if b"1" in line)
        self.killed_many_times(command, len(expected))
        self.assertEqual(hashlib.sha256(self.read("out")).hexdigest(), sha256(expected))

    def saved_offset(self):
        return saved_offset(self.path("state"))

    def filtered_run_is_not_read_again(self, output):
        data = numbered(3000)
        part = data.rindex(b"\n", 0, 600000) + 1
        ready = ranged(data)

        def script(connection):
            if connection.number > 1:
                return ready(connection)
            connection.reply(
                headers=['ETag: "v1"', "Accept-Ranges: bytes"], body=data[:part], length=len(data)
            )
            return connection.wait_end()

        peer = self.peer(Peer(script))
        command = ("--state", self.path("state"), "%s | grep nowhere%s" % (peer.url(), output))
        with Weir(*command) as run:
            wait_for(lambda: self.saved_offset() == part, "a saved position")
            run.kill()
        self.ends(weir(*command), 0, "resume from byte %d" % part)
        self.assertEqual(peer.requests[1].first_byte(), part)
        self.assertEqual(self.saved_offset(), len(data))

    def test_what_was_filtered_into_a_file_is_not_read_again(self):
        self.filtered_run_is_not_read_again(" | file " + self.path("out"))
        self.assertEqual(self.size("out"), 0)

    def test_what_was_filtered_on_the_way_to_stdout_is_not_read_again(self):
        self.filtered_run_is_not_read_again("")

    def test_a_finished_run_does_nothing_again(self):
        command = (
            "--state",
            self.path("state"),
            "%s | file %s" % (self.nginx.url("/feed"), self.path("out")),
        )
        self.ends(weir(*command), 0)
        run = weir("-v", *command)
        self.ends(run, 0, "read to its end in an earlier run", "0 in = 0 out")
        self.assertEqual(sha256(self.read("out")), sha256(self.data))

    PART = 1000000

    def waiting_feed(self):
        """A server that gives its first reader a part and no more, and the others what they ask
        for."""

        def script(connection):
            if connection.number > 1:
                return ranged(self.data)(connection)
            connection.reply(
                headers=['ETag: "v1"', "Accept-Ranges: bytes"],
                body=self.data[: self.PART],
                length=len(self.data),
            )
            return connection.wait_end()

        return self.peer(Peer(script)).url()

    def half(self):
        """A run over a part of the feed, killed when that is saved; its command."""
        command = (
            "--state",
            self.path("state"),
            "%s | file %s" % (self.waiting_feed(), self.path("out")),
        )
        part = self.data.rindex(b"\n", 0, self.PART) + 1
        with Weir(*command) as run:
            wait_for(lambda: self.saved_offset() == part, "a saved position")
            run.kill()
        return command

    def test_no_line_vanishes_that_a_source_without_positions_gave_before_a_kill(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        address = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        command = (
            "--state",
            self.path("state"),
            "%s | file %s" % (address, self.path("out")),
        )
        for n in (1, 2, 3):
            with Weir(*command) as run:
                peer = listener.accept()[0]
                run.says("delivery: best-effort")
                for i in range(20):  # more than what is saved at the first byte
                    peer.sendall(b"%d %d\n" % (n, i))
                wait_for(
                    lambda: self.size("out") > 0 and self.read("out").endswith(b"%d 19\n" % n),
                    "output",
                )
                run.kill()
                peer.close()
                self.assertNotIn("exactly-once", run.err)
        expected = b"".join(b"%d %d\n" % (n, i) for n in (1, 2, 3) for i in range(20))
        self.assertEqual(self.read("out"), expected)

    def test_a_file_longer_than_stored_is_cut(self):
        command = self.half()
        with open(self.path("out"), "ab") as file:
            file.write(b"written by somebody else\n" * 1000)
        had = self.size("out")
        run = weir(*command)
        self.ends(run, 0, "resume from byte", "had %d bytes, but the last run saved only" % had)
        self.assertEqual(sha256(self.read("out")), sha256(self.data))

    def test_half_a_line_of_a_growing_file_comes_whole(self):
        log = self.write("app.log", "one\nerr")
        state = ("--state", self.path("state"))
        to_file = (*state, '%s | grep "error" | file %s' % (log, self.path("out")))
        self.ends(weir(*to_file), 0)
        self.assertEqual(weir(*state, log).out, b"one\nerr")
        with open(log, "ab") as file:
            file.write(b"or x\ntwo\n")
        self.ends(weir(*to_file), 0, "the whole line is read again")
        self.assertEqual(self.read("out"), b"error x\n")
        self.assertEqual(weir(*state, log).out, b"error x\ntwo\n")

    def test_a_run_that_begins_anew_behind_something_says_so(self):
        source = self.write("in", "x\n")
        self.write("out", "a note\n")
        run = weir("--state", self.path("state"), "%s | file %s" % (source, self.path("out")))
        self.ends(run, 0, "already has 7 bytes, and none of them are in the state")
        self.assertEqual(self.read("out"), b"a note\nx\n")

    def test_a_run_that_has_given_all_it_may_appends_nothing_and_says_nothing(self):
        source = self.write("in", "1\n2\n3\n")
        command = ("--state", self.path("state"),
                   "%s | head 2 | file %s" % (source, self.path("out")))
        self.ends(weir(*command), 0)
        again = weir(*command)
        self.ends(again, 0)
        self.assertEqual((again.err, self.read("out")), ("", b"1\n2\n"))

    def test_a_named_state_outlives_a_change_of_the_text(self):
        source = self.write("in", "1\n2\n")
        command = ["--state", self.path("state"), "--name", "mine"]
        text = "%s | %sfile " + self.path("out")
        self.ends(weir(*command, text % (source, "")), 0)
        self.write("in", "1\n2\n3\n")
        run = weir(*command, text % (source, "skip 0 | "))
        self.ends(run, 0, "was saved by a pipeline with another text")
        self.assertEqual(self.read("out"), b"1\n2\n3\n")
        other = weir(*command, text % (self.write("other", "x\n"), ""))
        self.ends(other, 2, "belongs to another pipeline", "weir state reset mine --state")
        self.assertEqual(self.read("out"), b"1\n2\n3\n")

    def test_a_text_may_name_its_state(self):
        source = self.write("in", "1\n")
        text = self.write(
            "p.weir",
            "@state %s\n@name orders\n%s | file %s\n"
            % (self.path("state"), source, self.path("out")),
        )
        self.ends(weir("-f", text), 0)
        self.assertIn("orders.weir", os.listdir(self.path("state")))

    def test_best_effort_may_be_forbidden(self):
        state = ("--state", self.path("state"), "--state-required")
        self.ends(weir("--state-required", "gen 1..3"), 2, "--state-required needs --state")
        run = weir(*state, "gen 1..3 | file " + self.path("out"))
        self.ends(run, 2, "best-effort", "--state-required does not allow that")
        # What only the answer can tell is found out before anything is written.
        peer = self.peer(Peer(lambda connection: connection.reply(body="1\n")))
        run = weir(*state, "%s | file %s" % (peer.url(), self.path("out")))
        self.ends(run, 2, "best-effort", "at-least-once is required")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_records_are_listed_shown_set_and_reset(self):
        source = self.write("in", "1\n2\n3\n")
        state = ("--state", self.path("state"))
        command = (*state, "--name", "mine", "%s | file %s" % (source, self.path("out")))
        self.ends(weir(*command), 0)
        listed = weir("state", "list", *state)
        self.ends(listed, 0)
        self.assertRegex(listed.out.decode(), r"^mine +20\d\d-.*Z  %s \| file " % source)
        shown = weir("state", "show", "mine", *state)
        self.ends(shown, 0)
        self.assertIn(b"source    %s: 3 items" % source.encode(), shown.out)
        self.assertIn(b"sink      %s: 6 bytes" % self.path("out").encode(), shown.out)
        position = [line for line in shown.out.decode().split("\n") if "position" in line][0]
        there = position.replace("  position  offset 6", "offset 2")
        self.ends(weir("state", "set", "mine", there, *state), 0)
        self.ends(weir(*command), 0)
        self.assertEqual(self.read("out"), b"1\n2\n3\n2\n3\n")
        self.ends(weir("state", "reset", "mine", *state), 0)
        self.ends(weir("state", "show", "mine", *state), 1, "there is no state 'mine'")
        self.ends(weir("state", "list", *state), 0)
        self.ends(weir("state", "list"), 2, "--state DIR is missing")
        self.ends(weir("state", "wash", *state), 2, "state takes: list, show")

    def test_a_file_shorter_than_stored_is_refused(self):
        command = self.half()
        os.truncate(self.path("out"), 3)
        run = weir(*command)
        self.ends(run, 1, "has 3 bytes, but", "were written to it by the last run")
        self.assertEqual(self.size("out"), 3)

    def test_a_feed_that_has_changed_between_runs_is_refused(self):
        peer_data, state = numbered(3000), self.path("state")
        version = ['"v1"']
        peer = self.peer(
            Peer(
                ranged(
                    peer_data,
                    etag=lambda c: version[0],
                    drop=lambda c, first: 900000 if c.number == 1 else None,
                )
            )
        )
        command = (
            "--retry",
            "0",
            "--state",
            state,
            "%s | file %s" % (peer.url(), self.path("out")),
        )
        self.ends(weir(*command), 1)
        before = self.read("out")
        self.assertGreater(len(before), 100000)
        version[0] = '"v2"'
        self.ends(weir(*command), 1, "has changed")
        self.assertEqual(self.read("out"), before)
        version[0] = '"v1"'
        self.ends(weir(*command), 0)
        self.assertEqual(sha256(self.read("out")), sha256(peer_data))

    def test_a_source_file_that_is_another_one_is_refused(self):
        source = self.write("in", numbered(1000))
        command = (
            "--state",
            self.path("state"),
            "-c",
            "10",
            "%s | file %s" % (source, self.path("out")),
        )
        self.ends(weir(*command), 0)
        os.rename(source, source + ".1")
        self.write("in", numbered(1000, 9))
        self.ends(weir(*command), 1, "is a different file than in the last run")

    def test_a_source_file_that_has_grown_is_read_on(self):
        source, data = self.write("in", "one\ntwo\n"), b"one\ntwo\nthree\n"
        command = ("--state", self.path("state"), "%s | file %s" % (source, self.path("out")))
        self.ends(weir(*command), 0)
        with open(source, "ab") as file:
            file.write(b"three\n")
        run = weir(*command)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(self.read("out"), data)

    def test_an_interrupted_run_goes_on_where_it_was(self):
        command = (
            "--state",
            self.path("state"),
            "%s | queue | file %s" % (self.waiting_feed(), self.path("out")),
        )
        with Weir(*command) as run:
            wait_for(lambda: self.size("out") > self.PART // 2, "output")
            run.send(2)
            ended = run.end()
            self.ends(ended, 0, "state saved")
        part = self.size("out")
        self.assertLess(part, len(self.data))
        self.ends(weir(*command), 0, "resume from byte %d" % part)
        self.assertEqual(sha256(self.read("out")), sha256(self.data))

    def test_delivery_is_said_before_the_run(self):
        self.ends(weir("-v", "gen 1..3"), 0, "best-effort")
        source = self.write("in", "x\n")
        self.ends(
            weir("--state", self.path("state"), "%s | file %s" % (source, self.path("out"))),
            0,
            "exactly-once-effect",
        )
        self.ends(weir("--state", self.path("state"), source), 0, "at-least-once")

    def test_a_fifo_cannot_be_cut_to_a_length(self):
        source, fifo = self.write("in", "x\ny\n"), self.path("fifo")
        os.mkfifo(fifo)
        with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as cat:
            run = weir("-v", "--state", self.path("state"), "%s | file %s" % (source, fifo))
            self.assertEqual(cat.stdout.read(), b"x\ny\n")
        self.ends(run, 0, "delivery: at-least-once", "state saved")
        self.assertNotIn("exactly-once", run.err)
        again = weir("--state", self.path("state"), "%s | file /dev/null" % source)
        self.ends(again, 0, "delivery: at-least-once")

    def test_a_count_that_a_restart_forgets_is_said_before_the_run(self):
        source, state = self.write("in", "x\ny\n"), self.path("state")
        dropping = [
            "%s | queue 9 full=" + full + " | head 1"
            for full in ("drop-oldest", "drop-newest", "latest")
        ]
        for text in ('%s | grep "x" | head 1', '%s | batch 2 | skip 1', *dropping):
            self.ends(weir("--state", state, text % source), 0, "counts from 0 in each run")
        for text in (
            "%s | skip 1 | queue | head 1",
            "%s | queue full=block 9 | head 1",
            "%s | queue 9 full=fail | head 1",
            '%s | head 1 | grep "x"',
        ):
            self.assertNotIn("counts from 0", weir("--state", state, text % source).err)
        self.assertNotIn("counts from 0", weir("-v", '%s | grep "x" | head 1' % source).err)
        run = weir("--state", state, "%s | queue 9 full=latest | head 1" % source)
        self.ends(run, 0, "'queue' may drop items, and 'head' after it counts from 0 in each run")
        self.assertEqual(run.err.count("delivery:"), 1, run)

    def test_head_and_skip_count_over_all_runs_of_a_state(self):
        data = numbered(300)
        peer = self.peer(Peer(ranged(data)))
        text = "%s | skip 10 | queue | head 200 | file %s" % (peer.url(), self.path("out"))
        for count in (1, 7, 90, 90, 90, 90):
            self.ends(weir("-c", str(count), "--state", self.path("state"), text), 0)
        self.assertEqual(self.read("out"), b"".join(data.splitlines(True)[10:210]))


if __name__ == "__main__":
    e2e_support.main()
