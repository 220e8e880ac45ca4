/*
 * codec_json_items.h - what the framer of the elements of an array (codec_json_items.c) knows between
 * two windows, and the messages about texts without that array (codec_json_items_path.c). Internal
 * to these two.
 */
#ifndef WR_CODEC_JSON_ITEMS_H
#define WR_CODEC_JSON_ITEMS_H

#include "codec_json_values.h"

enum wr_json_items_where {
    WR_ITEMS_TEXT = 0,
    WR_ITEMS_FIRST_KEY,
    WR_ITEMS_KEY,
    WR_ITEMS_COLON,
    WR_ITEMS_MEMBER,
    WR_ITEMS_AFTER_MEMBER,
    WR_ITEMS_SKIP,
    WR_ITEMS_FIRST_ELEMENT,
    WR_ITEMS_ELEMENT,
    WR_ITEMS_AFTER_ELEMENT,
    WR_ITEMS_REST
};

struct wr_json_step {
    struct wr_text name;
    size_t path_len; /* of the path up to here, as it is written */
    bool seen;       /* the object that is being read has this key */
};

/* What is wrong with a text. */
struct wr_json_mistake {
    const char *data; /* the frame that was given for it */
    size_t len;
    size_t at;           /* a byte of it */
    const char *problem; /* NULL: there is no array at the path, because of this: */
    size_t level;        /* after so many steps of the path */
    char found; /* the first byte of the value there; '}': an object without the next step */
};

struct wr_json_items {
    enum wr_json_items_where where;
    size_t level; /* open objects of the path */
    bool on_path; /* the member is the next of the path */
    bool inside;  /* a key, an element or a value beside the path has begun: the scan goes on */
    bool lf;      /* the byte before the window is a line end */
    size_t at;    /* bytes of the window that are read; those before are kept for a rejection */
    /* Offset in the whole input of the first byte that a rejection would have: of the text, or after
     * its last element. */
    uint64_t since;
    bool wrong; /* the text is rejected, */
    bool over;  /* has ended, */
    bool told;  /* and was given */
    uint64_t wrong_at;
    struct wr_json_mistake mistake; /* of the text */
    struct wr_json_mistake *given;  /* since the last wr_json_items_forget */
    size_t given_count, given_room;
    char problem[160]; /* of the last wr_json_items_fault */
    size_t count;
    char *path; /* as it is written */
    struct wr_json_step steps[];
};

/* What a value that begins with this byte is: "a number"; NULL: no value begins with it. */
const char *wr_json_items_kind(char byte);

#endif
