/*
 * demo_log.c - an access log as a web server writes it, rotated in each way that is in use.
 *
 * Lines are in the combined log format, and a pure function of (seed, number) except for their time.
 * They are written at a rate, in bursts of what is due. After each `rotate` lines the file is
 * rotated; the ways take turns: rename, copy and truncate, delete and create. The older files are
 * FILE.1, FILE.2 and so on. What was written is counted per status, so that a reader's own counts
 * can be compared with it.
 *
 * demo_log_write is one task. It suspends only where it sleeps between two bursts.
 */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <weir/scope.h>

enum { KEPT = 9, BURST_MS = 20, BUFFER_BYTES = 16 * 1024 };

static const struct {
    int status, share; /* of 100 lines */
} statuses[DEMO_STATUSES] = {{200, 70}, {304, 10}, {301, 5}, {404, 9},
                             {403, 2},  {500, 3},  {503, 1}};
static const char *const ways[DEMO_WAYS] = {"rename", "copy and truncate", "delete and create"};

static uint64_t mix(uint64_t seed, int64_t number)
{
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)number;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The index of the status of a line. */
static size_t status_of(uint64_t random)
{
    int at = (int)(random % 100);
    size_t i = 0;
    while (i < DEMO_STATUSES - 1 && at >= statuses[i].share) {
        at -= statuses[i++].share;
    }
    return i;
}

size_t demo_log_line(uint64_t seed, int64_t number, time_t when, size_t *status,
                     char to[DEMO_LOG_LINE_MAX])
{
    static const char *const pages[] = {"/",     "/index.html",   "/search?q=red",
                                        "/cart", "/img/logo.png", "/api/v1/items/\\x22"};
    static const char *const agents[] = {
        "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"};
    uint64_t random = mix(seed, number);
    struct tm tm;
    char time_text[40];
    *status = status_of(random);
    gmtime_r(&when, &tm);
    strftime(time_text, sizeof time_text, "%d/%b/%Y:%H:%M:%S +0000", &tm);
    int n = snprintf(
        to, DEMO_LOG_LINE_MAX,
        "192.0.2.%d - %s [%s] \"%s %s&n=%" PRId64 " HTTP/1.1\" %d %d \"-\" \"%s\"\n",
        (int)(random >> 8) % 250 + 1, random % 7 == 0 ? "alice" : "-", time_text,
        random % 5 == 0 ? "POST" : "GET", pages[(random >> 16) % (sizeof pages / sizeof pages[0])],
        number, statuses[*status].status, (int)(random >> 24 & 0xffff), agents[random >> 48 & 1]);
    return (size_t)DEMO_MIN(n, DEMO_LOG_LINE_MAX - 1);
}

static bool failed(struct demo_log *log, const char *what)
{
    log->number = errno;
    snprintf(log->failed, sizeof log->failed, "%s", what);
    return false;
}

static bool open_log(struct demo_log *log, int flags)
{
    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0644);
    return log->fd >= 0 || failed(log, "open");
}

static bool write_all(struct demo_log *log, int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return failed(log, "write");
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* FILE.1 becomes FILE.2 and so on; the oldest one is removed. */
static void shift(const struct demo_log *log)
{
    char from[DEMO_LOG_PATH_MAX + 4], to[DEMO_LOG_PATH_MAX + 4];
    for (int i = KEPT; i > 0; i--) {
        snprintf(from, sizeof from, "%s.%d", log->path, i);
        snprintf(to, sizeof to, "%s.%d", log->path, i + 1);
        if (i == KEPT) {
            (void)unlink(from);
        } else {
            (void)rename(from, to);
        }
    }
}

static bool copy_and_truncate(struct demo_log *log, const char *to)
{
    static char bytes[BUFFER_BYTES];
    int from = open(log->path, O_RDONLY | O_CLOEXEC);
    int copy = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t n = -1;
    bool good = from >= 0 && copy >= 0;
    while (good && (n = read(from, bytes, sizeof bytes)) > 0) {
        good = write_all(log, copy, bytes, (size_t)n);
    }
    good = good && n == 0 && ftruncate(log->fd, 0) == 0;
    if (!good) {
        (void)failed(log, "copy");
    }
    if (from >= 0) {
        (void)close(from);
    }
    return (copy < 0 || close(copy) == 0) && good;
}

static bool rotate(struct demo_log *log)
{
    char old[DEMO_LOG_PATH_MAX + 4];
    int way = (int)(log->rotations++ % DEMO_WAYS);
    snprintf(old, sizeof old, "%s.1", log->path);
    if (way != 2) {
        shift(log);
    }
    if (way == 1) {
        return copy_and_truncate(log, old);
    }
    if ((way == 0 ? rename(log->path, old) : unlink(log->path)) < 0) {
        return failed(log, ways[way]);
    }
    return (close(log->fd) == 0 || failed(log, "close")) && open_log(log, O_EXCL);
}

/* Write the lines up to number `to`. False: failed. */
static bool write_lines(struct demo_log *log, int64_t to)
{
    static char bytes[BUFFER_BYTES];
    size_t len = 0;
    while (log->written < to) {
        size_t status;
        len += demo_log_line(log->seed, ++log->written, time(NULL), &status, bytes + len);
        log->counts[status]++;
        bool turns = log->written % log->rotate == 0 && log->written != log->lines;
        if (turns || log->written == to || len + DEMO_LOG_LINE_MAX > sizeof bytes) {
            if (!write_all(log, log->fd, bytes, len) || (turns && !rotate(log))) {
                return false;
            }
            len = 0;
        }
    }
    return true;
}

bool demo_log_write(struct demo_log *log, weir_scope *scope)
{
    log->fd = -1;
    if (strlen(log->path) > DEMO_LOG_PATH_MAX) {
        errno = ENAMETOOLONG;
        return failed(log, "open");
    }
    bool good = open_log(log, O_TRUNC);
    int64_t began_ms = weir_now(scope) / 1000000;
    while (good && (log->lines == 0 || log->written < log->lines) &&
           weir_scope_signal(scope, NULL) == 0) {
        int64_t due = (weir_now(scope) / 1000000 - began_ms) * log->rate / 1000 + 1;
        due = log->lines > 0 ? DEMO_MIN(due, log->lines) : due;
        good = write_lines(log, due);
        if (good && log->written != log->lines && !weir_sleep(scope, BURST_MS)) {
            break;
        }
    }
    if (log->fd >= 0) {
        (void)close(log->fd);
    }
    return good;
}

void demo_log_print(const struct demo_log *log, FILE *to)
{
    fprintf(to, "  lines %" PRId64 "  rotations %" PRIu64, log->written, log->rotations);
    for (uint64_t i = 0; i < DEMO_MIN(log->rotations, (uint64_t)DEMO_WAYS); i++) {
        fprintf(to, "%s%s", i == 0 ? " (" : ", ", ways[i]);
    }
    fprintf(to, "%s\n", log->rotations > 0 ? ")" : "");
    for (size_t i = 0; i < DEMO_STATUSES; i++) {
        if (log->counts[i] > 0) {
            fprintf(to, "  %d %" PRIu64 "\n", statuses[i].status, log->counts[i]);
        }
    }
}
