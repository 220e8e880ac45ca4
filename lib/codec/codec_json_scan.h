/*
 * codec_json_scan.h - finds where a JSON value ends, byte by byte, over any number of windows.
 * Internal to the framers of JSON values.
 *
 * It knows the structure only: what is inside a number, a literal or an escape is validated when the
 * value is there as a whole. So it finds the end of each valid value, and in what is not valid the
 * first byte that cannot belong to any.
 *
 *     START    before a value at the top level
 *     FIRST    after '[': an element or ']'
 *     VALUE    a value must follow
 *     KEY      a key must follow; FIRST_KEY: or '}'
 *     COLON    after a key
 *     AFTER    after a value inside brackets
 *     STRING, ESCAPE, PLAIN     inside a string, after its backslash, inside a number or literal
 *     REST     a mistake was found
 */
#ifndef WR_CODEC_JSON_SCAN_H
#define WR_CODEC_JSON_SCAN_H

#include "codec_json.h"

enum wr_json_state {
    WR_JSON_START = 0,
    WR_JSON_FIRST,
    WR_JSON_VALUE,
    WR_JSON_FIRST_KEY,
    WR_JSON_KEY,
    WR_JSON_COLON,
    WR_JSON_AFTER,
    WR_JSON_IN_STRING,
    WR_JSON_ESCAPE,
    WR_JSON_PLAIN,
    WR_JSON_REST
};
enum wr_json_found { WR_JSON_MORE, WR_JSON_ENDED, WR_JSON_BAD };

struct wr_json_scan {
    enum wr_json_state state;
    bool key;                                 /* the string is a key */
    uint32_t depth;                           /* open brackets */
    uint64_t objects[WR_JSON_DEPTH_MAX / 64]; /* a bit for each of them: it is an object */
};

static inline bool wr_json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A value begins with the byte c, which is used up unless the state is REST then. */
void wr_json_scan_begin(struct wr_json_scan *s, char c);
/* Go on with the value of which data[.. *at) has been scanned. ENDED: it ends at *at. BAD: the input
 * ends at *at, inside the value. MORE: the window is used up, or the state is REST: data[*at] is the
 * mistake. */
enum wr_json_found wr_json_scan_on(struct wr_json_scan *s, const char *data, size_t *at, size_t len,
                                   bool eof);

#endif
