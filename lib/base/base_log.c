/*
 * base_log.c - formats log records.
 *
 * No state of its own. A record is built in a weir_error on the stack: its texts have the same
 * limits and need the same care as those of a failure, and most records report a failure. Called on
 * the loop's thread from any layer; never suspends, allocates nothing.
 */
#include "base_log.h"

#include "base_error.h"

void wr_vlog(const struct wr_log *log, int level, const char *origin, const char *format,
             va_list args)
{
    if (log == NULL || log->fn == NULL) {
        return;
    }
    weir_error record;
    wr_error_vset(&record, WEIR_OK, 0, origin, format, args);
    log->fn(log->ctx, level, record.origin, record.message);
}

void wr_log_record(const struct wr_log *log, int level, const weir_error *record)
{
    if (log != NULL && log->fn != NULL) {
        log->fn(log->ctx, level, record->origin, record->message);
    }
}

void wr_log(const struct wr_log *log, int level, const char *origin, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wr_vlog(log, level, origin, format, args);
    va_end(args);
}
