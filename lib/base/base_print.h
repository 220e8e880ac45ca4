/*
 * base_print.h - printing into a caller's buffer that may be too small. Internal.
 *
 * As snprintf: what does not fit is left out, the text ends with a NUL if the buffer has room for
 * one, and the length is that of the whole text.
 */
#ifndef WR_BASE_PRINT_H
#define WR_BASE_PRINT_H

#include <stddef.h>
#include <weir/error.h>

/* A text that is printed in several steps. */
struct wr_print {
    char *to;
    size_t cap, len;
};
void wr_print_to(struct wr_print *print, char *to, size_t cap);
/* These two format nothing: a signal handler may call them, and they need little stack. */
void wr_print_bytes(struct wr_print *print, const char *bytes, size_t len);
void wr_print_string(struct wr_print *print, const char *text);
void wr_printf(struct wr_print *print, const char *format, ...) WEIR_PRINTF(2, 3);

/* A text that is printed in one step. Returns its length. */
size_t wr_print_text(char *to, size_t cap, const char *format, ...) WEIR_PRINTF(3, 4);

#endif
