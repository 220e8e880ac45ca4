/*
 * expr_step.c - the instructions, one function each. None of them recurses or loops over more than
 * its own operands, except the functions that work on whole containers.
 */
#include "expr_machine.h"

#include "base_error.h"

static enum wr_next go_if(bool ok)
{
    return ok ? WR_GO : WR_FAIL;
}

/* An operator has failed: with `?` behind it, it gives nothing. */
static enum wr_next failed(wr_machine *run, const struct wr_op *op)
{
    if ((op->flags & WR_CODE_MAYBE) == 0 || run->result != WR_MACHINE_FAILED) {
        return WR_FAIL;
    }
    run->result = WR_MACHINE_OUTPUT;
    return WR_BACK;
}

static bool noted(wr_machine *run, const struct wr_op *op, struct wr_value key)
{
    return (op->flags & WR_CODE_NOTES) == 0 || wr_note(run, key);
}

static enum wr_next step_output(wr_machine *run, const struct wr_op *op)
{
    (void)run;
    (void)op;
    return WR_GIVE;
}

static enum wr_next step_const(wr_machine *run, const struct wr_op *op)
{
    return go_if(wr_replace(run, *op->as.value));
}

static enum wr_next step_dup(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    return go_if(wr_push(run, run->entries[run->top].value));
}

static enum wr_next step_swap(wr_machine *run, const struct wr_op *op)
{
    struct wr_value a = wr_pop(run);
    struct wr_value b = wr_pop(run);
    (void)op;
    return go_if(wr_push(run, a) && wr_push(run, b));
}

static enum wr_next step_pop(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    (void)wr_pop(run);
    return WR_GO;
}

/* ---- variables */

static enum wr_next step_load(wr_machine *run, const struct wr_op *op)
{
    uint32_t variable = run->variables;
    for (uint32_t i = 0; i < op->n; i++) {
        variable = run->entries[variable].down;
    }
    return go_if(wr_replace(run, run->entries[variable].value));
}

static enum wr_next step_meta(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    return go_if(wr_replace(run, run->meta));
}

static enum wr_next step_bind(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value = wr_pop(run);
    uint32_t top = run->top;
    (void)op;
    run->top = run->variables;
    bool ok = wr_push(run, value);
    run->variables = run->top;
    run->top = top;
    return go_if(ok);
}

static enum wr_next step_unbind(wr_machine *run, const struct wr_op *op)
{
    for (uint32_t i = 0; i < op->n; i++) {
        uint32_t variable = run->variables;
        run->end -= variable == run->end && run->end > run->floor;
        run->variables = run->entries[variable].down;
    }
    return WR_GO;
}

/* ---- ways to go */

static enum wr_next step_jump(wr_machine *run, const struct wr_op *op)
{
    run->pc = op->to;
    return WR_GO;
}

static enum wr_next step_unless(wr_machine *run, const struct wr_op *op)
{
    run->pc = wr_value_true(wr_pop(run)) ? run->pc : op->to;
    return WR_GO;
}

static enum wr_next step_if(wr_machine *run, const struct wr_op *op)
{
    run->pc = wr_value_true(wr_pop(run)) ? op->to : run->pc;
    return WR_GO;
}

static enum wr_next step_truth(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    return go_if(wr_replace(run, wr_value_bool(wr_value_true(run->entries[run->top].value))));
}

static enum wr_next step_not(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    return go_if(wr_replace(run, wr_value_bool(!wr_value_true(run->entries[run->top].value))));
}

static enum wr_next step_fork(wr_machine *run, const struct wr_op *op)
{
    return go_if(wr_fork(run, WR_FORK_PLAIN, op->to) != NULL);
}

static enum wr_next step_backtrack(wr_machine *run, const struct wr_op *op)
{
    (void)run;
    (void)op;
    return WR_BACK;
}

/* ---- looking into values */

/* A member that is found together with others. */
static enum wr_next step_look(wr_machine *run, const struct wr_op *op, const struct wr_json *json,
                              uint32_t object)
{
    struct wr_value found = {.kind = WR_JSON_NULL};
    uint32_t node = wr_json_look(json, object, op->n - 1u);
    if (node != WR_JSON_NONE && !wr_value_node(&run->arena, json, node, &found)) {
        (void)wr_machine_no_memory(run);
        return failed(run, op);
    }
    return go_if(wr_replace(run, found) && noted(run, op, *op->as.value));
}

static enum wr_next step_field(wr_machine *run, const struct wr_op *op)
{
    struct wr_value of = run->entries[run->top].value;
    if (op->n > 0 && of.kind == WR_JSON_OBJECT && of.form == WR_FORM_NODE &&
        of.as.json->looks != NULL && of.as.json->looks == run->program->looks) {
        return step_look(run, op, of.as.json, of.len);
    }
    of = wr_machine_table(run, of);
    struct wr_value found;
    bool ok = of.kind == WR_JSON_OBJECT && op->as.value->kind == WR_JSON_STRING
                  ? wr_value_get(&run->arena, of, wr_value_text(*op->as.value), &found) ||
                        wr_machine_no_memory(run)
                  : wr_index(run, of, *op->as.value, &found);
    return ok ? go_if(wr_replace(run, found) && noted(run, op, *op->as.value)) : failed(run, op);
}

static enum wr_next step_index(wr_machine *run, const struct wr_op *op)
{
    struct wr_value of = wr_pop(run);
    struct wr_value key = wr_pop(run);
    struct wr_value found;
    return wr_index(run, of, key, &found) ? go_if(wr_push(run, found) && noted(run, op, key))
                                          : failed(run, op);
}

/* The key of a slice in a path: {"start": from, "end": to}. */
static bool slice_key(wr_machine *run, struct wr_value from, struct wr_value to,
                      struct wr_value *key)
{
    struct wr_members *object = wr_members_new(&run->arena, 2);
    *key = wr_value_object(object);
    return (object != NULL &&
            wr_members_put(&run->arena, object, wr_value_string("start", 5), from) &&
            wr_members_put(&run->arena, object, wr_value_string("end", 3), to)) ||
           wr_machine_no_memory(run);
}

static enum wr_next step_slice(wr_machine *run, const struct wr_op *op)
{
    struct wr_value of = wr_pop(run);
    struct wr_value from = wr_pop(run);
    struct wr_value to = wr_pop(run);
    struct wr_value found;
    struct wr_value key = {.kind = WR_JSON_NULL};
    if (!wr_slice(run, of, from, to, &found)) {
        return failed(run, op);
    }
    bool notes = (op->flags & WR_CODE_NOTES) != 0;
    return go_if(wr_push(run, found) &&
                 (!notes || (slice_key(run, from, to, &key) && wr_note(run, key))));
}

static enum wr_next step_each(wr_machine *run, const struct wr_op *op)
{
    struct wr_value of = wr_pop(run);
    if (of.kind < WR_JSON_ARRAY) {
        char shown[WR_SHOWN_CAP];
        (void)(of.kind == WR_JSON_NULL
                   ? wr_machine_fail(run, "Cannot iterate over null")
                   : wr_machine_fail(run, "Cannot iterate over %s (%s)", wr_kind_name(of),
                                     wr_machine_shown(run, of, shown)));
        return failed(run, op);
    }
    uint32_t at = 0;
    if (of.kind == WR_JSON_OBJECT) {
        const struct wr_members *object = wr_value_members(&run->arena, of);
        wr_machine_work(run, of);
        if (object == NULL) {
            return wr_machine_no_memory(run), WR_FAIL;
        }
        of = wr_value_object(object);
        if (object->count == 0) {
            return WR_BACK;
        }
    } else if (of.form == WR_FORM_NODE) {
        at = wr_json_first(of.as.json, of.len);
        if (at == WR_JSON_NONE) {
            return WR_BACK;
        }
    } else if (of.len == 0) {
        return WR_BACK;
    }
    struct wr_fork *fork = wr_fork(run, WR_FORK_EACH, run->pc);
    if (fork == NULL) {
        return WR_FAIL;
    }
    fork->of = of;
    fork->at = at;
    fork->flags = op->flags;
    return wr_fork_next(run);
}

/* ---- computing */

static enum wr_next step_compute(wr_machine *run, const struct wr_op *op)
{
    struct wr_value a = wr_pop(run);
    struct wr_value b = op->as.value != NULL ? *op->as.value : wr_pop(run);
    struct wr_value result;
    wr_machine_work(run, a);
    wr_machine_work(run, b);
    return go_if(wr_compute(run, op->n, a, b, &result) && wr_push(run, result));
}

static enum wr_next step_negate(wr_machine *run, const struct wr_op *op)
{
    struct wr_value a = wr_pop(run);
    struct wr_value result;
    char shown[WR_SHOWN_CAP];
    (void)op;
    if (a.kind != WR_JSON_NUMBER) {
        return go_if(wr_machine_fail(run, "%s (%s) cannot be negated", wr_kind_name(a),
                                     wr_machine_shown(run, a, shown)));
    }
    return go_if(wr_compute(run, WR_OP_SUBTRACT, wr_value_integer(0), a, &result) &&
                 wr_push(run, result));
}

static enum wr_next step_call(wr_machine *run, const struct wr_op *op)
{
    struct wr_value in[1 + WR_EXPR_ARGS_MAX];
    struct wr_value out = {.kind = WR_JSON_NULL};
    for (uint32_t i = 0; i <= op->n; i++) {
        in[i] = wr_pop(run);
        wr_machine_work(run, in[i]);
    }
    return go_if(op->as.function->call(run, in, &out) && wr_push(run, out));
}

static enum wr_next step_string(wr_machine *run, const struct wr_op *op)
{
    struct wr_text_writer writer = {.arena = &run->arena};
    struct wr_value string;
    (void)wr_pop(run);
    for (uint32_t i = 0; i <= op->n; i++) {
        wr_write_bytes(&writer, op->as.value[i].as.text, op->as.value[i].len);
        if (i < op->n) {
            struct wr_value part = wr_pop(run);
            wr_write_bytes(&writer, part.as.text, part.len);
        }
    }
    return go_if((wr_text_writer_string(&writer, &string) || wr_machine_no_memory(run)) &&
                 wr_push(run, string));
}

static enum wr_next step_object(wr_machine *run, const struct wr_op *op)
{
    struct wr_members *object = wr_members_new(&run->arena, op->n);
    uint32_t at = 0;
    (void)wr_pop(run);
    if (object == NULL) {
        return wr_machine_no_memory(run), WR_FAIL;
    }
    /* The last member is on top: the members are placed from behind, then put in their order. */
    for (uint32_t i = op->n; i-- > 0;) {
        object->members[i].value = wr_pop(run);
        object->members[i].key =
            op->as.value[i].kind == WR_JSON_STRING ? op->as.value[i] : wr_pop(run);
        if (object->members[i].key.kind != WR_JSON_STRING) {
            char shown[WR_SHOWN_CAP];
            return go_if(wr_machine_fail(run, "Cannot use %s (%s) as object key",
                                         wr_kind_name(object->members[i].key),
                                         wr_machine_shown(run, object->members[i].key, shown)));
        }
    }
    for (; at < op->n; at++) {
        struct wr_member member = object->members[at];
        if (!wr_members_put(&run->arena, object, member.key, member.value)) {
            return wr_machine_no_memory(run), WR_FAIL;
        }
    }
    return go_if(wr_push(run, wr_value_object(object)));
}

static enum wr_next step_list(wr_machine *run, const struct wr_op *op)
{
    struct wr_value *values = wr_arena_alloc(&run->arena, op->n * sizeof *values);
    (void)wr_pop(run);
    if (values == NULL) {
        return wr_machine_no_memory(run), WR_FAIL;
    }
    for (uint32_t i = op->n; i-- > 0;) {
        values[i] = wr_pop(run);
    }
    return go_if(wr_push(run, wr_value_array(values, op->n)));
}

/* ---- frames */

/* Take the input from the stack, make a frame, and put its number below the input. */
static struct wr_fork *begin_frame(wr_machine *run, enum wr_fork_kind kind, uint32_t pc)
{
    struct wr_value input = wr_pop(run);
    struct wr_fork *fork = wr_fork(run, kind, pc);
    struct wr_value number = {.kind = WR_VALUE_FRAME, .len = run->forks_count - 1};
    return fork != NULL && wr_push(run, number) && wr_push(run, input) ? fork : NULL;
}

/* Take the output of a frame's operand from the stack, and the number of the frame. */
static uint32_t end_frame(wr_machine *run, struct wr_value *value)
{
    *value = wr_pop(run);
    return wr_pop(run).len;
}

static enum wr_next step_collect(wr_machine *run, const struct wr_op *op)
{
    struct wr_fork *fork = begin_frame(run, WR_FORK_COLLECT, op->to);
    if (fork != NULL) {
        fork->of = wr_value_array(NULL, 0);
    }
    return go_if(fork != NULL);
}

static enum wr_next step_append(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value;
    uint32_t frame = end_frame(run, &value);
    struct wr_fork *fork = &run->forks[frame];
    uint32_t count = fork->of.len;
    (void)op;
    if (count == fork->at) {
        uint32_t room = 2 * fork->at + 4;
        struct wr_value *elements = wr_arena_alloc(&run->arena, room * sizeof *elements);
        if (elements == NULL) {
            return wr_machine_no_memory(run), WR_FAIL;
        }
        if (count > 0) {
            memcpy(elements, fork->of.as.array, count * sizeof *elements);
        }
        fork->at = room;
        fork->of.as.array = elements;
    }
    struct wr_value *last = (struct wr_value *)(uintptr_t)&fork->of.as.array[count];
    *last = value;
    fork->of.len++;
    wr_forks_keep(run, frame);
    return WR_BACK;
}

static enum wr_next step_limit(wr_machine *run, const struct wr_op *op)
{
    struct wr_value input = wr_pop(run);
    int64_t count = op->n;
    if (op->n == 0) {
        struct wr_value limit = wr_pop(run);
        if (limit.kind != WR_JSON_NUMBER) {
            return go_if(
                wr_machine_fail(run, "Invalid arguments to limit: %s", wr_kind_name(limit)));
        }
        double real = wr_number_real(limit);
        count =
            real < 0 || real > 1e15 ? INT64_MAX : (int64_t)real + ((double)(int64_t)real < real);
    }
    if (count == 0) {
        return WR_BACK;
    }
    if (!wr_push(run, input)) {
        return WR_FAIL;
    }
    struct wr_fork *fork = begin_frame(run, WR_FORK_LIMIT, 0);
    if (fork != NULL) {
        fork->index = count;
    }
    return go_if(fork != NULL);
}

static enum wr_next step_limited(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value;
    uint32_t frame = end_frame(run, &value);
    (void)op;
    if (--run->forks[frame].index == 0) {
        wr_forks_cut(run, frame);
    }
    return go_if(wr_push(run, value));
}

static enum wr_next step_fold(wr_machine *run, const struct wr_op *op)
{
    struct wr_value first = {.kind = WR_JSON_NULL};
    bool last = op->code == WR_CODE_LAST;
    if (!last) {
        struct wr_value input = wr_pop(run);
        first = wr_pop(run);
        if (!wr_push(run, input)) {
            return WR_FAIL;
        }
    }
    struct wr_fork *fork = begin_frame(run, WR_FORK_FOLD, op->to);
    if (fork == NULL) {
        return WR_FAIL;
    }
    fork->of = first;
    fork->at = !last;
    return WR_GO;
}

static enum wr_next step_acc(wr_machine *run, const struct wr_op *op)
{
    (void)op;
    return go_if(wr_push(run, run->forks[run->entries[run->top].value.len].of));
}

static enum wr_next step_folded(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value;
    uint32_t frame = end_frame(run, &value);
    (void)op;
    run->forks[frame].of = value;
    run->forks[frame].at = 1;
    if (value.kind > WR_JSON_NUMBER || value.form == WR_FORM_TEXT) { /* it needs memory */
        wr_forks_keep(run, frame);
    }
    return WR_BACK;
}

static enum wr_next step_otherwise(wr_machine *run, const struct wr_op *op)
{
    struct wr_value input = run->entries[run->top].value;
    struct wr_fork *fork = begin_frame(run, WR_FORK_OTHERWISE, op->to);
    if (fork == NULL) {
        return WR_FAIL;
    }
    fork->of = input;
    return WR_GO;
}

static enum wr_next step_try(wr_machine *run, const struct wr_op *op)
{
    if (begin_frame(run, WR_FORK_TRY, op->to) == NULL) {
        return WR_FAIL;
    }
    run->handler = run->forks_count;
    return WR_GO;
}

static enum wr_next step_found(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value;
    uint32_t frame = end_frame(run, &value);
    (void)op;
    if (!wr_value_true(value)) {
        return WR_BACK;
    }
    run->forks[frame].at = 1;
    return go_if(wr_push(run, value));
}

/* Leave a frame that handles errors; it goes if nothing comes back to it. */
static enum wr_next step_tried(wr_machine *run, const struct wr_op *op)
{
    struct wr_value value;
    uint32_t frame = end_frame(run, &value);
    (void)op;
    run->handler = run->forks[frame].handler;
    if (frame + 1 == run->forks_count) {
        wr_forks_cut(run, frame);
    }
    return go_if(wr_push(run, value));
}

static enum wr_next step_range(wr_machine *run, const struct wr_op *op)
{
    struct wr_value from = wr_pop(run);
    struct wr_value to = wr_pop(run);
    (void)op;
    if (from.kind != WR_JSON_NUMBER || to.kind != WR_JSON_NUMBER) {
        return go_if(wr_machine_fail(run, "Range bounds must be numeric"));
    }
    if (wr_number_compare(from, to) >= 0) {
        return WR_BACK;
    }
    struct wr_fork *fork = wr_fork(run, WR_FORK_RANGE, run->pc);
    if (fork == NULL) {
        return WR_FAIL;
    }
    fork->of = from;
    fork->last = to;
    return wr_fork_next(run);
}

/* ---- paths */

static const struct wr_path no_path;

static enum wr_next step_path(wr_machine *run, const struct wr_op *op)
{
    struct wr_value input = wr_pop(run);
    struct wr_value outer = {.kind = WR_VALUE_PATH, .as.text = (const char *)run->path};
    (void)op;
    run->path = &no_path;
    return go_if(wr_push(run, outer) && wr_push(run, input));
}

static enum wr_next step_path_end(wr_machine *run, const struct wr_op *op)
{
    uint32_t count = run->path->count;
    struct wr_value *keys = wr_arena_alloc(&run->arena, count * sizeof *keys);
    (void)op;
    if (keys == NULL) {
        return wr_machine_no_memory(run), WR_FAIL;
    }
    for (uint32_t i = count; i-- > 0; run->path = run->path->up) {
        keys[i] = run->path->key;
    }
    (void)wr_pop(run);
    run->path = (const struct wr_path *)(const void *)wr_pop(run).as.text;
    return go_if(wr_push(run, wr_value_array(keys, count)));
}

static enum wr_next step_getpath(wr_machine *run, const struct wr_op *op)
{
    struct wr_value of = wr_pop(run);
    struct wr_value path = wr_pop(run);
    struct wr_value found;
    const struct wr_value *keys;
    uint32_t count;
    if (!wr_path_get(run, of, path, &found)) {
        return failed(run, op);
    }
    if (!wr_push(run, found) || (op->flags & WR_CODE_NOTES) == 0) {
        return go_if(run->result == WR_MACHINE_OUTPUT);
    }
    if (!wr_value_elements(&run->arena, path, &keys, &count)) {
        return wr_machine_no_memory(run), WR_FAIL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!wr_note(run, keys[i])) {
            return WR_FAIL;
        }
    }
    return WR_GO;
}

enum wr_next (*const wr_steps[WR_CODES])(wr_machine *run, const struct wr_op *op) = {
    [WR_CODE_OUTPUT] = step_output,
    [WR_CODE_CONST] = step_const,
    [WR_CODE_DUP] = step_dup,
    [WR_CODE_SWAP] = step_swap,
    [WR_CODE_POP] = step_pop,
    [WR_CODE_LOAD] = step_load,
    [WR_CODE_META] = step_meta,
    [WR_CODE_BIND] = step_bind,
    [WR_CODE_UNBIND] = step_unbind,
    [WR_CODE_JUMP] = step_jump,
    [WR_CODE_UNLESS] = step_unless,
    [WR_CODE_IF] = step_if,
    [WR_CODE_TRUTH] = step_truth,
    [WR_CODE_NOT] = step_not,
    [WR_CODE_FORK] = step_fork,
    [WR_CODE_BACKTRACK] = step_backtrack,
    [WR_CODE_FIELD] = step_field,
    [WR_CODE_INDEX] = step_index,
    [WR_CODE_SLICE] = step_slice,
    [WR_CODE_EACH] = step_each,
    [WR_CODE_COMPUTE] = step_compute,
    [WR_CODE_NEGATE] = step_negate,
    [WR_CODE_CALL] = step_call,
    [WR_CODE_STRING] = step_string,
    [WR_CODE_OBJECT] = step_object,
    [WR_CODE_LIST] = step_list,
    [WR_CODE_COLLECT] = step_collect,
    [WR_CODE_APPEND] = step_append,
    [WR_CODE_LIMIT] = step_limit,
    [WR_CODE_LIMITED] = step_limited,
    [WR_CODE_FOLD] = step_fold,
    [WR_CODE_LAST] = step_fold,
    [WR_CODE_ACC] = step_acc,
    [WR_CODE_FOLDED] = step_folded,
    [WR_CODE_OTHERWISE] = step_otherwise,
    [WR_CODE_FOUND] = step_found,
    [WR_CODE_TRY] = step_try,
    [WR_CODE_TRIED] = step_tried,
    [WR_CODE_RANGE] = step_range,
    [WR_CODE_PATH] = step_path,
    [WR_CODE_PATH_END] = step_path_end,
    [WR_CODE_GETPATH] = step_getpath,
    [WR_CODE_WALK] = wr_step_walk,
    [WR_CODE_WALKED] = wr_step_walked,
};
