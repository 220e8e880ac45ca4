"""tcp, tls and unix sinks, and sources of these addresses, connect again when the connection is lost."""

import os
import re
import socket
import ssl
import struct
import threading

import e2e_failures
import e2e_support
from e2e_support import Weir, weir

LINES = 200000


class Far:
    """A peer that takes some bytes of each connection and resets it; the last one it reads to its end."""

    def __init__(self, takes, pause_s=0):
        self.takes = takes
        self.pause_s = pause_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _listens_again(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))

    def _run(self):
        for limit in self.takes + [None]:
            connection = self.listener.accept()[0]
            self.listener.close()
            connection.settimeout(e2e_support.PATIENCE_S)
            got = bytearray()
            while limit is None or len(got) < limit:
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
            self.got.append(bytes(got))
            if limit is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            if limit is not None:
                threading.Event().wait(self.pause_s)
                self._listens_again()

    def ends(self):
        self.thread.join(e2e_support.PATIENCE_S)
        self.listener.close()
        return self.got


class Redial(e2e_support.TestCase):
    def test_a_peer_that_restarts_gets_the_rest_from_the_beginning_of_a_line(self):
        far = Far([3000, 100000, 400000], 0.3)
        run = weir("gen 1..%d | tcp 127.0.0.1:%d" % (LINES, far.port))
        self.ends(run, 0, "retry 1 in", "connected again after", "a gap or repeats are possible")
        got = far.ends()
        self.assertEqual(len(got), 4)
        for piece in got[1:]:
            numbers = [int(line) for line in piece.split(b"\n")[:-1]]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertEqual(got[-1].split(b"\n")[-2], b"%d" % LINES)

    def test_attempts_have_a_limit(self):
        far = Far([1000], e2e_support.PATIENCE_S)
        run = weir("gen 1.. | tcp 127.0.0.1:%d retry=2" % far.port)
        self.ends(run, 3, "gave up after 2 retries", "bytes were not delivered")

    def test_a_first_connection_that_fails_is_final(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.ends(weir("gen 1..3 | tcp 127.0.0.1:%d" % port), 4, "refused")

    def test_a_signal_during_an_outage_ends_after_the_drain(self):
        far = Far([1000], e2e_support.PATIENCE_S)
        with Weir("--drain", "500ms", "gen 1.. | tcp 127.0.0.1:%d" % far.port) as run:
            run.says("retry 1 in")
            run.process.terminate()
            ended = run.end()
            self.ends(ended, 3)
            self.assertRegex(ended.err, "were not delivered|not drained")

    def test_a_local_peer_that_restarts_gets_what_it_had_not_read(self):
        path = self.path("socket")
        first = []

        def act():
            for again in (False, True):
                with socket.socket(socket.AF_UNIX) as listener:
                    listener.bind(path)
                    listener.listen(1)
                    connection = listener.accept()[0]
                    with connection, connection.makefile("rb") as lines:
                        if again:
                            first.append(lines.read())
                        else:
                            first.append(lines.readline())
                os.unlink(path)

        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        e2e_support.wait_for(lambda: os.path.exists(path), "the socket")
        run = weir("gen 1..%d | unix %s" % (LINES, path))
        self.ends(run, 0, "connected again after")
        thread.join(e2e_support.PATIENCE_S)
        rest = first[1].split(b"\n")
        self.assertEqual(rest[-2], b"%d" % LINES)
        self.assertLessEqual(int(rest[0]), 20000)


class Feed:
    """A peer that sends each connection its bytes, and then ends or resets it; the last one stays open."""

    def __init__(self, listener, sends, wrap=lambda connection: connection):
        self.listener = listener
        self.sends = sends
        self.wrap = wrap
        self.stays = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        for data, resets in self.sends:
            try:
                connection = self.wrap(self.listener.accept()[0])
                connection.sendall(data)
            except OSError:
                return  # the reader has left
            if resets is None:
                self.stays = connection
                return
            if resets:
                threading.Event().wait(0.2)  # a reset drops what the reader has not read
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def close(self):
        self.listener.close()
        if self.stays is not None:
            self.stays.close()


class Sources(e2e_failures.BreakingCase):
    SENDS = [(b"1\n2\n3", True), (b"4\n5\n", False), (b"6\n7\n", None)]

    def feed(self, sends=None, **how):
        listener = socket.create_server(("127.0.0.1", 0))
        self.peer(Feed(listener, sends or self.SENDS, **how))
        return "127.0.0.1:%d" % listener.getsockname()[1]

    def test_follow_reads_one_connection_after_another(self):
        run = weir("--follow", "-c", "6", "tcp://%s" % self.feed())
        self.ends(
            run,
            0,
            "an unfinished line of 1 bytes was not given; retry 1 in",
            "a gap or repeats are possible after line 2",
            "the peer has ended the stream; retry 1 in",
            "connected again after",
        )
        self.assertEqual(run.out, b"1\n2\n4\n5\n6\n7\n")

    def test_retry_ends_with_the_stream(self):
        run = weir("--retry", "inf", "tcp://%s" % self.feed())
        self.ends(run, 0, "retry 1 in")
        self.assertEqual(run.out, b"1\n2\n4\n5\n")

    def test_without_a_flag_a_break_is_final_and_says_what_to_type(self):
        run = weir("tcp://%s" % self.feed())
        self.ends(run, 1, "Connection reset by peer", "--retry N connects again after a break, --follow also after")
        run = weir("--retry", "0", "tcp://%s" % self.feed())
        self.ends(run, 1, "Connection reset by peer")

    def test_a_peer_that_is_not_there_is_tried_as_often_as_said(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.ends(weir("tcp://127.0.0.1:%d" % port), 4, "refused")
        run = weir("--retry", "2", "tcp://127.0.0.1:%d" % port)
        self.ends(run, 4, "retry 1 in", "(from the start)", "gave up after 2 retries")

    def test_tls_connects_again_after_a_cut(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.chain, self.certificates.key)
        address = self.feed(wrap=lambda connection: context.wrap_socket(connection, server_side=True))
        run = weir("--cacert", self.certificates.ca, "--follow", "-c", "6", "tls://%s" % address)
        self.ends(run, 0, "retry 1 in")
        self.assertEqual(run.out, b"1\n2\n4\n5\n6\n7\n")

    def test_a_tls_peer_that_closes_in_the_handshake_is_tried_again(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.chain, self.certificates.key)
        taken = []

        def wrap(connection):
            taken.append(connection)
            return connection if len(taken) == 2 else context.wrap_socket(connection, server_side=True)

        address = self.feed([(b"1\n", False), (b"", False), (b"2\n", None)], wrap=wrap)
        run = weir("--cacert", self.certificates.ca, "--follow", "-c", "2", "tls://%s" % address)
        self.ends(run, 0, "retry 1 in", "retry 2 in")
        self.assertEqual(run.out, b"1\n2\n")

    def test_a_certificate_that_is_not_trusted_is_final(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.chain, self.certificates.key)

        address = self.feed(wrap=lambda connection: context.wrap_socket(connection, server_side=True))
        self.ends(weir("--follow", "tls://%s" % address), 4, "certificate")

    def test_a_local_socket_that_comes_late_is_waited_for(self):
        path = self.path("socket")
        with Weir("--follow", "-c", "4", "unix:%s" % path) as run:
            run.says("retry 1 in")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(2)
            self.peer(Feed(listener, [(b"1\n2\n", False), (b"3\n4\n", None)]))
            ended = run.end()
            self.ends(ended, 0, "connected again after")
            self.assertEqual(ended.out, b"1\n2\n3\n4\n")

    def test_a_recording_has_all_connections(self):
        path = self.path("r.wrec")
        self.ends(weir("record", "tcp://%s" % self.feed(), "-o", path, "--follow", "-c", "6"), 0)
        run = weir("replay", path, "speed=max")
        self.ends(run, 0)
        self.assertEqual(run.out, b"1\n2\n4\n5\n6\n7\n")

    def test_explain_says_what_a_break_does(self):
        run = weir("explain", "tcp://127.0.0.1:1")
        self.assertTrue(re.search(rb"with --retry it connects again.*gap or repeats", run.out), run)


if __name__ == "__main__":
    e2e_support.main()
