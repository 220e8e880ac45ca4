/*
 * codec_json_scan.c - the state machine that finds the end of a JSON value (codec_json_scan.h).
 */
#include "codec_json_scan.h"

#include <string.h>

/* Can this byte belong to a number or a literal? Whether they are right is not the scan's matter. */
static bool is_plain(char c)
{
    return !wr_json_is_space(c) && c != '\0' && strchr("{}[]:,\"", c) == NULL;
}

static bool in_object(const struct wr_json_scan *s)
{
    uint32_t top = s->depth - 1;
    return (s->objects[top / 64] >> top % 64 & 1) != 0;
}

/* A value begins with c. */
static enum wr_json_state begin(struct wr_json_scan *s, char c)
{
    if (c == '{' || c == '[') {
        if (s->depth == WR_JSON_DEPTH_MAX) {
            return WR_JSON_REST;
        }
        uint64_t bit = UINT64_C(1) << s->depth % 64;
        uint64_t *word = &s->objects[s->depth++ / 64];
        *word = c == '{' ? *word | bit : *word & ~bit;
        return c == '{' ? WR_JSON_FIRST_KEY : WR_JSON_FIRST;
    }
    s->key = false;
    return c == '"' ? WR_JSON_IN_STRING : is_plain(c) ? WR_JSON_PLAIN : WR_JSON_REST;
}

static enum wr_json_state close_bracket(struct wr_json_scan *s)
{
    s->depth--;
    return s->depth > 0 ? WR_JSON_AFTER : WR_JSON_START;
}

/* What follows the byte c, which is no white space and is not inside a string or a plain value. */
static enum wr_json_state step(struct wr_json_scan *s, char c)
{
    switch (s->state) {
    case WR_JSON_FIRST:
        if (c == ']') {
            return close_bracket(s);
        }
        return begin(s, c);
    case WR_JSON_START:
    case WR_JSON_VALUE: return begin(s, c);
    case WR_JSON_FIRST_KEY:
        if (c == '}') {
            return close_bracket(s);
        }
        s->key = true;
        return c == '"' ? WR_JSON_IN_STRING : WR_JSON_REST;
    case WR_JSON_KEY: s->key = true; return c == '"' ? WR_JSON_IN_STRING : WR_JSON_REST;
    case WR_JSON_COLON: return c == ':' ? WR_JSON_VALUE : WR_JSON_REST;
    case WR_JSON_AFTER:
        if (c == ',') {
            return in_object(s) ? WR_JSON_KEY : WR_JSON_VALUE;
        }
        return c == (in_object(s) ? '}' : ']') ? close_bracket(s) : WR_JSON_REST;
    default: return WR_JSON_REST;
    }
}

static enum wr_json_state after_value(const struct wr_json_scan *s)
{
    return s->key ? WR_JSON_COLON : s->depth > 0 ? WR_JSON_AFTER : WR_JSON_START;
}

/* Inside a string, up to its closing quote, its next escape or a control character. */
static size_t in_string(struct wr_json_scan *s, const char *data, size_t at, size_t len)
{
    while (at < len && data[at] != '"' && data[at] != '\\' && (unsigned char)data[at] >= 0x20) {
        at++;
    }
    if (at < len) {
        char c = data[at];
        s->state = c == '"' ? after_value(s) : c == '\\' ? WR_JSON_ESCAPE : WR_JSON_REST;
        at += s->state != WR_JSON_REST; /* a line end belongs to the rest of the line */
    }
    return at;
}

enum wr_json_found wr_json_scan_on(struct wr_json_scan *s, const char *data, size_t *at, size_t len,
                                   bool eof)
{
    size_t i = *at;
    enum wr_json_found found = WR_JSON_MORE;
    while (found == WR_JSON_MORE && i < len && s->state != WR_JSON_REST) {
        char c = data[i];
        switch (s->state) {
        case WR_JSON_IN_STRING: i = in_string(s, data, i, len); break;
        case WR_JSON_ESCAPE: /* which escape it is, is not the scan's matter */
            s->state = (unsigned char)c < 0x20 ? WR_JSON_REST : WR_JSON_IN_STRING;
            i += s->state == WR_JSON_IN_STRING;
            break;
        case WR_JSON_PLAIN:
            if (is_plain(c)) {
                i++;
                continue;
            }
            s->state = after_value(s);
            break;
        default:
            if (!wr_json_is_space(c)) {
                s->state = step(s, c);
            }
            i += s->state != WR_JSON_REST;
        }
        found = s->state == WR_JSON_START ? WR_JSON_ENDED : WR_JSON_MORE;
    }
    if (found == WR_JSON_MORE && i == len && eof) {
        found = s->state == WR_JSON_PLAIN && s->depth == 0 ? WR_JSON_ENDED : WR_JSON_BAD;
        s->state = WR_JSON_START;
    }
    *at = i;
    return found;
}

void wr_json_scan_begin(struct wr_json_scan *s, char c)
{
    s->depth = 0;
    s->state = begin(s, c);
}
