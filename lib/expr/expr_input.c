/*
 * expr_input.c - items as inputs, variables as names (expr_input.h).
 */
#include "expr_input.h"

#include <string.h>

#include "base_error.h"
#include "bytes_origin.h"

/* A value of a record. */
static struct wr_value field_value(const weir_event *event, uint32_t i)
{
    weir_slice text = event->values[i];
    uint8_t kind = event->kinds != NULL ? event->kinds[i] : (uint8_t)WEIR_VALUE_STRING;
    struct wr_value value = wr_value_string(text.data, text.len);
    if (kind == WEIR_VALUE_BOOL) {
        return wr_value_bool(text.len == 4);
    }
    value.kind = kind == WEIR_VALUE_NUMBER ? WR_JSON_NUMBER : WR_JSON_STRING;
    return value;
}

/* An object of the first `count` fields of an event. NULL: no memory. */
static struct wr_members *fields_object(struct wr_arena *arena, const weir_event *event,
                                        uint32_t count)
{
    struct wr_members *object = wr_members_new(arena, count);
    for (uint32_t i = 0; object != NULL && i < count; i++) {
        weir_slice name = event->names[i];
        if (!wr_members_put(arena, object, wr_value_string(name.data, name.len),
                            field_value(event, i))) {
            return NULL;
        }
    }
    return object;
}

const struct wr_members *wr_input_fields(struct wr_arena *arena, const weir_event *event)
{
    return fields_object(arena, event, event->fields_count);
}

static bool put_text(struct wr_arena *arena, struct wr_members *object, const char *name,
                     weir_slice text)
{
    return text.len == 0 || wr_members_put(arena, object, wr_value_string(name, strlen(name)),
                                           wr_value_string(text.data, text.len));
}

/* "192.0.2.7" of "192.0.2.7:514", "2001:db8::1" of "[2001:db8::1]:514"; empty: it has none. */
static weir_slice host_of(weir_slice peer)
{
    size_t len = peer.len;
    while (len > 0 && peer.data[len - 1] != ':') {
        len--;
    }
    if (len < 2) {
        return (weir_slice){"", 0};
    }
    return peer.data[0] == '[' ? (weir_slice){peer.data + 1, len - 3}
                               : (weir_slice){peer.data, len - 1};
}

bool wr_input_meta(wr_machine *run, const weir_item *item, bool as_came)
{
    static const weir_event none = {.kind = WEIR_EVENT_RECORD};
    struct wr_arena *arena = wr_machine_arena(run);
    const weir_event *event = as_came ? weir_event_of(item) : NULL;
    weir_slice peer = weir_item_peer(item);
    int64_t offset;
    weir_slice path = wr_item_path(item, &offset);
    if (event == NULL && peer.len == 0 && path.len == 0) {
        return true;
    }
    event = event != NULL ? event : &none;
    const weir_event *came = event->message != NULL ? event->message : event;
    bool message = came->kind == WEIR_EVENT_MESSAGE;
    struct wr_members *meta = fields_object(arena, came, message ? came->fields_count : 0);
    bool ok = meta != NULL && put_text(arena, meta, "key", came->key) &&
              put_text(arena, meta, "id", came->id) && put_text(arena, meta, "body", event->body) &&
              put_text(arena, meta, "peer", peer) && put_text(arena, meta, "host", host_of(peer)) &&
              put_text(arena, meta, "path", path) &&
              (offset < 0 ||
               wr_members_put(arena, meta, wr_value_string("offset", 6), wr_value_integer(offset)));
    if (ok) {
        wr_machine_meta(run, wr_value_object(meta));
    }
    return ok;
}

int wr_names_of(const weir_variable *variables, size_t count, struct wr_names **names,
                const char **which, char why[WR_NAMES_WHY])
{
    int rc = 0;
    *which = "";
    *names = count > 0 ? wr_names_new(count) : NULL;
    if (count > 0 && *names == NULL) {
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const weir_variable *value = &variables[i];
        WR_ASSERT(value->name != NULL && value->text != NULL, "a value without its name or text");
        *which = value->name;
        rc = wr_names_add(*names, value->name, wr_text_of(value->text), value->json != 0,
                          value->secret != 0, why);
    }
    if (rc != 0) {
        wr_names_unref(*names);
        *names = NULL;
    }
    return rc;
}
