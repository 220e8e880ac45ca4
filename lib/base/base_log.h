/*
 * base_log.h - log records: one line of text with a level and an origin, passed to the program's
 * function.
 *
 * The loop has a struct wr_log made from weir_loop_options; everything that belongs to the loop
 * logs through it. By default nothing is logged: without a function, records are not formatted.
 */
#ifndef WR_BASE_LOG_H
#define WR_BASE_LOG_H

#include <stdarg.h>
#include <weir/error.h>

/* The numbers of syslog(3), which programs that forward them know. */
enum wr_log_level { WR_LOG_ERROR = 3, WR_LOG_WARNING = 4, WR_LOG_INFO = 6, WR_LOG_DEBUG = 7 };

struct wr_log {
    void (*fn)(void *ctx, int level, const char *origin,
               const char *text); /* NULL: nothing is logged */
    void *ctx;
};

/* Format a record (cut as a weir_error is, control bytes replaced, no line end) and pass it to the
 * program's function. `log` and `origin` may be NULL. The function runs on the caller's stack and
 * must not call back into weir. */
void wr_log(const struct wr_log *log, int level, const char *origin, const char *format, ...)
    WEIR_PRINTF(4, 5);
/* The same with a record that has been made before: its origin, and its message as it is. */
void wr_log_record(const struct wr_log *log, int level, const weir_error *record);
void wr_vlog(const struct wr_log *log, int level, const char *origin, const char *format,
             va_list args) WEIR_PRINTF(4, 0);

#endif
