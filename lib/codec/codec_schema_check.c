/*
 * codec_schema_check.c - a value is checked against the rules of a schema (codec_schema.h).
 *
 * A frame is a rule that is being checked on a node. It asserts what it can by itself, and then pushes
 * a frame for each part, one after another; the result of a part comes back to it. So the depth of
 * the C stack does not depend on the schema or the value. The frames are bounded, and so are the
 * steps: schemas with many alternatives inside alternatives take a time that grows without bound.
 *
 * The first failure that no alternative makes good is the one that is reported. What it needs is
 * noted, and written only in the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_sort.h"
#include "codec_schema_rule.h"
#include "codec_schema_value.h"

enum step {
    BEGIN,
    REFERENCE,
    GROUPS, /* one step each */
    NEGATED = GROUPS + WR_GROUPS,
    MEMBERS,
    ELEMENTS,
    DONE
};

enum result { NOT_VALID = 0, VALID = 1, PUSHED, NO_RESULT };

struct wr_check_frame {
    uint32_t rule, node;
    uint32_t at;    /* the part that is checked: an element of a group, a key, an element */
    uint16_t step;  /* enum step */
    uint16_t count; /* alternatives that match */
};

struct check {
    struct wr_schema *schema;
    const struct wr_json *json;
    size_t depth;
    struct wr_schema_steps steps;
    int broken; /* WEIR_ENOMEM, or WEIR_EPARSE with `problem` */
    /* the last failure */
    const char *problem; /* its own text; NULL: keyword and value */
    const char *keyword;
    uint32_t node, said; /* said: the keyword's value in the schema */
    uint64_t size;
    uint8_t types;
};

/* The value is not as this keyword says. */
static enum result fail(struct check *check, uint32_t node, const char *keyword, uint32_t said)
{
    check->problem = NULL;
    check->keyword = keyword;
    check->node = node;
    check->said = said;
    check->types = 0;
    check->size = UINT64_MAX;
    return NOT_VALID;
}

static enum result fail_with(struct check *check, uint32_t node, const char *problem)
{
    (void)fail(check, node, NULL, WR_JSON_NONE);
    check->problem = problem;
    return NOT_VALID;
}

/* The check ends without a result. */
static enum result stop(struct check *check, uint32_t node, int code, const char *problem)
{
    check->broken = code;
    return fail_with(check, node, problem);
}

static enum result push(struct check *check, uint32_t rule, uint32_t node)
{
    struct wr_schema *schema = check->schema;
    if (check->depth >= WR_SCHEMA_FRAMES_MAX) {
        return stop(check, node, WEIR_EPARSE, "more than 16384 schemas inside each other");
    }
    if (check->depth >= schema->frames_cap &&
        !wr_grow(&schema->frames, sizeof *schema->frames, check->depth, &schema->frames_cap)) {
        return stop(check, node, WEIR_ENOMEM, NULL);
    }
    schema->frames[check->depth++] = (struct wr_check_frame){.rule = rule, .node = node};
    return PUSHED;
}

/* ---- assertions */

static uint8_t types_of(const struct wr_json *json, uint32_t node, uint8_t asked)
{
    switch (wr_json_kind(json, node)) {
    case WR_JSON_NULL: return WR_TYPE_NULL;
    case WR_JSON_FALSE:
    case WR_JSON_TRUE: return WR_TYPE_BOOLEAN;
    case WR_JSON_STRING: return WR_TYPE_STRING;
    case WR_JSON_ARRAY: return WR_TYPE_ARRAY;
    case WR_JSON_OBJECT: return WR_TYPE_OBJECT;
    default: break;
    }
    bool integer = (asked & WR_TYPE_INTEGER) != 0 && wr_schema_is_integer(wr_json_text(json, node));
    return WR_TYPE_NUMBER | (integer ? WR_TYPE_INTEGER : 0);
}

static bool is_choice(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    const struct wr_json *said = &check->schema->json;
    uint32_t at = wr_json_first(said, rule->choices);
    while (at != WR_JSON_NONE && !wr_schema_equal(check->json, node, said, at, &check->steps)) {
        at = wr_json_next(said, at);
    }
    return at != WR_JSON_NONE;
}

static bool keeps_bound(enum wr_bound bound, struct wr_text said, struct wr_text number)
{
    int order = bound == WR_BOUND_MULTIPLE_OF ? 0 : wr_schema_compare(number, said);
    switch (bound) {
    case WR_BOUND_MINIMUM: return order >= 0;
    case WR_BOUND_MAXIMUM: return order <= 0;
    case WR_BOUND_EXCLUSIVE_MINIMUM: return order > 0;
    case WR_BOUND_EXCLUSIVE_MAXIMUM: return order < 0;
    default: return wr_schema_divides(said, number);
    }
}

static enum result check_number(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    for (size_t i = 0; rule->bounded && i < WR_BOUNDS; i++) {
        if (rule->bound[i] != WR_JSON_NONE &&
            !keeps_bound((enum wr_bound)i, wr_json_text(&check->schema->json, rule->bound[i]),
                         wr_json_text(check->json, node))) {
            return fail(check, node, wr_schema_bounds[i], rule->bound[i]);
        }
    }
    return VALID;
}

/* A minimum and the maximum behind it. */
static enum result check_size(struct check *check, const struct wr_rule *rule, uint32_t node,
                              enum wr_size minimum, uint64_t size)
{
    bool below = size < rule->size[minimum];
    if (!below && size <= rule->size[minimum + 1]) {
        return VALID;
    }
    (void)fail(check, node, wr_schema_sizes[below ? minimum : minimum + 1], WR_JSON_NONE);
    check->size = rule->size[below ? minimum : minimum + 1];
    return NOT_VALID;
}

/* The value of a string, in the text or in the scratch. False: no memory. */
static bool string_of(struct check *check, uint32_t node, struct wr_text *text)
{
    struct wr_schema *schema = check->schema;
    *text = wr_json_inside(check->json, node);
    if (!wr_json_escaped(check->json, node)) {
        return true;
    }
    if (text->len > schema->scratch_cap) {
        char *scratch = wr_realloc(schema->scratch, text->len);
        if (scratch == NULL) {
            return false;
        }
        schema->scratch = scratch;
        schema->scratch_cap = text->len;
    }
    text->len = wr_json_unescape(*text, schema->scratch);
    text->data = schema->scratch;
    return true;
}

static enum result check_string(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    struct wr_text text;
    const char *problem = NULL;
    enum result result = VALID;
    if (!rule->sized && rule->regex == NULL) {
        return VALID;
    }
    if (!string_of(check, node, &text)) {
        return stop(check, node, WEIR_ENOMEM, NULL);
    }
    check->steps.taken += text.len / 64;
    if (rule->sized) {
        result = check_size(check, rule, node, WR_SIZE_MIN_LENGTH, wr_schema_characters(text));
    }
    if (result != VALID || rule->regex == NULL) {
        return result;
    }
    int rc = wr_regex_match(rule->regex, (weir_slice){text.data, text.len}, 0, WR_REGEX_ANYWHERE,
                            &problem);
    if (rc < 0) {
        return stop(check, node, rc, problem);
    }
    return rc > 0 ? VALID : fail(check, node, "pattern", rule->pattern);
}

/* Members or elements; counting them takes steps. */
static size_t size_of(struct check *check, uint32_t node)
{
    size_t size = wr_schema_size(check->json, node);
    check->steps.taken += size / 8;
    return size;
}

/* Room for two lists of elements. NULL: no memory. */
static uint32_t *order_of(struct wr_schema *schema, size_t count)
{
    if (2 * count > schema->order_cap) {
        uint32_t *order = wr_realloc(schema->order, 2 * count * sizeof *order);
        if (order == NULL) {
            return NULL;
        }
        schema->order = order;
        schema->order_cap = 2 * count;
    }
    return schema->order;
}

/* Of sorted elements: one that is equal to an element before it; the one whose equal comes first.
 * Arrays and objects are compared each with each. WR_JSON_NONE: all differ. */
static uint32_t find_equal(struct check *check, const uint32_t *sorted, size_t count)
{
    const struct wr_json *json = check->json;
    uint32_t first = WR_JSON_NONE, found = WR_JSON_NONE;
    for (size_t i = 0; i + 1 < count && check->steps.taken <= check->steps.max; i++) {
        bool all = wr_json_kind(json, sorted[i]) >= WR_JSON_ARRAY;
        size_t end = all ? count : i + 2;
        for (size_t j = i + 1; j < end && sorted[i] < first; j++) {
            if (wr_schema_equal(json, sorted[i], json, sorted[j], &check->steps)) {
                first = sorted[i];
                found = sorted[j];
            } else if (check->steps.taken > check->steps.max) {
                break;
            }
        }
    }
    return found;
}

static enum result check_unique(struct check *check, uint32_t node)
{
    const struct wr_json *json = check->json;
    struct wr_schema_ordered by = {json, &check->steps};
    size_t count = size_of(check, node), i = 0;
    if (count < 2) {
        return VALID;
    }
    uint32_t *order = order_of(check->schema, count);
    if (order == NULL) {
        return stop(check, node, WEIR_ENOMEM, NULL);
    }
    for (uint32_t at = wr_json_first(json, node); at != WR_JSON_NONE; at = wr_json_next(json, at)) {
        order[i++] = at;
    }
    wr_sort_indices(order, order + count, count, wr_schema_order, &by);
    uint32_t equal = find_equal(check, order, count);
    /* Too many steps: the next one ends the check. */
    return equal == WR_JSON_NONE ? VALID : fail(check, equal, "uniqueItems", WR_JSON_NONE);
}

static enum result check_array(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    enum result result = VALID;
    if (rule->sized) {
        result = check_size(check, rule, node, WR_SIZE_MIN_ITEMS, size_of(check, node));
    }
    return result == VALID && rule->unique ? check_unique(check, node) : result;
}

/* Is there a member with this name, a string of the schema? */
static bool has_member(struct check *check, uint32_t node, uint32_t name)
{
    const struct wr_json *said = &check->schema->json;
    uint32_t found = WR_JSON_NONE;
    if (!wr_json_escaped(said, name)) {
        return wr_json_find(check->json, node, wr_json_inside(said, name)) != WR_JSON_NONE;
    }
    for (uint32_t key = wr_json_first(check->json, node); key != WR_JSON_NONE;
         key = wr_json_next(check->json, wr_json_value(key))) {
        found = wr_schema_equal(check->json, key, said, name, &check->steps) ? key : found;
    }
    return found != WR_JSON_NONE;
}

static enum result check_object(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    const struct wr_json *said = &check->schema->json;
    bool names = rule->required != WR_JSON_NONE;
    size_t size = names || rule->sized ? size_of(check, node) : 0;
    for (uint32_t name = names ? wr_json_first(said, rule->required) : WR_JSON_NONE;
         name != WR_JSON_NONE; name = wr_json_next(said, name)) {
        check->steps.taken += size / 8;
        if (!has_member(check, node, name)) {
            return fail(check, node, "required", name);
        }
    }
    return rule->sized ? check_size(check, rule, node, WR_SIZE_MIN_PROPERTIES, size) : VALID;
}

/* What a rule says about a value itself. */
static enum result check_value(struct check *check, const struct wr_rule *rule, uint32_t node)
{
    enum wr_json_kind kind = wr_json_kind(check->json, node);
    if (rule->never) {
        return fail_with(check, node, "no value is allowed here (the schema is false)");
    }
    if (rule->types != 0 && (types_of(check->json, node, rule->types) & rule->types) == 0) {
        (void)fail(check, node, "type", WR_JSON_NONE);
        check->types = rule->types;
        return NOT_VALID;
    }
    if (rule->constant != WR_JSON_NONE &&
        !wr_schema_equal(check->json, node, &check->schema->json, rule->constant, &check->steps)) {
        return fail(check, node, "const", rule->constant);
    }
    if (rule->choices != WR_JSON_NONE && !is_choice(check, rule, node)) {
        return fail(check, node, "enum", rule->choices);
    }
    switch (kind) {
    case WR_JSON_NUMBER: return check_number(check, rule, node);
    case WR_JSON_STRING: return check_string(check, rule, node);
    case WR_JSON_ARRAY: return check_array(check, rule, node);
    case WR_JSON_OBJECT: return check_object(check, rule, node);
    default: return VALID;
    }
}

/* ---- parts */

/* The next alternative of a group. NO_RESULT: the group is done. */
static enum result next_of_group(struct check *check, struct wr_check_frame *frame,
                                 const struct wr_rule *rule, enum wr_group group, enum result part)
{
    static const char *const none[] = {NULL, "anyOf: no alternative matches",
                                       "oneOf: no alternative matches"};
    const struct wr_json *said = &check->schema->json;
    if (rule->group[group] == WR_JSON_NONE) {
        return NO_RESULT;
    }
    if (part == NO_RESULT) {
        frame->at = wr_json_first(said, rule->group[group]);
        frame->count = 0;
    } else {
        frame->at = wr_json_next(said, frame->at);
        frame->count = (uint16_t)(frame->count + (part == VALID));
    }
    if (group == WR_GROUP_ALL && part == NOT_VALID) {
        return NOT_VALID;
    }
    if (group == WR_GROUP_ONE && frame->count > 1) {
        return fail_with(check, frame->node, "oneOf: more than one alternative matches");
    }
    if (frame->at != WR_JSON_NONE && !(group == WR_GROUP_ANY && frame->count > 0)) {
        return push(check, check->schema->by_node[frame->at], frame->node);
    }
    return group != WR_GROUP_ALL && frame->count == 0 ? fail_with(check, frame->node, none[group])
                                                      : NO_RESULT;
}

/* The rule for a member; WR_RULE_NONE: there is none. */
static uint32_t rule_of_member(struct check *check, const struct wr_rule *rule, uint32_t key,
                               bool *additional)
{
    const struct wr_json *said = &check->schema->json;
    uint32_t found = WR_JSON_NONE;
    if (rule->properties != WR_JSON_NONE && !wr_json_escaped(check->json, key)) {
        found = wr_json_find(said, rule->properties, wr_json_inside(check->json, key));
    } else if (rule->properties != WR_JSON_NONE) {
        for (uint32_t at = wr_json_first(said, rule->properties); at != WR_JSON_NONE;
             at = wr_json_next(said, wr_json_value(at))) {
            found = wr_schema_equal(check->json, key, said, at, &check->steps) ? wr_json_value(at)
                                                                               : found;
        }
    }
    *additional = found == WR_JSON_NONE;
    return *additional ? rule->additional : check->schema->by_node[found];
}

static enum result next_member(struct check *check, struct wr_check_frame *frame,
                               const struct wr_rule *rule, enum result part)
{
    const struct wr_json *json = check->json;
    if (wr_json_kind(json, frame->node) != WR_JSON_OBJECT ||
        (rule->properties == WR_JSON_NONE && rule->additional == WR_RULE_NONE)) {
        return NO_RESULT;
    }
    frame->at = part == NO_RESULT ? wr_json_first(json, frame->node)
                                  : wr_json_next(json, wr_json_value(frame->at));
    for (; frame->at != WR_JSON_NONE; frame->at = wr_json_next(json, wr_json_value(frame->at))) {
        bool additional;
        uint32_t index = rule_of_member(check, rule, frame->at, &additional);
        check->steps.taken++;
        if (index == WR_RULE_NONE) {
            continue;
        }
        if (additional && check->schema->rules[index].never) {
            return fail_with(check, wr_json_value(frame->at),
                             "additionalProperties: a member with this name is not allowed");
        }
        return push(check, index, wr_json_value(frame->at));
    }
    return NO_RESULT;
}

static enum result next_element(struct check *check, struct wr_check_frame *frame,
                                const struct wr_rule *rule, enum result part)
{
    if (wr_json_kind(check->json, frame->node) != WR_JSON_ARRAY || rule->items == WR_RULE_NONE) {
        return NO_RESULT;
    }
    frame->at = part == NO_RESULT ? wr_json_first(check->json, frame->node)
                                  : wr_json_next(check->json, frame->at);
    return frame->at != WR_JSON_NONE ? push(check, rule->items, frame->at) : NO_RESULT;
}

/* One step of a frame; part: the result of what it has pushed. NO_RESULT: go on with the next
 * step. */
static enum result take_step(struct check *check, struct wr_check_frame *frame, enum result part)
{
    const struct wr_rule *rule = &check->schema->rules[frame->rule];
    bool first = part == NO_RESULT;
    enum result result;
    switch (frame->step) {
    case BEGIN:
        result = check_value(check, rule, frame->node);
        return result == VALID ? NO_RESULT : result;
    case REFERENCE:
        return first && rule->reference != WR_RULE_NONE ? push(check, rule->reference, frame->node)
               : part == NOT_VALID                      ? NOT_VALID
                                                        : NO_RESULT;
    case NEGATED:
        return first && rule->negated != WR_RULE_NONE ? push(check, rule->negated, frame->node)
               : part == VALID ? fail_with(check, frame->node, "not: the value matches")
                               : NO_RESULT;
    case MEMBERS: return part == NOT_VALID ? NOT_VALID : next_member(check, frame, rule, part);
    case ELEMENTS: return part == NOT_VALID ? NOT_VALID : next_element(check, frame, rule, part);
    case DONE: return VALID;
    default: return next_of_group(check, frame, rule, (enum wr_group)(frame->step - GROUPS), part);
    }
}

static enum result run(struct check *check)
{
    enum result part = NO_RESULT;
    (void)push(check, 0, WR_JSON_ROOT);
    while (check->broken == 0 && check->depth > 0) {
        struct wr_check_frame *frame = &check->schema->frames[check->depth - 1];
        if (++check->steps.taken > check->steps.max) {
            return stop(check, frame->node, WEIR_EPARSE, "the check takes too many steps");
        }
        part = take_step(check, frame, part);
        if (part == NO_RESULT) {
            frame->step++;
        } else if (part == PUSHED) {
            part = NO_RESULT;
        } else {
            check->depth--;
        }
    }
    return part;
}

/* ---- the reason */

enum { SHOWN_BYTES = 60 };

static void put_value(struct wr_print *out, const struct wr_json *json, uint32_t node)
{
    struct wr_text text = wr_json_text(json, node);
    size_t len = WR_MIN(text.len, (size_t)SHOWN_BYTES);
    while (len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80) {
        len--; /* not inside a character */
    }
    for (size_t i = 0; i < len; i++) {
        char c = text.data[i];
        wr_print_bytes(out, (unsigned char)c < ' ' || c == 0x7f ? " " : text.data + i, 1);
    }
    wr_print_string(out, len < text.len ? "..." : "");
}

static void put_types(struct wr_print *out, uint8_t types)
{
    const char *between = " ";
    for (size_t i = 0; i < WR_TYPES; i++) {
        if ((types >> i & 1) != 0) {
            wr_printf(out, "%s%s", between, wr_schema_types[i]);
            between = " or ";
        }
    }
}

static void write_reason(const struct check *check, char why[WR_SCHEMA_REASON])
{
    const struct wr_json *json = check->json;
    struct wr_print out;
    wr_print_to(&out, why, WR_SCHEMA_REASON);
    wr_schema_place(&out, json, check->node);
    if (check->keyword == NULL) {
        wr_printf(&out, ": %s", check->problem);
        return;
    }
    wr_printf(&out, ": %s", check->keyword);
    if (check->types != 0) {
        put_types(&out, check->types);
    } else if (check->size != UINT64_MAX) {
        wr_printf(&out, " %" PRIu64, check->size);
    } else if (check->said != WR_JSON_NONE) {
        wr_print_string(&out, " ");
        put_value(&out, &check->schema->json, check->said);
    }
    if (strcmp(check->keyword, "required") == 0) {
        wr_print_string(&out, " is missing");
    } else if (strcmp(check->keyword, "uniqueItems") == 0) {
        wr_print_string(&out, ": an element before it is equal");
    } else {
        wr_print_string(&out, ", got ");
        put_value(&out, json, check->node);
    }
}

size_t wr_schema_bytes(const struct wr_schema *schema)
{
    return schema->bytes + schema->frames_cap * sizeof *schema->frames + schema->scratch_cap +
           schema->order_cap * sizeof *schema->order;
}

void wr_schema_trim(struct wr_schema *schema)
{
    wr_free(schema->frames);
    wr_free(schema->scratch);
    wr_free(schema->order);
    schema->frames = NULL;
    schema->scratch = NULL;
    schema->order = NULL;
    schema->frames_cap = schema->scratch_cap = schema->order_cap = 0;
}

int wr_schema_check(struct wr_schema *schema, const struct wr_json *json,
                    char why[WR_SCHEMA_REASON])
{
    struct check check = {
        .schema = schema,
        .json = json,
        .steps = {0, WR_SCHEMA_STEPS_MIN + (uint64_t)json->count * WR_SCHEMA_STEPS_TOKEN}};
    enum result result = run(&check);
    if (check.broken == 0 && result == VALID) {
        return 0;
    }
    if (check.broken == WEIR_ENOMEM) {
        return WEIR_ENOMEM;
    }
    write_reason(&check, why);
    return WEIR_EPARSE;
}
