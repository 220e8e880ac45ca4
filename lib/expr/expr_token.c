/*
 * expr_token.c - tokens of expressions: spaces and comments, names, operators, numbers, escapes of
 * strings; and the record of the first mistake.
 */
#include "expr_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_error.h"
#include "codec_unit.h"
#include "codec_utf8.h"

enum { SHOWN_MAX = 60 }; /* bytes of the user's word in a message */

struct wr_node *wr_parse_fail(struct wr_parsing *parsing, size_t at, size_t len, const char *what)
{
    struct wr_expr_read *read = parsing->read;
    if (read->code == 0) {
        read->code = WEIR_EINVAL;
        read->error_at = at;
        read->error_len = len;
        (void)wr_print_text(read->message, sizeof read->message, "%s%.*s%s", len > 0 ? "'" : "",
                            (int)WR_MIN(len, (size_t)SHOWN_MAX), parsing->text + at, what);
    }
    return NULL;
}

void wr_parse_hint(struct wr_parsing *parsing, const char *format, ...)
{
    struct wr_expr_read *read = parsing->read;
    if (read->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(read->hint, sizeof read->hint, format, args);
        va_end(args);
    }
}

void *wr_parse_no_memory(struct wr_parsing *parsing)
{
    if (parsing->arena->full) {
        return wr_parse_fail(parsing, parsing->at, 0, "the expression is too long");
    }
    if (parsing->read->code == 0) {
        parsing->read->code = WEIR_ENOMEM;
        (void)wr_print_text(parsing->read->message, sizeof parsing->read->message, "%s",
                            wr_code_text(WEIR_ENOMEM));
    }
    return NULL;
}

struct wr_node *wr_parse_node(struct wr_parsing *parsing, enum wr_node_kind kind, size_t at)
{
    struct wr_node *node = wr_arena_alloc(parsing->arena, sizeof *node);
    if (node == NULL) {
        return wr_parse_no_memory(parsing);
    }
    *node = (struct wr_node){
        .kind = (uint8_t)kind, .at = (uint32_t)at, .len = (uint32_t)(parsing->at - at)};
    return node;
}

void wr_node_add(struct wr_node *parent, struct wr_node *child)
{
    *(parent->last != NULL ? &parent->last->next : &parent->first) = child;
    parent->last = child;
    parent->count++;
}

struct wr_text wr_parse_copy(struct wr_parsing *parsing, size_t at, size_t len)
{
    char *copy = wr_arena_alloc(parsing->arena, len + 1);
    if (copy == NULL) {
        return (struct wr_text){wr_parse_no_memory(parsing), 0};
    }
    memcpy(copy, parsing->text + at, len);
    copy[len] = '\0';
    return (struct wr_text){copy, len};
}

bool wr_is_name_byte(char c, bool first)
{
    return wr_is_alpha(c) || c == '_' || (!first && wr_is_digit(c));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r'); /* as the text of a pipeline has it */
}

char wr_parse_byte(const struct wr_parsing *parsing, size_t ahead)
{
    return ahead < parsing->end - parsing->at ? parsing->text[parsing->at + ahead] : '\0';
}

char wr_parse_peek(struct wr_parsing *parsing)
{
    for (;;) {
        char c = wr_parse_byte(parsing, 0);
        if (c == '#' && (parsing->at == 0 || is_space(parsing->text[parsing->at - 1]))) {
            while (parsing->at < parsing->end && parsing->text[parsing->at] != '\n') {
                parsing->at++;
            }
        } else if (is_space(c)) {
            parsing->at++;
        } else {
            return c;
        }
    }
}

size_t wr_parse_word_len(const struct wr_parsing *parsing)
{
    size_t len = 0;
    while (wr_is_name_byte(wr_parse_byte(parsing, len), len == 0)) {
        len++;
    }
    return len;
}

bool wr_parse_is_word(const struct wr_parsing *parsing, const char *word)
{
    size_t len = wr_parse_word_len(parsing);
    return len > 0 && strlen(word) == len && memcmp(parsing->text + parsing->at, word, len) == 0;
}

static const struct {
    const char *text;
    uint8_t level, op;
} operators[] = {
    {"//", WR_LEVEL_OTHERWISE, WR_OP_OTHERWISE},
    {"==", WR_LEVEL_COMPARISON, WR_OP_EQUAL},
    {"!=", WR_LEVEL_COMPARISON, WR_OP_DIFFERENT},
    {"<=", WR_LEVEL_COMPARISON, WR_OP_LESS_EQUAL},
    {">=", WR_LEVEL_COMPARISON, WR_OP_GREATER_EQUAL},
    {"=~", WR_LEVEL_COMPARISON, WR_OP_MATCHES},
    {"<", WR_LEVEL_COMPARISON, WR_OP_LESS},
    {">", WR_LEVEL_COMPARISON, WR_OP_GREATER},
    {"|", WR_LEVEL_PIPE, WR_OP_PIPE},
    {",", WR_LEVEL_COMMA, WR_OP_COMMA},
    {"+", WR_LEVEL_SUM, WR_OP_ADD},
    {"-", WR_LEVEL_SUM, WR_OP_SUBTRACT},
    {"*", WR_LEVEL_PRODUCT, WR_OP_MULTIPLY},
    {"/", WR_LEVEL_PRODUCT, WR_OP_DIVIDE},
    {"%", WR_LEVEL_PRODUCT, WR_OP_REMAINDER},
};

static bool begins(const struct wr_parsing *parsing, const char *with)
{
    size_t len = strlen(with);
    return len <= parsing->end - parsing->at && memcmp(parsing->text + parsing->at, with, len) == 0;
}

enum wr_operator wr_parse_operator(struct wr_parsing *parsing, enum wr_op_level *level, size_t *len)
{
    (void)wr_parse_peek(parsing);
    *len = wr_parse_word_len(parsing);
    if (*len > 0) {
        bool or = wr_parse_is_word(parsing, "or");
        *level = or ? WR_LEVEL_OR : WR_LEVEL_AND;
        return or ? WR_OP_OR : wr_parse_is_word(parsing, "and") ? WR_OP_AND : WR_OP_NONE;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (begins(parsing, operators[i].text)) {
            *len = strlen(operators[i].text);
            *level = operators[i].level;
            bool assigns = wr_parse_byte(parsing, *len) == '=' && *level != WR_LEVEL_COMPARISON;
            return assigns || (*level == WR_LEVEL_PIPE && parsing->brackets == 0) ? WR_OP_NONE
                                                                                  : operators[i].op;
        }
    }
    return WR_OP_NONE;
}

size_t wr_parse_assignment(struct wr_parsing *parsing)
{
    char c = wr_parse_peek(parsing);
    size_t before = begins(parsing, "//") ? 2 : c != '\0' && strchr("|+-*/%", c) != NULL ? 1 : 0;
    return wr_parse_byte(parsing, before) == '=' && wr_parse_byte(parsing, before + 1) != '='
               ? before + 1
               : 0;
}

static void skip_digits(struct wr_parsing *parsing)
{
    while (wr_is_digit(wr_parse_byte(parsing, 0))) {
        parsing->at++;
    }
}

/* 1, 1.5, .5, 1., 1e3. The literal is a number of JSON: without zeros in front, with digits on both
 * sides of its point. */
/* Report letters behind a number as what was meant by them: a unit, 0x10 or 1_000. False: they may
 * be something else. */
static bool refuse_unit(struct wr_parsing *parsing, size_t from)
{
    const char *text = parsing->text + from;
    struct wr_unit_meant meant;
    char *end, digits[24] = "";
    size_t len = parsing->at - from, n = 0;
    while (wr_is_name_byte(wr_parse_byte(parsing, from + len - parsing->at), false) ||
           (wr_parse_byte(parsing, from + len - parsing->at) == '.' &&
            wr_is_digit(wr_parse_byte(parsing, from + len - parsing->at + 1)))) {
        len++;
    }
    for (size_t i = 0; i < len && n < sizeof digits - 1; i++) {
        digits[n] = text[i];
        n += text[i] != '_';
    }
    digits[n] = '\0';
    unsigned long long number =
        strtoull(digits, &end, n > 2 && (digits[1] | 0x20) == 'x' ? 16 : 10);
    if (wr_unit_meant((struct wr_text){text, len}, WR_UNIT_ANY, &meant)) {
        bool time = meant.unit == WR_UNIT_TIME;
        (void)wr_parse_fail(parsing, from, len, "' is not a number");
        wr_parse_hint(
            parsing,
            time ? "a number has no unit: write %s (seconds); for texts such as \"%s\" write "
                   "(.a | seconds) > %s"
                 : "a number has no unit: write %s (bytes)",
            meant.number, meant.text, meant.number);
        return true;
    }
    if (*end == '\0' && n < sizeof digits - 1 && (n < len || (digits[1] | 0x20) == 'x')) {
        (void)wr_parse_fail(parsing, from, len, "' is not a number");
        wr_parse_hint(parsing, "write %llu", number);
        return true;
    }
    return false;
}

struct wr_node *wr_parse_number(struct wr_parsing *parsing)
{
    size_t from = parsing->at;
    while (wr_parse_byte(parsing, 0) == '0' && wr_is_digit(wr_parse_byte(parsing, 1))) {
        parsing->at++;
    }
    size_t digits = parsing->at;
    skip_digits(parsing);
    size_t point = parsing->at;
    if (wr_parse_byte(parsing, 0) == '.' && wr_parse_byte(parsing, 1) != '.') {
        parsing->at++;
        skip_digits(parsing);
    }
    size_t power = parsing->at;
    if ((wr_parse_byte(parsing, 0) | 0x20) == 'e') {
        char sign = wr_parse_byte(parsing, 1);
        size_t skipped = sign == '-' || sign == '+' ? 2 : 1;
        if (wr_is_digit(wr_parse_byte(parsing, skipped))) {
            parsing->at += skipped;
            skip_digits(parsing);
        }
    }
    if (wr_is_name_byte(wr_parse_byte(parsing, 0), true) && refuse_unit(parsing, from)) {
        return NULL;
    }
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_LITERAL, from);
    size_t cap = parsing->at - digits + 3;
    struct wr_print out;
    char *text = node != NULL ? wr_arena_alloc(parsing->arena, cap) : NULL;
    if (text == NULL) {
        return wr_parse_no_memory(parsing);
    }
    wr_print_to(&out, text, cap);
    wr_print_bytes(&out, "0", point == digits ? 1 : 0);
    wr_print_bytes(&out, parsing->text + digits, power - digits - (power == point + 1));
    wr_print_bytes(&out, parsing->text + power, parsing->at - power);
    node->literal = wr_value_string(text, out.len);
    node->literal.kind = WR_JSON_NUMBER;
    return node;
}

static bool read_hex(const char *hex, size_t len, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < len ? wr_hex_value(hex[i]) : -1;
        if (digit < 0) {
            return false;
        }
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

/* \uXXXX, or a surrogate pair. */
static size_t read_unicode(const char *in, size_t len, uint32_t *code)
{
    uint32_t low;
    if (!read_hex(in + 2, len - 2, code)) {
        return 0;
    }
    if (*code < 0xd800 || *code > 0xdfff) {
        return 6;
    }
    if (*code > 0xdbff || len < 12 || in[6] != '\\' || in[7] != 'u' ||
        !read_hex(in + 8, len - 8, &low) || low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

size_t wr_escape_read(const char *in, size_t len, char *to, size_t *to_len)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    uint32_t code;
    const char *known = len < 2 || in[1] == '\0' ? NULL : strchr(names, in[1]);
    if (known != NULL) {
        *to = bytes[known - names];
        *to_len = 1;
        return 2;
    }
    size_t used = len >= 2 && in[1] == 'u' ? read_unicode(in, len, &code) : 0;
    *to_len = used > 0 ? wr_utf8_encode(code, to) : 0;
    return used;
}
