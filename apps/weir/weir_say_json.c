/*
 * weir_say_json.c - what the command writes to stderr with --json-log: one JSON object a line.
 *
 * A message has time, level, message, and, where they are known, the component and the origin (the
 * object that it is about, with its address). The same texts are written as without the flag, so
 * secrets are hidden in the same way. A line is put together in memory and written at once. A byte that
 * is no UTF-8 becomes U+FFFD.
 *
 * Called on the loop's thread, from any stack: the line is static.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir_run.h"

/* Room for a message of 4 KiB of which each byte is escaped, and the rest. */
static char line[32 * 1024];
static size_t len;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + len, sizeof line - len, format, args);
    va_end(args);
    len += n > 0 && (size_t)n < sizeof line - len ? (size_t)n : 0;
}

/* A string, cut where little room is left. */
static void put_string(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    put("\"");
    while (*at != '\0' && len + 512 < sizeof line) {
        size_t n = say_character_len(at);
        if (*at == '"' || *at == '\\') {
            put("\\%c", *at);
        } else if (*at == '\n') {
            put("\\n");
        } else if (n > 0) {
            put("%.*s", (int)n, (const char *)at);
        } else if (*at < 0x80) {
            put("\\u%04x", *at);
        } else {
            put("\\ufffd");
        }
        at += n > 0 ? n : 1;
    }
    put("\"");
}

static void begin(int level)
{
    struct timespec now;
    struct tm day;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &day);
    len = 0;
    put("{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"", text, now.tv_nsec / 1000000,
        level <= 3   ? "error"
        : level <= 4 ? "warning"
        : level <= 6 ? "info"
                     : "debug");
}

static void put_named(const char *name, const char *text)
{
    put(",\"%s\":", name);
    put_string(text);
}

static void put_count(const char *name, uint64_t count)
{
    put(",\"%s\":%" PRIu64, name, count);
}

static void end(void)
{
    put("}\n");
    fwrite(line, 1, len, stderr);
}

void json_say(int level, const char *origin, const char *text, unsigned repeats)
{
    begin(level);
    if (origin != NULL && origin[0] != '\0' && strcmp(origin, "weir") != 0) {
        char component[32];
        snprintf(component, sizeof component, "%.*s", (int)strcspn(origin, "("), origin);
        put_named("component", component);
        put_named("origin", origin);
    }
    put_named("message", text);
    if (repeats > 0) {
        put_count("repeats", repeats);
    }
    end();
}

void json_ledger(const struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                 const char *rejects, bool state_saved)
{
    begin(6);
    put_named("message", "end");
    put_count("in", ledger->in);
    put_count("out", ledger->delivered);
    put_count("filtered", ledger->filtered);
    put_count("rejected", ledger->rejected);
    put_count("dropped", ledger->dropped);
    put_count("in_flight", ledger->in_flight);
    if (rejects[0] != '\0') {
        put_named("rejects", rejects + strspn(rejects, " "));
    }
    put_count("overlong", stats->overlong);
    put_count("reconnects", stats->reconnects);
    put_count("bytes_in", stats->bytes_in);
    put_count("bytes_out", stats->bytes_out);
    put(",\"state_saved\":%s,\"seconds\":%.3f", state_saved ? "true" : "false",
        (double)(say_now_ms() - say->began_ms) / 1000.0);
    put_count("peak_bytes", say_peak_bytes());
    end();
}

void json_component(const struct json_component *component)
{
    begin(6);
    put_named("component", component->name);
    put_named("message", "component");
    if (component->text != NULL) {
        put_named("text", component->text);
    }
    put_count("in", component->in);
    put_count("out", component->out);
    put_count("filtered", component->filtered);
    put_count("rejected", component->rejected);
    put_count("dropped", component->dropped);
    put_count("bytes", component->bytes);
    put_count("calls", component->calls);
    put_count("waited_ms", (uint64_t)(component->waited_ns / 1000000));
    end();
}
