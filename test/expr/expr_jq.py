#!/usr/bin/env python3
"""Expressions beside jq: expr_jq.py DRIVER [EXPRESSIONS [DOCUMENTS [SEED]]]

Expressions made at random run on documents made at random, in weir's machine and in jq 1.6, and must
give the same outputs, or an error in both. Programs run in batches: each stands in try [...] catch, so
one process evaluates many of them. Numbers are compared as doubles, since weir keeps digits that jq
rounds. Where weir means to differ, the expression is in DIFFERENCES with what weir gives; the
generator does not make such expressions.
"""
import json
import random
import shutil
import subprocess
import sys

# expression, input, what weir gives, why
DIFFERENCES = [
    (".n", '{"n":10000000000000000001}', "10000000000000000001", "numbers keep their digits"),
    (".n + 1", '{"n":9007199254740993}', "9007199254740994", "64-bit integers are not rounded"),
    (".a + .b", '{"a":0.1,"b":0.2}', "0.3", "decimals are added exactly"),
    (".a * .b", '{"a":1.1,"b":1.1}', "1.21", "decimals are multiplied exactly"),
    (".a == .b", '{"a":9007199254740993,"b":9007199254740992}', "false", "compared exactly"),
    (".n", '{"n":1.10}', "1.10", "what nobody computes with stays as it was written"),
    (".[0] | .a? | error(\"x\")", '[{"a":1}]', None, "? handles errors of its own operand only"),
    ("map_values(empty)", "[1,2,3]", "[]", "as jq 1.7: what has no new value goes"),
    ("{a: .x // 1}", "{}", '{"a":1}', "operators in the values of an object"),
    ("if .a then 1 end", '{"a":false}', '{"a":false}', "as jq 1.7: else may be left out"),
    ("not .a", '{"a":false}', "true", "not as a prefix"),
    ("`\\d`", "null", '"\\\\d"', "raw strings"),
    ("[last(empty)]", "null", "[]", "as jq 1.7"),
    ("indices(\",\")", '"\u00e9,a"', "[1]", "as jq 1.7: places are counted in characters, not bytes"),
    ("@uri", '"!*\'()"', '"%21%2A%27%28%29"', "as jq 1.7: RFC 3986 reserves these"),
    ("@html", '"\'"', '"&#39;"', "as jq 1.7"),
    ("-1.5 | gmtime | .[5]", "null", "58.5", "times before 1970 are rounded down, not towards 0"),
    ('strptime("%H %z") | .[3]', '"12 +0200"', "10", "a zone that is read is subtracted"),
    ('strptime("%H") | .[2]', '"12"', "1", "a day that is not read is the first one"),
    ("[gsub(\"[ab]\"; \"x\", \"y\")]", '"ab"', '["xx","yy"]', "as jq 1.7: one result for each output"),
    ("gsub(\"\"; \"-\")", '"ab"', '"-a-b-"', "as jq 1.7: it ends"),
    ("gsub(\"^a\"; \"b\")", '"aa"', '"ba"', "as jq 1.7: ^ is the beginning of the text"),
    ("walk(if . == 1 then (2, 3) else . end)", '{"a":1}', '{"a":2}', "as jq 1.7: a member takes the first output"),
    ("floor", "12345678901234567890", "12345678901234567890", "whole numbers keep their digits"),
    ("try error(null) catch 1", "null", "1", "as jq 1.7: an error may have null as its message"),
]

rng = random.Random()


def number():
    return rng.choice([0, 1, 2, 3, -1, 10, 0.5, 1.5, 100, -2.5])


def document(depth=3):
    kind = rng.randrange(9 if depth > 0 else 6)
    if kind < 2:
        return number()
    if kind == 2:
        return rng.choice(["", "a", "b", "abc", "x y", "\u00e9\u20ac", "a,b", "10", "\"q\\\n"])
    if kind == 3:
        return rng.choice([None, True, False])
    if kind < 6 or kind == 6:
        if depth == 0:
            return rng.choice([[], {}, "s", 5])
        return [document(depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice("abcd"): document(depth - 1) for _ in range(rng.randrange(4))}


LEAVES = [".", ".a", ".b", ".c", ".[0]", ".[1]", ".[-1]", "1", "2", "0", "null", "true", "false", '"a"', '"b,c"',
          "[]", "{}", "length", "type", "keys", "add", "not", "tostring", "tojson", "sort", "unique", "min", "max",
          "reverse", "any", "all", "first", "last", "to_entries", "values", "..", ".a[0]", ".b.c", "[1,2]", '{"a":1}',
          "tonumber", "utf8bytelength", "keys_unsorted", "[paths]", "[leaf_paths]", "[.[]?]", ".[1:]", ".[:2]",
          "empty", "scalars", "numbers", "strings", "arrays", "objects", 'error("x")', '"\\(.)"', "with_entries(.)",
          "@json", "@text", "@csv", "@tsv", "@sh", "@uri", "@base64", "@base64 | @base64d", "ascii_downcase", "ascii_upcase",
          "explode", "implode", "fromjson", "floor", "sqrt", "ceil", "flatten", "transpose", "walk(.)", 'ltrimstr("a")',
          'rtrimstr("c")', 'startswith("a")', 'endswith("c")', 'test("a")', 'split(",")', 'join(",")', "mktime"]
OPERATORS = ["+", "-", "*", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", ",", "|", "|", "%", "/"]


def strict(text):
    """What is never used behind ? or //, which jq 1.6 lets handle errors that come later."""
    return text.startswith("[") or text.startswith("{")


def expression(depth=3):
    if depth == 0:
        return rng.choice(LEAVES)
    kind = rng.randrange(24)
    e = lambda: expression(depth - 1)
    if kind < 6:
        return rng.choice(LEAVES)
    if kind < 11:
        op = rng.choice(OPERATORS)
        left, right = e(), e()
        if op in ("reverse",):
            return left
        if op == "//":
            return "[(%s) // (%s)]" % (left, right)
        return "((%s) %s (%s))" % (left, op, right)
    return [
        lambda: "[%s]" % e(),
        lambda: "{a: (%s), b: (%s)}" % (e(), e()),
        lambda: "if %s then %s else %s end" % (e(), e(), e()),
        lambda: "[(%s)?]" % e(),
        lambda: "map(%s)" % e(),
        lambda: "select(%s)" % e(),
        lambda: "[limit(%d; %s)]" % (rng.randrange(1, 4), e()),
        lambda: "first(%s)" % e(),
        lambda: "(%s as $x | %s | [., $x])" % ("(" + e() + ")", e()),
        lambda: "sort_by(%s)" % e(),
        lambda: "group_by(%s)" % e(),
        lambda: "[.[] | %s]" % e(),
        lambda: "[recurse | %s]" % rng.choice(["type", ".", "scalars", "length?"]),
    ][kind - 11]()


def path():
    return rng.choice([".a", ".b", ".[0]", ".[]", ".a[0]", ".a.b", ".[]?", "..", ".[1:]", ".[-1]", ".a[]?",
                       ".[] | select(. == 1)", "(.a, .b)", "first(.[])", ".a // .b", "if .a? then .a else .b end"])


def special():
    return rng.choice([
        lambda: "del(%s)" % path(),
        lambda: "[path(%s)]" % path(),
        lambda: "to_entries | map(.key)",
        lambda: "getpath([%s])" % rng.choice(['"a"', "0", '"a","b"', ""]),
        lambda: "setpath([%s]; %s)" % (rng.choice(['"a"', "0", '"a","b"', "", "2"]), rng.choice(LEAVES[:16])),
        lambda: "has(%s)" % rng.choice(['"a"', "0", "1"]),
        lambda: "min_by(%s), max_by(%s)" % (rng.choice([".a", ".[0]", "length"]), rng.choice([".a", ".[0]", "length"])),
        lambda: "unique_by(%s)" % rng.choice([".a", "type", "length"]),
        lambda: "[range(%d; %d; %s)]" % (rng.randrange(4), rng.randrange(6), rng.choice(["1", "2", "-1", "0.5"])),
        lambda: "with_entries(%s)" % rng.choice([".value", "select(.value)", "{key: .key, value: 1}"]),
        lambda: "map_values(%s)" % rng.choice([".", "1", "[.]", "tostring"]),
        lambda: "[until(. == 3 or type != \"number\"; if . < 3 then 3 else . - 1 end)]",
        lambda: "[while(type == \"array\" and length > 0; .[1:])]",
        lambda: "IN(%s), IN(.[]?; %s)" % (rng.choice(LEAVES[:20]), rng.choice(LEAVES[:20])),
        lambda: "any(.[]?; %s), all(.[]?; %s)" % (rng.choice(LEAVES[:20]), rng.choice(LEAVES[:20])),
        lambda: ". as [$a, {b: $c}] | [$a, $c]",
        lambda: ". as {a: $x, $b} | [$x, $b]",
        lambda: "from_entries",
        lambda: "[paths(type == \"number\")]",
        lambda: "try (%s) catch 1" % rng.choice(LEAVES),
        lambda: "\"x\\(%s)y\\(%s)\"" % (rng.choice(LEAVES), rng.choice(LEAVES)),
        lambda: "[nth(1; .[]?, 1, 2)]",
        lambda: "[last(0, .[]?)]",
        lambda: "isempty(%s)" % rng.choice(LEAVES),
        lambda: "tostring | [.[1:], .[:-1], length]",
        lambda: "contains(%s), inside(%s)" % (rng.choice(LEAVES[:30]), rng.choice(LEAVES[:30])),
        lambda: "tostring | contains(%s)" % rng.choice(['"a"', '"b,c"', '""', '"1"']),
        lambda: "arrays | indices(%s), index(%s)" % (rng.choice(["1", "[1]", "[1, 2]", "null", '"a"']), rng.choice(["1", "0"])),
        lambda: "[..] | join(%s)" % rng.choice(['","', '""', ".[0]"]),
        lambda: "flatten(%s)" % rng.choice(["0", "1", "2", "-1"]),
        lambda: "walk(if type == \"%s\" then %s else . end)" %
                (rng.choice(["number", "string", "array", "object"]), rng.choice(["[.]", "length", "tojson", "1", "type"])),
        lambda: "tostring | %s" % rng.choice([
            "[match(%s; \"g\") | .offset, .length, .string, .captures]", "[scan(%s)]", "capture(%s)", "test(%s; \"ix\")",
            "[splits(%s)]", "split(%s; \"i\")", "sub(%s; \"<\\(.x)>\")", "gsub(%s; \"-\")", "[match(%s).captures[].name]"]) %
        rng.choice(['"a"', '"(?<x>[a-c])"', '"(?<x>[0-9]+)|(b)"', '"[, ]+"', '"^.$"', '"\\\\w+"', '"(?<x>.)$"', '"A"']),
        lambda: "numbers | fabs | gmtime, todate, (gmtime | mktime), strftime(%s)" %
                rng.choice(['"%A, %B %d, %Y"', '"%j %U %W %V"', '"%H:%M:%S"', '"%s"']),
        lambda: "numbers | fabs | . * %d | todate | fromdate, strptime(\"%%Y-%%m-%%dT%%H:%%M:%%SZ\")" %
                rng.randrange(1000000000),
        lambda: "numbers | floor, ceil, round, fabs, sqrt, pow(.; 2), exp2, (fabs | log2)",
        lambda: "@html \"a\\(%s)\", @base64 \"b\\(%s)\", @sh \"c\\(%s)\"" %
                (rng.choice(LEAVES[:20]), rng.choice(LEAVES[:20]), rng.choice(LEAVES[:20])),
    ])()


def run(command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit("%s: status %d: %s" % (command[0], done.returncode, done.stderr[:2000] + command[-1][:500]))
    return done.stdout


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-12 * max(abs(a), abs(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def compare(driver, programs, documents):
    text = "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents)
    whole = "[%s]" % ", ".join('(try [%s] catch "E")' % p for p in programs)
    jq = [json.loads(line) for line in run(["jq", "-c", whole], text).splitlines()]
    lines = [line for line in run([driver, whole], text).split("\n") if line not in ("", ".")]
    wrong = 0
    for index, document in enumerate(documents):
        if lines[index].startswith("!"):
            sys.exit("driver: %s" % lines[index])
        ours = json.loads(lines[index])
        for program, expected, got in zip(programs, jq[index], ours):
            if not same(expected, got):
                wrong += 1
                if wrong <= 5:
                    print("%s\n  on   %s\n  jq   %s\n  weir %s" %
                          (program, json.dumps(document), json.dumps(expected), json.dumps(got)))
    return wrong


def check_differences(driver):
    wrong = 0
    for program, document, expected, why in DIFFERENCES:
        lines = run([driver, program], document + "\n").split("\n")
        got = None if lines[0].startswith("!") else lines[0]
        if got != expected:
            wrong += 1
            print("%s on %s: %s instead of %s (%s)" % (program, document, lines[0], expected, why))
    return wrong


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    documents = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    rng.seed(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    wrong = check_differences(driver)
    if shutil.which("jq") is None:
        print("expr/jq: SKIPPED: jq is not installed; %d documented differences checked" % len(DIFFERENCES))
        sys.exit(1 if wrong else 0)
    made = [expression() if rng.randrange(3) else special() for _ in range(count)]
    inputs = [document() for _ in range(documents)]
    for i in range(0, count, 100):
        wrong += compare(driver, made[i:i + 100], inputs)
    print("expr/jq: %d expressions on %d documents, %d differ" % (count, documents, wrong))
    sys.exit(1 if wrong else 0)


main()
