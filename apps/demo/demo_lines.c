/*
 * demo_lines.c - the lines of the demo, as pure functions.
 *
 * Mixed lengths come from (seed, number modulo the period), so an offset is a table look-up, a
 * short sum and a multiplication. A line begins with its number, so that a loss is visible; letters
 * made from (seed, number) follow. Nothing here keeps state or suspends.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "demo.h"

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

uint64_t demo_draw(struct demo_control *control)
{
    return mix2((uint64_t)control->began_ns, ++control->drawn);
}

size_t demo_digits(char to[DEMO_DIGITS_MAX], uint64_t number)
{
    char digits[DEMO_DIGITS_MAX];
    size_t len = 0;
    do {
        digits[sizeof digits - ++len] = (char)('0' + number % 10);
    } while ((number /= 10) > 0);
    memcpy(to, digits + sizeof digits - len, len);
    return len;
}

static int64_t mixed_length(uint64_t seed, int64_t i)
{
    return (int64_t)(mix2(seed, (uint64_t)i) % (DEMO_MIXED_MAX + 1));
}

static int64_t length_of(const struct demo_file *file, int64_t number)
{
    return file->size > 0 ? file->size : mixed_length(file->seed, (number - 1) % DEMO_PERIOD);
}

bool demo_file_init(struct demo_file *file, uint64_t seed, int64_t lines, int64_t size)
{
    file->seed = seed;
    file->lines = lines;
    file->size = size;
    if (lines < 0 || lines > DEMO_LINES_MAX || size < 0 || size > DEMO_LINE_MAX) {
        return false;
    }
    uint32_t start = 0;
    for (int i = 0; i < DEMO_PERIOD; i++) {
        if (i % DEMO_STEP == 0) {
            file->starts[i / DEMO_STEP] = start;
        }
        start += (uint32_t)mixed_length(seed, i) + 1;
    }
    file->starts[DEMO_PERIOD / DEMO_STEP] = start;
    return true;
}

static void write_line(const struct demo_file *file, int64_t number, size_t length, char *to)
{
    char digits[DEMO_DIGITS_MAX + 1];
    size_t prefix = demo_digits(digits, (uint64_t)number);
    digits[prefix++] = ' ';
    prefix = DEMO_MIN(prefix, length);
    memcpy(to, digits, prefix);
    uint64_t x = mix2(file->seed, (uint64_t)number) | 1;
    for (size_t i = prefix; i < length; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        /* Eight letters from a to p; the last of them may be after the line. */
        uint64_t letters = (x & 0x0f0f0f0f0f0f0f0fu) + 0x6161616161616161u;
        for (size_t k = 0; k < 8; k++) {
            to[i + k] = (char)(letters >> (8 * k) & 0xff);
        }
    }
}

size_t demo_line(const struct demo_file *file, int64_t number, char *to)
{
    size_t length = (size_t)length_of(file, number);
    write_line(file, number, length, to);
    return length;
}

int64_t demo_offset(const struct demo_file *file, int64_t number)
{
    int64_t before = number - 1, i = before % DEMO_PERIOD;
    if (file->size > 0) {
        return before * (file->size + 1);
    }
    int64_t start = file->starts[i / DEMO_STEP];
    for (int64_t k = i - i % DEMO_STEP; k < i; k++) {
        start += mixed_length(file->seed, k) + 1;
    }
    return before / DEMO_PERIOD * file->starts[DEMO_PERIOD / DEMO_STEP] + start;
}

/* The line that the byte at `offset` belongs to; *begin: where it begins in the file. */
static int64_t find(const struct demo_file *file, int64_t offset, int64_t *begin)
{
    if (file->size > 0) {
        *begin = offset - offset % (file->size + 1);
        return offset / (file->size + 1) + 1;
    }
    int64_t period = file->starts[DEMO_PERIOD / DEMO_STEP];
    int64_t rest = offset % period;
    int low = 0, high = DEMO_PERIOD / DEMO_STEP; /* starts[low] <= rest < starts[high] */
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (file->starts[middle] <= rest) {
            low = middle;
        } else {
            high = middle;
        }
    }
    int64_t i = (int64_t)low * DEMO_STEP, start = file->starts[low], next;
    while ((next = start + mixed_length(file->seed, i) + 1) <= rest) {
        start = next;
        i++;
    }
    *begin = offset - rest + start;
    return offset / period * DEMO_PERIOD + i + 1;
}

int64_t demo_number(const struct demo_file *file, int64_t offset)
{
    int64_t begin;
    return find(file, offset, &begin);
}

size_t demo_room(const struct demo_file *file)
{
    return (size_t)(file->size > 0 ? file->size : DEMO_MIXED_MAX) + 8;
}

size_t demo_bytes(const struct demo_file *file, int64_t offset, int64_t end, char *to, size_t cap,
                  const char **bytes)
{
    int64_t begin, number = find(file, offset, &begin);
    size_t skip = (size_t)(offset - begin);
    size_t len = 0, most = skip + (size_t)DEMO_MAX(end - offset, 0);
    *bytes = to + skip;
    for (; number <= file->lines && len < most; number++) {
        size_t length = (size_t)length_of(file, number);
        if (length + 8 > cap - len) {
            break;
        }
        write_line(file, number, length, to + len);
        len += length + 1;
        to[len - 1] = '\n';
    }
    return DEMO_MIN(len, most) - DEMO_MIN(len, skip);
}

int64_t demo_drop(const struct demo_file *file, int64_t every, int64_t first, bool *resets)
{
    int64_t progress = DEMO_MAX((int64_t)DEMO_PROGRESS_MIN, 2 * (file->size + 1));
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

static const char *const pages[8] = {"/",      "/search", "/cart",    "/item/17",
                                     "/about", "/login",  "/item/42", "/checkout"};

size_t demo_event(uint64_t seed, int64_t number, int64_t unix_ms, bool bad, char to[DEMO_EVENT_MAX])
{
    uint64_t x = mix2(seed, (uint64_t)number);
    const char *type = pick_type(x);
    bool error = strcmp(type, "error") == 0;
    int len = snprintf(to, DEMO_EVENT_MAX,
                       "{\"n\":%lld,\"time_ms\":%lld,\"type\":\"%s\",\"user\":\"u%04u\","
                       "\"ip\":\"10.%u.%u.%u\",\"path\":\"%s\",\"status\":%u,\"took_ms\":%u}",
                       (long long)number, (long long)unix_ms, type, (unsigned)(x >> 4 & 0xfff),
                       (unsigned)(x >> 16 & 63), (unsigned)(x >> 22 & 255),
                       (unsigned)(x >> 30 & 255), pages[x >> 38 & 7], error ? 500U : 200U,
                       (unsigned)(x >> 41 & 255) + (error ? 900U : 3U));
    if (bad && (x >> 49) % 50 == 0) {
        len = len / 2; /* as from an interrupted writer */
        to[len] = '\0';
    }
    return (size_t)len;
}

size_t demo_row(uint64_t seed, int64_t number, char to[DEMO_EVENT_MAX])
{
    uint64_t x = mix2(seed, (uint64_t)number);
    time_t when = (time_t)(DEMO_ROWS_BEGIN_S + number);
    struct tm tm;
    char at[32] = "";
    if (number == 0) {
        return (size_t)snprintf(to, DEMO_EVENT_MAX, "n,time,type,user,page,status,took_ms\n");
    }
    if (gmtime_r(&when, &tm) != NULL) {
        (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    const char *type = pick_type(x), *page = pages[x >> 38 & 7];
    bool error = strcmp(type, "error") == 0, search = strcmp(page, "/search") == 0;
    return (size_t)snprintf(to, DEMO_EVENT_MAX, "%lld,%s,%s,u%04u,%s%s%s,%u,%u\n",
                            (long long)number, at, type, (unsigned)(x >> 4 & 0xfff),
                            search ? "\"" : "", page, search ? "?q=red, \"\"big\"\"\"" : "",
                            error ? 500U : 200U, (unsigned)(x >> 41 & 255) + (error ? 900U : 3U));
}

int64_t demo_due_ms(int64_t began_ns, int64_t rate, int64_t number, int64_t now_ns)
{
    int64_t due_ns = began_ns + number / rate * 1000000000 + number % rate * 1000000000 / rate;
    return due_ns > now_ns ? (due_ns - now_ns + 999999) / 1000000 : 0;
}

size_t demo_sse_event(uint64_t seed, int64_t number, int64_t unix_ms, char to[DEMO_SSE_MAX])
{
    char data[DEMO_EVENT_MAX];
    const char *type = pick_type(mix2(seed, (uint64_t)number));
    (void)demo_event(seed, number, unix_ms, false, data);
    return (size_t)snprintf(to, DEMO_SSE_MAX, "id: %lld\nevent: %s\ndata: %s\n\n",
                            (long long)number, type, data);
}
