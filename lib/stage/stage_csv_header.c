/*
 * stage_csv_header.c - the headers of the files and connections whose rows a stage reads, by origin.
 *
 * The rows of several connections come in turns, and each connection has its own header. When the table
 * is full, it forgets the origins that are over: no row of theirs can come any more. So it is as large
 * as twice the number of those that are not. Nothing here suspends.
 */
#include "stage_csv_header.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_origin.h"
#include "loop_core.h"
#include "loop_scope.h"

enum { NUMBER_BYTES = 5 }; /* of WR_FIELDS_MAX, with its NUL */

weir_slice *wr_csv_copy_names(const weir_slice *names, size_t have, size_t count)
{
    size_t bytes = count * (sizeof *names + NUMBER_BYTES);
    for (size_t i = 0; i < have; i++) {
        bytes += names[i].len;
    }
    weir_slice *all = wr_alloc(bytes);
    if (all == NULL) {
        return NULL;
    }
    char *to = (char *)(all + count);
    for (size_t i = 0; i < count; i++) {
        all[i].data = to;
        if (i < have && names[i].len > 0) {
            all[i].len = names[i].len;
            memcpy(to, names[i].data, names[i].len);
        } else {
            all[i].len = (size_t)snprintf(to, NUMBER_BYTES, "%zu", i + 1);
        }
        to += all[i].len;
    }
    return all;
}

size_t wr_csv_names_bytes(const weir_slice *names, size_t count)
{
    return names == NULL || count == 0
               ? 0
               : (size_t)(names[count - 1].data + names[count - 1].len - (const char *)names);
}

int wr_csv_header_set(struct wr_csv_headers *headers, struct wr_csv_header *header,
                      const weir_slice *names, size_t have, size_t count)
{
    weir_slice *all = wr_csv_copy_names(names, have, count);
    if (all == NULL) {
        return WEIR_ENOMEM;
    }
    headers->bytes -= wr_csv_names_bytes(header->names, header->count);
    wr_free(header->names);
    header->names = all;
    header->count = count;
    header->list = ++headers->lists;
    headers->bytes += wr_csv_names_bytes(all, count);
    return 0;
}

static void forget(struct wr_csv_headers *headers, struct wr_csv_header *header)
{
    headers->bytes -= wr_csv_names_bytes(header->names, header->count);
    wr_free(header->names);
}

/* Where the header of an origin is, or has to be. */
static size_t place_of(const struct wr_csv_headers *headers, uint32_t origin)
{
    size_t low = 0, high = headers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (headers->list[middle].origin < origin) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct wr_csv_headers *headers, size_t at, uint32_t origin)
{
    return at < headers->count && headers->list[at].origin == origin;
}

/* An origin that is not over. */
static void is_here(void *ctx, const struct wr_origin *origin)
{
    struct wr_csv_headers *headers = ctx;
    size_t at = place_of(headers, origin->id);
    if (is_at(headers, at, origin->id)) {
        headers->list[at].here = true;
    }
}

static void forget_what_is_over(struct wr_csv_headers *headers, const struct weir_loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < headers->count; i++) {
        headers->list[i].here = headers->list[i].origin == 0; /* items of the program */
    }
    wr_loop_each_origin(loop, is_here, headers);
    for (size_t i = 0; i < headers->count; i++) {
        if (headers->list[i].here) {
            headers->list[kept++] = headers->list[i];
        } else {
            forget(headers, &headers->list[i]);
        }
    }
    headers->count = kept;
}

/* Room for one more. False: no memory. */
static bool make_room(struct wr_csv_headers *headers, const struct weir_loop *loop)
{
    if (headers->count < headers->cap) {
        return true;
    }
    forget_what_is_over(headers, loop);
    return headers->count < headers->cap / 2 ||
           wr_grow(&headers->list, sizeof *headers->list, headers->cap, &headers->cap);
}

struct wr_csv_header *wr_csv_header_find(struct wr_csv_headers *headers,
                                         const struct weir_loop *loop, uint32_t origin)
{
    size_t at = place_of(headers, origin);
    if (!is_at(headers, at, origin)) {
        if (!make_room(headers, loop)) {
            return NULL;
        }
        at = place_of(headers, origin);
        struct wr_csv_header *to = &headers->list[at];
        memmove(to + 1, to, (headers->count - at) * sizeof *to);
        *to = (struct wr_csv_header){.origin = origin};
        headers->count++;
    }
    headers->at = at;
    return &headers->list[at];
}

void wr_csv_headers_fini(struct wr_csv_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        forget(headers, &headers->list[i]);
    }
    wr_free(headers->list);
    *headers = (struct wr_csv_headers){.list = NULL};
}
