/*
 * stage_regex.c - the component regex: the named groups of a pattern are the fields of a record.
 *
 * The pattern is compiled when the stage is opened, and once before, when the text is checked, so
 * that a mistake in it is a mistake in the text. The names of the groups are those of all records;
 * where a group took no part in a match, the record has names of its own, copied with it.
 */
#include <string.h>

#include <weir/module.h>

#include "codec_regex.h"
#include "stage_record.h"

struct regex_args {
    const char *pattern;
    bool utf, numbers;
};

struct regex {
    struct wr_regex *regex;
    size_t names_bytes; /* of all names */
    bool numbers;
};

static struct wr_regex *compile(const struct regex_args *args, int *code,
                                struct wr_regex_mistake *mistake)
{
    return wr_regex_new((weir_slice){args->pattern, strlen(args->pattern)},
                        args->utf ? WR_REGEX_UTF : 0, code, mistake);
}

/* A name for a record that has not all fields. */
static weir_slice copied(struct wr_fields *fields, weir_slice name)
{
    char *to = fields->made + fields->made_len;
    memcpy(to, name.data, name.len);
    fields->made_len += name.len;
    return (weir_slice){to, name.len};
}

static int add_groups(const struct regex *self, weir_slice text, struct wr_fields *fields)
{
    size_t group, from, to, count = wr_regex_names(self->regex);
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        (void)wr_regex_name(self->regex, i, &group);
        all = wr_regex_group(self->regex, group, &from, &to);
    }
    fields->shared = all;
    int rc = all ? 0 : wr_fields_reserve(fields, self->names_bytes);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        weir_slice name = wr_regex_name(self->regex, i, &group);
        if (wr_regex_group(self->regex, group, &from, &to)) {
            rc = wr_fields_add(fields, all ? name : copied(fields, name),
                               wr_slice_of(text, from, to));
        }
    }
    return rc;
}

static int regex_read(void *self, weir_slice text, struct wr_fields *fields)
{
    const struct regex *regex = self;
    const char *problem = "the line does not match";
    int rc = wr_regex_match(regex->regex, text, 0, WR_REGEX_ANYWHERE, &problem);
    if (rc == 0 || rc == WEIR_EPARSE) {
        return wr_fields_bad(fields, 0, problem);
    }
    rc = rc > 0 ? add_groups(regex, text, fields) : rc;
    if (rc == 0 && regex->numbers) {
        wr_fields_type_numbers(fields);
    }
    return rc;
}

static void regex_drop(void *self)
{
    wr_regex_free(((struct regex *)self)->regex);
}

static size_t regex_bytes(const void *self)
{
    return wr_regex_bytes(((const struct regex *)self)->regex);
}

static const struct wr_record_ops regex_ops = {
    .kind = "regex", .read = regex_read, .drop = regex_drop, .bytes = regex_bytes};

static int regex_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    int code;
    struct wr_regex_mistake wrong;
    (void)opening;
    struct wr_regex *regex = compile(args, &code, &wrong);
    if (regex == NULL) {
        return code == WEIR_ENOMEM
                   ? weir_mistake_at(mistake, "PATTERN", "no memory for the pattern")
                   : weir_mistake_at(mistake, "PATTERN", "%s, at byte %zu of the pattern",
                                     wrong.problem, wrong.at);
    }
    size_t names = wr_regex_names(regex);
    wr_regex_free(regex);
    if (names > 0) {
        return 0;
    }
    (void)weir_mistake_at(mistake, "PATTERN", "the pattern has no named group, so no field");
    return weir_mistake_hint(mistake, "name one, as in regex `status=(?<status>\\d+)`; to select "
                                      "lines: grep -E");
}

static weir_gen *regex_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    int code;
    size_t group;
    struct wr_regex_mistake wrong;
    struct regex self = {.regex = compile(args, &code, &wrong),
                         .numbers = ((const struct regex_args *)args)->numbers};
    (void)opening;
    for (size_t i = 0; self.regex != NULL && i < wr_regex_names(self.regex); i++) {
        self.names_bytes += wr_regex_name(self.regex, i, &group).len;
    }
    weir_gen *gen = wr_record_stage(up, &regex_ops, &self, sizeof self);
    if (self.regex == NULL) {
        (void)wr_gen_fail(gen, code, 0, -1, "no memory for the pattern");
    }
    return gen;
}

static bool regex_all_text(const void *args)
{
    return !((const struct regex_args *)args)->numbers;
}

static const weir_arg regex_args[] = {
    WEIR_ARG_TEXT(struct regex_args, pattern, .name = "PATTERN", .flags = WEIR_ARG_REQUIRED,
                  .help = "as in Perl, best in `...`; its named groups, (?<NAME>...), are the "
                          "fields"),
    WEIR_ARG_FLAG(struct regex_args, utf, .name = "utf",
                  .help = "match characters, not bytes: if not given, only for a pattern that is "
                          "not ASCII"),
    WEIR_ARG_FLAG(struct regex_args, numbers, .name = "numbers", .help = WR_RECORD_NUMBERS),
};

static const weir_example regex_more[] = {
    {"gen 8..11 | regex `^(?<tens>\\d)(?<ones>\\d)$`", "10\n11\n"},
    {"gen 8..11 | regex `^(?<tens>\\d)(?<ones>\\d)$` numbers | .tens + .ones", "1\n2\n"},
    {NULL, NULL},
};

const weir_component wr_component_regex = {
    .struct_size = sizeof wr_component_regex,
    .name = "regex",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS,
    .args = regex_args,
    .args_count = sizeof regex_args / sizeof regex_args[0],
    .args_size = sizeof(struct regex_args),
    .help = "Makes a record of each line that matches a pattern; rejects the others. Values are "
            "strings, also 12: see numbers.",
    .example = "./access.log | regex `\" (?<status>\\d{3}) (?<bytes>\\d+)`",
    .check = regex_check,
    .open = regex_open,
    .all_text = regex_all_text,
    .more_examples = regex_more,
};
