/*
 * demo_syslog.c - `weir demo --syslog`: sends syslog messages as UDP datagrams, at a rate, and counts
 * them by severity.
 *
 * Message `number` is a function of (seed, number, time). Odd ones are as RFC 5424 says, even ones as
 * RFC 3164 does. The body waits until a message is due, and then gives all that are, up to PORTION at
 * once. What the network or the receiver loses is counted as sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <weir/weir.h>

#include "demo.h"

enum { PORTION = 64 };

/* The messages of one portion: too much for the stack of a body. */
static struct portion {
    weir_item items[PORTION];
    char texts[PORTION][DEMO_SYSLOG_MAX];
} portions;

static const char *const severities[DEMO_SEVERITIES] = {"emerg",   "alert",  "crit", "err",
                                                        "warning", "notice", "info", "debug"};

/* Spread the bits of a number (the finalizer of MurmurHash3). */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

size_t demo_syslog_line(uint64_t seed, int64_t number, int64_t unix_ms, unsigned *severity,
                        char to[DEMO_SYSLOG_MAX])
{
    static const char *const apps[] = {"nginx", "sshd", "postgres", "cron", "kernel", "api"};
    static const char *const texts[] = {
        "connection from 192.0.2.17 port 52114 accepted", "request took longer than expected",
        "upstream timed out while reading the response header", "session opened for user backup",
        "checkpoint complete: wrote 241 buffers"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t draw = mix(seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)number);
    unsigned rare = (unsigned)(draw % 100), facility = (unsigned)(draw >> 8) % 24;
    const char *app = apps[(draw >> 16) % 6], *text = texts[(draw >> 24) % 5];
    unsigned host = (unsigned)(draw >> 32) % 40 + 1, pid = (unsigned)(draw >> 40) % 30000 + 300;
    time_t when = (time_t)(unix_ms / 1000);
    struct tm tm;
    *severity = rare < 2 ? rare : rare < 8 ? 3 : rare < 20 ? 4 : rare < 35 ? 5 : rare < 90 ? 6 : 7;
    gmtime_r(&when, &tm);
    int len = number % 2 != 0
                  ? snprintf(to, DEMO_SYSLOG_MAX,
                             "<%u>1 %04d-%02d-%02dT%02d:%02d:%02d.%03dZ web-%u %s %u ID%u "
                             "[demo@32473 number=\"%" PRId64 "\" tenant=\"t-%u\"] %s",
                             facility * 8 + *severity, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(unix_ms % 1000), host, app,
                             pid, pid % 90 + 10, number, host % 7, text)
                  : snprintf(to, DEMO_SYSLOG_MAX,
                             "<%u>%s %2d %02d:%02d:%02d web-%u %s[%u]: %s (number %" PRId64 ")",
                             facility * 8 + *severity, months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
                             tm.tm_min, tm.tm_sec, host, app, pid, text, number);
    return (size_t)len;
}

/* Wait until message `number` is due. Returns how many are due then, at most PORTION; 0: stop. */
static int64_t due(const struct demo_syslog *syslog, weir_scope *scope, int64_t began_ns,
                   int64_t number)
{
    int64_t left = syslog->lines > 0 ? syslog->lines - number + 1 : PORTION;
    if (weir_scope_signal(syslog->until, NULL) != 0) {
        return 0;
    }
    int64_t ms = demo_due_ms(began_ns, syslog->rate, number - 1, weir_now(scope));
    if (ms > 0 && !weir_sleep(scope, ms)) {
        return 0;
    }
    int64_t since_ms = (weir_now(scope) - began_ns) / 1000000;
    int64_t by_now = since_ms / 1000 * syslog->rate + since_ms % 1000 * syslog->rate / 1000 + 1;
    return DEMO_MIN(left, DEMO_MAX(DEMO_MIN(by_now - number + 1, PORTION), 1));
}

struct lines_args {
    struct demo_syslog *syslog;
};

WEIR_SOURCE(demo_syslog_lines, struct lines_args)
{
    struct demo_syslog *syslog = args->syslog;
    weir_scope *scope = weir_gen_scope(self);
    int64_t began_ns = weir_now(scope), number = 1, count;
    while ((syslog->lines == 0 || number <= syslog->lines) &&
           (count = due(syslog, scope, began_ns, number)) > 0) {
        int64_t unix_ms = weir_now_unix(scope) / 1000000;
        for (int64_t i = 0; i < count; i++, number++) {
            char *to = portions.texts[i];
            unsigned severity;
            size_t len = demo_syslog_line(syslog->seed, number, unix_ms, &severity, to);
            portions.items[i] = weir_bytes(to, len);
            syslog->counts[severity]++;
        }
        if (!weir_yield_many(self, portions.items, (size_t)count)) {
            break;
        }
        syslog->sent += count;
    }
    return 0;
}

int demo_syslog_send(struct demo_syslog *syslog, weir_scope *scope, weir_error *error)
{
    char address[300];
    bool host = syslog->address[0] != ':';
    snprintf(address, sizeof address, "udp://%s%s", host ? "" : "127.0.0.1", syslog->address);
    syslog->until = scope;
    return weir_pump(demo_syslog_lines(scope, (struct lines_args){syslog}),
                     weir_udp_sink(scope, address, NULL), error);
}

void demo_syslog_print(const struct demo_syslog *syslog, FILE *to)
{
    fprintf(to, "  %" PRId64 " messages\n", syslog->sent);
    for (size_t i = 0; i < DEMO_SEVERITIES; i++) {
        fprintf(to, "  severity %zu (%s): %" PRIu64 "\n", i, severities[i], syslog->counts[i]);
    }
}
