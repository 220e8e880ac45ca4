#!/usr/bin/env python3
"""Lines as base64 and hexadecimal digits, and lines that are no UTF-8, beside base64(1), od(1) and
iconv(1)."""

import random
import subprocess

import e2e_support
from e2e_support import TestCase, weir


def lines():
    rng = random.Random(7)
    made = ["zeile %d \u00fc \u20ac \U0001f30a" % n for n in range(200)]
    made = [line.encode() for line in made] + [rng.randbytes(n).replace(b"\n", b"") for n in range(200)]
    return [line.rstrip(b"\r") for line in made]


def tool(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)


class Encode(TestCase):
    def test_base64_is_that_of_base64(self):
        some = lines()[::10]
        run = weir("encode base64", stdin=b"".join(line + b"\n" for line in some))
        self.ends(run, 0)
        self.assertEqual(run.out.split(b"\n")[:-1], [tool(["base64", "-w0"], line).stdout for line in some])

    def test_hex_is_that_of_od(self):
        some = lines()[::10]
        run = weir("encode hex", stdin=b"".join(line + b"\n" for line in some))
        self.ends(run, 0)
        hexed = [tool(["od", "-An", "-v", "-tx1"], line).stdout for line in some]
        self.assertEqual(run.out.split(b"\n")[:-1], [b"".join(line.split()) for line in hexed])

    def test_lines_that_iconv_refuses_are_rejected_and_replaced(self):
        some = lines()[::10]
        good = [line for line in some if tool(["iconv", "-f", "UTF-8", "-t", "UTF-8"], line).returncode == 0]
        data = b"".join(line + b"\n" for line in some)
        run = weir("utf8 reject", stdin=data)
        self.ends(run, 0, "utf8:", "%d of %d items were rejected" % (len(some) - len(good), len(some)))
        self.assertEqual(run.out, b"".join(line + b"\n" for line in good))
        run = weir("utf8", stdin=data)
        self.ends(run, 0)
        self.assertEqual(tool(["iconv", "-f", "UTF-8", "-t", "UTF-8"], run.out).returncode, 0)
        self.assertEqual(len(run.out.split(b"\n")), len(data.split(b"\n")))


if __name__ == "__main__":
    e2e_support.main()
