/*
 * codec_json_index.h - the first pass over a JSON text: where its tokens begin, found by simdjson in
 * blocks of 64 bytes. Internal to codec_json.c; the implementation is C++.
 *
 * A token begins at each of { } [ ] : , outside of strings, at the opening quote of a string, and
 * where a run of other characters begins that are no white space. The pass looks at nothing else
 * of the grammar. It makes sure that strings end and contain no control characters, and that the
 * text is UTF-8.
 */
#ifndef WR_CODEC_JSON_INDEX_H
#define WR_CODEC_JSON_INDEX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum wr_json_indexed {
    WR_JSON_INDEXED,
    WR_JSON_BAD_STRING, /* unclosed, or a control character inside */
    WR_JSON_BAD_UTF8,
    WR_JSON_INDEX_FAILED, /* anything else */
};

/* NULL: out of memory. */
void *wr_json_indexer_new(void);
/* NULL is allowed. */
void wr_json_indexer_free(void *indexer);
/* Entries that `at` must have room for, for a text of len bytes. The pass writes them in blocks, also
 * beyond the last token. */
size_t wr_json_index_room(size_t len);
/* len is at least 1. Sets at[0 .. *count) and at[*count] = len. */
enum wr_json_indexed wr_json_indexer_run(void *indexer, const char *text, size_t len, uint32_t *at,
                                         uint32_t *count);

#ifdef __cplusplus
}
#endif

#endif
