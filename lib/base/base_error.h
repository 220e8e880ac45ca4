/*
 * base_error.h - filling weir_error records, and aborting on misuse.
 */
#ifndef WR_BASE_ERROR_H
#define WR_BASE_ERROR_H

#include <stdarg.h>
#include <string.h>
#include <weir/error.h>

/* No failure: code 0, offset -1, empty texts. NULL is allowed. */
void wr_error_clear(weir_error *error);
/* Fill a record: code, detail, origin (NULL: ""), and a printf message, cut at the end of its
 * field. Control bytes are replaced. Returns code. error may be NULL. */
int wr_error_set(weir_error *error, int code, int detail, const char *origin, const char *format,
                 ...) WEIR_PRINTF(5, 6);
int wr_error_vset(weir_error *error, int code, int detail, const char *origin, const char *format,
                  va_list args);
/* The name of a code without its WEIR_: "EPARSE"; for the user's own codes "EUSER". */
const char *wr_code_name(int code);
/* A short constant text for a code: "timed out", "connection reset"; for the user's own codes
 * "error". */
const char *wr_code_text(int code);

/* Misuse: print "weir: <what>" to stderr, with the name of the function if it is public, and abort.
 * In all builds. */
_Noreturn void wr_misuse(const char *function, const char *format, ...) WEIR_PRINTF(2, 3);
#define WR_ASSERT(condition, ...)                \
    do {                                         \
        if (__builtin_expect(!(condition), 0)) { \
            wr_misuse(__func__, __VA_ARGS__);    \
        }                                        \
    } while (0)

/* At the start of a public function: a pointer that must not be NULL, and bytes that are copied. */
#define WR_GIVEN(pointer) WR_ASSERT((pointer) != NULL, #pointer " is NULL")
#define WR_COPIED_GIVEN(bytes, len) \
    WR_ASSERT((bytes) != NULL || (len) == 0, #bytes " is NULL, but " #len " is not 0")

/* Copy a terminated text, cut at cap. False: it was cut. snprintf would use 2 KB of a coroutine's
 * stack, and the coroutine keeps those pages. */
bool wr_copy_text(char *to, size_t cap, const char *text);
/* For messages of misuse: the name of a freed object, if its memory still contains it. */
void wr_ended_name(char to[32], const char *name);

/* Copy an option struct of the caller, which may be shorter or longer than ours. Without
 * struct_size the options would be ignored silently: that is misuse. */
#define WR_TAKE_OPTIONS(to, from)                                                        \
    do {                                                                                 \
        WR_ASSERT((from)->struct_size >= sizeof(size_t),                                 \
                  "the options have no struct_size; initialize them with WEIR_OPTIONS"); \
        memcpy(&(to), (from),                                                            \
               (from)->struct_size < sizeof(to) ? (from)->struct_size : sizeof(to));     \
    } while (0)

#define WR_LIKELY(x) __builtin_expect(!!(x), 1)
#define WR_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WR_MIN(a, b) ((a) < (b) ? (a) : (b))
#define WR_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
