/*
 * base_print.c - printing into a caller's buffer that may be too small.
 */
#include "base_print.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void wr_print_to(struct wr_print *print, char *to, size_t cap)
{
    *print = (struct wr_print){to, cap, 0};
    if (cap > 0) {
        to[0] = '\0';
    }
}

void wr_print_bytes(struct wr_print *print, const char *bytes, size_t len)
{
    if (print->len + 1 < print->cap) {
        size_t room = print->cap - 1 - print->len;
        size_t fits = room < len ? room : len;
        memcpy(print->to + print->len, bytes, fits);
        print->to[print->len + fits] = '\0';
    }
    print->len += len;
}

void wr_print_string(struct wr_print *print, const char *text)
{
    wr_print_bytes(print, text, strlen(text));
}

void wr_printf(struct wr_print *print, const char *format, ...)
{
    bool fits = print->len < print->cap;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(fits ? print->to + print->len : NULL, fits ? print->cap - print->len : 0,
                        format, args);
    va_end(args);
    print->len += len > 0 ? (size_t)len : 0;
}

size_t wr_print_text(char *to, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(to, cap, format, args);
    va_end(args);
    return len > 0 ? (size_t)len : 0;
}
