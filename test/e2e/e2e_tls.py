#!/usr/bin/env python3
"""How a TLS connection ends: with the alert that says so, or without it, as when a process is killed
or somebody between has cut it.

Python's sockets close without the alert unless they are unwrapped.
"""

import gzip
import subprocess

import e2e_failures
import e2e_support
from e2e_peers import Certificates, Nginx, Peer
from e2e_support import weir
from e2e_tls_sockets import Server


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


class ClientCertificates(e2e_support.TestCase):
    """Servers that ask for a client certificate: nginx, and openssl s_server for refusals."""

    WHO = "ssl_client_certificate %s; ssl_verify_client %s; location /who { return 200 $ssl_client_verify; }"

    def setUp(self):
        super().setUp()
        self.certificates = Certificates()
        self.addCleanup(self.certificates.close)

    def nginx(self, verify, more=""):
        places = self.WHO % (self.certificates.ca, verify) + more
        return self.peer(Nginx(self.folder, self.certificates, places))

    def files(self):
        return ("--cert", self.certificates.chain, "--key", self.certificates.key)

    def joined(self):
        with open(self.certificates.chain, "rb") as chain, open(self.certificates.key, "rb") as key:
            return self.write("client.pem", chain.read() + key.read())

    def get(self, url, *flags):
        return weir("--cacert", self.certificates.ca, *flags, url)

    def test_a_server_that_asks_gets_the_certificate(self):
        url = self.nginx("on").tls_url("/who")
        for flags in (self.files(), ("--cert", self.joined())):
            run = self.get(url, *flags)
            self.ends(run, 0)
            self.assertEqual(run.out, b"SUCCESS")
        self.ends(self.get(url), 1, "400", "No required SSL certificate was sent")

    def test_another_origin_is_not_shown_it(self):
        nginx = self.nginx("optional")
        peer = self.peer(Peer(lambda c: c.reply("302 Found", ["Location: " + nginx.tls_url("/who")])))
        run = self.get(peer.url(), *self.files())
        self.ends(run, 0)
        self.assertEqual(run.out, b"NONE")
        run = self.get(nginx.tls_url("/who"), *self.files())
        self.assertEqual(run.out, b"SUCCESS")

    def asking(self, *flags):
        return self.peer(
            Server(self.certificates, "-Verify", "2", "-verify_return_error", "-CAfile", *flags)
        )

    def test_a_server_that_misses_one_is_named_and_not_asked_again(self):
        for version, says in (
            ("-tls1_3", ("certificate required", "it requires a client certificate", "--cert FILE")),
            ("-tls1_2", ("alert 'handshake failure'",)),
        ):
            server = self.asking(self.certificates.ca, version)
            run = self.get("https://localhost:%d/" % server.port, "--retry", "3")
            self.assertIn(run.status, (1, 4), run)
            for text in says:
                self.assertIn(text, run.err)
            self.assertNotIn("retry 1", run.err)

    def test_a_certificate_that_is_not_accepted_is_named(self):
        other = Certificates()
        self.addCleanup(other.close)
        for version in ("-tls1_3", "-tls1_2"):
            server = self.asking(self.certificates.ca, version)
            flags = ("--cert", other.chain, "--key", other.key)
            run = self.get("https://localhost:%d/" % server.port, *flags)
            self.assertIn(run.status, (1, 4), run)
            self.assertIn("it does not accept the client certificate", run.err)

    def test_files_that_cannot_be_used_are_named(self):
        url = self.nginx("on").tls_url("/who")
        locked = self.path("locked.pem")
        command = ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", self.certificates.key]
        subprocess.run(command + ["-out", locked], check=True, capture_output=True)
        missing = self.path("missing.pem")
        for cert, key in (
            (missing, self.certificates.key),
            (self.certificates.chain, missing),
            (self.certificates.chain, locked),
            (self.certificates.chain, self.certificates.ca),
        ):
            run = self.get(url, "--cert", cert, "--key", key)
            self.assertIn(run.status, (1, 4), run)
            self.assertIn("the client certificate '%s' cannot be used" % cert, run.err)
        self.ends(self.get(url, "--key", locked), 2, "--key needs --cert FILE")
        self.ends(weir(*self.files(), "gen 1..3"), 2, "--cert has no effect")
        self.ends(weir("gen 1..1 | post https://h/ key=k"), 2, "key=FILE needs cert=FILE")


if __name__ == "__main__":
    e2e_support.main()
