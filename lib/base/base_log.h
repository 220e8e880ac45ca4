/*
 * base_log.h - log records: one line of text with a level and an origin, handed to the program's
 * function.
 *
 * The loop holds a struct wr_log made from weir_loop_options; everything that belongs to the loop
 * logs through it. By default nothing is written, and a record that nobody reads is not formatted.
 */
#ifndef WR_BASE_LOG_H
#define WR_BASE_LOG_H

#include <stdarg.h>
#include <weir/error.h>

/* The numbers of syslog(3), which programs that forward them know. */
enum wr_log_level { WR_LOG_ERROR = 3, WR_LOG_WARNING = 4, WR_LOG_INFO = 6, WR_LOG_DEBUG = 7 };

struct wr_log {
    void (*fn)(void *ctx, int level, const char *origin,
               const char *text); /* NULL: nobody listens */
    void *ctx;
};

/* Format (cut as a weir_error is, control bytes made harmless, no line end) and hand over. `log`
 * and `origin` may be NULL. The program's function runs on the caller's stack and must not call
 * back into weir. */
void wr_log(const struct wr_log *log, int level, const char *origin, const char *format, ...)
    WEIR_PRINTF(4, 5);
void wr_vlog(const struct wr_log *log, int level, const char *origin, const char *format,
             va_list args) WEIR_PRINTF(4, 0);

#endif
