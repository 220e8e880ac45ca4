/*
 * base_error.c - fills weir_error records, and ends the process on misuse.
 *
 * A record is built in a local copy first, so that the texts passed in may be in the record itself:
 * one call can put a failure into a longer message. Texts come from the network (a status line, an
 * excerpt of a reply) and go to terminals and logs. So control bytes, which a terminal would obey,
 * are replaced, and a text that does not fit is cut between two UTF-8 characters.
 *
 * Called from any thread; never suspends, allocates nothing.
 */
#include "base_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tells the compiler that the caller's format is already checked. */
int wr_error_vset(weir_error *error, int code, int detail, const char *origin, const char *format,
                  va_list args) WEIR_PRINTF(5, 0);

void wr_error_clear(weir_error *error)
{
    if (error != NULL) {
        memset(error, 0, sizeof *error);
        error->offset = -1;
    }
}

/* Does a mark begin here that turns the direction of writing: U+200E, U+200F, U+202A to U+202E, U+2066
 * to U+2069? */
static bool turns(const unsigned char *c)
{
    return c[0] == 0xe2 &&
           ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae))) ||
            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* Make the text one line without control characters. These are C0, DEL, C1 in its UTF-8 form (C2 80
 * to C2 9F, which contains CSI), and marks that turn the direction of writing. */
static void make_harmless(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r' || *c == '\t') {
            *c = ' ';
        } else if (*c < 0x20 || *c == 0x7f) {
            *c = '?';
        } else if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
            c[0] = c[1] = '?';
        } else if (turns(c)) {
            c[0] = c[1] = c[2] = '?';
        }
    }
}

/* Remove the incomplete UTF-8 character that a cut has left at the end of `text`. */
static void trim_cut_character(char *text)
{
    size_t len = strlen(text);
    size_t tail = 0; /* continuation bytes at the end */
    while (tail < len && tail < 4 && ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80) {
        tail++;
    }
    if (tail == len || tail == 4) {
        return; /* not UTF-8 */
    }
    unsigned char lead = (unsigned char)text[len - 1 - tail];
    size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (tail < want) {
        text[len - 1 - tail] = '\0';
    }
}

int wr_error_vset(weir_error *error, int code, int detail, const char *origin, const char *format,
                  va_list args)
{
    if (error == NULL) {
        return code;
    }
    weir_error built;
    wr_error_clear(&built);
    built.code = code;
    built.detail = detail;
    int len = snprintf(built.origin, sizeof built.origin, "%s", origin != NULL ? origin : "");
    if (len >= (int)sizeof built.origin) {
        trim_cut_character(built.origin);
    }
    len = vsnprintf(built.message, sizeof built.message, format, args);
    if (len >= (int)sizeof built.message) {
        trim_cut_character(built.message);
    }
    make_harmless(built.origin);
    make_harmless(built.message);
    *error = built;
    return code;
}

int wr_error_set(weir_error *error, int code, int detail, const char *origin, const char *format,
                 ...)
{
    va_list args;
    va_start(args, format);
    wr_error_vset(error, code, detail, origin, format, args);
    va_end(args);
    return code;
}

const char *wr_code_text(int code)
{
    switch (code) {
    case WEIR_OK: return "no error";
    case WEIR_ENOMEM: return "out of memory";
    case WEIR_EBUDGET: return "byte budget used up";
    case WEIR_EINVAL: return "invalid argument";
    case WEIR_ECLOSED: return "closed";
    case WEIR_ECANCELED: return "canceled";
    case WEIR_ETIMEDOUT: return "timed out";
    case WEIR_EIGNORED: return "yielded after close";
    case WEIR_EABANDONED: return "the writer ended without closing";
    case WEIR_ERESOLVE: return "name not resolved";
    case WEIR_ECONNECT: return "cannot connect";
    case WEIR_ERESET: return "connection reset";
    case WEIR_ETLS: return "TLS failure";
    case WEIR_EHTTP: return "HTTP error";
    case WEIR_ETRUNCATED: return "cut short";
    case WEIR_ECHANGED: return "changed since the last run";
    case WEIR_ELOST: return "written but not received";
    case WEIR_EEXIT: return "a program has failed";
    case WEIR_ETOOLONG: return "too long";
    case WEIR_EPARSE: return "cannot be parsed";
    case WEIR_EIO: return "input/output error";
    default: return "error";
    }
}

const char *wr_code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{WEIR_ENOMEM, "ENOMEM"},
                 {WEIR_EBUDGET, "EBUDGET"},
                 {WEIR_EINVAL, "EINVAL"},
                 {WEIR_ECLOSED, "ECLOSED"},
                 {WEIR_ECANCELED, "ECANCELED"},
                 {WEIR_ETIMEDOUT, "ETIMEDOUT"},
                 {WEIR_EIGNORED, "EIGNORED"},
                 {WEIR_EABANDONED, "EABANDONED"},
                 {WEIR_ERESOLVE, "ERESOLVE"},
                 {WEIR_ECONNECT, "ECONNECT"},
                 {WEIR_ERESET, "ERESET"},
                 {WEIR_ETLS, "ETLS"},
                 {WEIR_EHTTP, "EHTTP"},
                 {WEIR_ETRUNCATED, "ETRUNCATED"},
                 {WEIR_ECHANGED, "ECHANGED"},
                 {WEIR_EEXIT, "EEXIT"},
                 {WEIR_ETOOLONG, "ETOOLONG"},
                 {WEIR_EPARSE, "EPARSE"},
                 {WEIR_EIO, "EIO"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return code <= WEIR_EUSER ? "EUSER" : "";
}

void wr_misuse(const char *function, const char *format, ...)
{
    char text[512];
    char line[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* Only the name of a public function helps the author of the program. */
    bool known = strncmp(function, "weir_", 5) == 0;
    int len = snprintf(line, sizeof line, "weir: %s%s%s\n", known ? function : "",
                       known ? ": " : "", text);
    if (len > (int)sizeof line - 1) {
        len = (int)sizeof line - 1;
        line[len - 1] = '\n';
    }
    /* One write and no stdio: the code that made the error may hold the stream's lock or may be in
     * the middle of a write to it. */
    ssize_t written = write(STDERR_FILENO, line, len > 0 ? (size_t)len : 0);
    (void)written;
    abort();
}

bool wr_copy_text(char *to, size_t cap, const char *text)
{
    size_t len = strlen(text);
    size_t n = WR_MIN(len, cap - 1);
    memcpy(to, text, n);
    to[n] = '\0';
    return n == len;
}

void wr_ended_name(char to[32], const char *name)
{
    size_t n = 0;
    while (n < 31 && name[n] > ' ' && name[n] < 127) {
        to[n] = name[n];
        n++;
    }
    to[n] = '\0';
}
