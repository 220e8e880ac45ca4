#!/usr/bin/env python3
"""What stands between weir and a body, and is named when it fails: proxies, TLS, redirects, encodings;
and what curl's users expect of the environment."""

import base64
import gzip
import os
import ssl
import subprocess

import e2e_support
from e2e_peers import Certificates, Peer
from e2e_support import weir

CANARY = "canary7391secret"


def refusing(status, *headers):
    """A proxy that answers CONNECT with a status."""
    return Peer(lambda c: c.reply(status, headers, "denied by policy\n"))


class Proxies(e2e_support.TestCase):
    def through(self, proxy, *flags):
        return weir(
            *flags,
            "https://host.invalid/feed",
            env={"https_proxy": "http://127.0.0.1:%d" % proxy.port, "no_proxy": ""}
        )

    def test_a_proxy_that_refuses_is_final_and_told_with_its_status(self):
        for status in ("407 Proxy Authentication Required", "403 Forbidden"):
            proxy = self.peer(refusing(status))
            run = self.through(proxy, "--retry", "3")
            self.ends(run, 1, "host.invalid", "the proxy refuses the connection: " + status)
            self.assertEqual(len(proxy.requests), 1)
            self.assertEqual(proxy.requests[0].method, "CONNECT")

    def test_a_proxy_that_is_busy_is_asked_again(self):
        proxy = self.peer(refusing("503 Busy"))
        self.ends(self.through(proxy, "--retry", "1"), 1, "503 Busy", "gave up after 1 retry")
        self.assertEqual(len(proxy.requests), 2)

    def test_a_proxy_is_asked_no_earlier_than_it_says(self):
        proxy = self.peer(refusing("503 Busy", "Retry-After: 7200"))
        self.ends(self.through(proxy), 1, "503 Busy", "7200 s", "3600 s")
        self.assertEqual(len(proxy.requests), 1)
        run = self.through(proxy, "--retry-after-max", "1h59m59s")
        self.ends(run, 1, "7200 s", "7199 s")

    def test_a_proxy_that_is_down_is_named(self):
        run = weir(
            "http://host.invalid/feed", env={"http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
        )
        self.ends(run, 4, "cannot connect to the proxy 127.0.0.1 port 1: Connection refused")

    def test_a_proxy_of_an_unknown_name_is_named(self):
        proxy = "http://me:%s@proxy.invalid:3128" % CANARY
        run = weir("http://host.invalid/feed", env={"http_proxy": proxy, "no_proxy": ""})
        self.ends(run, 4, "the name of the proxy 'proxy.invalid' cannot be resolved")
        self.assertNotIn(CANARY, run.err)

    def test_a_server_that_is_down_is_no_proxy(self):
        run = weir("http://127.0.0.1:1/feed")
        self.ends(run, 4, "127.0.0.1:1/feed: cannot connect: Connection refused")

    def test_a_password_of_a_proxy_is_not_told(self):
        for scheme in ("htpp", "socks6"):
            run = weir(
                "http://host.invalid/",
                env={"http_proxy": "%s://me:%s@127.0.0.1:1" % (scheme, CANARY), "no_proxy": ""},
            )
            self.assertNotEqual(run.status, 0)
            self.assertIn("://me:***@", run.err)
            self.assertNotIn(CANARY, run.err)


class Tls(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def test_a_server_that_wants_a_certificate_is_final_and_says_so(self):
        context = self.certificates.context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificates.ca)

        def script(connection):
            try:
                context.wrap_socket(connection.socket.dup(), server_side=True)
            except ssl.SSLError:
                connection.wait_end()

        peer = self.peer(Peer(script, http=False))
        url = "https://127.0.0.1:%d/" % peer.port
        run = weir("--retry", "3", "--cacert", self.certificates.ca, url)
        self.ends(run, 1, "certificate required", "it requires a client certificate")
        self.assertNotIn("retry 1", run.err)

    def test_a_server_that_wants_a_certificate_and_resets_at_once_says_so(self):
        context = self.certificates.context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificates.ca)

        def script(connection):
            # What the client writes after its handshake is not read: the close resets.
            try:
                context.wrap_socket(connection.socket.dup(), server_side=True)
            except ssl.SSLError:
                pass

        peer = self.peer(Peer(script, http=False))
        url = "https://127.0.0.1:%d/" % peer.port
        for _ in range(5):
            run = weir("--retry", "3", "--cacert", self.certificates.ca, url)
            self.ends(run, 1, "certificate required", "it requires a client certificate")
            self.assertNotIn("retry 1", run.err)

    def test_a_damaged_record_is_named(self):
        def script(connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\none\n")
            os.write(connection.socket.fileno(), b"\x17\x03\x03\x00\x20" + b"Z" * 32)
            connection.wait_end()

        peer = self.peer(Peer(script, certificates=self.certificates))
        run = weir("--retry", "0", "--cacert", self.certificates.ca, peer.url())
        self.ends(run, 1, "TLS: the server sends a damaged record", "bad record mac", "after line 1")

    def test_who_to_trust_comes_from_the_environment_as_with_curl(self):
        folder = self.path("hashed")
        os.mkdir(folder)
        with open(self.certificates.ca, "rb") as ca, open(os.path.join(folder, "ca.pem"), "wb") as to:
            to.write(ca.read())
        subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
        peer = self.peer(Peer(lambda c: c.reply(body="x\n"), certificates=self.certificates))
        none = {"CURL_CA_BUNDLE": "", "SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}
        for env in (
            {"CURL_CA_BUNDLE": self.certificates.ca, "SSL_CERT_FILE": "/dev/null"},
            {"SSL_CERT_FILE": self.certificates.ca},
            {"SSL_CERT_DIR": folder},
        ):
            self.assertEqual(weir(peer.url(), env=dict(none, **env)).out, b"x\n", env)
        env = dict(none, SSL_CERT_FILE=self.certificates.ca)
        self.ends(weir("--cacert", "/dev/null", peer.url(), env=env), 4, "TLS")
        self.ends(weir(peer.url(), env=none), 4, "TLS")


class Redirects(e2e_support.TestCase):
    def moved(self, location):
        return self.peer(Peer(lambda c: c.reply("302 Found", ["Location: " + location])))

    def test_a_bad_location_is_the_servers_mistake(self):
        for location in ("http://[127.0.0.1]:80/", "http://[::1]:80x/", "http://a b/", "ftp://h/"):
            run = weir(self.moved(location).url())
            self.ends(run, 1, "redirect")

    def test_a_target_that_fails_is_named(self):
        peer = self.moved("http://127.0.0.1:1/new")
        run = weir("--retry", "0", peer.url("/old"))
        self.ends(run, 1, peer.url("/old") + ": redirected to http://127.0.0.1:1/new: cannot connect")
        other = self.peer(Peer(lambda c: c.reply("404 Not Found", body="gone\n")))
        run = weir(self.moved(other.url("/new")).url("/old"))
        self.ends(run, 1, "/old: redirected to " + other.url("/new") + ": 404 Not Found: gone")

    def test_addresses_may_be_long(self):
        def script(connection):
            if connection.request.target == "/":
                connection.reply("302 Found", ["Location: /?x=" + "x" * 20000])
            else:
                connection.reply(body="%d\n" % len(connection.request.target))

        peer = self.peer(Peer(script))
        self.assertEqual(weir(peer.url()).out, b"20004\n")
        self.assertEqual(weir(peer.url("/?y=" + "y" * 60000)).out, b"60004\n")

    def test_an_address_that_is_too_long_is_called_that(self):
        run = weir("http://127.0.0.1:1/" + "x" * 65536)
        self.ends(run, 2, "longer than 64 KiB")


class Requests(e2e_support.TestCase):
    def asked(self, *flags, user=""):
        peer = self.peer(Peer(lambda c: c.reply(body="ok\n")))
        self.ends(weir(*flags, peer.url("/", user)), 0)
        return peer.requests[0].headers

    def test_a_user_without_a_colon_has_an_empty_password(self):
        sent = "Basic " + base64.b64encode(b"apikey:").decode()
        self.assertEqual(self.asked("-u", "apikey")["authorization"], sent)
        self.assertEqual(self.asked(user="apikey@")["authorization"], sent)

    def test_an_address_with_an_empty_user_has_none(self):
        self.assertNotIn("authorization", self.asked(user="@"))

    def test_who_asks_and_for_what_is_said_unless_the_user_says_others(self):
        headers = self.asked()
        self.assertRegex(headers["user-agent"], r"^weir/\d+\.\d+$")
        self.assertEqual(headers["accept"], "*/*")
        headers = self.asked("-H", "User-Agent: me", "-H", "Accept: text/plain")
        self.assertEqual((headers["user-agent"], headers["accept"]), ("me", "text/plain"))


class Bodies(e2e_support.TestCase):
    def test_a_raw_body_is_read_as_it_is(self):
        body = gzip.compress(b"one\n")
        peer = self.peer(Peer(lambda c: c.reply(headers=["Content-Encoding: gzip"], body=body)))
        self.assertEqual(weir(peer.url()).out, b"one\n")
        self.assertEqual(weir("--raw", peer.url() + " | file " + self.path("f")).status, 0)
        self.assertEqual(self.read("f"), body)

    def test_a_content_encoding_that_is_no_compression_is_said_and_ignored(self):
        peer = self.peer(Peer(lambda c: c.reply(headers=["Content-Encoding: none"], body="one\n")))
        run = weir(peer.url())
        self.ends(run, 0, "'none' is not a compression")
        self.assertEqual(run.out, b"one\n")

    def test_an_extension_of_a_chunk_without_an_end_is_no_data(self):
        def script(connection):
            connection.stream()
            connection.send("4\r\none\n\r\n4;")
            while True:
                connection.send(b"x" * 65536)

        peer = self.peer(Peer(script))
        self.ends(weir("--retry", "0", peer.url()), 1, "the server sends no data", "after line 1")

    def test_a_protocol_that_was_not_asked_for_is_told(self):
        peer = self.peer(
            Peer(lambda c: c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbody"))
        )
        self.ends(weir(peer.url()), 1, "101 Switching Protocols", "not requested")


if __name__ == "__main__":
    e2e_support.main()
