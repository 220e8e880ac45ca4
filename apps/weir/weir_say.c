/*
 * weir_say.c - everything the command writes to stderr: messages, the ledger line, the status line
 * of a terminal.
 *
 * A message of the same kind as one of the last few is counted, and shown again after a minute: two
 * that differ only in digits are of one kind. The counts are printed before a message of another
 * kind, and at the end. Numbers from a thousand on are written with
 * spaces between the groups. The status line is drawn only in the foreground, on a terminal that
 * can erase, and only if stdout goes to a file or is not used. It is erased before anything else is
 * written and before ^Z stops the process. The cursor stays at its first column: a terminal that
 * becomes narrower wraps the line below the cursor, so erasing from the cursor removes all of it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "weir_run.h"

int64_t say_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void say_init(struct say *say, const struct flags *flags)
{
    memset(say, 0, sizeof *say);
    say->json = flags->json;
    say->terminal = isatty(2) && !flags->quiet && !flags->json;
    say->quiet = flags->quiet;
    say->verbose = flags->quiet ? 0 : flags->verbose;
    say->began_ms = say_now_ms();
}

void say_clear(struct say *say)
{
    if (say->drawn) {
        fputs("\r\033[J", stderr);
        say->drawn = false;
    }
}

void say_folded(struct say *say)
{
    for (size_t i = 0; i < SAY_KINDS; i++) {
        struct say_kind *kind = &say->kinds[i];
        if (kind->repeats > 0 && say->json) {
            json_say(kind->level, kind->origin, kind->last, kind->repeats);
        } else if (kind->repeats > 0 && kind == say->latest) {
            fprintf(stderr, "weir: ... %u more like this\n", kind->repeats);
        } else if (kind->repeats > 0) {
            fprintf(stderr, "weir: ... %u more like: %s\n", kind->repeats, kind->last);
        }
        kind->repeats = 0;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The kind of a message: its first line without its numbers, which may be in groups of digits. */
static void kind_of(const char *text, char kind[SAY_KIND_LEN])
{
    size_t n = 0;
    for (const char *c = text; *c != '\0' && *c != '\n' && n < SAY_KIND_LEN - 1; c++) {
        bool digit =
            is_digit(c[0]) || (c[0] == ' ' && n > 0 && kind[n - 1] == '#' && is_digit(c[1]));
        if (!digit || n == 0 || kind[n - 1] != '#') {
            kind[n++] = (char)(digit ? '#' : *c);
        }
    }
    kind[n] = '\0';
}

static void say_text(struct say *say, int level, const char *origin, const char *text)
{
    char name[SAY_KIND_LEN];
    struct say_kind *kind = &say->kinds[0];
    kind_of(text, name);
    int64_t now_ms = say_now_ms();
    for (size_t i = 0; i < SAY_KINDS && strcmp(kind->name, name) != 0; i++) {
        kind = say->kinds[i].shown_ms < kind->shown_ms ? &say->kinds[i] : kind;
        kind = strcmp(say->kinds[i].name, name) == 0 ? &say->kinds[i] : kind;
    }
    bool again = strcmp(kind->name, name) == 0 && now_ms - kind->shown_ms < SAY_AGAIN_MS;
    if (again && say->verbose < 2) {
        snprintf(kind->last, sizeof kind->last, "%.*s", (int)strcspn(text, "\n"), text);
        kind->repeats++;
        kind->level = level;
        snprintf(kind->origin, sizeof kind->origin, "%s", origin != NULL ? origin : "");
        return;
    }
    say_folded(say);
    memcpy(kind->name, name, sizeof name);
    kind->shown_ms = now_ms;
    say->latest = kind;
    if (say->json) {
        json_say(level, origin, text, 0);
    } else {
        fprintf(stderr, "weir: %s\n", text);
    }
}

size_t say_character_len(const unsigned char *text)
{
    if (text[0] < 0x80) {
        return text[0] >= 0x20 && text[0] != 0x7f;
    }
    size_t len = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    bool wrong =
        text[0] < 0xc2 || text[0] > 0xf4 || /* overlong, surrogates, above U+10FFFF: */
        (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f) ||
        (text[0] == 0xc2 && text[1] < 0xa0) || /* a control character, or turns the writing */
        (text[0] == 0xe2 && text[1] == 0x80 &&
         (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xaa && text[2] <= 0xae))) ||
        (text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9);
    for (size_t i = 1; i < len && !wrong; i++) {
        wrong = (text[i] & 0xc0) != 0x80;
    }
    return wrong ? 0 : len;
}

/* Replace what a terminal would obey: names of files and excerpts of data may hold anything. The
 * lines of an excerpt are indented: a line end before anything else is not one. */
static void make_harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0';) {
        size_t len = at[0] == '\n' && at[1] == ' ' && at[2] == ' ' ? 1 : say_character_len(at);
        *at = len > 0 ? *at : '?';
        at += len > 0 ? len : 1;
    }
}

/* Options of the library, as its messages name them, and the flags that set them. */
static const struct {
    const char *option, *flag;
} flag_names[] = {
    {"weir_http_options.ca_file", "--cacert FILE"},
    {"weir_http_options.retry_after_max_ms", "--retry-after-max"},
    {"weir_http_options.cert_file", "--cert FILE"},
    {"weir_http_options.tls", "-k"},
    {"weir_socket_options.ca_file", "cacert=FILE"},
    {"weir_socket_options.server_name", "name=HOST"},
    {"weir_socket_options.tls", "-k"},
};

/* Write text with the flags in place of the options' names. */
static void name_flags(const char *text, char *to, size_t cap)
{
    size_t len = 0;
    while (*text != '\0' && len + 1 < cap) {
        size_t i = 0;
        const size_t count = sizeof flag_names / sizeof flag_names[0];
        while (i < count &&
               strncmp(text, flag_names[i].option, strlen(flag_names[i].option)) != 0) {
            i++;
        }
        if (i == count) {
            to[len++] = *text++;
            continue;
        }
        int n = snprintf(to + len, cap - len, "%s", flag_names[i].flag);
        len += (size_t)n < cap - len ? (size_t)n : cap - len - 1;
        text += strlen(flag_names[i].option);
    }
    to[len] = '\0';
}

/* origin: with --json-log only. */
static void say_arguments(struct say *say, int level, const char *origin, const char *format,
                          va_list args) WEIR_PRINTF(4, 0);
static void say_arguments(struct say *say, int level, const char *origin, const char *format,
                          va_list args)
{
    char text[1200], named[1200];
    vsnprintf(text, sizeof text, format, args);
    name_flags(text, named, sizeof named);
    if (!say->json) {
        make_harmless(named);
    }
    say_clear(say);
    say_text(say, level, origin, named);
}

static void say_of(struct say *say, int level, const char *origin, const char *format, ...)
    WEIR_PRINTF(4, 5);
static void say_of(struct say *say, int level, const char *origin, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_arguments(say, level, origin, format, args);
    va_end(args);
}

void say_line(struct say *say, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_arguments(say, 6, NULL, format, args);
    va_end(args);
}

void say_wrong(struct say *say, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_arguments(say, 3, NULL, format, args);
    va_end(args);
}

void say_shown(struct say *say, const char *text)
{
    if (say->json) {
        json_say(3, NULL, text, 0);
    } else {
        fprintf(stderr, "weir: %s\n", text);
    }
}

/* Does the text itself name its origin? An http address names its stage, too. */
static bool is_named(const char *origin, const char *text)
{
    bool url = strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
    bool by_host = strncmp(origin, "http(", 5) == 0 || strncmp(origin, "post(", 5) == 0;
    return strncmp(text, origin, strlen(origin)) == 0 || (url && by_host);
}

void say_log(void *ctx, int level, const char *origin, const char *text)
{
    struct say *say = ctx;
    /* syslog's numbers: 3 error, 4 warning, 6 info, 7 debug. */
    int shown = say->quiet ? 3 : 6 + (say->verbose > 1);
    if (level > shown) {
        return;
    }
    if (say->json) {
        say_of(say, level, origin, "%s", text);
    } else if (origin != NULL && origin[0] != '\0' && !is_named(origin, text)) {
        say_line(say, "%s: %s", origin, text);
    } else {
        say_line(say, "%s", text);
    }
}

void say_error(struct say *say, const weir_error *error, const char *hint)
{
    char where[64] = "", said[3][64], grouped[32];
    const char *more = error->message + strcspn(error->message, "\n"); /* an excerpt */
    snprintf(said[0], sizeof said[0], "at byte %" PRId64, error->offset);
    snprintf(said[1], sizeof said[1], "after %" PRId64 " bytes", error->offset);
    snprintf(said[2], sizeof said[2], "(byte %s)", say_grouped((uint64_t)error->offset, grouped));
    if (error->offset >= 0 && strstr(error->message, said[0]) == NULL &&
        strstr(error->message, said[1]) == NULL && strstr(error->message, said[2]) == NULL) {
        snprintf(where, sizeof where, " (at byte %" PRId64 ")", error->offset);
    }
    say_folded(say);
    memset(say->kinds, 0, sizeof say->kinds); /* the reason of a failure is always shown */
    bool named = !say->json && error->origin[0] != '\0' && strcmp(error->origin, "weir") != 0 &&
                 !is_named(error->origin, error->message);
    say_of(say, 3, error->origin, "%s%s%.*s%s%s%s%s", named ? error->origin : "", named ? ": " : "",
           (int)(more - error->message), error->message, where, hint != NULL ? "; " : "",
           hint != NULL ? hint : "", more);
}

/* 1234567 as "1 234 567". */
const char *say_grouped(uint64_t n, char text[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[at++] = ' ';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *say_sized(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    int u = 0;
    while (n >= 1024 && u < 4) {
        n /= 1024;
        u++;
    }
    snprintf(text, 32, u == 0 ? "%.0f %s" : "%.1f %s", n, units[u]);
    return text;
}

/* The peak of resident memory. The value of getrusage is only the fallback, because it also counts
 * the peak of the process that started this one. */
uint64_t say_peak_bytes(void)
{
    unsigned long long kib = 0;
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmHWM: %llu", &kib) != 1) {
            kib = 0;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    if (kib == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        kib = (unsigned long long)usage.ru_maxrss;
    }
    return (uint64_t)kib * 1024;
}

void say_ledger(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                const char *rejects, bool state_saved)
{
    char in[32], out[32], filtered[32], rejected[32], dropped[32], flight[32], peak[32];
    char tail[64] = "";
    say_clear(say);
    say_folded(say);
    if (say->json) {
        json_ledger(say, ledger, stats, rejects, state_saved);
        return;
    }
    if (ledger->in_flight > 0) {
        snprintf(tail, sizeof tail, " + %s in flight", say_grouped(ledger->in_flight, flight));
    }
    fprintf(stderr,
            "weir: %s in = %s out + %s filtered + %s rejected%s + %s dropped%s   %.1f s  peak %s\n",
            say_grouped(ledger->in, in), say_grouped(ledger->delivered, out),
            say_grouped(ledger->filtered, filtered), say_grouped(ledger->rejected, rejected),
            rejects, say_grouped(ledger->dropped, dropped), tail,
            (double)(say_now_ms() - say->began_ms) / 1000.0, say_sized(say_peak_bytes(), peak));
    if (stats->overlong > 0) {
        fprintf(stderr, "weir: %s %s over the length limit\n", say_grouped(stats->overlong, in),
                stats->overlong == 1 ? "item was" : "items were");
    }
    if (stats->reconnects > 0) {
        fprintf(stderr, "weir: %s %s%s\n", say_grouped(stats->reconnects, in),
                stats->reconnects == 1 ? "reconnect" : "reconnects",
                state_saved ? ", state saved" : "");
    } else if (state_saved) {
        fputs("weir: state saved\n", stderr);
    }
}

void say_rejected(struct say *say, const weir_ledger *ledger, const char *rejects)
{
    char rejected[32], in[32];
    if (ledger->rejected == 0) {
        return;
    }
    say_line(say, "%s of %s items %s rejected%s", say_grouped(ledger->rejected, rejected),
             say_grouped(ledger->in, in), ledger->rejected == 1 ? "was" : "were", rejects);
}

void say_lost(struct say *say, const weir_ledger *ledger, const weir_stats *stats)
{
    char bytes[32], flight[32];
    if (stats->bytes_out == 0) {
        say_line(say, "not drained: the drain took longer than --drain allows; %s items are lost",
                 say_grouped(ledger->in_flight, flight));
    } else {
        say_line(say,
                 "not drained: the drain took longer than --drain allows; of %s items in flight, "
                 "only those within the %s bytes already written can arrive",
                 say_grouped(ledger->in_flight, flight), say_grouped(stats->bytes_out, bytes));
    }
}

void say_left(struct say *say, const weir_ledger *ledger, const weir_stats *stats)
{
    char bytes[32], flight[32];
    if (ledger->in_flight == 0) {
        say_line(say, "the reader of stdout left after %s bytes",
                 say_grouped(stats->bytes_out, bytes));
    } else {
        say_line(say,
                 "the reader of stdout left after %s bytes; how many of the %s items in flight it "
                 "has read cannot be known",
                 say_grouped(stats->bytes_out, bytes), say_grouped(ledger->in_flight, flight));
    }
}

/* A regular file or /dev/null: its output does not appear on a screen. */
static bool is_out_of_sight(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 &&
           (S_ISREG(info.st_mode) || (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)));
}

/* ^Z: erase the status line first, so that the shell's prompt begins in an empty line. */
static void stop(void *ctx)
{
    struct sigaction stops = {.sa_handler = SIG_DFL}, ours;
    say_clear(ctx);
    sigaction(SIGTSTP, &stops, &ours);
    raise(SIGTSTP); /* returns when the process is continued */
    sigaction(SIGTSTP, &ours, NULL);
}

void say_may_draw(struct say *say, weir_loop *loop, bool writes_stdout)
{
    const char *term = getenv("TERM");
    struct sigaction action;
    say->draws = say->terminal && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0 &&
                 (!writes_stdout || is_out_of_sight(1));
    if (say->draws && sigaction(SIGTSTP, NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
        (void)!weir_on_signal(loop, SIGTSTP, stop, say);
    }
}

/* The width of stderr's terminal. */
static size_t columns(void)
{
    struct winsize size;
    return ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

/* The bytes of a text that leave the last column free, so that no terminal wraps it. A byte that
 * continues a UTF-8 character takes no column. */
static size_t cut_at(const char *text, size_t width)
{
    size_t at = 0, used = 0;
    for (; text[at] != '\0'; at++) {
        used += ((unsigned char)text[at] & 0xc0) != 0x80;
        if (used >= width) {
            break;
        }
    }
    return at;
}

void say_status(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                const char *why)
{
    static uint64_t last_in, last_bytes;
    static int64_t last_ms;
    if (!say->draws || tcgetpgrp(2) != getpgrp()) {
        return;
    }
    char items[32], rate[32], bytes[32];
    int64_t now_ms = say_now_ms();
    double seconds = last_ms == 0 ? 1.0 : (double)(now_ms - last_ms) / 1000.0;
    uint64_t lines = (uint64_t)((double)(ledger->in - last_in) / (seconds > 0 ? seconds : 1));
    uint64_t speed =
        (uint64_t)((double)(stats->bytes_in - last_bytes) / (seconds > 0 ? seconds : 1));
    last_in = ledger->in;
    last_bytes = stats->bytes_in;
    last_ms = now_ms;
    char text[256], again[48] = "";
    if (stats->reconnects > 0) {
        snprintf(again, sizeof again, "  %" PRIu64 " reconnects", stats->reconnects);
    }
    snprintf(text, sizeof text, "%s lines  %s/s  %s/s%s  %s", say_grouped(ledger->in, items),
             say_grouped(lines, rate), say_sized(speed, bytes), again, why);
    fprintf(stderr, "\r\033[J%.*s\r", (int)cut_at(text, columns()), text);
    fflush(stderr);
    say->drawn = true;
}
