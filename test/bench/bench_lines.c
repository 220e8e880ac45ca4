/*
 * bench_lines.c - what splitting a line costs in memory, beside a plain memchr loop.
 *
 * One JSON object a row on stdout. "lines_split" has lines of one length, "lines_split_mixed"
 * lengths spread evenly over half to one and a half of it. The text (256 KiB, so that it stays in
 * the second-level cache) is split again and again in batches of 64 lines as the sources do; the
 * two loops alternate, and the median of the rounds is told.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime */
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec_lines.h"

enum { TEXT_LEN = 256 * 1024, ROUNDS = 15, BATCH = 64 };

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t sink;

static size_t split_by_weir(const char *text, size_t len)
{
    struct wr_framer lines;
    struct wr_frame batch[BATCH];
    (void)wr_framer_init(&lines, WEIR_FRAME_LINES, 1 << 20, WEIR_LONG_SKIP, 0, 0);
    size_t count = 0;
    while (len > 0) {
        size_t used = 0;
        long got = wr_lines_framer.split(&lines, text, len, false, batch, BATCH, &used);
        if (got <= 0) {
            break;
        }
        sink += batch[got - 1].len;
        count += (size_t)got;
        text += used;
        len -= used;
    }
    return count;
}

static size_t split_by_memchr(const char *text, size_t len)
{
    const char *end = text + len;
    const char *lf;
    size_t count = 0;
    while ((lf = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        sink += (uint64_t)(lf - text);
        count++;
        text = lf + 1;
    }
    return count;
}

static double round_ns(size_t (*split)(const char *, size_t), const char *text, size_t len,
                       int times)
{
    size_t count = 0;
    int64_t start = now_ns();
    for (int i = 0; i < times; i++) {
        count += split(text, len);
    }
    return (double)(now_ns() - start) / (double)count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(char *text, size_t line_len, int mixed)
{
    uint32_t seed = 1;
    size_t len = 0;
    for (;;) {
        seed = seed * 1664525u + 1013904223u;
        size_t one = mixed ? line_len / 2 + (seed >> 8) % (line_len + 1) : line_len;
        if (len + one + 1 > TEXT_LEN) {
            break;
        }
        memset(text + len, 'x', one);
        text[len + one] = '\n';
        len += one + 1;
    }
    double weir[ROUNDS];
    double plain[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        weir[i] = round_ns(split_by_weir, text, len, 60);
        plain[i] = round_ns(split_by_memchr, text, len, 60);
    }
    qsort(weir, ROUNDS, sizeof weir[0], compare);
    qsort(plain, ROUNDS, sizeof plain[0], compare);
    printf("{\"bench\":\"lines_split%s\",\"len\":%zu,\"weir_ns\":%.2f,\"memchr_ns\":%.2f}\n",
           mixed ? "_mixed" : "", line_len, weir[ROUNDS / 2], plain[ROUNDS / 2]);
}

int main(void)
{
    static const size_t lens[] = {20, 80, 174, 1000, 10000};
    char *text = malloc(TEXT_LEN);
    if (text == NULL) {
        return 1;
    }
    for (int mixed = 0; mixed < 2; mixed++) {
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
            bench(text, lens[i], mixed);
        }
    }
    free(text);
    return sink == 0;
}
