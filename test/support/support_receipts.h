/*
 * support_receipts.h - references to ranges of a source's items.
 */
#ifndef WR_SUPPORT_RECEIPTS_H
#define WR_SUPPORT_RECEIPTS_H

#include "bytes_origin.h"

static inline WEIR_UNUSED int wr_test_ref(struct wr_origin *origin, uint64_t from, uint64_t last)
{
    return wr_receipt_ref_all(&origin->receipt, from, last);
}

static inline WEIR_UNUSED void wr_test_unref(struct wr_origin *origin, uint64_t from, uint64_t last,
                                             enum wr_act act)
{
    while (from <= last) {
        struct wr_run run = wr_run_from(&origin->receipt, from, last);
        wr_run_unref(&run, act);
        from = run.first + 64;
    }
}

#endif
