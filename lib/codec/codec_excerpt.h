/*
 * codec_excerpt.h - what is written at the place in a text where a mistake is, for messages.
 * Sans-I/O.
 */
#ifndef WR_CODEC_EXCERPT_H
#define WR_CODEC_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

/* Why a text is not valid, and where. */
struct wr_fault {
    const char *problem;
    weir_slice text;
    size_t at;   /* a byte of the text, from 0; text.len: at its end */
    bool binary; /* its bytes are not shown */
    /* What to write in the pipeline; shown with the first one of a component, behind the caret. NULL:
     * nothing. */
    const char *hint;
};

enum {
    WR_FAULT_REASON = 200, /* bytes that a reason needs at most, with its NUL */
    WR_EXCERPT_BYTES = 256 /* the same for an excerpt */
};

/* The problem, the position in the text and what is written there, in one line. Terminated. */
void wr_fault_reason(const struct wr_fault *fault, char to[WR_FAULT_REASON]);

/*
 * The part of a text around the byte `at`, and a caret below it, to be shown after a message:
 *
 *     \n  …"user":"bob" "type":"login"}…\n                ^
 *
 * It is cut to the line of the text that has the byte, and to what a terminal shows in a line.
 * Control characters, characters that change how others are shown, and bytes that are not UTF-8 are
 * question marks; secrets (codec_secret.h) are stars. Terminated. Returns its length; 0: the line is
 * empty, or most of it is not text.
 */
size_t wr_excerpt(weir_slice text, size_t at, char to[WR_EXCERPT_BYTES]);

/* Write a number with spaces between groups of three digits: 918 233. Returns `to`. */
const char *wr_grouped(uint64_t number, char to[32]);

#endif
