/*
 * flow_dead_parts.h - the dead sink, for the files that it consists of: the list of rejected items
 * (flow_dead.c), and the gates that bound it (flow_dead_gate.c).
 */
#ifndef WR_FLOW_DEAD_PARTS_H
#define WR_FLOW_DEAD_PARTS_H

#include "flow_dead.h"
#include "flow_gen.h"

struct wr_dead_record {
    struct wr_dead_record *next;
    weir_item item; /* the line, and the reference to the source item */
};

struct wr_dead {
    struct weir_scope *scope;
    struct weir_sink *(*make)(struct weir_scope *scope, const char *path, struct weir_state *syncs);
    struct weir_state *syncs; /* for make; NULL */
    unsigned refs;
    unsigned writers; /* generators that may still reject */
    bool ended;       /* the last of them has closed */
    struct wr_dead_record *first, **end;
    size_t count, bytes;
    struct weir_gen *source; /* gives the records to the pump; NULL: not started, or over */
    struct wr_task *pump;
    struct wr_object *closer; /* waits for the pump */
    struct wr_list gates;
    weir_error error; /* from the pump */
    char path[];
};

struct wr_dead_gate {
    struct weir_gen gen;
    struct wr_dead *dead;
    struct wr_list link; /* in dead->gates */
};

/* The dead sink has failed: the error that the components that write to it fail with. */
weir_error wr_dead_failure(const struct wr_dead *dead);

#endif
