"""One step of a CPython generator that gives a 64-byte object: the median of nine rounds."""
import statistics
import time

STEPS = 1000000


def endless():
    value = b"\x07" * 64
    while True:
        yield value


def one_round(generator):
    began = time.perf_counter_ns()
    left = STEPS
    for _ in generator:
        left -= 1
        if not left:
            break
    return (time.perf_counter_ns() - began) / STEPS


steps = endless()
times = [one_round(steps) for _ in range(9)]
print('{"bench":"cpython_generator_step","ns":%.2f}' % statistics.median(times))
