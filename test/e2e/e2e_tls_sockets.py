#!/usr/bin/env python3
"""tls:// as a source and tls as a sink, against socat, openssl s_server and scripted peers: what is
sent arrives, who is not trusted gets nothing, and a connection that was cut is not taken for an end.
"""

import os
import re
import socket
import struct
import subprocess
import threading

import e2e_failures
import e2e_support
from e2e_peers import Peer, Socat
from e2e_support import Weir, wait_for, weir

LINES = b"".join(b"line %d\n" % n for n in range(1, 100001))


class Server:
    """openssl s_server, for one connection. What it receives is written to its standard output; it
    ends with its standard input."""

    def __init__(self, certificates, *flags, out=subprocess.DEVNULL):
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-nbio", "-ign_eof"]
        command += ["-cert", certificates.chain, "-key", certificates.key, *flags]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.got = bytearray()
        self.port = None
        while self.port is None:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("s_server does not listen")
            found = re.match(rb"ACCEPT .*:(\d+)$", line.strip())
            self.port = int(found.group(1)) if found else None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while piece := self.process.stdout.read1(65536):
            self.got += piece

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()


class TlsCase(e2e_failures.BreakingCase):
    def trusting(self, *args, **how):
        return weir("--cacert", self.certificates.ca, *args, **how)

    def server(self, *flags):
        return self.peer(Server(self.certificates, *flags))

    def socat(self, left, right):
        return self.peer(Socat(left, right))


class Sources(TlsCase):
    def test_what_socat_sends_comes(self):
        path = self.write("lines", LINES)
        for _ in range(3):
            socat = self.socat("OPEN:%s,rdonly" % path, Socat.tls(self.certificates))
            run = self.trusting("tls://localhost:%d" % socat.port)
            self.ends(run, 0)
            self.assertEqual(run.out, LINES)

    def test_lines_of_s_server_come_one_by_one(self):
        for version in ("-tls1_2", "-tls1_3"):
            server = self.server(version)
            address = "tls://127.0.0.1:%d" % server.port
            with Weir("--cacert", self.certificates.ca, address + " | head 2") as run:
                server.process.stdin.write(b"one\n")
                server.process.stdin.flush()
                self.assertEqual(run.read_line(), b"one")
                server.process.stdin.write(b"two\n")
                server.process.stdin.flush()
                self.ends(run.end(), 0)

    def test_an_end_with_close_notify_is_an_end(self):
        def script(connection):
            connection.send("one\ntwo")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = self.trusting(peer.address)
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"one\ntwo", ""))

    def test_an_end_without_close_notify_is_a_failure(self):
        run, _ = self.breaks(
            lambda c: c.send("one\ntwo\nthr"),
            "close_notify after 11 bytes; an unfinished line of 3 bytes was not given",
            flags=("--cacert", self.certificates.ca),
            http=False,
            certificates=self.certificates,
        )
        self.assertEqual(run.out, b"one\ntwo\n")

    def test_a_reset_is_a_failure(self):
        def script(connection):
            connection.send("one\n")
            connection.drained()
            wait_for(lambda: len(peer.connections) == 1, "the connection")
            raw = socket.socket(fileno=connection.socket.detach())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = self.trusting(peer.address)
        self.ends(run, 1, peer.address, "reset")

    def test_framers_read_from_it(self):
        def script(connection):
            connection.send(b"\0\0\0\x03one\0\0\0\x05two\nx")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = self.trusting(peer.address + " | len32 | nul")
        self.assertEqual(run.status, 2, run)  # nul reads bytes: it is no sink
        run = self.trusting(peer.address + " | len32")
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\ntwo\nx\n")


class Trust(TlsCase):
    def refused(self, run, *texts):
        self.ends(run, 4, *texts)
        self.assertEqual(run.out, b"")

    def silent(self):
        return self.peer(Peer(lambda c: c.wait_end(), http=False, certificates=self.certificates))

    def test_an_unknown_authority_is_refused_unless_any_is_trusted(self):
        self.refused(weir(self.silent().address), "tls://", "issuer certificate", "cacert=FILE")

        def script(connection):
            connection.send("one\n")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = weir("-k", peer.address)
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\n")

    def test_a_sink_writes_nothing_to_an_unknown_authority(self):
        got = []

        def script(connection):
            got.append(connection.socket.recv(99))

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        self.refused(weir("gen 1..3 | tls 127.0.0.1:%d" % peer.port), "issuer certificate")
        self.assertEqual(got, [])

    def test_another_name_is_refused(self):
        run = self.trusting(self.silent().address + " name=elsewhere.example")
        self.refused(run, "hostname mismatch", "name=HOST")

    def test_the_file_in_the_text_comes_before_that_of_the_flag(self):
        address = self.silent().address
        run = weir("--cacert", self.certificates.ca, "%s cacert=%s" % (address, os.devnull))
        self.ends(run, 2, os.devnull)

    def test_the_environment_names_who_is_trusted(self):
        def script(connection):
            connection.send("one\n")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = weir(peer.address, env={"CURL_CA_BUNDLE": self.certificates.ca})
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\n")

    def client_file(self):
        """A certificate of the authority, and its key in the same file."""
        with open(self.certificates.chain, "rb") as chain, open(self.certificates.key, "rb") as key:
            return self.write("client.pem", chain.read() + key.read())

    def test_a_certificate_of_its_own_is_shown_to_a_peer_that_asks(self):
        asks = ("-CAfile", self.certificates.ca, "-Verify", "2", "-verify_return_error")
        files = "cert=%s key=%s" % (self.certificates.chain, self.certificates.key)
        for args in (files, "cert=" + self.client_file()):
            server = self.server(*asks)
            self.ends(self.trusting("gen 1..3 | tls localhost:%d %s" % (server.port, args)), 0)
            wait_for(lambda: b"1\n2\n3\n" in server.got or server.process.poll() is not None, "lines")
            server.close()
            self.assertIn(b"1\n2\n3\n", server.got)

    def test_a_peer_that_misses_a_certificate_is_named(self):
        asks = ("-CAfile", self.certificates.ca, "-Verify", "2", "-verify_return_error")
        server = self.server(*asks)
        run = self.trusting("tls://localhost:%d" % server.port)
        self.assertIn(run.status, (1, 4), run)
        self.assertIn("certificate required", run.err)
        server = self.server(*asks)
        run = self.trusting("gen 1..3 | tls localhost:%d" % server.port)
        self.ends(run, 1, "certificate required", "the peer may have read none of the 6 bytes written")


class Sinks(TlsCase):
    def test_all_lines_arrive_at_socat(self):
        path = self.write("lines", LINES)
        socat = self.socat(Socat.tls(self.certificates), "CREATE:" + self.path("got"))
        self.ends(self.trusting("%s | tls localhost:%d" % (path, socat.port)), 0)
        socat.wait()
        self.assertEqual(self.read("got"), LINES)

    def test_all_lines_arrive_at_s_server(self):
        for version in ("-tls1_2", "-tls1_3"):
            server = self.server(version)
            run = self.trusting("tls localhost:%d" % server.port, stdin=LINES)
            self.ends(run, 0)
            server.process.wait(e2e_support.PATIENCE_S)
            server.close()
            # With -nbio it says so, in between, whenever there is nothing to read.
            got = bytes(server.got).replace(b"Read BLOCK\n", b"")
            self.assertTrue(LINES in got, "lines are missing")

    def test_a_line_that_comes_alone_arrives_alone(self):
        server = self.server()
        text = "- | tls localhost:%d" % server.port
        with Weir("--cacert", self.certificates.ca, text, stdin=subprocess.PIPE) as run:
            for n in range(3):
                run.process.stdin.write(b"line %d\n" % n)
                run.process.stdin.flush()
                wait_for(lambda n=n: b"line %d\n" % n in server.got, "line %d" % n)
            self.ends(run.end(stdin=b""), 0)

    def test_a_proper_end_sends_close_notify(self):
        ended = []

        def script(connection):
            while connection.socket.recv(65536):
                pass
            ended.append("end")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        run = self.trusting("gen 1..100000 | tls 127.0.0.1:%d" % peer.port)
        self.ends(run, 0)
        wait_for(lambda: ended, "the peer to see the end")

    def test_a_peer_that_resets_midway_is_a_loss_with_its_number(self):
        def script(connection):
            for _ in range(20):
                connection.socket.recv(16384)
            raw = socket.socket(fileno=connection.socket.detach())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        run = self.trusting("gen 1.. | tls 127.0.0.1:%d once" % peer.port)
        self.ends(run, 3, "the peer has reset the connection")
        self.assertRegex(run.err, r"of \d+ bytes written were not delivered|may have read none of the \d+ bytes written")

    def test_a_peer_that_takes_nothing_is_a_loss_when_the_drain_is_over(self):
        over = threading.Event()
        self.addCleanup(over.set)
        peer = self.peer(Peer(lambda c: over.wait(e2e_support.PATIENCE_S), http=False, certificates=self.certificates))
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        run = self.trusting("--drain", "300ms", "gen 1..300000 | tls 127.0.0.1:%d once" % peer.port)
        self.ends(run, 3, "bytes written were not delivered")

    def test_a_peer_that_greets_gets_all(self):
        got = bytearray()

        def script(connection):
            connection.send("220 ready\r\n")
            while True:
                piece = connection.socket.recv(65536)
                if not piece:
                    break
                got.extend(piece)
                connection.send("ok\r\n")
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=self.certificates))
        self.ends(self.trusting("tls 127.0.0.1:%d" % peer.port, stdin=LINES), 0)
        wait_for(lambda: bytes(got) == LINES, "the peer to read all")


if __name__ == "__main__":
    e2e_support.main()
