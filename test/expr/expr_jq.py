#!/usr/bin/env python3
"""Expressions beside jq: expr_jq.py DRIVER [EXPRESSIONS [DOCUMENTS [SEED]]]; 1000 1000 is the whole test

Expressions made at random run on documents made at random, no two of them alike, in weir's machine and
in jq 1.6, and must give the same outputs, or an error in both; so must each line of expr_edges.txt.
Programs run in batches: each stands in try [...] catch, so one process evaluates many of them. Numbers
are compared as doubles, since weir keeps digits that jq rounds. Where weir means to differ, the
expression is in DIFFERENCES with what both give, and the generator does not make such expressions.

gojq and jaq give a second opinion, where they are installed: who else gives what weir gives in
DIFFERENCES and, in the whole test, how often they give something else than weir and jq.
"""
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys

# expression, input, the first output of weir and of jq 1.6 ("!": an error, "": no output, None: it does
# not end), why
DIFFERENCES = [
    (".n", '{"n":10000000000000000001}', "10000000000000000001", "1e+19", "numbers keep their digits"),
    (".n + 1", '{"n":9007199254740993}', "9007199254740994", "9007199254740992", "64-bit integers are not rounded"),
    (".a + .b", '{"a":0.1,"b":0.2}', "0.3", "0.30000000000000004", "decimals are added exactly"),
    (".a * .b", '{"a":1.1,"b":1.1}', "1.21", "1.2100000000000002", "decimals are multiplied exactly"),
    (".a == .b", '{"a":9007199254740993,"b":9007199254740992}', "false", "true", "compared exactly"),
    (".n", '{"n":1.10}', "1.10", "1.1", "what nobody computes with stays as it was written"),
    ('.[0] | .a? | error("x")', '[{"a":1}]', "!", "!", "? handles errors of its own operand only"),
    ("map_values(empty)", "[1,2,3]", "[]", "[2]", "as jq 1.7: what has no new value goes"),
    ("{a: .x // 1}", "{}", '{"a":1}', "!", "operators in the values of an object"),
    ("if .a then 1 end", '{"a":false}', '{"a":false}', "!", "as jq 1.7: else may be left out"),
    ("not .a", '{"a":false}', "true", "!", "not as a prefix"),
    ("`\\d`", "null", '"\\\\d"', "!", "raw strings"),
    ("[last(empty)]", "null", "[]", "[null]", "as jq 1.7"),
    ('indices(",")', '"é,a"', "[1]", "[2]", "as jq 1.7: places are counted in characters, not bytes"),
    ("@uri", "\"!*'()\"", '"%21%2A%27%28%29"', "\"!*'()\"", "as jq 1.7: RFC 3986 reserves these"),
    ("@html", "\"'\"", '"&#39;"', '"&apos;"', "as jq 1.7"),
    ("-1.5 | gmtime | .[5]", "null", "58.5", "59.5", "times before 1970 are rounded down, not towards 0"),
    ('strptime("%H %z") | .[3]', '"12 +0200"', "10", "12", "a zone that is read is subtracted"),
    ('strptime("%H") | .[2]', '"12"', "1", "0", "a day that is not read is the first one"),
    ('[gsub("[ab]"; "x", "y")]', '"ab"', '["xx","yy"]', '["xx","yx","xy","yy"]',
     "as jq 1.7: one result for each output"),
    ('gsub(""; "-")', '"ab"', '"-a-b-"', None, "as jq 1.7: it ends"),
    ('gsub("^a"; "b")', '"aa"', '"ba"', '"bb"', "as jq 1.7: ^ is the beginning of the text"),
    ("walk(if . == 1 then (2, 3) else . end)", '{"a":1}', '{"a":2}', '{"a":3}',
     "as jq 1.7: a member takes the first output"),
    ("floor", "12345678901234567890", "12345678901234567890", "12345678901234567000",
     "whole numbers keep their digits"),
    ("try error(null) catch 1", "null", "1", "", "as jq 1.7: an error may have null as its message"),
    ("tonumber", '" 1"', "!", "1", "as jq 1.8, gojq: white space is no part of a number"),
    ("tonumber", '"1\\n"', "!", "1", "as jq 1.8, gojq: white space is no part of a number"),
    ("tonumber", '"nan"', "!", "null", "as gojq, jaq: words are no numbers"),
    ("tonumber", '"-nan"', "!", "null", "as gojq, jaq: words are no numbers"),
    ("tonumber", '"Infinity"', "!", "1.7976931348623157e+308", "as gojq: words are no numbers"),
    ("tonumber", '"inf"', "!", "1.7976931348623157e+308", "as gojq, jaq: words are no numbers"),
    ("tonumber", '"1e1000"', "1e1000", "1.7976931348623157e+308", "what nobody computes with stays as it was written"),
    ("tonumber", '"123456789012345678901234567890"', "123456789012345678901234567890", "123456789012345680000000000000",
     "numbers keep their digits"),
    ("[limit(0; 1, 2)]", "null", "[]", "[1]", "as jq 1.7: nothing is taken"),
    ('[limit(0; error("x"))]', "null", "[]", "!", "as jq 1.7: nothing is run"),
    ("[nth(0; empty)]", "null", "[]", "[null]", "as jq 1.7: there is none"),
    (".[1.7]", "[1,2,3]", "2", "null", "as jq 1.7: an index is rounded down"),
    (".[-1.2]", "[1,2,3]", "3", "null", "as gojq: an index is rounded towards 0, then counted from the end"),
    ("IN(.[]; length)", "[5,1]", "false", "true", "as jq 1.7, gojq: both are computed on the input"),
    ("indices(null)", "null", "null", "!", "as gojq: null has no places"),
    ("@base64d", '"YQ==YQ=="', "!", '"a"', "as jaq: nothing follows the padding"),
    ('[splits("")]', '"abc"', '["","a","b","c",""]', '["","a","b","c"]', 'as gsub("") has it: the end is a place, too'),
    ("[.[] | ascii]", "[65,97]", '["A","a"]', "!", "as jq 1.5, whose manual has it"),
    ("tojson", "100000000000000000000", '"100000000000000000000"', '"1e+20"', "numbers keep their digits"),
    ("tojson", "1e1000", '"1e1000"', '"1.7976931348623157e+308"', "numbers keep their digits"),
    ("tojson", "[1.0,1e17,1e-5,0.00001,1.10]", '"[1.0,1e17,1e-5,0.00001,1.10]"', '"[1,1e+17,1e-05,1e-05,1.1]"',
     "what nobody computes with stays as it was written"),
    ("tostring", "1.0", '"1.0"', '"1"', "what nobody computes with stays as it was written"),
    ("@sh", "1.50", '"1.50"', '"1.5"', "what nobody computes with stays as it was written"),
]

OPINIONS = ["gojq", "jaq"]
rng = random.Random()


def number():
    return rng.choice([0, 1, 2, 3, -1, 10, 0.5, 1.5, 100, -2.5])


def text():
    return rng.choice(["", "a", "b", "abc", "x y", "\u00e9\u20ac", "a,b", "10", "\"q\\\n", "Abc", "2015-03-05T23:51:47Z"])


def document(depth=3):
    kind = rng.randrange(9 if depth > 0 else 6)
    if kind < 2:
        return number()
    if kind == 2:
        return text()
    if kind == 3:
        return rng.choice([None, True, False])
    if kind < 6 or kind == 6:
        if depth == 0:
            return rng.choice([[], {}, "s", 5])
        return [document(depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice("abcd"): document(depth - 1) for _ in range(rng.randrange(4))}


def record():
    """What typed() computes with: n a number, s a text, l a list of numbers, t one of texts, o one of records."""
    row = lambda: {"n": number(), "s": text(), "a": document(1)}
    return dict(row(), l=[number() for _ in range(rng.randrange(5))], t=[text() for _ in range(rng.randrange(4))],
                o=[row() for _ in range(rng.randrange(4))], d=row())


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


TYPED = {
    "n": [".n", ".d.n", "1", "2.5", "-3", "(N + N)", "(N - N)", "(N * N)", "(L | length)", "(S | length)", "(L | add // 0)",
          "(L | min // 0)", "(L | max // 0)", "(if B then N else N end)", "(N as $x | $x + N)", "(O | map(.n) | add // 1)",
          "(N | floor)", "(N | fabs | sqrt)", "(N % 7 + 1)", "(T | map(length) | add // 0)", "(S | utf8bytelength)",
          "(L | first // 0)", "(L | .[-1] // 0)", "(first(L[], N))", "(L | index(1) // -1)", "(S | explode | length)"],
    "s": [".s", ".d.s", '"x"', '"a,b"', "(S + S)", "(N | tostring)", "(S | ascii_upcase)", "(S | ascii_downcase)",
          "(T | join(S))", "(S | .[1:])", "(S | .[:-1])", "(S | .[N:])", '"<\\(S)|\\(N)>"', "(L | tojson)", "(S | @base64)",
          "(S | @uri)", "(S | @json)", "(T | @csv)", "(T | @tsv)", "(S | ltrimstr(S))", "(S | rtrimstr(S))",
          "(S | [splits(\"[, ]\")] | last // S)", "(B | type)", "(if B then S else S end)", "(S | @sh)", "(L | @text)",
          "(S | explode | reverse | implode)", '(S | gsub("[a-c]"; "."))', '(S | sub("(?<x>.)"; "\\(.x)-"))', "(S * 2 // S)"],
    "l": [".l", "[N, N]", "(L | map(. + N))", "(L | sort)", "(L | unique)", "(L | reverse)", "(L | .[1:])", "(L | .[-2:])",
          "(L | .[:-1])", "(L + L)", "(L - L)", "[L[] | select(. > N)]", "[limit(2; L[])]", "(L | map(select(. >= N)))",
          "(O | map(.n))", "[range(0; 4; 1.5)]", "(S | explode)", "(L | del(.[0]))", "(L | del(.[1:]))", "(L | del(.[:-1]))",
          "(L | sort_by(-.))", "(L | to_entries | map(.value))", "([L, L] | flatten)", "([L, L] | transpose | map(.[0] // 0))",
          "(L | group_by(. > N) | map(length))", "(L | unique_by(fabs))", "[L | paths | .[0]]", "[L | until(length < 2; .[1:])[]]"],
    "t": [".t", "[S, S]", "(T | sort)", "(T | unique)", "(T + T)", "(T - T)", "(S | split(S))", '(S | split(","))', "(T | map(S))",
          "(T | map(ascii_upcase))", "(.d | keys)", "[.o[].s]", "(T | reverse)", '[S | scan("[a-z]")]', "(T | .[:2])",
          '(S | [match("a|b"; "g").string])', "(T | sort_by(length))", "(T | map(select(length > 1)))", "(T | unique_by(length))"],
    "o": [".o", "[.d]", "(O | sort_by(.n))", "(O | sort_by(.s, .n))", "(O | map(select(.n > N)))", "(O | map(. + {n: 1}))",
          "(O + O)", "(O | reverse)", "(O | unique_by(.s))", "(O | map(del(.a)))", "(O | map(setpath([\"n\"]; 2)))",
          "(O | .[1:])", "(O | group_by(.n) | map(.[0]))", "[O | min_by(.n), max_by(.s) | values]", "(O | map({n, s}))",
          "(O | map({n: (.n * 2), s, (.s): 1}))", "(O | map(with_entries(.)))", "(O | map(to_entries | from_entries))"],
    "b": ["true", "(N > N)", "(N == N)", "(S < S)", "(L == L)", "(B and B)", "(B or B)", "(B | not)", "(S | startswith(S))",
          "(S | endswith(S))", "(S | contains(S))", "(L | contains(L))", "(L | inside(L))", '(S | test("b"))', "(.d | has(\"n\"))",
          "(L | any(. > N))", "(L | all(. < N))", "(O == O)", "(isempty(L[]))", "(T | arrays | index(S) != null)", "(L | map(. > N) | any)"],
}


def typed(kind, depth=4):
    """An expression of one type over a record(): it seldom fails."""
    made = rng.choice(TYPED[kind][:3] if depth == 0 else TYPED[kind])
    return re.sub(r"\b[NSLTOB]\b", lambda m: typed(m.group().lower(), max(depth - 2, 0)), made)


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
        lambda: "IN(%s), IN(.[]?; %s)" % (rng.choice(LEAVES[:20]), rng.choice(["1", '"a"', "null", "(0, 2)", "[]"])),
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


def run(command, text, must=True):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    if must and done.returncode != 0:
        sys.exit("%s: status %d: %s" % (command[0], done.returncode, done.stderr[:2000] + command[-1][:500]))
    return done.stdout, done.returncode


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


def evaluate(command, programs, text):
    """For each document, for each program: its outputs, or "E" if it fails. None: it does not compile."""
    whole = "[%s]" % ", ".join('(try [%s] catch "E")' % p for p in programs)
    output, status = run(command + [whole], text, must=command[0] not in OPINIONS)
    lines = [line for line in output.split("\n") if line not in ("", ".")]
    if status != 0 or len(lines) != text.count("\n"):
        return None
    if lines and lines[0].startswith("!"):
        sys.exit("driver: %s" % lines[0])
    return [read(line, command[0]) for line in lines]


def read(line, name):
    """One line of outputs; None: it is not JSON (jaq writes objects with keys that are no strings)."""
    try:
        return json.loads(line)
    except ValueError:
        if name not in OPINIONS:
            raise
        return None


def compare(driver, programs, documents, opinions, figures):
    text = "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents)
    jq = evaluate(["jq", "-c"], programs, text)
    weir = evaluate([driver], programs, text)
    wrong = 0
    for index, document in enumerate(documents):
        for program, expected, got in zip(programs, jq[index], weir[index]):
            figures["values"] += expected != "E"
            if not same(expected, got):
                wrong += 1
                if wrong <= 5:
                    print("%s\n  on   %s\n  jq   %s\n  weir %s" %
                          (program, json.dumps(document), json.dumps(expected), json.dumps(got)))
                    for name in OPINIONS:
                        print("  %-4s %s" % (name, first_output([name, "-c"], program, json.dumps(document))))
    for name in opinions:
        other = evaluate([name, "-c"], programs, text)
        for theirs, ours in zip(other or [], weir):
            figures[name] += len(programs) if theirs is not None else 0
            figures[name + " differs"] += sum(not same(a, b) for a, b in zip(theirs or [], ours))
    return wrong


def first_output(command, program, document):
    if shutil.which(command[0]) is None:
        return "is not installed"
    output, status = run(command + [program], document + "\n", must=False)
    lines = [line for line in output.split("\n") if line not in ("", ".")]
    first = lines[0] if lines else ""
    return "!" if first.startswith("!") or (not lines and status != 0) else first


def check_differences(driver, beside):
    wrong = 0
    agree = {name: 0 for name in OPINIONS}
    for program, document, expected, of_jq, why in DIFFERENCES:
        got = first_output([driver], program, document)
        if got != expected:
            wrong += 1
            print("%s on %s: %s instead of %s (%s)" % (program, document, got, expected, why))
        theirs = first_output(["jq", "-c"], program, document) if beside and of_jq is not None else of_jq
        if theirs != of_jq:
            wrong += 1
            print("%s on %s: jq gives %s, not %s: is it another version than 1.6?" % (program, document, theirs, of_jq))
        for name in OPINIONS:
            agree[name] += first_output([name, "-c"], program, document) == expected
    for name in OPINIONS:
        print("expr/jq: of %d documented differences %s" %
              (len(DIFFERENCES), "%s gives %d as weir does" % (name, agree[name]) if shutil.which(name) else
               "%s says nothing: SECOND OPINION SKIPPED, %s IS NOT INSTALLED" % (name, name)))
    return wrong


def check_edges(driver):
    wrong = count = 0
    with open(os.path.join(os.path.dirname(__file__), "expr_edges.txt"), encoding="utf-8") as edges:
        lines = [line.rstrip("\n").split("\t") for line in edges]
    for document in sorted({line[1] for line in lines}):
        programs = [line[0] for line in lines if line[1] == document]
        jq = evaluate(["jq", "-c"], programs, document + "\n")[0]
        weir = evaluate([driver], programs, document + "\n")[0]
        for program, expected, got in zip(programs, jq, weir):
            count += 1
            if not same(expected, got):
                wrong += 1
                print("%s on %s: %s; jq gives %s" % (program, document, json.dumps(got), json.dumps(expected)))
    print("expr/jq: %d edges, %d differ" % (count, wrong))
    return wrong


def distinct(make, count):
    made = {}
    while len(made) < count:
        one = make()
        made[json.dumps(one)] = one
    return list(made.values())


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    documents = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    rng.seed(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    beside = shutil.which("jq") is not None
    wrong = check_differences(driver, beside)
    if not beside:
        print("expr/jq: SKIPPED: JQ IS NOT INSTALLED; only the documented differences are checked")
        sys.exit(1 if wrong else 0)
    wrong += check_edges(driver)
    made = distinct(lambda: rng.choice([expression, special, lambda: typed(rng.choice("nsltob"))])(), count)
    inputs = distinct(lambda: rng.choice([document, record, record])(), documents)
    opinions = [name for name in OPINIONS if documents >= 1000 and shutil.which(name)]
    figures = collections.Counter()
    differ = 0
    for i in range(0, count, 100):
        differ += compare(driver, made[i:i + 100], inputs, opinions, figures)
    print("expr/jq: %d expressions on %d documents: %d without an error, %d differ" %
          (count, documents, figures["values"], differ))
    for name in opinions:
        print("expr/jq: %s differs from weir and jq in %d of %d" % (name, figures[name + " differs"], figures[name]))
    sys.exit(1 if wrong + differ else 0)


main()
