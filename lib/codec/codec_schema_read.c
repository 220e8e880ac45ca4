/*
 * codec_schema_read.c - a schema is read into rules (codec_schema.h): one for each schema in it.
 *
 * Rules are made in a list: reading a rule adds those of its parts, so nothing recurses, and a $ref
 * finds the rule of its place or adds it. Then chains of schemas for one value that come back to
 * themselves ($ref "#" at the root) are refused: all others end, because a value is finite.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_schema_rule.h"
#include "codec_schema_value.h"

const char *const wr_schema_types[WR_TYPES] = {"null",   "boolean", "integer", "number",
                                               "string", "array",   "object"};
const char *const wr_schema_bounds[WR_BOUNDS] = {"minimum", "maximum", "exclusiveMinimum",
                                                 "exclusiveMaximum", "multipleOf"};
const char *const wr_schema_sizes[WR_SIZES] = {"minLength", "maxLength",     "minItems",
                                               "maxItems",  "minProperties", "maxProperties"};
static const char *const groups[WR_GROUPS] = {"allOf", "anyOf", "oneOf"};
static const char *const annotations[] = {
    "$schema", "$comment",   "title",    "description", "default",         "examples",
    "format",  "deprecated", "readOnly", "writeOnly",   "contentEncoding", "contentMediaType",
};

struct reader {
    struct wr_schema *schema;
    const struct wr_json *json;
    char *why;
};

/* The reason of a refusal, at a node. WEIR_EPARSE. */
static int refuse(const struct reader *reader, uint32_t node, const char *problem)
{
    struct wr_print out;
    wr_print_to(&out, reader->why, WR_SCHEMA_REASON);
    wr_schema_place(&out, reader->json, node);
    wr_printf(&out, ": %s", problem);
    return WEIR_EPARSE;
}

/* The rule of the schema at a node, made if there is none. 0, WEIR_EPARSE or WEIR_ENOMEM. */
static int rule_at(const struct reader *reader, uint32_t node, uint32_t *index)
{
    struct wr_schema *schema = reader->schema;
    *index = schema->by_node[node];
    if (*index != WR_RULE_NONE) {
        return 0;
    }
    enum wr_json_kind kind = wr_json_kind(reader->json, node);
    if (kind != WR_JSON_OBJECT && kind != WR_JSON_TRUE && kind != WR_JSON_FALSE) {
        return refuse(reader, node, "a schema is an object, true or false");
    }
    if (schema->count >= WR_SCHEMA_RULES_MAX) {
        return refuse(reader, node, "more than 100000 schemas");
    }
    if (!wr_grow(&schema->rules, sizeof *schema->rules, schema->count, &schema->cap)) {
        return WEIR_ENOMEM;
    }
    *index = (uint32_t)schema->count++;
    schema->by_node[node] = *index;
    schema->rules[*index] = (struct wr_rule){.node = node, .never = kind == WR_JSON_FALSE};
    return 0;
}

static bool is_key(const struct reader *reader, uint32_t key, const char *name)
{
    return wr_json_string_is(reader->json, key, wr_text_of(name));
}

/* Its index in the list; -1: it is not there. */
static int index_of(const struct reader *reader, uint32_t string, const char *const *list,
                    int count)
{
    for (int i = 0; i < count; i++) {
        if (is_key(reader, string, list[i])) {
            return i;
        }
    }
    return -1;
}

/* ---- the values of keywords */

static int read_types(const struct reader *reader, uint32_t value, uint8_t *types)
{
    const struct wr_json *json = reader->json;
    bool list = wr_json_kind(json, value) == WR_JSON_ARRAY;
    uint32_t at = list ? wr_json_first(json, value) : value;
    while (at != WR_JSON_NONE) {
        int type = wr_json_kind(json, at) == WR_JSON_STRING
                       ? index_of(reader, at, wr_schema_types, WR_TYPES)
                       : -1;
        if (type < 0) {
            return refuse(reader, at,
                          "a type is null, boolean, integer, number, string, array or "
                          "object");
        }
        *types |= (uint8_t)(1u << type);
        at = list ? wr_json_next(json, at) : WR_JSON_NONE;
    }
    return *types != 0 ? 0 : refuse(reader, value, "a list of types that is empty");
}

static int read_size(const struct reader *reader, uint32_t value, uint64_t *size)
{
    struct wr_text text = wr_json_text(reader->json, value), digits = text;
    int64_t number;
    if (wr_json_kind(reader->json, value) == WR_JSON_NUMBER &&
        wr_text_take_number(&digits, &number) && digits.len == 0) {
        *size = (uint64_t)number;
        return 0;
    }
    return refuse(reader, value, "a number from 0 to 2^63 - 1 without a fraction is needed");
}

static int read_pattern(const struct reader *reader, uint32_t value, struct wr_regex **regex)
{
    struct wr_text inside = wr_json_inside(reader->json, value);
    struct wr_regex_mistake mistake;
    char problem[WR_SCHEMA_REASON];
    int code = WEIR_ENOMEM;
    char *pattern = wr_alloc(inside.len + 1);
    if (pattern == NULL) {
        return WEIR_ENOMEM;
    }
    size_t len = wr_json_unescape(inside, pattern);
    wr_regex_free(*regex);
    *regex = wr_regex_new((weir_slice){pattern, len}, WR_REGEX_UTF, &code, &mistake);
    wr_free(pattern);
    if (*regex != NULL || code == WEIR_ENOMEM) {
        return *regex != NULL ? 0 : code;
    }
    snprintf(problem, sizeof problem, "%s, at byte %zu of the pattern", mistake.problem,
             mistake.at);
    return refuse(reader, value, problem);
}

enum { POINTER_STEP_MAX = 256 };

/* The step of a JSON pointer behind the / at *at, without percent escapes, ~0 and ~1. Its length;
 * POINTER_STEP_MAX: it is too long. */
static size_t take_pointer_step(struct wr_text text, size_t *at, char step[POINTER_STEP_MAX])
{
    size_t len = 0;
    bool tilde = false;
    for (++*at; *at < text.len && text.data[*at] != '/' && len < POINTER_STEP_MAX; ++*at) {
        const char *t = text.data + *at;
        char c = *t;
        if (c == '%' && text.len - *at > 2 && wr_hex_value(t[1]) >= 0 && wr_hex_value(t[2]) >= 0) {
            c = (char)(wr_hex_value(t[1]) * 16 + wr_hex_value(t[2]));
            *at += 2;
        }
        if (tilde && (c == '0' || c == '1')) {
            step[len - 1] = c == '0' ? '~' : '/';
            tilde = false;
        } else {
            step[len++] = c;
            tilde = c == '~';
        }
    }
    return len;
}

/* The part of a value that a step names; WR_JSON_NONE: there is none. */
static uint32_t step_into(const struct wr_json *json, uint32_t node, struct wr_text step)
{
    int64_t index;
    if (wr_json_kind(json, node) == WR_JSON_OBJECT) {
        return wr_json_find(json, node, step);
    }
    if (wr_json_kind(json, node) != WR_JSON_ARRAY || !wr_text_take_number(&step, &index) ||
        step.len > 0) {
        return WR_JSON_NONE;
    }
    uint32_t element = wr_json_first(json, node);
    for (; index > 0 && element != WR_JSON_NONE; index--) {
        element = wr_json_next(json, element);
    }
    return element;
}

/* The node that a JSON pointer in a fragment names. */
static int follow(const struct reader *reader, uint32_t value, uint32_t *node)
{
    struct wr_text text = wr_json_inside(reader->json, value);
    char step[POINTER_STEP_MAX];
    size_t at = 1;
    *node = WR_JSON_ROOT;
    if (wr_json_escaped(reader->json, value) || text.len == 0 || text.data[0] != '#' ||
        (text.len > 1 && text.data[1] != '/')) {
        return refuse(reader, value, "only # and #/... are known: a place in the same schema");
    }
    while (at < text.len && *node != WR_JSON_NONE) {
        size_t len = take_pointer_step(text, &at, step);
        *node = len < POINTER_STEP_MAX ? step_into(reader->json, *node, (struct wr_text){step, len})
                                       : WR_JSON_NONE;
    }
    return *node != WR_JSON_NONE ? 0
                                 : refuse(reader, value, "there is no such place in the schema");
}

/* The schemas in an object or an array: a rule of each. */
static int read_parts(const struct reader *reader, uint32_t container)
{
    const struct wr_json *json = reader->json;
    bool object = wr_json_kind(json, container) == WR_JSON_OBJECT;
    uint32_t at = wr_json_first(json, container), index;
    int rc = 0;
    while (rc == 0 && at != WR_JSON_NONE) {
        uint32_t value = object ? wr_json_value(at) : at;
        rc = rule_at(reader, value, &index);
        at = wr_json_next(json, value);
    }
    return rc;
}

static int read_strings(const struct reader *reader, uint32_t list)
{
    for (uint32_t at = wr_json_first(reader->json, list); at != WR_JSON_NONE;
         at = wr_json_next(reader->json, at)) {
        if (wr_json_kind(reader->json, at) != WR_JSON_STRING) {
            return refuse(reader, at, "a name is needed, a string");
        }
    }
    return 0;
}

/* ---- keywords */

static int needs(const struct reader *reader, uint32_t value, enum wr_json_kind kind,
                 const char *problem)
{
    return wr_json_kind(reader->json, value) == kind ? 0 : refuse(reader, value, problem);
}

/* A keyword that holds schemas. 1: it was one; 0: it is another one. */
static int read_applicator(const struct reader *reader, uint32_t index, uint32_t key)
{
    uint32_t value = wr_json_value(key), rule = WR_RULE_NONE, target;
    int group = index_of(reader, key, groups, WR_GROUPS), rc;
    struct wr_rule *self = &reader->schema->rules[index];
    if (group >= 0) {
        self->group[group] = value;
        rc = needs(reader, value, WR_JSON_ARRAY, "a list of schemas is needed");
        if (rc == 0 && wr_json_first(reader->json, value) == WR_JSON_NONE) {
            rc = refuse(reader, value, "a list of schemas that is empty");
        }
        rc = rc == 0 ? read_parts(reader, value) : rc;
    } else if (is_key(reader, key, "properties") || is_key(reader, key, "$defs") ||
               is_key(reader, key, "definitions")) {
        if (is_key(reader, key, "properties")) {
            self->properties = value;
        }
        rc = needs(reader, value, WR_JSON_OBJECT, "an object of schemas is needed");
        rc = rc == 0 ? read_parts(reader, value) : rc;
    } else if (is_key(reader, key, "additionalProperties") || is_key(reader, key, "items") ||
               is_key(reader, key, "not")) {
        rc = rule_at(reader, value, &rule);
        self = &reader->schema->rules[index]; /* they may have moved */
        *(is_key(reader, key, "items") ? &self->items
          : is_key(reader, key, "not") ? &self->negated
                                       : &self->additional) = rule;
    } else if (is_key(reader, key, "$ref")) {
        rc = needs(reader, value, WR_JSON_STRING, "a string is needed");
        rc = rc == 0 ? follow(reader, value, &target) : rc;
        rc = rc == 0 ? rule_at(reader, target, &rule) : rc;
        reader->schema->rules[index].reference = rule;
    } else {
        return 0;
    }
    return rc == 0 ? 1 : rc;
}

/* 1: it was one; 0: it is another one. */
static int read_assertion(const struct reader *reader, struct wr_rule *rule, uint32_t key)
{
    const struct wr_json *json = reader->json;
    uint32_t value = wr_json_value(key);
    int size = index_of(reader, key, wr_schema_sizes, WR_SIZES);
    int bound = index_of(reader, key, wr_schema_bounds, WR_BOUNDS), rc = 0;
    if (size >= 0) {
        rule->sized = true;
        rc = read_size(reader, value, &rule->size[size]);
    } else if (bound >= 0) {
        rule->bounded = true;
        rule->bound[bound] = value;
        rc = needs(reader, value, WR_JSON_NUMBER, "a number is needed");
        if (rc == 0 && bound == WR_BOUND_MULTIPLE_OF &&
            !wr_schema_is_divisor(wr_json_text(json, value))) {
            rc = refuse(reader, value, "a number above 0 with at most 18 digits is needed");
        }
    } else if (is_key(reader, key, "type")) {
        rc = read_types(reader, value, &rule->types);
    } else if (is_key(reader, key, "const")) {
        rule->constant = value;
    } else if (is_key(reader, key, "enum")) {
        rule->choices = value;
        rc = needs(reader, value, WR_JSON_ARRAY, "a list of values is needed");
    } else if (is_key(reader, key, "required")) {
        rule->required = value;
        rc = needs(reader, value, WR_JSON_ARRAY, "a list of names is needed");
        rc = rc == 0 ? read_strings(reader, value) : rc;
    } else if (is_key(reader, key, "pattern")) {
        rule->pattern = value;
        rc = needs(reader, value, WR_JSON_STRING, "a string is needed");
        rc = rc == 0 ? read_pattern(reader, value, &rule->regex) : rc;
    } else if (is_key(reader, key, "uniqueItems")) {
        rule->unique = wr_json_kind(json, value) == WR_JSON_TRUE;
        rc = rule->unique ? 0 : needs(reader, value, WR_JSON_FALSE, "true or false is needed");
    } else {
        return 0;
    }
    return rc == 0 ? 1 : rc;
}

static int read_keyword(const struct reader *reader, uint32_t index, uint32_t key)
{
    char problem[128];
    int rc = read_assertion(reader, &reader->schema->rules[index], key);
    rc = rc == 0 ? read_applicator(reader, index, key) : rc;
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    if (index_of(reader, key, annotations, sizeof annotations / sizeof *annotations) >= 0 ||
        (reader->schema->rules[index].node == WR_JSON_ROOT && is_key(reader, key, "$id"))) {
        return 0;
    }
    struct wr_text name = wr_json_inside(reader->json, key);
    snprintf(problem, sizeof problem, "the keyword \"%.*s\" is not known",
             (int)WR_MIN(name.len, (size_t)64), name.data);
    return refuse(reader, reader->schema->rules[index].node, problem);
}

static void init_rule(struct wr_rule *rule)
{
    rule->constant = rule->choices = rule->required = rule->pattern = WR_JSON_NONE;
    rule->properties = WR_JSON_NONE;
    rule->additional = rule->items = rule->reference = rule->negated = WR_RULE_NONE;
    for (size_t i = 0; i < WR_BOUNDS; i++) {
        rule->bound[i] = WR_JSON_NONE;
    }
    for (size_t i = 0; i < WR_GROUPS; i++) {
        rule->group[i] = WR_JSON_NONE;
    }
    for (size_t i = 1; i < WR_SIZES; i += 2) {
        rule->size[i] = UINT64_MAX;
    }
}

static int read_rule(const struct reader *reader, uint32_t index)
{
    const struct wr_json *json = reader->json;
    uint32_t node = reader->schema->rules[index].node;
    int rc = 0;
    init_rule(&reader->schema->rules[index]);
    if (wr_json_kind(json, node) != WR_JSON_OBJECT) {
        return 0;
    }
    for (uint32_t key = wr_json_first(json, node); rc == 0 && key != WR_JSON_NONE;
         key = wr_json_next(json, wr_json_value(key))) {
        rc = read_keyword(reader, index, key);
    }
    return rc;
}

/* ---- schemas that come back to themselves */

/* Call for each rule that is checked against the same value as this one. */
static void each_same(const struct wr_schema *schema, const struct wr_rule *rule,
                      void (*see)(uint32_t *degree, uint32_t index, size_t *queued,
                                  uint32_t *queue),
                      uint32_t *degree, size_t *queued, uint32_t *queue)
{
    if (rule->reference != WR_RULE_NONE) {
        see(degree, rule->reference, queued, queue);
    }
    if (rule->negated != WR_RULE_NONE) {
        see(degree, rule->negated, queued, queue);
    }
    for (size_t i = 0; i < WR_GROUPS; i++) {
        uint32_t at = rule->group[i] == WR_JSON_NONE ? WR_JSON_NONE
                                                     : wr_json_first(&schema->json, rule->group[i]);
        for (; at != WR_JSON_NONE; at = wr_json_next(&schema->json, at)) {
            see(degree, schema->by_node[at], queued, queue);
        }
    }
}

static void count_one(uint32_t *degree, uint32_t index, size_t *queued, uint32_t *queue)
{
    (void)queued;
    (void)queue;
    degree[index]++;
}

static void remove_one(uint32_t *degree, uint32_t index, size_t *queued, uint32_t *queue)
{
    if (--degree[index] == 0) {
        queue[(*queued)++] = index;
    }
}

/* Remove rules that no other one leads to, again and again: what is left is a circle. */
static int refuse_circles(const struct reader *reader)
{
    const struct wr_schema *schema = reader->schema;
    size_t count = schema->count, queued = 0;
    uint32_t *degree = wr_zalloc(count * 2 * sizeof *degree);
    if (degree == NULL) {
        return WEIR_ENOMEM;
    }
    uint32_t *queue = degree + count;
    for (size_t i = 0; i < count; i++) {
        each_same(schema, &schema->rules[i], count_one, degree, &queued, queue);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (degree[i] == 0) {
            queue[queued++] = i;
        }
    }
    for (size_t i = 0; i < queued; i++) {
        each_same(schema, &schema->rules[queue[i]], remove_one, degree, &queued, queue);
    }
    int rc = 0;
    for (size_t i = 0; i < count && queued < count && rc == 0; i++) {
        if (degree[i] > 0) {
            rc = refuse(reader, schema->rules[i].node,
                        "the schema leads to itself for the same value");
        }
    }
    wr_free(degree);
    return rc;
}

/* ---- the whole */

void wr_schema_free(struct wr_schema *schema)
{
    if (schema == NULL) {
        return;
    }
    for (size_t i = 0; i < schema->count; i++) {
        wr_regex_free(schema->rules[i].regex);
    }
    wr_json_fini(&schema->json);
    wr_free(schema->rules);
    wr_free(schema->by_node);
    wr_schema_trim(schema);
    wr_free(schema->text);
    wr_free(schema);
}

static void count_bytes(struct wr_schema *schema, size_t text_len)
{
    schema->bytes = sizeof *schema + text_len + wr_json_bytes(&schema->json) +
                    schema->cap * sizeof *schema->rules +
                    schema->json.count * sizeof *schema->by_node;
    for (size_t i = 0; i < schema->count; i++) {
        schema->bytes +=
            schema->rules[i].regex != NULL ? wr_regex_bytes(schema->rules[i].regex) : 0;
    }
}

/* 0, WEIR_EPARSE with why, or WEIR_ENOMEM. */
static int read_schema(struct wr_schema *schema, const char *text, size_t len, char *why)
{
    const struct reader reader = {schema, &schema->json, why};
    uint32_t root;
    schema->text = wr_alloc(len + 1);
    if (schema->text == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(schema->text, text, len);
    int rc = wr_json_index(&schema->json, schema->text, len);
    if (rc == WEIR_EPARSE || rc == WEIR_ETOOLONG) {
        snprintf(why, WR_SCHEMA_REASON, "it is not JSON: %s, at byte %zu", schema->json.error,
                 schema->json.error_at);
        return WEIR_EPARSE;
    }
    if (rc < 0) {
        return rc;
    }
    schema->by_node = wr_alloc(schema->json.count * sizeof *schema->by_node);
    if (schema->by_node == NULL) {
        return WEIR_ENOMEM;
    }
    memset(schema->by_node, 0xff, schema->json.count * sizeof *schema->by_node);
    rc = rule_at(&reader, WR_JSON_ROOT, &root);
    for (uint32_t i = 0; rc == 0 && i < schema->count; i++) {
        rc = read_rule(&reader, i);
    }
    return rc == 0 ? refuse_circles(&reader) : rc;
}

struct wr_schema *wr_schema_new(const char *text, size_t len, int *code, char why[WR_SCHEMA_REASON])
{
    struct wr_schema *schema = wr_zalloc(sizeof *schema);
    *code = WEIR_ENOMEM;
    if (schema == NULL) {
        return NULL;
    }
    wr_json_init(&schema->json);
    *code = read_schema(schema, text, len, why);
    if (*code < 0) {
        wr_schema_free(schema);
        return NULL;
    }
    count_bytes(schema, len);
    return schema;
}
