#!/usr/bin/env python3
"""Run the generator programs of test/semantics in weir and in CPython; compare their traces.

    run_semantics.py --binary PATH TOPIC...     compare the programs of these topics
    run_semantics.py --python TOPIC NAME        print the trace of one Python program
    run_semantics.py --python TOPIC             print the traces of all Python programs of a topic

Traces are compared byte for byte. Each sem_<topic>.py has a list called PROGRAMS of functions,
named as the programs of sem_<topic>.c are. A name that only one side has is a failure. With
--wrap "valgrind -q" the command goes in front of the binary.
"""
import argparse
import contextlib
import difflib
import gc
import importlib
import io
import os
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

TIMEOUT_S = 60


def python_trace(program):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        program()
        gc.collect()
    return out.getvalue().encode()


def weir_trace(command, name):
    """The trace, and what else is wrong with the run ("" if nothing)."""
    try:
        run = subprocess.run(command + [name], capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", f"no end within {TIMEOUT_S} s"
    trouble = ""
    if run.returncode != 0:
        trouble = f"exit status {run.returncode}"
    if run.stderr:
        trouble += "\nstderr: " + run.stderr.decode(errors="replace")[:4000]
    return run.stdout, trouble.strip()


def show_difference(expected, actual):
    lines = difflib.unified_diff(
        expected.decode(errors="replace").splitlines(),
        actual.decode(errors="replace").splitlines(),
        "cpython", "weir", lineterm="")
    for line in lines:
        print("    " + line)


def compare_topic(command, topic):
    module = importlib.import_module("sem_" + topic)
    programs = {program.__name__: program for program in module.PROGRAMS}
    listed = subprocess.run(command + ["--list"], capture_output=True, check=True,
                            timeout=TIMEOUT_S)
    lines = [line.split() for line in listed.stdout.decode().splitlines()]
    known = [name for of, name in lines if of == topic]
    ok = failed = 0
    for name in sorted(set(known) ^ set(programs)):
        side = "C" if name in known else "Python"
        print(f"{topic} {name}: FAILED: only the {side} side has it")
        failed += 1
    for name in known:
        if name not in programs:
            continue
        expected = python_trace(programs[name])
        actual, trouble = weir_trace(command, name)
        if expected and expected == actual and not trouble:
            print(f"{topic} {name}: ok")
            ok += 1
            continue
        print(f"{topic} {name}: FAILED")
        if trouble:
            print("    " + trouble.replace("\n", "\n    "))
        if not expected:
            print("    the Python program prints nothing")
        show_difference(expected, actual)
        failed += 1
    return ok, failed


def show_python(topic, names):
    module = importlib.import_module("sem_" + topic)
    for program in module.PROGRAMS:
        if not names:
            print(f"== {program.__name__}")
        if not names or program.__name__ in names:
            sys.stdout.write(python_trace(program).decode())
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the program built from sem_main.c")
    parser.add_argument("--wrap", default="", help="a command in front of the binary")
    parser.add_argument("--python", action="store_true", help="print the Python trace only")
    parser.add_argument("topics", nargs="+")
    args = parser.parse_args()
    if args.python:
        return show_python(args.topics[0], args.topics[1:])
    if args.binary is None:
        parser.error("--binary is missing")
    command = shlex.split(args.wrap) + [args.binary]
    ok = failed = 0
    for topic in args.topics:
        topic_ok, topic_failed = compare_topic(command, topic)
        ok += topic_ok
        failed += topic_failed
    print(f"{ok} ok, {failed} failed")
    return 0 if failed == 0 and ok > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
