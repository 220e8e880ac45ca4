/*
 * codec_show.h - texts for people: JSON with indentation and colours, and no byte that a terminal
 * would obey. Sans-I/O.
 */
#ifndef WR_CODEC_SHOW_H
#define WR_CODEC_SHOW_H

#include <stdbool.h>

#include "codec_json.h"
#include "codec_out.h"

struct wr_show {
    bool pretty;   /* each member and element on a line of its own, two spaces a level, as jq */
    bool colour;   /* the escape sequences of a terminal, in jq's colours */
    bool harmless; /* what a terminal would obey is escaped in strings, as \u009b */
};

/* A JSON text that was indexed. Without `pretty` it is compact. */
void wr_show_json(struct wr_out *out, const struct wr_json *json, const struct wr_show *how);
/* Does the text have anything that a terminal would obey: a control character other than line end and
 * tab, a mark that turns the direction of writing, or bytes that are not UTF-8? */
bool wr_show_obeyed(struct wr_text text);
/* Any bytes, with that escaped, as \x1b and \u202e. */
void wr_show_text(struct wr_out *out, struct wr_text text);

#endif
