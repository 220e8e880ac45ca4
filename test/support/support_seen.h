/*
 * support_seen.h - what weir_walk and weir_on_end have shown, with copies of its texts.
 */
#ifndef WR_SUPPORT_SEEN_H
#define WR_SUPPORT_SEEN_H

#include <stdio.h>
#include <string.h>

#include <weir/metrics.h>

#include "support_check.h"

enum { SEEN_MAX = 64 };

struct seen {
    struct {
        weir_node node;
        char name[32], component[32], why[200], waited[64];
    } all[SEEN_MAX];
    int count, limit;
};

static inline WEIR_UNUSED bool note(void *arg, const weir_node *node)
{
    struct seen *seen = arg;
    ck_assert_int_lt(seen->count, SEEN_MAX);
    ck_assert_uint_ge(node->struct_size, sizeof *node);
    seen->all[seen->count].node = *node;
    snprintf(seen->all[seen->count].name, 32, "%s", node->name);
    snprintf(seen->all[seen->count].component, 32, "%s",
             node->component != NULL ? node->component : "");
    snprintf(seen->all[seen->count].why, 200, "%s", node->why);
    snprintf(seen->all[seen->count].waited, 64, "%s",
             node->waited[0].why != NULL ? node->waited[0].why : "");
    seen->count++;
    return seen->limit == 0 || seen->count < seen->limit;
}

static inline WEIR_UNUSED int find(const struct seen *seen, int kind, const char *name)
{
    for (int i = 0; i < seen->count; i++) {
        if (seen->all[i].node.kind == kind && strcmp(seen->all[i].name, name) == 0) {
            return i;
        }
    }
    ck_abort_msg("'%s' was not visited", name);
    return -1;
}

static inline WEIR_UNUSED const weir_node *node_of(const struct seen *seen, int kind,
                                                   const char *name)
{
    return &seen->all[find(seen, kind, name)].node;
}

static inline WEIR_UNUSED struct seen walk(const weir_loop *loop)
{
    static struct seen seen;
    memset(&seen, 0, sizeof seen);
    weir_walk(loop, note, &seen);
    return seen;
}

#endif
