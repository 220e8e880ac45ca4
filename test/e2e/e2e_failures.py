#!/usr/bin/env python3
"""What goes wrong outside is told in one clear line, with who failed, where, and what weir did; and
the status says which kind.

1: the source or the sink failed. 2: usage, or a state that cannot be used. 4: nothing ever
connected. 0, with a count: items that weir was told to pass over. Whatever was whole before the
failure has come out.
"""

import gzip
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import unittest
import zlib

import e2e_support
from e2e_peers import Certificates, Peer, closed_port, listener, ranged
from e2e_support import Weir, rests, shell, wait_for, wait_until_full, weir

LINES = b"".join(b"line %d\n" % n for n in range(1, 20001))


def one_line(err):
    """The messages of a run, without what it says of its delivery, its retries and its ledger."""
    beside = (" in = ", "delivery:", "; retry ", "more like this")
    return [line for line in err.splitlines() if not any(text in line for text in beside)]


class Own(e2e_support.TestCase):
    """Failures of weir's own calls."""

    def test_a_folder_as_standard_output_is_a_failure(self):
        for text in ('"$WEIR" "gen 1..3" 1< "$1"', '"$WEIR" -v "gen 1..3 | queue" 1< "$1"'):
            self.ends(shell(text, self.folder), 1, "stdout: write: ")

    def test_no_time_to_drain_is_taken_at_its_word(self):
        with Weir("--drain", "0s", "gen 1..") as run:
            run.read_line()
            wait_until_full(run.process.stdout)
            run.send(signal.SIGINT)
            run.says("not drained")  # before anybody reads what is in its way
            self.ends(run.end(), 3)

    def test_few_descriptors_are_a_failure_and_no_crash(self):
        for most in range(4, 13):
            run = shell('ulimit -n "$1"; "$WEIR" "gen 1..3"', str(most))
            self.assertIn(run.status, (0, 1), run)
            self.assertEqual(run.out, b"" if run.status == 1 else b"1\n2\n3\n")
            self.assertEqual(bool(run.err), run.status == 1, run)

    @unittest.skipIf(e2e_support.SANITIZED, "a sanitizer needs its address space")
    def test_a_socket_that_cannot_be_made_is_told_as_that(self):
        told = 0
        for limit in range(8, 20):
            run = shell('ulimit -n %d; exec $WEIR http://127.0.0.1:1/' % limit)
            self.assertIn(run.status, (1, 4), run)
            if "Connection refused" not in run.err:
                self.assertEqual(run.status, 1, run)
                self.assertRegex(run.err, "Too many open files|ulimit -n")
                told += "cannot create a socket: Too many open files (ulimit -n)" in run.err
        self.assertGreater(told, 0)

    def test_little_address_space_is_a_failure_and_no_crash(self):
        for kib in range(16000, 26000, 1000):
            run = shell('ulimit -v "$1"; "$WEIR" "gen 1..3 | queue | head 2"', str(kib))
            self.assertIn(run.status, (0, 1, 127), run)  # 127: the linker has no room

    def test_a_run_that_cannot_watch_its_signals_says_so(self):
        runs = [weir("gen 1..3", env={"WEIR_FAULT_AT": str(k)}) for k in range(8, 40)]
        told = [run for run in runs if "cannot watch signal" in run.err]
        self.assertTrue(told)
        for run in told:
            self.ends(run, 1, "pipeline: ")
        for run in runs:
            self.assertNotIn("canceled", run.err)


class NothingConnected(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def fails_to_connect(self, run, *texts):
        self.ends(run, 4, *texts)
        self.assertEqual(len(one_line(run.err)), 1, run)
        self.assertEqual(run.out, b"")

    def test_an_unknown_host_is_named(self):
        self.fails_to_connect(
            weir("http://no-such-host.invalid/feed"), "no-such-host.invalid", "resolve"
        )

    def test_an_unknown_host_of_a_socket_is_named(self):
        self.fails_to_connect(weir("tcp://no-such-host.invalid:7"), "no-such-host.invalid")

    def test_a_refused_connection_names_the_address(self):
        port = closed_port(self)
        self.fails_to_connect(weir("http://127.0.0.1:%d/" % port), "127.0.0.1:%d" % port, "refused")

    def test_the_failure_of_a_url_names_it_once_and_first(self):
        url = "http://127.0.0.1:%d/x" % closed_port(self)
        run = weir("--retry", "0", url)
        self.assertEqual(run.err, "weir: %s: cannot connect: Connection refused\n" % url)

    def test_a_refused_socket_names_the_address(self):
        port = closed_port(self)
        self.fails_to_connect(weir("tcp://127.0.0.1:%d" % port), "127.0.0.1:%d" % port, "refused")

    def test_a_missing_unix_socket_is_named(self):
        self.fails_to_connect(weir("unix:" + self.path("nobody")), "nobody")

    def test_a_sink_that_nobody_listens_for_is_named(self):
        port = closed_port(self)
        self.fails_to_connect(
            weir("gen 1..10 | tcp 127.0.0.1:%d" % port), "127.0.0.1:%d" % port, "refused"
        )

    def test_a_certificate_of_an_unknown_authority_is_refused_with_advice(self):
        peer = self.peer(Peer(lambda c: c.reply(body="secret\n"), certificates=self.certificates))
        self.fails_to_connect(weir(peer.url()), "TLS", "--cacert")
        self.assertEqual(peer.requests, [])

    def test_a_missing_file_of_authorities_is_named(self):
        peer = self.peer(Peer(lambda c: c.reply(body="x\n"), certificates=self.certificates))
        missing = self.path("none.pem")
        run = weir("--cacert", missing, peer.url())
        self.fails_to_connect(run, missing, "a PEM file of certificates")

    def test_a_certificate_for_another_name_is_refused(self):
        # 127.0.0.2 is loopback too, and the certificate does not name it.
        peer = self.peer(
            Peer(lambda c: c.reply(body="secret\n"), "127.0.0.2", certificates=self.certificates)
        )
        self.fails_to_connect(weir("--cacert", self.certificates.ca, peer.url()), "TLS")
        self.assertEqual(peer.requests, [])

    def test_a_connection_that_never_comes_about_is_none(self):
        silent = listener()
        self.addCleanup(silent.close)
        url = "https://127.0.0.1:%d/" % silent.getsockname()[1]
        run = weir("--connect-timeout", "200ms", "--retry", "0", url)
        self.fails_to_connect(run, "no connection for 0.2 s")

    def test_a_socket_that_does_not_accept_is_given_up_in_the_time_for_a_connection(self):
        path = self.path("full")
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
            server.bind(path)
            server.listen(0)
            first.connect(path)
            for text in ("unix:" + path, "gen 1..3 | unix " + path):
                run = weir("--connect-timeout", "200ms", text)
                self.fails_to_connect(run, path)

    def test_a_plain_server_behind_https_is_a_tls_failure(self):
        peer = self.peer(Peer(lambda c: c.send("HTTP/1.1 200 OK\r\n\r\n"), http=False))
        run = weir("https://127.0.0.1:%d/" % peer.port)
        self.fails_to_connect(run, "TLS", "did you mean http://?")


class BreakingCase(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def breaks(self, script, *texts, flags=(), prefix=None, **how):
        """weir fails with 1 and says so; what it wrote is a prefix of whole lines of `prefix`."""
        peer = self.peer(Peer(script, **how))
        run = weir(*flags, peer.url() if how.get("http", True) else peer.address)
        self.ends(run, 1, "127.0.0.1:%d" % peer.port, *texts)
        self.assertEqual(len(one_line(run.err)), 1, run)
        if prefix is not None:
            self.assertTrue(prefix.startswith(run.out), run)
            self.assertTrue(run.out.endswith(b"\n"), run)
        return run, peer


class BrokenSource(BreakingCase):
    def test_a_reset_midway_is_told_with_its_place(self):
        def script(connection):
            connection.reply(body=LINES[:100003], length=len(LINES))
            connection.drained()
            connection.reset()

        run, _ = self.breaks(script, "reset", "after line")
        self.assertTrue(LINES.startswith(run.out))

    def test_a_body_cut_short_is_told_with_its_place(self):
        given = LINES[:100003]
        whole = given[: given.rfind(b"\n") + 1]
        run, _ = self.breaks(
            lambda c: c.reply(body=given, length=len(LINES)),
            "byte %d" % len(whole),
            "after line %d" % whole.count(b"\n"),
            "unfinished line",
            "cannot be resumed",
            prefix=LINES,
        )
        self.assertEqual(run.out, whole)

    def test_a_chunked_body_without_its_last_chunk_is_truncated(self):
        def script(connection):
            connection.stream(["Accept-Ranges: bytes"])
            connection.chunk(LINES[:50000])
            connection.send("1000\r\nhalf a chunk")

        self.breaks(script, "after line", "cannot be resumed", prefix=LINES)

    def test_a_broken_chunk_size_is_told(self):
        def script(connection):
            connection.stream(["Accept-Ranges: bytes"])
            connection.chunk("one\n")
            connection.send("zz\r\noh\r\n")

        run, _ = self.breaks(script, "chunked encoding")
        self.assertIn(run.out, (b"", b"one\n"))

    def test_a_truncated_gzip_body_is_told(self):
        body = gzip.compress(LINES)[:-2000]
        self.breaks(
            lambda c: c.reply(headers=["Content-Encoding: gzip"], body=body),
            "gzip",
            "body is incomplete",
            prefix=LINES,
        )

    def test_a_damaged_gzip_body_is_told(self):
        body = bytearray(gzip.compress(LINES))
        body[-5] ^= 0x10
        self.breaks(
            lambda c: c.reply(headers=["Content-Encoding: gzip"], body=bytes(body)),
            "gzip",
            "cannot be decoded",
        )

    def test_a_gzip_bomb_is_stopped(self):
        squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = b"".join(squeezer.compress(b"\n" * (1 << 20)) for _ in range(256)) + squeezer.flush()
        peer = self.peer(Peer(lambda c: c.reply(headers=["Content-Encoding: gzip"], body=body)))
        self.ends(weir("%s | null" % peer.url()), 1, "gzip", "expands too much")

    def test_an_unknown_coding_is_refused(self):
        self.breaks(lambda c: c.reply(headers=["Content-Encoding: xz"], body=b"\xfd"), "'xz'")

    def test_a_redirect_loop_is_told(self):
        self.breaks(
            lambda c: c.reply(
                "302 Found", ["Location: " + ("/b" if c.request.target == "/" else "/")]
            ),
            "circle",
        )

    def test_endless_redirects_are_told(self):
        self.breaks(lambda c: c.reply("302 Found", ["Location: /%d" % c.number]), "10 redirects")

    def test_a_redirect_to_a_file_is_refused(self):
        secret = self.write("secret", "do not show\n")
        run, _ = self.breaks(
            lambda c: c.reply("302 Found", ["Location: file://" + secret]), "file:"
        )
        self.assertEqual(run.out, b"")

    def test_a_redirect_from_https_to_http_is_refused(self):
        plain = self.peer(Peer(lambda c: c.reply(body="plain\n")))
        run, _ = self.breaks(
            lambda c: c.reply("302 Found", ["Location: " + plain.url()]),
            "from https",
            "not followed",
            flags=("--cacert", self.certificates.ca),
            certificates=self.certificates,
        )
        self.assertEqual((run.out, plain.requests), (b"", []))

    def test_a_404_shows_the_status_and_what_the_server_says(self):
        run, peer = self.breaks(
            lambda c: c.reply("404 Not Found", body="no such feed: x\n"), "404", "no such feed: x"
        )
        self.assertEqual((run.out, len(peer.requests)), (b"", 1))

    def test_a_control_sequence_in_a_refusal_does_not_reach_the_terminal(self):
        run, _ = self.breaks(
            lambda c: c.reply("404 Not\x1b[31m Found", body="\x1b]0;owned\x07 bad\n"), "404"
        )
        self.assertNotIn("\x1b", run.err)

    def test_a_503_is_tried_again_after_the_time_it_names(self):
        run, peer = self.breaks(
            lambda c: c.reply("503 Busy", ["Retry-After: 1"], "come back\n"),
            "503",
            "gave up after 2",
            flags=("--retry", "2"),
        )
        self.assertEqual(len(peer.times), 3, run)
        for earlier, later in zip(peer.times, peer.times[1:]):
            self.assertGreaterEqual(later - earlier, 0.99)

    def test_a_503_that_recovers_is_no_failure(self):
        peer = self.peer(
            Peer(lambda c: c.reply("503 Busy") if c.number < 3 else c.reply(body="at last\n"))
        )
        run = weir(peer.url())
        self.ends(run, 0, "503", "retry")
        self.assertEqual(run.out, b"at last\n")

    def test_a_server_that_stalls_is_given_up_after_the_idle_time(self):
        def script(connection):
            connection.reply(body="one\ntw", length=1000)
            connection.wait_end()

        run, _ = self.breaks(
            script, "no data for 1.0 s", flags=("--idle", "1s"), prefix=b"one\n"
        )
        self.assertEqual(run.out, b"one\n")

    def test_a_server_that_never_answers_is_given_up_after_the_idle_time(self):
        run, _ = self.breaks(
            lambda c: c.wait_end(), "no response for 0.3 s", flags=("--idle", "300ms", "--retry", "0")
        )
        self.assertEqual(run.out, b"")

    def test_a_socket_that_falls_silent_is_given_up_after_the_idle_time(self):
        def script(connection):
            connection.send("one\n")
            connection.wait_end()

        run, _ = self.breaks(script, "for 1000 ms", flags=("--idle", "1s"), http=False)
        self.assertEqual(run.out, b"one\n")

    def test_what_came_while_weir_was_stopped_is_no_silence(self):
        stopped, sent, over = threading.Event(), threading.Event(), threading.Event()

        def script(connection):
            connection.stream()
            connection.chunk("one\n")
            stopped.wait(e2e_support.PATIENCE_S)
            connection.chunk("two\n")
            sent.set()
            over.wait(e2e_support.PATIENCE_S)
            connection.send("0\r\n\r\n")

        with Weir("--idle", "2s", self.peer(Peer(script)).url()) as run:
            self.assertEqual(run.read_line(), b"one")
            # Stopped in the middle of a turn it would report that this turn was long.
            wait_for(lambda: rests(run.pid), "it to wait for more")
            run.process.send_signal(signal.SIGSTOP)
            stopped.set()
            self.assertTrue(sent.wait(e2e_support.PATIENCE_S))
            threading.Event().wait(2.5)  # longer than --idle
            run.process.send_signal(signal.SIGCONT)
            self.assertEqual(run.read_line(), b"two")
            over.set()
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual(ended.err, "")

    def test_an_answer_that_is_not_http_is_told(self):
        def script(connection):
            connection.send("SSH-2.0-OpenSSH_9.2\r\n")

        self.breaks(script, "does not speak HTTP", "SSH-2.0-OpenSSH_9.2")

    def test_an_endless_head_is_told(self):
        def script(connection):
            connection.send("HTTP/1.1 200 OK\r\n")
            for n in range(40000):
                connection.send("X-%d: %s\r\n" % (n, "a" * 100))

        self.breaks(script, "longer than 256 KiB")

    def test_a_server_that_closes_without_an_answer_is_told_after_its_tries(self):
        _, peer = self.breaks(
            lambda c: None, "without a response", "gave up after 1", flags=("--retry", "1")
        )
        self.assertEqual(len(peer.requests), 2)

    def test_a_tcp_reset_midway_is_told_with_its_place(self):
        def script(connection):
            connection.send("one\ntwo\nthr")
            connection.drained()
            connection.peer.go.wait(e2e_support.PATIENCE_S)
            connection.reset()

        peer = self.peer(Peer(script, http=False))
        peer.go = threading.Event()
        with Weir(peer.address) as run:
            self.assertEqual((run.read_line(), run.read_line()), (b"one", b"two"))
            peer.go.set()
            self.ends(run.end(), 1, "tcp", "reset", "an unfinished line of 3 bytes", "at byte 8")

    def test_a_missing_file_is_named(self):
        run = weir(self.path("nothing.log"))
        self.ends(run, 1, "nothing.log", "No such file")
        self.assertEqual(len(one_line(run.err)), 1, run)

    def test_a_folder_is_no_file(self):
        self.ends(weir(self.folder + "/"), 1, self.folder)


class BrokenSink(e2e_support.TestCase):
    def small_disk(self):
        """A folder on a disk of 64 KiB, or None where nothing can be mounted."""
        folder = self.path("disk")
        os.mkdir(folder)
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            return None
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        return folder

    def test_a_full_disk_is_told_and_what_is_written_is_a_prefix(self):
        folder = self.small_disk()
        if folder is None:
            self.skipTest("no right to mount a small disk")
        out = os.path.join(folder, "out")
        run = weir("gen 1..100000 | file " + out)
        self.ends(run, 1, out, "No space left")
        self.assertEqual(len(one_line(run.err)), 1, run)
        with open(out, "rb") as file:
            written = file.read()
        self.assertTrue(b"".join(b"%d\n" % n for n in range(1, 100001)).startswith(written))
        self.assertGreater(len(written), 30000)

    def test_a_run_with_a_state_goes_on_after_the_full_disk_has_room(self):
        folder = self.small_disk()
        if folder is None:
            self.skipTest("no right to mount a small disk")
        source, out = self.write("in", LINES), os.path.join(folder, "out")
        flags = ("--state", self.path("state"), "%s | file %s" % (source, out))
        self.ends(weir(*flags), 1, "No space left")
        subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
        self.ends(weir(*flags), 0)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), LINES)

    def test_a_full_standard_output_is_told(self):
        with open("/dev/full", "wb") as full:
            run = weir("gen 1..100000", stdout=full)
        self.ends(run, 1, "No space left")
        self.assertEqual(len(one_line(run.err)), 1, run)

    def test_a_closed_standard_output_is_told(self):
        run = shell('"$WEIR" "gen 1..10" >&-')
        self.ends(run, 1)
        self.assertEqual(len(one_line(run.err)), 1, run)

    def test_a_limit_on_the_size_of_files_is_told_and_kills_nobody(self):
        for command in ('"$WEIR" "gen 1..100000 | file $1"', '"$WEIR" "gen 1..100000" > "$1"'):
            out = self.path("out")
            self.ends(shell("ulimit -f 64; " + command, out), 1, "File too large")
            self.assertEqual(os.path.getsize(out), 65536)
            os.unlink(out)

    def test_a_special_file_that_fails_is_named(self):
        self.ends(weir("gen 1..3 | file /dev/full"), 1, "write '/dev/full': No space left")
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        run = shell('head -c 10 "$1" > /dev/null & exec "$WEIR" "gen 1.. | file $1"', fifo)
        self.ends(run, 1, "the reader of '%s' left" % fifo)

    def test_a_dead_file_that_cannot_be_written_is_named(self):
        lines = b'{"a":1}\nx\n'
        for path, why in ((self.path("no/dead"), "No such file or directory"), (self.path(""), "Is a directory")):
            run = weir("--dead", path, "where .a", stdin=lines)
            self.ends(run, 2, "--dead: rejected items cannot be written to '%s': %s; nothing has been read" % (path, why),
                      "name a file that can be written")
            self.assertEqual(run.out, b"")
        run = weir("--dead", "/dev/full", "where .a", stdin=lines)
        self.ends(run, 3, "rejected items cannot be kept: write '/dev/full': No space left on device; the run has ended",
                  "make room, or name another file with --dead")
        self.assertEqual(run.out, lines[:8])
        self.ends(weir("--dead", self.path("dead"), "where .a", stdin=lines), 0, "sent to " + self.path("dead"))

    def test_a_folder_that_is_not_there_is_named(self):
        self.ends(
            weir("gen 1..3 | file " + self.path("no/out")), 1, self.path("no/out"), "No such file"
        )

    def test_a_sink_that_is_reset_is_told(self):
        def script(connection):
            connection.socket.recv(10)
            connection.reset()

        peer = self.peer(Peer(script, http=False))
        run = weir("gen 1.. | tcp 127.0.0.1:%d once" % peer.port)
        self.ends(run, 3, "127.0.0.1:%d" % peer.port, "the peer has reset the connection")


class SocketPeer:
    """A far end of a socket sink, in a thread: what it has got, and how its connection ended."""

    def __init__(self, act, path=None):
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.listener.listen(1)
            self.text = "unix %s once" % path
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.text = "tcp 127.0.0.1:%d once" % self.listener.getsockname()[1]
        self.got = bytearray()
        self.end = None
        self.thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        self.thread.start()

    def _run(self, act):
        with self.listener.accept()[0] as connection:
            try:
                act(self, connection)
                self.end = "end"
            except OSError as error:
                self.end = str(error)

    def read(self, connection, answer=None):
        """Read to the end; answer gives what is sent back for a piece."""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return
            self.got += piece
            if answer is not None:
                connection.sendall(answer(piece))

    def close(self):
        self.thread.join(e2e_support.PATIENCE_S)
        self.listener.close()


class SocketSinks(e2e_support.TestCase):
    LINES = 300000

    def peer_of(self, act, path=None):
        made = SocketPeer(act, path)
        self.addCleanup(made.listener.close)
        return made

    def gets_all(self, peer, lines=LINES):
        run = weir("-v", "gen 1..%d | %s" % (lines, peer.text))
        self.ends(run, 0)
        peer.close()
        self.assertEqual(peer.end, "end")
        self.assertEqual(peer.got.count(b"\n"), lines)

    def test_a_peer_that_greets_gets_all(self):
        def act(peer, connection):
            connection.sendall(b"220 ready\r\n")
            peer.read(connection)

        self.gets_all(self.peer_of(act))

    def test_a_peer_that_answers_gets_all(self):
        def act(peer, connection):
            peer.read(connection, lambda piece: b"+OK\r\n")

        self.gets_all(self.peer_of(act))
        self.gets_all(self.peer_of(act, self.path("answers.sock")))

    def test_a_peer_that_echoes_does_not_stall(self):
        self.gets_all(self.peer_of(lambda peer, c: peer.read(c, lambda piece: piece)), 1000000)

    def test_a_peer_that_closes_while_nothing_comes_has_lost_the_last_line(self):
        def act(peer, connection):
            peer.got += connection.recv(99)

        peer = self.peer_of(act)
        with Weir(peer.text, stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"line 1\n")
            run.process.stdin.flush()
            peer.close()
            ended = run.end(stdin=b"line 2\n")
        told = "the peer has reset the connection; 7 of 14 bytes written were not delivered"
        self.ends(ended, 3, told)
        self.assertEqual(bytes(peer.got), b"line 1\n")

    def idle_ends(self, peer, status, *said):
        """The peer's leaving is noticed while nothing is written: the input stays open."""
        reading, writing = os.pipe()
        try:
            with Weir(peer.text, stdin=reading) as run:
                os.write(writing, b"1\n2\n3\n")
                self.ends(run.end(), status, *said)
        finally:
            os.close(reading)
            os.close(writing)

    def test_a_peer_that_resets_or_leaves_unread_what_it_got_while_nothing_is_written_is_a_loss(self):
        def leaves(_, connection):
            wait_for(lambda: len(connection.recv(10, socket.MSG_PEEK)) == 6, "three lines")

        def resets(_, connection):
            leaves(_, connection)
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        for act, path in ((resets, None), (leaves, None), (leaves, self.path("unread.sock"))):
            said = "the peer has reset the connection; the peer may have read none of the 6 bytes"
            self.idle_ends(self.peer_of(act, path), 3, said)

    def test_a_local_peer_that_leaves_with_nothing_unread_is_a_reader_that_left(self):
        def act(_, connection):
            wait_for(lambda: len(connection.recv(10, socket.MSG_PEEK)) == 6, "three lines")
            connection.recv(10)

        self.idle_ends(self.peer_of(act, self.path("read.sock")), 1, "left after 6 bytes")

    def test_a_peer_that_leaves_unread_what_it_got_is_a_loss(self):
        def act(_, connection):
            ended = select.poll()
            ended.register(connection, select.POLLRDHUP)
            ended.poll(60000)

        for path in (None, self.path("unread.sock")):
            peer = self.peer_of(act, path)
            run = weir(peer.text, stdin=b"line 1\n")
            self.ends(run, 3, "the peer has reset the connection", "7 bytes written")

    def test_a_peer_that_takes_nothing_is_a_loss_with_a_number_when_the_drain_is_over(self):
        over = threading.Event()
        self.addCleanup(over.set)
        peer = self.peer_of(lambda peer, connection: over.wait(e2e_support.PATIENCE_S))
        run = weir("--drain", "300ms", "gen 1..%d | %s" % (self.LINES, peer.text))
        self.ends(run, 3, "bytes written were not delivered")
        waited_s = re.search(r"the peer has accepted no bytes for (\d+\.\d) s", run.err).group(1)
        self.assertGreaterEqual(float(waited_s), 0.3)

    def test_a_signal_ends_the_wait_for_a_peer_when_the_drain_is_over(self):
        over, begun = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def act(_, connection):
            connection.recv(1)
            begun.set()
            over.wait(e2e_support.PATIENCE_S)

        peer = self.peer_of(act)
        with Weir("--drain", "500ms", "gen 1..%d | %s" % (self.LINES, peer.text)) as run:
            begun.wait(e2e_support.PATIENCE_S)
            run.send(signal.SIGTERM)
            self.ends(run.end(), 3)


class BadState(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        self.source, self.state = self.write("in", LINES), self.path("state")
        self.command = ("--state", self.state, "%s | file %s" % (self.source, self.path("out")))

    def records(self):
        return sorted(name for name in os.listdir(self.state) if name.endswith(".weir"))

    def test_a_flipped_bit_anywhere_is_found(self):
        self.ends(weir(*self.command), 0)
        path = os.path.join(self.state, self.records()[0])
        with open(path, "rb") as file:
            good = file.read()
        rng = random.Random(5)
        for at in range(len(good)):
            bad = bytearray(good)
            bad[at] ^= 1 << rng.randrange(8)
            with open(path, "wb") as file:
                file.write(bad)
            run = weir(*self.command)
            self.ends(run, 2, self.state, "damaged")
            self.assertEqual(len(one_line(run.err)), 1, run)
        self.assertEqual(self.read("out"), LINES)

    def test_a_cut_state_is_found(self):
        self.ends(weir(*self.command), 0)
        path = os.path.join(self.state, self.records()[0])
        size = os.path.getsize(path)
        for length in (0, 1, size // 2, size - 1):
            os.truncate(path, length)
            self.ends(weir(*self.command), 2, "damaged")

    def test_two_runs_on_one_state_exclude_each_other(self):
        peer = self.peer(Peer(lambda c: (c.stream(['ETag: "a"']), c.chunk("one\n"), c.wait_end())))
        command = ("--state", self.state, "%s | file %s" % (peer.url(), self.path("out")))
        with Weir(*command) as first:
            wait_for(
                lambda: os.path.exists(self.path("out")) and self.read("out") == b"one\n",
                "the first line",
            )
            run = weir(*command)
            self.ends(run, 2, "in use by process %d" % first.pid)
            first.send(signal.SIGINT)
            self.ends(first.end(), 0)
        self.assertEqual(self.read("out"), b"one\n")

    def test_a_killed_run_leaves_no_lock(self):
        peer = self.peer(
            Peer(
                lambda c: (
                    c.stream(['ETag: "a"']),
                    c.chunk("one\n"),
                    c.wait_end() if c.number == 1 else c.send("0\r\n\r\n"),
                )
            )
        )
        command = ("--state", self.state, "%s | file %s" % (peer.url(), self.path("out")))
        with Weir(*command) as first:
            wait_for(
                lambda: os.path.exists(self.path("out")) and self.read("out") == b"one\n",
                "the first line",
            )
            first.kill()
        self.ends(weir(*command), 0)
        self.assertEqual(self.read("out"), b"one\n")

    def test_another_pipelines_state_is_refused(self):
        self.ends(weir(*self.command), 0)
        mine = self.records()[0]
        other = ("--state", self.state, "%s | skip 1 | file %s" % (self.source, self.path("out2")))
        self.ends(weir(*other), 0)
        theirs = [name for name in self.records() if name != mine][0]
        shutil.copy(os.path.join(self.state, mine), os.path.join(self.state, theirs))
        run = weir(*other)
        self.ends(run, 2, "belongs to another pipeline")
        self.assertEqual(len(one_line(run.err)), 1, run)

    def test_a_state_folder_that_cannot_be_made_is_told(self):
        self.write("plain", "x")
        self.ends(
            weir("--state", self.path("plain/state"), "%s | null" % self.source), 1, "plain/state"
        )


class BadItems(e2e_support.TestCase):
    def test_an_overlong_line_is_skipped_counted_and_told(self):
        long = b"x" * (1 << 20) + b"y\n"
        run = weir("-v", 'grep "o"', stdin=b"one\n" + long + b"two\n")
        self.ends(run, 0, "1048577", "skipped", "1 item was over the length limit")
        self.assertEqual(run.out, b"one\ntwo\n")

    def test_an_overlong_line_is_told_without_being_asked(self):
        run = weir('grep "o"', stdin=b"one\n" + b"x" * 2000000 + b"\ntwo\n")
        self.ends(run, 0, "at byte 4", "2000000", "skipped")

    def test_a_long_line_passes_whole_where_nobody_looks_into_lines(self):
        data = b"one\n" + b"x" * 3000000 + b"\r\ntwo\n" + b"y" * 2000000
        for text, out in (
            ("-", data),
            ("queue | skip 1 | head 1", data[4:-2000004]),
        ):
            run = weir("-v", *([text] if text != "-" else []), stdin=data)
            self.ends(run, 0, "4 in = " if "skip" not in text else "1 out", "0 rejected")
            self.assertTrue(run.out == out, text)
        self.ends(weir("-q", "queue full=drop-oldest", stdin=data), 0, "2 of 4 items")
        self.ends(weir("-q", "batch 2", stdin=data), 0, "2 of 4 items")

    def test_what_was_rejected_is_said_also_when_quiet(self):
        run = weir("-q", 'grep "o"', stdin=b"one\n" + b"o" * 2000000 + b"\ntwo\n")
        self.ends(run, 0, "1 of 3 items was rejected (1 over the length limit)")
        self.assertEqual(run.out, b"one\ntwo\n")
        self.assertEqual(len(run.err.splitlines()), 1, run)
        run = weir("-q", "lines max=3B", stdin=b"one\nfour\nthree\n" * 1000)
        self.ends(run, 0, "2 000 of 3 000 items were rejected (2 000 over the length limit)")
        self.assertEqual(weir("-q", "lines max=3B on-long=cut", stdin=b"four\n").err, "")

    def test_how_many_were_rejected_is_said_without_a_flag(self):
        run = weir("lines max=3B", stdin=b"one\nfour\nthree\n" * 20)
        self.ends(run, 0, "40 of 60 items were rejected (40 over the length limit)")
        run = weir("lines max=3B", stdin=b"one\ntwo\n")
        self.ends(run, 0)
        self.assertEqual(run.err, "")

    def test_a_budget_that_is_too_small_is_reported_with_the_flag_for_it(self):
        run = weir("--mem", "128KiB", "gen 1..3 | gzip")
        self.ends(run, 1, "level 6 needs more than 65536 bytes of memory, half of the byte budget",
                  "--mem SIZE sets a larger budget than 131072 bytes")
        run = weir("--mem", "1MiB", "gen 1..3 | zstd level=19")
        self.ends(run, 1, "--mem SIZE sets a larger budget than 1MiB")

    def test_a_budget_below_the_least_one_is_a_usage_error(self):
        for arguments in (("--mem", "127KiB", "gen 1..3"), ("check", "--mem", "1KiB", "gen 1..3"),
                          ("explain", "--mem", "1KiB", "gen 1..3")):
            self.ends(weir(*arguments), 2, "is too small; it must be at least 128KiB")
        self.write("small", b"@mem 64KiB\ngen 1..3")
        for arguments in ((), ("check",)):
            self.ends(weir(*arguments, "-f", self.path("small")), 2, "@mem must be at least 128KiB")
        self.assertEqual(weir("--mem", "128KiB", "gen 1..3").out, b"1\n2\n3\n")

    ALL = ("where .a == 1", ".a", "{a, p: .pad}", "json | .a", "regex `\"a\": (?<a>\\d)`", "queue 100 | where .a == 1",
           "queue 100 | queue 100 | batch 10", "lines", "jq `.a`")

    def test_items_that_do_not_fit_into_a_small_budget_are_rejected_one_by_one(self):
        for pad, fits in ((15000, True), (40000, False), (300000, False)):
            lines = [b'{"a": 1, "pad": "%s"}\n' % (b"x" * (pad if n % 20 == 10 else 100)) for n in range(400)]
            for text in self.ALL:
                if text == "jq `.a`" and b"without libjq" in weir("gen 1..1 | jq `.`").err.encode():
                    continue
                with self.subTest(pad=pad, text=text):
                    self.write("in", b"".join(lines))
                    run = weir("--mem", "128KiB", "%s | %s" % (self.path("in"), text))
                    self.ends(run, 0)
                    count = 400 if fits else 380
                    self.assertEqual(len(run.out.splitlines()), count)
                    if count < 400:
                        self.assertIn("the limit of 16384 bytes, an eighth of the byte budget (--mem): skipped",
                                      run.err)
                        self.assertIn("20 of 400 items were rejected (20 over the length limit)", run.err)

    def test_rows_that_do_not_fit_into_a_small_budget_are_rejected_one_by_one(self):
        for pad, count in ((15000, 400), (40000, 380)):
            rows = b"a,pad\n" + b"".join(b"1,%s\n" % (b"x" * (pad if n % 20 == 10 else 100)) for n in range(400))
            self.write("in.csv", rows)
            self.write("in.csv.gz", gzip.compress(rows))
            for name in ("in.csv", "in.csv.gz"):
                run = weir("--mem", "128KiB", "%s | where .a == \"1\"" % self.path(name))
                self.ends(run, 0)
                self.assertEqual(len(run.out.splitlines()), count)

    def test_an_output_that_does_not_fit_into_a_small_budget_rejects_its_input(self):
        lines = [b'{"pad": "%s"}\n' % (b"x" * (9000 if n % 20 == 10 else 100)) for n in range(400)]
        self.write("in", b"".join(lines))
        for text in ("[range(20) as $i | .pad]", "jq `[range(11) as $i | .pad]`"):
            run = weir("--mem", "128KiB", "%s | %s" % (self.path("in"), text))
            if "without libjq" in run.err:
                continue
            self.ends(run, 0, "the output is too long: ", " bytes", "; skipped", "--mem")
            self.assertEqual(len(run.out.splitlines()), 380)
            self.assertIn("20 of 400 items were rejected", run.err)

    def test_the_end_of_a_stream_that_cannot_be_asked_again_has_no_hint_how_to(self):
        run = weir("varint max=100B", stdin=b"\x01a\xff\x7f" + b"x" * 1000)
        self.ends(run, 1, "record 2 (at byte 2): the input ends inside a record")
        self.assertNotIn("--follow", run.err)
        run = weir("fixed 4", stdin=b"abcdefg")
        self.ends(run, 1, "the input ends inside a record")
        self.assertNotIn("--follow", run.err)

    def test_strict_stops_at_the_first_rejected_item(self):
        data = b"one\n0123456789abc\nnever\n"
        for text in ("lines max=10B", "lines max=10B on-long=skip"):
            run = weir("--strict", text, stdin=data)
            self.ends(run, 1, "line 2", "byte 4", "10 bytes")
            self.assertEqual(run.out, b"one\n")
        run = weir("--strict", self.write("wide", b"x" * 2000000 + b"\nnever\n") + ' | grep "x"')
        self.ends(run, 1, "line 1")
        self.assertEqual(run.out, b"")
        peer = self.peer(Peer(ranged(b"one\n" + b"x" * 2000000 + b"\nnever\n")))
        run = weir("--strict", peer.url() + ' | grep "n"')
        self.ends(run, 1, "line 2")
        self.assertEqual(run.out, b"one\n")
        run = weir("--strict", "lines max=10B on-long=cut", stdin=data)
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\n0123456789\nnever\n")

    def test_a_line_of_exactly_the_limit_passes(self):
        data = b"x" * (1 << 20) + b"\n" + b"y" * (1 << 20)
        run = weir(stdin=data)
        self.ends(run, 0)
        self.assertTrue(run.out == data)

    def test_an_overlong_line_is_cut_when_asked(self):
        run = weir("lines max=10B on-long=cut", stdin=b"0123456789abc\nshort\n")
        self.ends(run, 0, "cut")
        self.assertEqual(run.out, b"0123456789\nshort\n")

    def test_an_overlong_line_fails_when_asked(self):
        run = weir("lines max=10B on-long=fail", stdin=b"short\n0123456789abc\nnever\n")
        self.ends(run, 1, "line 2", "byte 6", "10 bytes")
        self.assertEqual(run.out, b"short\n")

    def test_many_overlong_lines_are_folded_into_few_messages(self):
        run = weir("-v", "lines max=10B", stdin=b"0123456789abc\n" * 5000 + b"end\n")
        self.ends(run, 0, "5 000")
        self.assertEqual(run.out, b"end\n")
        self.assertLess(len(run.err.splitlines()), 20)

    def test_a_gigantic_line_needs_no_memory(self):
        run = shell('head -c 300000000 /dev/zero | "$WEIR" -v \'grep "x"\'; exit "${PIPESTATUS[1]}"')
        self.ends(run, 0, "skipped")
        self.assertEqual(run.out, b"")
        # a sanitizer keeps what is freed in a quarantine, 256 MiB of it where nothing else is said
        script = ('export ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1"; '
                  'head -c "$1" /dev/zero | "$WEIR" -v --mem 1MiB | tr -d x | wc -c')
        peaks = []
        for size in (3, 300000000):
            run = shell(script, str(size))
            self.ends(run, 0, "1 in = 1 out")
            self.assertEqual(int(run.out), size)
            peaks.append(float(re.search("peak ([0-9.]+) MiB", run.err).group(1)))
        self.assertLess(peaks[1], peaks[0] + 4)


class Records(e2e_support.TestCase):
    """Bytes cut by something else than line ends, from every transport."""

    RECORDS = [b"one", b"", b"t\nwo", b"x" * 70000]

    def gives(self, text, records, *args, **how):
        run = weir(text, *args, **how)
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(record + b"\n" for record in records))

    def test_records_come_from_files_pipes_sockets_and_http(self):
        data = {
            "nul": b"".join(r + b"\0" for r in self.RECORDS),
            "len32": b"".join(struct.pack(">I", len(r)) + r for r in self.RECORDS),
            "varint": b"\x03one" + b"\0" + b"\x04t\nwo" + b"\xf0\xa2\x04" + self.RECORDS[3],
        }
        for framer, encoded in data.items():
            path = self.write("records", encoded)
            self.gives("%s | %s" % (path, framer), self.RECORDS)
            self.gives(framer, self.RECORDS, stdin=encoded)
            self.gives(framer, self.RECORDS, path)
            peer = self.peer(Peer(ranged(encoded)))
            self.gives("%s | %s" % (peer.url(), framer), self.RECORDS)
            with socket.create_server(("127.0.0.1", 0)) as server:
                run = Weir("tcp://127.0.0.1:%d | %s" % (server.getsockname()[1], framer))
                with run:
                    with server.accept()[0] as peer:
                        peer.sendall(encoded)
                    self.assertEqual(run.end().out.count(b"\n"), 5)

    def test_each_of_several_files_is_cut_by_itself(self):
        paths = [self.write(name, b"\0\0\0\3" + name.encode()) for name in ("one", "two")]
        self.gives("len32", [b"one", b"two"], *paths)

    def test_records_of_one_length(self):
        self.gives("fixed 3", [b"one", b"two"], stdin=b"onetwo")
        run = weir("fixed 3", stdin=b"onetw")
        self.ends(run, 1, "ends inside a record", "byte 3")
        self.assertEqual(run.out, b"one\n")

    def test_raw_bytes_leave_as_they_came(self):
        data = os.urandom(300000)
        run = weir("raw | queue", stdin=data)
        self.ends(run, 0)
        self.assertTrue(run.out == data)

    def test_raw_bytes_are_cut_again_where_lines_are_needed(self):
        self.gives('raw | grep "o"', [b"one", b"two"], stdin=b"one\nxx\ntwo\n")

    def test_a_record_over_the_limit_is_passed_over_by_its_length(self):
        data = struct.pack(">I", 5) + b"a\0\0\0\1" + struct.pack(">I", 1) + b"b"
        run = weir("-v", "len32 max=4B", stdin=data)
        self.ends(run, 0, "the record at byte 0 has 5 bytes", "1 rejected")
        self.assertEqual(run.out, b"b\n")
        self.ends(weir("--strict", "len32 max=4B", stdin=data), 1, "record 1")

    def test_bytes_that_are_no_records_are_told_with_their_place(self):
        run = weir("varint", stdin=b"\1a" + b"\xff" * 12)
        self.ends(run, 1, "record 2 (at byte 2)", "varint is longer than 10 bytes")
        self.assertEqual(run.out, b"a\n")

    def test_a_framer_behind_lines_is_refused(self):
        self.ends(weir("gen 1..3 | len32"), 2, "'len32' needs bytes, 'gen' gives lines")

    def test_events_are_given_as_their_data(self):
        data = b"\xef\xbb\xbf: hello\nid: 1\ndata: one\ndata: two\r\n\r\ndata: three\n\ndata: cut"
        self.gives("sse", [b"one\ntwo", b"three"], stdin=data)


if __name__ == "__main__":
    e2e_support.main()
