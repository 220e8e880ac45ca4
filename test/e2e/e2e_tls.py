#!/usr/bin/env python3
"""How a TLS connection ends: with the alert that says so, or without it, as when a process is killed
or somebody between has cut it.

Python's sockets close without the alert unless they are unwrapped.
"""

import gzip

import e2e_failures
import e2e_support
from e2e_peers import Peer
from e2e_support import weir


class TlsEnds(e2e_failures.BreakingCase):
    def over_tls(self, send):
        """A script that has sent all when it ends, without TLS's closing alert: so ends a process
        that is killed, or a connection that somebody between has cut."""
        return {
            "script": send,
            "flags": ("--cacert", self.certificates.ca),
            "certificates": self.certificates,
        }

    def test_a_tls_end_without_its_alert_is_no_end_of_a_body_without_a_length(self):
        how = self.over_tls(lambda c: c.reply(body="one\ntwo\nthr", length=False))
        run, peer = self.breaks(
            how.pop("script"), "close_notify", "after line 2", "--follow", prefix=b"one\ntwo\n", **how
        )
        self.assertEqual((run.out, len(peer.requests)), (b"one\ntwo\n", 1))

    def test_a_tls_end_without_its_alert_is_followed_when_asked(self):
        def script(connection):
            connection.reply(body="%d\n" % connection.number, length=False)

        peer = self.peer(Peer(script, certificates=self.certificates))
        run = weir("--follow", "--cacert", self.certificates.ca, peer.url() + " | head 3")
        self.ends(run, 0, "a gap or repeats are possible after line 1")
        self.assertEqual(run.out, b"1\n2\n3\n")

    def test_a_tls_end_with_its_alert_ends_a_body_without_a_length(self):
        def script(connection):
            connection.reply(body="one\ntwo\n", length=False)
            connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, certificates=self.certificates))
        run = weir("--cacert", self.certificates.ca, peer.url())
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"one\ntwo\n", ""))

    def test_a_tls_end_without_its_alert_behind_a_whole_body_is_an_end(self):
        def chunked(connection):
            connection.stream()
            connection.chunk("one\n")
            connection.send("0\r\n\r\n")

        for script in (lambda c: c.reply(body="one\n"), chunked):
            peer = self.peer(Peer(script, certificates=self.certificates))
            run = weir("--cacert", self.certificates.ca, peer.url())
            self.ends(run, 0)
            self.assertEqual((run.out, run.err), (b"one\n", ""))

    def test_an_answer_that_has_no_body_needs_no_end_of_its_connection(self):
        def script(connection):
            connection.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        peer = self.peer(Peer(script, certificates=self.certificates))
        run = weir("--cacert", self.certificates.ca, peer.url())
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"", ""))

    def test_a_tls_end_without_its_alert_is_a_cut_of_any_other_body(self):
        def chunked(connection):
            connection.stream(["Accept-Ranges: bytes"])
            connection.chunk("one\n")

        for script in (lambda c: c.reply(body="one\n", length=100), chunked):
            how = self.over_tls(script)
            run, _ = self.breaks(how.pop("script"), "before the end of the body", **how)
            self.assertEqual(run.out, b"one\n")

    def test_a_tls_end_without_its_alert_behind_a_redirect_is_one_of_the_last_connection(self):
        def script(connection):
            if connection.request.target == "/":
                connection.reply("302 Found", ["Location: /end"])
                connection.socket = connection.socket.unwrap()
            else:
                connection.reply(body="one\n", length=False)

        how = self.over_tls(script)
        run, peer = self.breaks(how.pop("script"), "close_notify", "after line 1", **how)
        self.assertEqual((run.out, len(peer.requests)), (b"one\n", 2))

    def test_a_tls_end_without_its_alert_behind_a_whole_gzip_member_is_told(self):
        body = gzip.compress(b"one\n")
        how = self.over_tls(lambda c: c.reply("200 OK", ["Content-Encoding: gzip"], body, False))
        run, _ = self.breaks(how.pop("script"), "close_notify", **how)
        self.assertEqual(run.out, b"one\n")

    def test_a_tls_end_before_an_answer_is_told(self):
        how = self.over_tls(lambda c: None)
        how["flags"] += ("--retry", "0")
        self.breaks(how.pop("script"), "without a response", **how)


if __name__ == "__main__":
    e2e_support.main()
