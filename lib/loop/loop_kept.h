/*
 * loop_kept.h - the last bytes of a stream of records, from the beginning of a record. Internal.
 *
 * A stream that may have to be sent again keeps its bytes here, until it knows that they have
 * arrived. They are charged to the budget.
 */
#ifndef WR_LOOP_KEPT_H
#define WR_LOOP_KEPT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct wr_budget;

struct wr_kept {
    char *bytes;
    size_t len, cap, charged;
    size_t max;
    int32_t frame; /* WEIR_FRAME_...: where records begin */
};

/* Make room for up to `want` more bytes. Returns for how many there is room: fewer at the maximum, or
 * without memory. */
size_t wr_kept_room(struct wr_kept *kept, struct wr_budget *budget, size_t want);
/* Add the first `len` bytes of a vector. There must be room. */
void wr_kept_add(struct wr_kept *kept, const struct iovec *iov, size_t len);
/* The first `len` bytes have arrived: forget the records that are whole among them. Without frames a
 * record is a byte. */
void wr_kept_forget(struct wr_kept *kept, size_t len);
void wr_kept_fini(struct wr_kept *kept, struct wr_budget *budget);

#endif
