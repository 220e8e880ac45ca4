/*
 * expr_fn_tree.c - functions on whole trees: walk, flatten, transpose, pick.
 *
 * walk(f) replaces all values by f of them, what is inside first. It is two instructions around the
 * code of f: WALK makes a frame and starts f on the first value without children; WALKED puts an
 * output of f into what is being made, and lets f backtrack. When f has no more outputs the frame is
 * reached, which starts f on the next value. The outputs for the root are those of walk. What has
 * been made is never taken back before the frame goes, so marks move with it.
 */
#include "expr_compiling.h"
#include "expr_machine.h"

#include "base_error.h"

/* A container that is being walked through, and what its children become. */
struct wr_walk {
    struct wr_walk *up;
    const struct wr_value *elements;
    const struct wr_member *members; /* of an object; elements is NULL */
    uint32_t count, next;
    struct wr_members *object;
    struct wr_value *made;
    uint32_t made_count, made_room;
};

/* Begin with a container; NULL: no memory. */
static struct wr_walk *enter(struct wr_arena *arena, struct wr_walk *up, struct wr_value container)
{
    struct wr_walk *walk = wr_arena_alloc(arena, sizeof *walk);
    if (walk == NULL) {
        return NULL;
    }
    *walk = (struct wr_walk){.up = up};
    if (container.kind == WR_JSON_ARRAY) {
        return wr_value_elements(arena, container, &walk->elements, &walk->count) ? walk : NULL;
    }
    const struct wr_members *object = wr_value_members(arena, container);
    if (object == NULL) {
        return NULL;
    }
    walk->members = object->members;
    walk->count = object->count;
    walk->object = wr_members_new(arena, object->count);
    return walk->object != NULL ? walk : NULL;
}

/* Start f on the first value inside `value` that has no children. The frame is the last fork. */
static enum wr_next visit(wr_machine *run, struct wr_value value)
{
    uint32_t frame = run->forks_count - 1;
    uint32_t count = 0;
    while (value.kind >= WR_JSON_ARRAY) {
        if (!wr_value_count(&run->arena, value, &count)) {
            return wr_machine_no_memory(run), WR_FAIL;
        }
        if (count == 0) {
            break;
        }
        struct wr_walk *walk = enter(&run->arena, run->forks[frame].walk, value);
        if (walk == NULL) {
            return wr_machine_no_memory(run), WR_FAIL;
        }
        run->forks[frame].walk = walk;
        value = walk->object != NULL ? walk->members[0].value : walk->elements[0];
    }
    run->forks[frame].at = run->forks[frame].walk == NULL; /* the root itself */
    run->forks[frame].mark = wr_arena_mark(&run->arena);
    struct wr_value number = {.kind = WR_VALUE_FRAME, .len = frame};
    return wr_push(run, number) && wr_push(run, value) ? WR_GO : WR_FAIL;
}

enum wr_next wr_step_walk(wr_machine *run, const struct wr_op *op)
{
    struct wr_value input = wr_pop(run);
    (void)op;
    return wr_fork(run, WR_FORK_WALK, run->pc) != NULL ? visit(run, input) : WR_FAIL;
}

/* f has no more outputs for the last value. */
enum wr_next wr_walk_next(wr_machine *run)
{
    struct wr_fork *fork = &run->forks[run->forks_count - 1];
    struct wr_walk *walk = fork->walk;
    if (++walk->next < walk->count) {
        return visit(run, walk->object != NULL ? walk->members[walk->next].value
                                               : walk->elements[walk->next]);
    }
    struct wr_value made = walk->object != NULL ? wr_value_object(walk->object)
                                                : wr_value_array(walk->made, walk->made_count);
    struct wr_value number = {.kind = WR_VALUE_FRAME, .len = run->forks_count - 1};
    fork->walk = walk->up;
    fork->at = walk->up == NULL;
    return wr_push(run, number) && wr_push(run, made) ? WR_GO : WR_FAIL;
}

/* An array takes all outputs of f for an element, an object the first one for a member. */
static bool put(wr_machine *run, struct wr_walk *walk, struct wr_value value)
{
    if (walk->object != NULL) {
        return wr_members_put(&run->arena, walk->object, walk->members[walk->next].key, value);
    }
    if (walk->made_count == walk->made_room) {
        uint32_t room = WR_MAX(2 * walk->made_room, walk->count);
        walk->made = wr_arena_extend(&run->arena, walk->made, walk->made_room * sizeof *walk->made,
                                     room * sizeof *walk->made);
        walk->made_room = room;
    }
    if (walk->made == NULL) {
        return false;
    }
    walk->made[walk->made_count++] = value;
    return true;
}

enum wr_next wr_step_walked(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value = wr_pop(run);
    uint32_t frame = wr_pop(run).len;
    struct wr_walk *walk = run->forks[frame].walk;
    (void)op;
    if (run->forks[frame].at != 0) {
        return wr_push(run, value) ? WR_GO : WR_FAIL;
    }
    if (!put(run, walk, value)) {
        return wr_machine_no_memory(run), WR_FAIL;
    }
    if (walk->object != NULL) {
        wr_forks_cut(run, frame + 1);
    }
    wr_forks_keep(run, frame);
    return WR_BACK;
}

static bool emit_walk(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return notes ? wr_compile_fail(compiling, call, "a path is needed here, as in .a or .[]")
                 : wr_emit(compiling, WR_CODE_WALK) != NULL &&
                       wr_compile(compiling, call->first, false) &&
                       wr_emit(compiling, WR_CODE_WALKED) != NULL;
}

/* ---- flatten */

/* An array that is being gone through. */
struct nested {
    struct nested *up;
    const struct wr_value *elements;
    uint32_t count, next;
};

static struct nested *enter_nested(struct wr_arena *arena, struct nested *up, struct wr_value array)
{
    struct nested *nested = wr_arena_alloc(arena, sizeof *nested);
    if (nested != NULL) {
        nested->up = up;
        nested->next = 0;
    }
    return nested != NULL && wr_value_elements(arena, array, &nested->elements, &nested->count)
               ? nested
               : NULL;
}

/* The elements of an array with those of arrays in it, down to a depth, in their place. */
static bool flatten(wr_machine *run, struct wr_value array, double depth_max, struct wr_value *out)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *made = NULL;
    uint32_t count = 0;
    uint32_t room = 0;
    double depth = 0;
    struct nested *nested = enter_nested(arena, NULL, array);
    bool ok = nested != NULL;
    while (ok && nested != NULL) {
        if (nested->next == nested->count) {
            nested = nested->up;
            depth--;
            continue;
        }
        struct wr_value element = nested->elements[nested->next++];
        if (element.kind == WR_JSON_ARRAY && depth < depth_max) {
            nested = enter_nested(arena, nested, element);
            ok = nested != NULL;
            depth++;
            continue;
        }
        if (count == room) {
            uint32_t more = WR_MAX(2 * room, nested->count);
            made = wr_arena_extend(arena, made, room * sizeof *made, more * sizeof *made);
            room = more;
            ok = made != NULL;
        }
        if (ok) {
            made[count++] = element;
        }
    }
    *out = wr_value_array(made, count);
    return ok || wr_machine_no_memory(run);
}

/* _flatten(depth): the input is an array. */
static bool call_flatten(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    double depth = in[1].kind == WR_JSON_NUMBER ? wr_number_real(in[1]) : -1;
    if (in[1].kind != WR_JSON_NUMBER && in[1].kind != WR_JSON_NULL) {
        return wr_machine_fail(run, "flatten depth must be a number");
    }
    if (in[1].kind == WR_JSON_NUMBER && !(depth >= 0)) {
        return wr_machine_fail(run, "flatten depth must not be negative");
    }
    return flatten(run, in[0], in[1].kind == WR_JSON_NULL ? UINT32_MAX : depth, out);
}

/* ---- flattening of objects */

/* A container whose members or elements are put into the flat object. */
struct level {
    struct level *up;
    const struct wr_value *elements;
    const struct wr_member *members; /* of an object; elements is NULL */
    uint32_t count, next;
    struct wr_text name; /* of all members begins with this, and the separator */
};

static struct level *enter_level(struct wr_arena *arena, struct level *up,
                                 struct wr_value container, struct wr_text name)
{
    struct level *level = wr_arena_alloc(arena, sizeof *level);
    if (level == NULL) {
        return NULL;
    }
    *level = (struct level){.up = up, .name = name};
    if (container.kind == WR_JSON_ARRAY) {
        return wr_value_elements(arena, container, &level->elements, &level->count) ? level : NULL;
    }
    const struct wr_members *object = wr_value_members(arena, container);
    if (object != NULL) {
        level->members = object->members;
        level->count = object->count;
    }
    return object != NULL ? level : NULL;
}

/* The name of the next value of a level: "a.b" or "a.0". false: no memory. */
static bool next_name(struct wr_arena *arena, const struct level *level, struct wr_text separator,
                      struct wr_text *name)
{
    if (level->up == NULL) { /* the object itself: its keys stay */
        *name = wr_value_text(level->members[level->next].key);
        return true;
    }
    struct wr_text_writer writer = {.arena = arena};
    struct wr_value joined;
    wr_write_bytes(&writer, level->name.data, level->name.len);
    wr_write_bytes(&writer, separator.data, separator.len);
    if (level->members != NULL) {
        struct wr_text own = wr_value_text(level->members[level->next].key);
        wr_write_bytes(&writer, own.data, own.len);
    } else {
        char number[WR_NUMBER_CAP];
        size_t len = wr_print_text(number, sizeof number, "%u", level->next);
        wr_write_bytes(&writer, number, len);
    }
    bool ok = wr_text_writer_string(&writer, &joined);
    *name = wr_value_text(joined);
    return ok;
}

static struct wr_value next_value(const struct level *level)
{
    WR_ASSERT(level->members != NULL || level->elements != NULL, "a level without values");
    return level->members != NULL ? level->members[level->next].value
                                  : level->elements[level->next];
}

/* How objects are flattened. */
struct flat {
    struct wr_text separator;
    double depth_max; /* levels that are flattened */
    bool index, json; /* arrays: by their indices; as JSON texts; else they stay */
};

static bool flatten_object(wr_machine *run, struct wr_value object, const struct flat *how,
                           struct wr_members *made)
{
    struct wr_arena *arena = wr_machine_arena(run);
    double depth = 0;
    struct level *level = enter_level(arena, NULL, object, wr_text_of(""));
    bool ok = level != NULL;
    while (ok && level != NULL) {
        struct wr_text name;
        uint32_t inside = 0;
        if (level->next == level->count) {
            level = level->up;
            depth--;
            continue;
        }
        struct wr_value value = next_value(level);
        bool enters = value.kind == WR_JSON_OBJECT || (value.kind == WR_JSON_ARRAY && how->index);
        ok = next_name(arena, level, how->separator, &name) &&
             (!enters || wr_value_count(arena, value, &inside));
        level->next++;
        if (ok && inside > 0 && depth < how->depth_max) {
            wr_machine_work(run, value);
            level = enter_level(arena, level, value, name);
            ok = level != NULL;
            depth++;
            continue;
        }
        if (ok && value.kind == WR_JSON_ARRAY && how->json) {
            struct wr_text_writer writer = {.arena = arena};
            wr_write_json(&writer, value);
            ok = wr_text_writer_string(&writer, &value);
        }
        ok = ok && wr_members_put(arena, made, wr_value_string(name.data, name.len), value);
    }
    return ok;
}

/* _flat(separator; depth; arrays): the input is an object; arrays: "index", "keep" or "json". */
static bool call_flat(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_members *made = wr_members_new(wr_machine_arena(run), 16);
    struct flat how = {.separator = wr_value_text(in[1]),
                       .depth_max = wr_number_real(in[2]),
                       .index = in[3].as.text[0] == 'i',
                       .json = in[3].as.text[0] == 'j'};
    *out = wr_value_object(made);
    return (made != NULL && flatten_object(run, in[0], &how, made)) || wr_machine_no_memory(run);
}

/* ---- pick */

enum { PICK_KEYS_MAX = 16 };

static bool is_name(const struct wr_node *suffix)
{
    return suffix->kind == WR_NODE_INDEX && suffix->first->kind == WR_NODE_LITERAL &&
           suffix->first->literal.kind == WR_JSON_STRING;
}

static struct wr_node *new_node(struct wr_arena *arena, enum wr_node_kind kind)
{
    struct wr_node *node = wr_arena_alloc(arena, sizeof *node);
    if (node != NULL) {
        *node = (struct wr_node){.kind = (uint8_t)kind};
    }
    return node;
}

/* The member with this key, which is added if there is none (*added). NULL: no memory. */
static struct wr_node *member_of(struct wr_arena *arena, struct wr_node *object,
                                 const struct wr_node *key, bool *added)
{
    for (struct wr_node *member = object->first; member != NULL; member = member->next) {
        const struct wr_value *other = &member->first->literal;
        if (wr_text_compare(wr_value_text(*other), wr_value_text(key->literal)) == 0) {
            *added = false;
            return member;
        }
    }
    struct wr_node *member = new_node(arena, WR_NODE_MEMBER);
    struct wr_node *copy = new_node(arena, WR_NODE_LITERAL);
    if (member == NULL || copy == NULL) {
        return NULL;
    }
    copy->literal = key->literal;
    wr_node_add(member, copy);
    wr_node_add(object, member);
    *added = true;
    return member;
}

/* Add a path to the object that is made of all paths: {a: {b: .a.b}}. false: it is no path of names, one
 * of two paths begins with the other, or there is no memory. */
static bool add_path(struct wr_arena *arena, struct wr_node *object, const struct wr_node *path)
{
    uint32_t keys = 0;
    if (path->kind != WR_NODE_PATH || path->first->kind != WR_NODE_DOT) {
        return false;
    }
    for (const struct wr_node *suffix = path->first->next; suffix != NULL; suffix = suffix->next) {
        if (!is_name(suffix) || ++keys > PICK_KEYS_MAX) {
            return false;
        }
    }
    for (const struct wr_node *suffix = path->first->next; suffix != NULL; suffix = suffix->next) {
        bool added;
        bool last = suffix->next == NULL;
        struct wr_node *member = member_of(arena, object, suffix->first, &added);
        if (member == NULL || (!added && (last || member->first->next->kind != WR_NODE_OBJECT))) {
            return false;
        }
        if (!added) {
            object = member->first->next;
            continue;
        }
        struct wr_node *value = new_node(arena, last ? WR_NODE_PATH : WR_NODE_OBJECT);
        if (value == NULL) {
            return false;
        }
        if (last) {
            *value = *path;
            value->next = NULL;
        }
        wr_node_add(member, value);
        object = value;
    }
    return true;
}

/* Paths of names as an object; NULL: other paths, which are set one after the other. */
static const struct wr_node *pick_object(struct wr_compiling *compiling, const struct wr_node *call)
{
    struct wr_arena *arena = &compiling->program->arena;
    const struct wr_node *argument = call->first;
    bool commas = argument->kind == WR_NODE_CHAIN && argument->level == WR_LEVEL_COMMA;
    struct wr_node *object = new_node(arena, WR_NODE_OBJECT);
    for (const struct wr_node *path = commas ? argument->first : argument;
         object != NULL && path != NULL; path = commas ? path->next : NULL) {
        object = add_path(arena, object, path) ? object : NULL;
    }
    return object;
}

const struct wr_function wr_functions_tree[] = {
    {"walk", 1, .emit = emit_walk, .help = "with f of each value, what is inside first"},
    {"flatten", .text = "[.[]] | _flatten(null)",
     .help = "the elements, also those of arrays in it"},
    {"flatten", 1, .params = "n", .text = "n as $n | [.[]] | _flatten($n)",
     .help = "the elements, also those of arrays down to this depth"},
    {"transpose",
     .text = ". as $in | [range(0; if . == [] then 0 else [.[] | length] | max end) as $j | "
             "[range(0; $in | length) as $i | $in[$i][$j]]]",
     .help = "rows as columns"},
    {"pick", 1, .params = "p", .simpler = pick_object, .help = "only these parts of the input",
     .text = ". as $in | _fold(path(p); null; . as $v | $in | getpath($x) as $w | $v | "
             "setpath($x; $w))"},
    {"_flatten", 1, .call = call_flatten},
    {"_flat", 3, .call = call_flat},
    {.name = NULL},
};
