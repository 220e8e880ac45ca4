/*
 * server_demo_lines.c - the lines of the demo, as pure functions.
 *
 * Mixed lengths come from (seed, number modulo the period), so that offsets are a table look-up and
 * a multiplication. A line begins with its number, so that a loss shows by eye; letters drawn from
 * (seed, number) follow. Nothing here keeps state or suspends.
 */
#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "server_demo.h"

/* splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t mix2(uint64_t seed, uint64_t number)
{
    return mix(mix(seed) ^ number);
}

static int64_t length_of(const struct wr_demo_file *file, int64_t number)
{
    if (file->size > 0) {
        return file->size;
    }
    int64_t i = (number - 1) % WR_DEMO_PERIOD;
    return file->starts[i + 1] - file->starts[i] - 1;
}

bool wr_demo_file_init(struct wr_demo_file *file, uint64_t seed, int64_t lines, int64_t size)
{
    file->seed = seed;
    file->lines = lines;
    file->size = size;
    if (lines < 0 || lines > WR_DEMO_LINES_MAX || size < 0 || size > WR_DEMO_LINE_MAX) {
        return false;
    }
    file->starts[0] = 0;
    for (int i = 0; i < WR_DEMO_PERIOD; i++) {
        int64_t length =
            size > 0 ? size : (int64_t)(mix2(seed, (uint64_t)i) % (WR_DEMO_MIXED_MAX + 1));
        file->starts[i + 1] = file->starts[i] + length + 1;
    }
    return true;
}

size_t wr_demo_line(const struct wr_demo_file *file, int64_t number, char *to)
{
    char digits[24];
    size_t length = (size_t)length_of(file, number);
    size_t prefix = (size_t)snprintf(digits, sizeof digits, "%lld ", (long long)number);
    prefix = WR_MIN(prefix, length);
    memcpy(to, digits, prefix);
    uint64_t x = mix2(file->seed, (uint64_t)number) | 1;
    for (size_t i = prefix; i < length; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        /* Eight letters from a to p; the last of them may lie behind the line. */
        uint64_t letters = (x & 0x0f0f0f0f0f0f0f0fu) + 0x6161616161616161u;
        for (size_t k = 0; k < 8; k++) {
            to[i + k] = (char)(letters >> (8 * k) & 0xff);
        }
    }
    return length;
}

int64_t wr_demo_offset(const struct wr_demo_file *file, int64_t number)
{
    int64_t before = number - 1;
    return before / WR_DEMO_PERIOD * file->starts[WR_DEMO_PERIOD] +
           file->starts[before % WR_DEMO_PERIOD];
}

int64_t wr_demo_number(const struct wr_demo_file *file, int64_t offset)
{
    int64_t periods = offset / file->starts[WR_DEMO_PERIOD];
    int64_t rest = offset % file->starts[WR_DEMO_PERIOD];
    int low = 0, high = WR_DEMO_PERIOD; /* starts[low] <= rest < starts[high] */
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (file->starts[middle] <= rest) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return periods * WR_DEMO_PERIOD + low + 1;
}

size_t wr_demo_bytes(const struct wr_demo_file *file, int64_t offset, char *to, size_t cap,
                     char *line)
{
    size_t len = 0;
    int64_t number = wr_demo_number(file, offset);
    size_t skip = (size_t)(offset - wr_demo_offset(file, number));
    for (; number <= file->lines && len < cap; number++) {
        size_t length = wr_demo_line(file, number, line);
        line[length] = '\n';
        size_t n = WR_MIN(length + 1 - skip, cap - len);
        memcpy(to + len, line + skip, n);
        len += n;
        skip = 0;
    }
    return len;
}

int64_t wr_demo_drop(const struct wr_demo_file *file, int64_t every, int64_t first, bool *resets)
{
    int64_t progress = WR_MAX((int64_t)WR_DEMO_PROGRESS_MIN, 2 * (file->size + 1));
    int64_t k = (first + progress) / every;
    int64_t at;
    do {
        at = k * every + (int64_t)(mix2(file->seed ^ 0xd409u, (uint64_t)k) % (uint64_t)every);
        *resets = (mix2(file->seed ^ 0x4e5e7u, (uint64_t)k) & 1) != 0;
        k++;
    } while (at < first + progress);
    return at;
}

static const char *pick_type(uint64_t x)
{
    static const char *const types[16] = {"click",  "click",  "click",    "click", "click", "click",
                                          "view",   "view",   "view",     "view",  "login", "login",
                                          "logout", "search", "purchase", "error"};
    return types[x & 15];
}

size_t wr_demo_event(uint64_t seed, int64_t number, int64_t unix_ms, bool bad,
                     char to[WR_DEMO_EVENT_MAX])
{
    static const char *const pages[8] = {"/",      "/search", "/cart",    "/item/17",
                                         "/about", "/login",  "/item/42", "/checkout"};
    uint64_t x = mix2(seed, (uint64_t)number);
    const char *type = pick_type(x);
    bool error = strcmp(type, "error") == 0;
    int len = snprintf(to, WR_DEMO_EVENT_MAX,
                       "{\"n\":%lld,\"time_ms\":%lld,\"type\":\"%s\",\"user\":\"u%04u\","
                       "\"ip\":\"10.%u.%u.%u\",\"path\":\"%s\",\"status\":%u,\"took_ms\":%u}",
                       (long long)number, (long long)unix_ms, type, (unsigned)(x >> 4 & 0xfff),
                       (unsigned)(x >> 16 & 63), (unsigned)(x >> 22 & 255),
                       (unsigned)(x >> 30 & 255), pages[x >> 38 & 7], error ? 500U : 200U,
                       (unsigned)(x >> 41 & 255) + (error ? 900U : 3U));
    if (bad && (x >> 49) % 50 == 0) {
        len = len / 2; /* a writer that was cut off */
        to[len] = '\0';
    }
    return (size_t)len;
}
