"""`post URL`, to the demo's hook and through nginx: what arrives, and what is said of what does not."""

import json
import subprocess
import os
import re
import urllib.request

import e2e_peers
import e2e_support
from e2e_support import Weir, saved_offset, wait_for, weir


class Post(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        run = Weir("demo", ":0", stdout=open(self.path("demo"), "wb"))
        self.addCleanup(run.__exit__)
        found = wait_for(
            lambda: re.search(rb"http://127\.0\.0\.1:(\d+)", self.read("demo")), "the demo to listen"
        )
        self.port = int(found.group(1))
        self.base = "http://127.0.0.1:%d" % self.port
        self.hook = self.base + "/hook"

    def get(self, path):
        with urllib.request.urlopen(self.base + path) as answer:
            return answer.read()

    def counts(self):
        return json.loads(self.get("/hook"))

    def numbers(self, last):
        return b"".join(b"%d\n" % i for i in range(1, last + 1))

    def test_a_client_that_asks_before_it_sends_is_told_to_go_on(self):
        curl = ["curl", "-sS", "-v", "-m", "60", "--expect100-timeout", "30", "-d", "1\n"]
        run = subprocess.run(curl + ["-H", "Expect: 100-continue", self.hook], capture_output=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(b"< HTTP/1.1 100 Continue", run.stderr)
        self.assertIn(b"< HTTP/1.1 204", run.stderr)
        self.assertEqual(self.get("/hook/lines"), b"1\n")

    def test_batches_arrive_whole_and_in_order(self):
        self.ends(weir("gen 1..1000 | batch 100 | post " + self.hook), 0)
        self.assertEqual(self.get("/hook/lines"), self.numbers(1000))
        self.assertEqual(self.counts()["requests"], 10)

    def test_packed_bodies_arrive(self):
        self.ends(weir("gen 1..1000 | batch 500 | post %s gzip" % self.hook), 0)
        self.assertEqual(self.get("/hook/lines"), self.numbers(1000))

    def test_what_is_refused_for_now_is_sent_again_and_counted_once(self):
        url = self.hook + "?status=503&every=3"
        run = weir("-v", "gen 1..20 | batch 2 | post '%s' parallel=4" % url)
        self.ends(run, 0, "503 Service Unavailable", "20 in = 20 out")
        lines = self.get("/hook/lines").split()
        self.assertEqual(sorted(map(int, lines)), list(range(1, 21)))
        self.assertEqual(self.counts()["lines"], 20)

    def test_a_pause_that_is_asked_for_is_kept(self):
        run = weir("-v", "gen 1..2 | post '%s?status=429&every=2&after=1'" % self.hook)
        self.ends(run, 0, "429 Too Many Requests", "retry 1 in 1.")

    def test_a_batch_that_is_too_large_is_taken_apart(self):
        self.ends(weir("gen 1..10 | batch 10 | post '%s?lines=3'" % self.hook), 0)
        self.assertEqual(self.get("/hook/lines"), self.numbers(10))

    def test_what_is_rejected_goes_to_the_dead_file(self):
        url = self.hook + "?status=422&every=2"
        run = weir("-v", "--dead", self.path("dead"), "gen 1..6 | batch 2 | post '%s'" % url)
        self.ends(run, 0, "6 in = 4 out", "2 rejected")
        dead = [json.loads(line) for line in self.read("dead").splitlines()]
        self.assertEqual([record["body"] for record in dead], ["3", "4"])
        self.assertEqual({record["component"] for record in dead}, {"post"})
        self.assertIn("422", dead[0]["reason"])

    def test_another_status_fails_with_nothing_of_it_delivered(self):
        run = weir("-v", "gen 1..4 | batch 2 | post '%s?status=409&every=2'" % self.hook)
        self.ends(run, 1, "409 Conflict", "items 3 to 4 of gen not delivered", "2 in flight")
        self.assertIn("weir: %s?status=409&every=2: 409 Conflict" % self.hook, run.err)

    def test_nobody_there_is_told_at_once(self):
        port = e2e_peers.closed_port(self)
        run = weir("gen 1..4 | post http://127.0.0.1:%d/hook" % port)
        self.ends(run, 4, "Connection refused", "item 1 of gen not delivered")

    def test_who_posts_is_said_unless_the_user_says_others(self):
        peer = self.peer(e2e_peers.Peer(lambda c: c.reply(body="ok\n")))
        self.ends(weir("gen 1..1 | post " + peer.url()), 0)
        self.ends(weir("-H", "User-Agent: me", "gen 1..1 | post " + peer.url()), 0)
        first, second = (request.headers for request in peer.requests)
        self.assertRegex(first["user-agent"], r"^weir/\d+\.\d+$")
        self.assertEqual(first["accept"], "*/*")
        self.assertEqual(first["content-type"], "application/x-ndjson")
        self.assertEqual(second["user-agent"], "me")

    def test_what_is_not_taken_in_the_time_to_drain_is_a_loss(self):
        run = Weir("-v", "--drain", "300ms", "gen 1..9 | batch 2 | post '%s?status=503'" % self.hook)
        self.addCleanup(run.__exit__)
        run.says("retry 1 in")
        run.send(15)
        self.ends(run.end(), 3, "0 out", "in flight")

    def test_secrets_are_not_said(self):
        run = weir(
            "-vv",
            "gen 1..1 | post http://me:c4n4ry@127.0.0.1:%d/nothing?token=c4n4ry "
            'header="X-Key: c4n4ry"' % self.port,
        )
        self.ends(run, 1, "404 Not Found")
        self.assertNotIn("c4n4ry", run.err)

    def test_a_drain_delivers_what_is_under_way(self):
        text = "%s/feed.ndjson?rate=50&bad=0 | batch 5 within 1s | post %s" % (self.base, self.hook)
        run = Weir("-v", text)
        self.addCleanup(run.__exit__)
        wait_for(lambda: self.counts()["lines"] >= 10, "the first batches")
        run.send(15)
        ended = run.end()
        self.ends(ended, 0)
        delivered = int(re.search(r"(\d+) in = (\d+) out", ended.err).group(2))
        self.assertEqual(self.counts()["lines"], delivered)

    def test_killed_and_run_again_with_a_state_nothing_is_missing(self):
        lines = self.write("in", "".join("%d\n" % i for i in range(1, 3001)))
        again = 0  # what the kills make come again at most
        text = "%s | batch 10 | post %s" % (lines, self.hook)
        for _ in range(3):
            run = Weir("--state", self.path("state"), text)
            before = self.counts()["requests"]
            wait_for(
                lambda: self.counts()["requests"] > before + 20 or run.process.poll() is not None,
                "some requests",
            )
            run.kill()
            run.__exit__()
            came = [int(line) for line in self.get("/hook/lines").split()]
            again += max(came, default=0) + 10 - self.settled(lines)  # one request may be under way
        self.ends(weir("--state", self.path("state"), text), 0)
        came = [int(line) for line in self.get("/hook/lines").split()]
        self.assertEqual(sorted(set(came)), list(range(1, 3001)))
        self.assertLessEqual(len(came), 3000 + again)

    def settled(self, path):
        """The lines of the file that have settled, as the record says."""
        with open(path, "rb") as file:
            return file.read(max(saved_offset(self.path("state")), 0)).count(b"\n")


class ThroughNginx(Post):
    """The same through nginx, which has limits of its own, over TLS."""

    def setUp(self):
        super().setUp()
        self.certificates = e2e_peers.Certificates()
        self.addCleanup(self.certificates.close)
        place = "location / { client_max_body_size 2k; proxy_pass %s; }" % self.base
        self.nginx = self.peer(e2e_peers.Nginx(self.folder, self.certificates, place))
        self.hook = "https://localhost:%d/hook" % self.nginx.tls_port
        os.environ["CURL_CA_BUNDLE"] = self.certificates.ca
        self.addCleanup(os.environ.pop, "CURL_CA_BUNDLE")

    def test_the_limit_of_nginx_halves_a_batch(self):
        self.ends(weir("gen 1..2000 | batch 1000 | post " + self.hook), 0)
        self.assertEqual(self.get("/hook/lines"), self.numbers(2000))
        self.assertGreater(self.counts()["requests"], 2)


class WithCertificate(e2e_support.TestCase):
    """Behind an nginx that serves only clients with a certificate."""

    def test_a_post_shows_its_certificate(self):
        certificates = e2e_peers.Certificates()
        self.addCleanup(certificates.close)
        asks = "ssl_client_certificate %s; ssl_verify_client on; " % certificates.ca
        nginx = self.peer(e2e_peers.Nginx(self.folder, certificates, asks + "location /take { return 204; }"))
        url = nginx.tls_url("/take")
        files = ("--cert", certificates.chain, "--key", certificates.key)
        words = "cert=%s key=%s" % (certificates.chain, certificates.key)
        run = weir("--cacert", certificates.ca, *files, "gen 1..3 | post " + url)
        self.ends(run, 0)
        self.ends(weir("--cacert", certificates.ca, "gen 1..3 | post %s %s" % (url, words)), 0)
        # The flags are for the first URL; without any the server refuses.
        text = "%s | post %s" % (nginx.tls_url("/words"), url)
        self.write("words", b"one\n")
        self.ends(weir("--cacert", certificates.ca, *files, text + " reject-status=none"), 1, "400")
        self.ends(weir("--cacert", certificates.ca, *files, text + " " + words), 0)


if __name__ == "__main__":
    e2e_support.main()
