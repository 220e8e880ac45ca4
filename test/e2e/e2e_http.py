#!/usr/bin/env python3
"""HTTP as the command speaks it: redirects, headers, users, TLS, retries; and secrets, which appear
nowhere but in the request."""

import base64
import os
import shutil
import signal
import socket
import tempfile
import threading

import e2e_support
from e2e_peers import Certificates, Nginx, Peer, closed_port, ranged
from e2e_support import Weir, shell, wait_for, weir

CANARY = "canary7391secret"


def basic(user):
    return "Basic " + base64.b64encode(user.encode()).decode()


class Redirects(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def test_each_kind_of_redirect_is_followed(self):
        for status in (301, 302, 303, 307, 308):

            def script(connection, status=status):
                if connection.request.target == "/old":
                    connection.reply("%d Moved" % status, ["Location: /new?x=1#part"], "not this\n")
                else:
                    connection.reply(body="here\n")

            peer = self.peer(Peer(script))
            run = weir(peer.url("/old"))
            self.ends(run, 0)
            self.assertEqual(run.out, b"here\n")
            self.assertEqual([r.target for r in peer.requests], ["/old", "/new?x=1"])

    def test_a_redirect_to_another_host_is_followed(self):
        other = self.peer(Peer(lambda c: c.reply(body="there\n")))
        peer = self.peer(Peer(lambda c: c.reply("302 Found", ["Location: " + other.url("/x")])))
        self.assertEqual(weir(peer.url()).out, b"there\n")

    def test_a_redirect_from_http_to_https_is_followed(self):
        other = self.peer(Peer(lambda c: c.reply(body="safe\n"), certificates=self.certificates))
        peer = self.peer(Peer(lambda c: c.reply("301 Moved", ["Location: " + other.url()])))
        run = weir("--cacert", self.certificates.ca, peer.url())
        self.ends(run, 0)
        self.assertEqual(run.out, b"safe\n")

    def redirected(self, to_same_origin, *flags):
        """The headers of the request before and behind a redirect."""
        other = self.peer(Peer(lambda c: c.reply(body="x\n")))

        def script(connection):
            if connection.request.target == "/end":
                connection.reply(body="x\n")
            else:
                connection.reply(
                    "302 Found", ["Location: " + ("/end" if to_same_origin else other.url("/end"))]
                )

        peer = self.peer(Peer(script))
        self.ends(weir(*flags, peer.url()), 0)
        requests = peer.requests + other.requests
        self.assertEqual(len(requests), 2)
        return requests[0].headers, requests[1].headers

    def test_secrets_are_not_sent_to_another_origin(self):
        flags = ("-u", "me:" + CANARY, "-H", "X-Api-Key: " + CANARY, "-H", "Cookie: a=" + CANARY)
        first, second = self.redirected(False, *flags)
        self.assertEqual(
            (first["authorization"], first["x-api-key"]), (basic("me:" + CANARY), CANARY)
        )
        self.assertNotIn(CANARY, repr(second))
        self.assertNotIn("authorization", second)

    def test_an_authorization_header_is_not_sent_to_another_origin(self):
        first, second = self.redirected(False, "-H", "Authorization: Bearer " + CANARY)
        self.assertEqual(first["authorization"], "Bearer " + CANARY)
        self.assertNotIn("authorization", second)

    def test_secrets_go_along_within_the_origin(self):
        _, second = self.redirected(True, "-u", "me:pw", "-H", "X-Api-Key: k")
        self.assertEqual((second["authorization"], second["x-api-key"]), (basic("me:pw"), "k"))


class Requests(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="weir-e2e-root-")
        os.chmod(cls.root, 0o755)
        with open(os.path.join(cls.root, "feed"), "wb") as file:
            file.write(b"1\n2\n3\n")
        cls.certificates = Certificates()
        cls.nginx = Nginx(cls.root, cls.certificates)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.close()
        cls.certificates.close()
        shutil.rmtree(cls.root)

    def asked(self, *flags, path="/", user=""):
        peer = self.peer(Peer(lambda c: c.reply(body="ok\n")))
        self.ends(weir(*flags, peer.url(path, user)), 0)
        return peer.requests[0]

    def test_a_request_asks_for_the_path_as_it_is_written(self):
        for path in ("/a/b?c=d&e=%20f", "/%7Efoo/./x", "/x[1-3]"):
            self.assertEqual(
                self.asked(path=path).target.replace("/./", "/"), path.replace("/./", "/")
            )

    def test_headers_are_sent(self):
        headers = self.asked("-H", "X-One: 1", "--header", "X-Two: two words").headers
        self.assertEqual((headers["x-one"], headers["x-two"]), ("1", "two words"))

    def test_headers_are_read_from_a_file(self):
        headers = self.asked("-H", "@" + self.write("headers", "X-One: 1\r\nX-Two: 2\n")).headers
        self.assertEqual((headers["x-one"], headers["x-two"]), ("1", "2"))

    def test_a_file_of_secrets_that_cannot_be_read_is_named(self):
        for flag in ("-H", "-u"):
            self.ends(weir(flag, "@" + self.path("none"), "gen 1..3"), 2, flag, self.path("none"))

    def test_a_header_without_a_colon_is_a_mistake(self):
        run = weir("-H", "nonsense", self.nginx.url("/feed"))
        self.ends(run, 2, "line 1 has no colon", "NAME: VALUE")
        self.assertNotIn("nonsense", run.err)  # it may be a secret without its name
        run = weir("-H", "@" + self.write("headers", "X: y\nZ\n"), self.nginx.url("/feed"))
        self.ends(run, 2, "line 2 has no colon")

    def test_users_are_sent_as_basic(self):
        for flags, user in (
            (("-u", "me:pass word"), ""),
            (("-u", "@" + self.write("user", "me:pass word\n")), ""),
            ((), "me:pass%20word@"),
        ):
            self.assertEqual(
                self.asked(*flags, user=user).headers["authorization"], basic("me:pass word")
            )

    def test_nginx_takes_the_user(self):
        self.ends(weir("-u", "reader:open sesame", self.nginx.url("/basic/feed")), 0)

    def test_a_wrong_password_is_a_401(self):
        self.ends(weir("-u", "reader:wrong", self.nginx.url("/basic/feed")), 1, "401")

    def test_a_trusted_authority_is_trusted_by_name_and_by_address(self):
        for url in (
            self.nginx.tls_url("/feed"),
            self.nginx.tls_url("/feed").replace("127.0.0.1", "localhost"),
        ):
            run = weir("--cacert", self.certificates.ca, url)
            self.ends(run, 0)
            self.assertEqual(run.out, b"1\n2\n3\n")

    def test_insecure_trusts_anybody(self):
        self.assertEqual(weir("-k", self.nginx.tls_url("/feed")).out, b"1\n2\n3\n")

    def test_a_missing_authority_file_is_named(self):
        run = weir("--cacert", self.path("no.pem"), self.nginx.tls_url("/feed"))
        self.assertIn(run.status, (1, 2, 4), run)
        self.assertIn("no.pem", run.err)

    def test_ipv6_loopback_works(self):
        peer = self.peer(Peer(lambda c: c.reply(body="six\n"), "::1"))
        self.assertEqual(weir(peer.url()).out, b"six\n")

    def test_ipv6_loopback_works_for_sockets(self):
        peer = self.peer(Peer(lambda c: c.send("six\n"), "::1", http=False))
        self.assertEqual(weir(peer.address).out, b"six\n")

    def test_retry_0_tries_once(self):
        peer = self.peer(Peer(lambda c: c.reply("503 Busy")))
        self.ends(weir("--retry", "0", peer.url()), 1, "503")
        self.assertEqual(len(peer.requests), 1)

    def test_retry_covers_a_server_that_is_not_there_yet(self):
        run = weir("--retry", "2", "http://127.0.0.1:1/")
        self.ends(run, 4, "retry 1", "gave up after 2")

    def test_no_buffer_is_accepted_as_curls(self):
        self.ends(weir("-N", self.nginx.url("/feed")), 0)

    def test_streams_ask_for_http_1(self):
        peer = self.peer(Peer(lambda c: c.reply(body="x\n"), certificates=self.certificates))
        self.assertEqual(weir("-k", peer.url()).out, b"x\n")

    def test_a_proxy_of_the_environment_is_used_as_curl_does(self):
        proxy = self.peer(Peer(lambda c: c.reply(body="from the proxy\n")))
        run = weir("http://host.invalid/feed", env={"http_proxy": proxy.url("")})
        self.ends(run, 0)
        self.assertEqual(
            (run.out, proxy.requests[0].target), (b"from the proxy\n", "http://host.invalid/feed")
        )


class LocalSocket(e2e_support.TestCase):
    """--unix-socket: the host of the URL is behind a socket in the file system."""

    def serve(self, *answers):
        server = self.peer(socket.socket(socket.AF_UNIX))
        server.bind(self.path("socket"))
        server.listen(4)
        heads = []

        def run():
            for answer in answers:
                connection = server.accept()[0]
                with connection:
                    heads.append(connection.recv(65536))
                    connection.sendall(answer)

        threading.Thread(target=run, daemon=True).start()
        return heads

    def test_a_body_comes_through_it(self):
        heads = self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n")
        run = weir("--unix-socket", self.path("socket"), "http://service/list?a=b")
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\n")
        self.assertTrue(heads[0].startswith(b"GET /list?a=b HTTP/1.1\r\nHost: service\r\n"), heads)

    def test_items_are_posted_through_it(self):
        heads = self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.ends(
            weir("--unix-socket", self.path("socket"), "gen 1..3 | batch 3 | post http://service/"), 0
        )
        self.assertTrue(heads[0].startswith(b"POST / HTTP/1.1\r\nHost: service\r\n"), heads)

    def test_another_host_is_not_reached_by_it(self):
        other = "http://127.0.0.1:%d/" % closed_port(self)
        self.serve(
            b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % other.encode()
        )
        run = weir("--retry", "0", "--unix-socket", self.path("socket"), "http://service/")
        self.ends(run, 1, "redirected to " + other, "Connection refused")

    def test_one_that_is_missing_is_named(self):
        run = weir("--unix-socket", self.path("none"), "http://service/")
        self.ends(run, 4, "cannot connect to the socket '%s'" % self.path("none"), "No such file")


class Secrets(e2e_support.TestCase):
    """A token given to weir is in the request, and nowhere else: not on stderr, in the state, or in
    the list of processes."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def forms(self, peer):
        """Each way to give the canary: flags and URL."""
        yield ["-u", "me:" + CANARY], peer.url()
        yield ["-H", "Authorization: Bearer " + CANARY], peer.url()
        yield ["-H", "X-Token: " + CANARY], peer.url()
        yield [], peer.url("/", "me:%s@" % CANARY)
        yield [], peer.url("/feed?token=%s&x=1" % CANARY)

    def scripts(self):
        """What may happen to the request."""
        data = b"line\n" * 20000
        yield "fine", lambda c: c.reply(headers=['ETag: "a"'], body=data)
        yield "refused", lambda c: c.reply("401 Unauthorized", body="who are you?\n")
        yield "busy", lambda c: c.reply("503 Busy") if c.number < 2 else c.reply(body=data)
        yield "dropped", ranged(data, drop=lambda c, first: 50000 if c.number == 1 else None)
        yield "truncated", lambda c: c.reply(body=data, length=len(data) + 5)
        yield "moved", lambda c: (
            c.reply(body=data)
            if c.number > 1
            else c.reply(
                "302 Found",
                [
                    "Location: "
                    + c.request.target
                    + ("&" if "?" in c.request.target else "?")
                    + "again"
                ],
            )
        )
        yield "circle", lambda c: c.reply("302 Found", ["Location: " + c.request.target])
        yield "garbage", lambda c: c.send("what?\r\n")

    def folder_holds(self, folder):
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    if CANARY.encode() in file.read() or CANARY in name:
                        return os.path.join(base, name)
        return None

    def test_nothing_is_said_or_kept(self):
        for what, script in self.scripts():
            peer = self.peer(Peer(script))
            for i, (flags, url) in enumerate(self.forms(peer)):
                peer.connections.clear()
                asked = len(peer.requests)
                state = self.path("state-%s-%d" % (what, i))
                run = weir(
                    "-v",
                    "-v",
                    "--retry",
                    "1",
                    *flags,
                    "--state",
                    state,
                    "%s | file %s" % (url, self.path("out-%s-%d" % (what, i)))
                )
                where = (what, flags, run)
                self.assertIn(run.status, (0, 1), where)
                self.assertNotIn(CANARY, run.err, where)
                self.assertNotIn(
                    base64.b64encode(("me:" + CANARY).encode()).decode(), run.err, where
                )
                self.assertIsNone(self.folder_holds(state), where)
                self.assertGreater(len(peer.requests), asked)

    def test_nothing_is_said_when_nobody_listens_or_tls_fails(self):
        plain = self.peer(Peer(lambda c: c.send("no TLS here\n"), http=False))
        for base in (
            "http://%s127.0.0.1:1/?token=%s",
            "http://%sno-such-host.invalid/?token=%s",
            "https://%s127.0.0.1:" + str(plain.port) + "/?token=%s",
        ):
            run = weir(
                "-v", "-v", "-H", "X-Token: " + CANARY, base % ("me:" + CANARY + "@", CANARY)
            )
            self.ends(run, 4)
            self.assertNotIn(CANARY, run.err)

    def test_mistakes_in_the_text_do_not_show_the_password(self):
        for text in (
            "http://me:%s@h/x | bach 3",
            "http://h/x?token=%s | bach 3",
            "http://me:%s@h/x?token=y | head",
            "http://me:%s@h:99999999/x",
            "http://me:a/%s@h/x",
            "http://me:a#%s@h/x",
            "http://me:a?%s@h/x",
            "me:%s@h:80/x",
            "https:/me:%s@h/x",
            "gen 1..3 | tcp me:%s@h:1",
            "gen 1..3 | post me:%s@h/x",
            "gen 1..3 | post https:/me:%s@h/x",
        ):
            run = weir("-v", text % CANARY)
            self.assertNotEqual(run.status, 0)
            self.assertNotIn(CANARY, run.err, run)

    def test_a_dump_of_the_tasks_shows_no_secret(self):
        peer = self.peer(Peer(lambda c: (c.stream(), c.chunk("x\n"), c.wait_end())))
        with Weir("-u", "me:" + CANARY, "%s | queue" % peer.url("/?token=" + CANARY)) as run:
            run.read_line()
            run.send(signal.SIGQUIT)
            run.says("http")
            run.send(signal.SIGINT)
            self.assertNotIn(CANARY, run.end().err)

    def test_secrets_of_files_are_in_no_list_of_processes(self):
        go = threading.Event()
        peer = self.peer(Peer(lambda c: (c.stream(), go.wait(e2e_support.PATIENCE_S), c.send("0\r\n\r\n"))))
        with Weir(
            "-u",
            "@" + self.write("user", "me:%s\n" % CANARY),
            "-H",
            "@" + self.write("h", "X-T: %s\n" % CANARY),
            peer.url(),
        ) as run:
            wait_for(lambda: peer.requests, "the request")
            for name in ("cmdline", "environ"):
                with open("/proc/%d/%s" % (run.pid, name), "rb") as file:
                    self.assertNotIn(CANARY.encode(), file.read())
            go.set()
            self.ends(run.end(), 0)
        headers = peer.requests[0].headers
        self.assertEqual(
            (headers["x-t"], headers["authorization"]), (CANARY, basic("me:" + CANARY))
        )

    def test_secrets_of_the_command_line_are_in_no_list_of_processes(self):
        go = threading.Event()
        peer = self.peer(Peer(lambda c: (c.stream(), go.wait(20), c.send("0\r\n\r\n"))))
        plain = peer.url("/?token=" + CANARY)
        for args in (
            ("-u", "me:" + CANARY, peer.url()),
            ("-ume:" + CANARY, peer.url()),
            ("--user=me:" + CANARY, peer.url()),
            ("-H", "X-T: " + CANARY, peer.url()),
            (plain,),
            (plain.replace("://", "://me:%s@" % CANARY) + " | queue",),
            ("gen 1..3 | post %s user=me:%s header='X: %s'" % (plain, CANARY, CANARY),),
        ):
            go.clear()
            asked = len(peer.requests)
            with Weir(*args) as run:
                wait_for(lambda: len(peer.requests) > asked, "the request")
                with open("/proc/%d/cmdline" % run.pid, "rb") as file:
                    self.assertNotIn(CANARY.encode(), file.read(), args)
                go.set()
                self.assertIn(run.end().status, (0, 1), args)
            last = peer.requests[-1]
            self.assertIn(CANARY, last.target + str(last.headers) + base64.b64decode(
                last.headers.get("authorization", "Basic ")[6:]).decode())

    def test_a_state_is_for_its_owner_only(self):
        state = self.path("state")
        run = shell(
            'umask 0; "$WEIR" --state "$1" "$2 | file $3"',
            state,
            self.write("in", "x\n"),
            self.path("out"),
        )
        self.ends(run, 0)
        self.assertEqual(os.stat(state).st_mode & 0o077, 0)
        for name in os.listdir(state):
            self.assertEqual(os.stat(os.path.join(state, name)).st_mode & 0o077, 0, name)


if __name__ == "__main__":
    e2e_support.main()
