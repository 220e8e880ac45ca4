#!/usr/bin/env python3
"""Event streams from servers that are not weir's: what goes over the wire, and how it ends."""

import gzip
import signal
import zlib

import e2e_support
from e2e_peers import Certificates, Peer, closed_port
from e2e_support import Weir, wait_for, weir

TYPE = ["Content-Type: text/event-stream"]


def events(*connections, headers=TYPE, over=True, certificates=None):
    """A server that gives each connection what it is to have, and 204 to those behind them."""

    def script(connection):
        if connection.number <= len(connections):
            connection.reply(
                headers=headers, body=connections[connection.number - 1], length=False
            )
        elif over:
            connection.reply("204 No Content", length=False)

    return Peer(script, certificates=certificates)


class EventStreams(e2e_support.TestCase):
    def pipeline(self, peer, text="sse"):
        return "%s | %s" % (peer.url("/feed"), text)

    def test_a_stream_is_read_to_its_end(self):
        peer = self.peer(
            events(
                ": hi\r\n\r\nid: 1\r\nevent: a\r\ndata: one\r\ndata: more\r\n\r\nretry:1\r\n\r\n",
                "id:2\rdata:two\r\rdata:of it a part",
                b"\xef\xbb\xbfid: \xc3\xbc 3\ndata: three\n\n",
            )
        )
        run = weir(self.pipeline(peer))
        self.ends(run, 0, "resume after the event with id 1;")
        self.assertEqual(run.out, b"one\nmore\ntwo\nthree\n")
        self.assertEqual([request.headers["accept"] for request in peer.requests], [TYPE[0][14:]] * 4)
        ids = [request.headers.get("last-event-id") for request in peer.requests]
        self.assertEqual(ids, [None, "1", "2", "\u00fc 3".encode().decode("latin-1")])

    def test_a_compressed_stream_is_decoded_as_it_comes(self):
        packed = zlib.compressobj(wbits=31)
        first = packed.compress(b"id: 1\ndata: one\n\n") + packed.flush(zlib.Z_SYNC_FLUSH)

        def script(connection):
            connection.stream(TYPE + ["Content-Encoding: gzip"])
            connection.chunk(first)
            connection.wait_end()

        peer = self.peer(Peer(script))
        with Weir(self.pipeline(peer)) as run:
            self.assertEqual(run.read_line(), b"one")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)
        peer = self.peer(
            events(gzip.compress(b"data: two\n\n"), headers=TYPE + ["Content-Encoding: gzip"])
        )
        self.assertEqual(weir(self.pipeline(peer)).out, b"two\n")

    def test_a_stream_over_tls_goes_on_after_its_end(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        peer = self.peer(events("id: 1\ndata: one\n\n", certificates=certificates))
        run = weir("--cacert", certificates.ca, self.pipeline(peer))
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\n")
        self.assertEqual(peer.requests[1].headers["last-event-id"], "1")

    def test_what_is_no_event_stream_is_an_error(self):
        peer = self.peer(events("<html>", headers=["Content-Type: text/html; charset=utf-8"]))
        self.ends(weir(self.pipeline(peer)), 1, "not an event stream", "'text/html'")
        self.assertEqual(len(peer.requests), 1)

    def test_nothing_that_listens_is_final_but_with_follow(self):
        text = "http://127.0.0.1:%d/feed | sse" % closed_port(self)
        self.ends(weir(text), 4, "refused")
        with Weir("--follow", text) as run:
            run.says("retry 1 in")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)

    def test_a_pause_before_another_attempt_ends_at_a_signal(self):
        peer = self.peer(events("retry: 600000\ndata: one\n\n"))
        with Weir(self.pipeline(peer)) as run:
            run.says("retry 1 in 600.")
            run.send(signal.SIGINT)
            self.ends(run.end(), 0)

    def test_silence_is_a_break(self):
        def script(connection):
            if connection.number > 2:
                connection.reply("204 No Content", length=False)
                return
            connection.stream(TYPE)
            connection.chunk("id: %d\ndata: x\n\n" % connection.number)
            connection.wait_end()

        peer = self.peer(Peer(script))
        run = weir("--idle", "1s", self.pipeline(peer))
        self.ends(run, 0, "no data for 1.0 s; retry 1 in")
        self.assertEqual(peer.requests[2].headers["last-event-id"], "2")

    def test_the_caller_says_where_to_begin(self):
        peer = self.peer(events("data: one\n\n"))
        self.ends(weir("-H", "Last-Event-ID: 41", self.pipeline(peer)), 0)
        self.assertEqual(peer.requests[0].headers["last-event-id"], "41")

    def test_a_reader_that_leaves_ends_a_stream_that_is_silent(self):
        def script(connection):
            connection.stream(TYPE)
            connection.chunk("data: one\n\n")
            connection.wait_end()

        peer = self.peer(Peer(script))
        with Weir(self.pipeline(peer)) as run:
            self.assertEqual(run.read_line(), b"one")
            run.process.stdout.close()
            run.process.stdout = None
            wait_for(lambda: run.process.poll() is not None, "the end")
            self.ends(run.end(), 0)


if __name__ == "__main__":
    e2e_support.main()
