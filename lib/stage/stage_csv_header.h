/*
 * stage_csv_header.h - the names of rows: those of the header of the file or connection that a row is
 * from. Internal to stage_csv.c and stage_csv_header.c.
 */
#ifndef WR_STAGE_CSV_HEADER_H
#define WR_STAGE_CSV_HEADER_H

#include <weir/item.h>

#include "codec_csv_write.h"

/* The header of one origin. */
struct wr_csv_header {
    uint32_t origin;
    uint32_t list;     /* the number of the list of names; 0: there is none */
    bool began;        /* its first row has come */
    bool here;         /* while the table is cleaned: the origin is not over */
    size_t columns;    /* names in the header */
    weir_slice *names; /* `count` of them, then their bytes: those of the header, then numbers */
    size_t count;
};

struct wr_csv_headers {
    struct wr_csv_header *list; /* by origin */
    size_t count, cap, at;      /* at: the one that was used last */
    size_t bytes;               /* of all names */
    uint32_t lists;             /* of names, so far */
};

/* A list of `count` names: the first `have` are `names`, but a column without a name has its number.
 * NULL: no memory. */
weir_slice *wr_csv_copy_names(const weir_slice *names, size_t have, size_t count);
/* The bytes of such a list. */
size_t wr_csv_names_bytes(const weir_slice *names, size_t count);

/* The slow part of wr_csv_header_of: another origin than before. */
struct wr_csv_header *wr_csv_header_find(struct wr_csv_headers *headers,
                                         const struct weir_loop *loop, uint32_t origin);
/* The header of an origin, a new one if it has none; valid until the next call. NULL: no memory. */
static inline struct wr_csv_header *wr_csv_header_of(struct wr_csv_headers *headers,
                                                     const struct weir_loop *loop, uint32_t origin)
{
    return headers->at < headers->count && headers->list[headers->at].origin == origin
               ? &headers->list[headers->at]
               : wr_csv_header_find(headers, loop, origin);
}
/* Set its names, as wr_csv_copy_names. 0 or WEIR_ENOMEM. */
int wr_csv_header_set(struct wr_csv_headers *headers, struct wr_csv_header *header,
                      const weir_slice *names, size_t have, size_t count);
void wr_csv_headers_fini(struct wr_csv_headers *headers);

#endif
