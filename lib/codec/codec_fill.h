/*
 * codec_fill.h - a line format with letters for the parts of an item, as kcat has it. Sans-I/O.
 *
 *     %s the text   %S its bytes   %k the key   %K its bytes   %i the id   %h the fields, name=value
 *     %t the origin   %n the number   %o the position   %T the time in ms since 1970   %% a percent
 *
 * Escapes: \n \r \t \\ and \xHH. Nothing is added, so a line end is written as \n.
 */
#ifndef WR_CODEC_FILL_H
#define WR_CODEC_FILL_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/item.h>

#include "codec_out.h"
#include "codec_text.h"

/* The parts of one item. Texts that there are not have len 0. */
struct wr_fill {
    struct wr_text text, key, id, origin, position;
    const weir_slice *names, *values; /* of fields */
    size_t fields_count;
    uint64_t number;
    int64_t time_ms;
    /* Writes a part; NULL: as it is. */
    void (*write)(struct wr_out *out, struct wr_text part);
};

void wr_fill(struct wr_out *out, const char *format, const struct wr_fill *parts);
/* Where the format is wrong: its first wrong % or backslash; NULL: it is right. */
const char *wr_fill_mistake(const char *format);

#endif
