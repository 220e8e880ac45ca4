/*
 * stage_written.c - records and JSON values to texts (stage_written.h).
 *
 * A text is written into what is left of the block, and once more into a block with room if that was
 * too little. It does not suspend.
 */
#include "stage_written.h"

#include <weir/module.h>

#include "bytes_item.h"
#include "flow_dead.h"

void wr_written_init(struct wr_written *written, size_t bytes_max)
{
    *written = (struct wr_written){.headed = false};
    wr_json_init(&written->json);
    written->json.bytes_max = bytes_max;
}

size_t wr_written_bytes(const struct wr_written *written)
{
    return wr_json_bytes(&written->json) + wr_fields_bytes(&written->fields);
}

void wr_written_trim(struct wr_written *written)
{
    wr_json_trim(&written->json);
    wr_fields_fini(&written->fields);
}

void wr_written_fini(struct wr_written *written)
{
    wr_json_fini(&written->json);
    wr_fields_fini(&written->fields);
}

uint32_t wr_written_gives(const void *args, uint32_t shape)
{
    const uint32_t written = (uint32_t)WEIR_SHAPE_JSON | WEIR_SHAPE_RECORD;
    (void)args;
    return ((shape & written) != 0 ? (uint32_t)WEIR_SHAPE_LINE : 0) |
           ((shape & ~written) != 0 ? (uint32_t)WEIR_SHAPE_RECORD : 0);
}

struct writing {
    struct wr_written *written;
    const struct wr_written_ops *ops;
    void *self;
    struct wr_row row;
    bool json; /* the item is JSON, and write_json takes it */
    bool head; /* what stands before it is written */
};

static int write_to(struct writing *w, struct wr_out *out)
{
    struct wr_fields *fields = &w->written->fields;
    return w->head   ? w->ops->head(w->self, out, fields, &w->row)
           : w->json ? w->ops->write_json(w->self, out, fields, &w->written->json)
                     : w->ops->write(w->self, out, fields, &w->row);
}

/* 0, WEIR_EPARSE or WEIR_ENOMEM. */
static int begin(struct writing *w, const weir_item *item)
{
    struct wr_fields *fields = &w->written->fields;
    const weir_event *event = weir_event_of(item);
    if (event != NULL) {
        w->row = wr_row_of_event(event);
        return 0;
    }
    w->row.text = (weir_slice){item->data, item->len};
    int rc = wr_json_index(&w->written->json, item->data, item->len);
    if (rc == WEIR_EPARSE) {
        return wr_fields_bad(fields, w->written->json.error_at, w->written->json.error);
    }
    if (rc == WEIR_ETOOLONG) {
        return wr_fields_bad(fields, 0, w->written->json.error);
    }
    w->json = w->ops->write_json != NULL;
    return rc < 0 || w->json ? rc : wr_row_of_json(fields, &w->written->json, &w->row);
}

/* Write one text. 1: *item is the text; 0: there is none; or a code. */
static int put(struct writing *w, struct wr_made *made, struct weir_gen *gen, weir_item *item,
               size_t left, uint32_t flags)
{
    struct wr_out out = wr_made_room(made);
    int rc = write_to(w, &out);
    if (rc < 0 || (w->head && rc == 0)) {
        return rc;
    }
    size_t need = wr_item_padded(out.len);
    if (need > out.cap || out.to == NULL) {
        rc = wr_made_reserve(made, gen, need, left);
        if (rc < 0) {
            return rc;
        }
        out = wr_made_room(made);
        (void)write_to(w, &out);
    }
    wr_made_take(made, item, out.len, NULL, flags);
    return 1;
}

int wr_written_read(struct wr_written *written, const struct wr_written_ops *ops, void *self,
                    struct wr_made *made, struct weir_gen *gen, weir_item *item, size_t left,
                    uint32_t flags)
{
    struct writing w = {.written = written, .ops = ops, .self = self};
    int rc = begin(&w, item);
    if (rc == 0 && ops->head != NULL && !written->headed) {
        w.head = true;
        rc = put(&w, made, gen, item, left, flags);
        written->headed = rc >= 0;
        w.head = false;
        if (rc > 0) {
            return WR_MADE_BEFORE;
        }
    }
    rc = rc == 0 ? put(&w, made, gen, item, left, flags) : rc;
    if (rc == WEIR_EPARSE) {
        struct wr_fault fault = wr_fields_fault(&written->fields, w.row.text);
        return wr_gen_reject_at(gen, item, rc, &fault);
    }
    return rc < 0 && rc != WEIR_EBUDGET ? wr_gen_fail(gen, rc, 0, -1, "no memory for a text") : rc;
}
