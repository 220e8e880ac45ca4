/*
 * expr_operand.c - reads one operand of an expression: a string with its \( ), an array, an object,
 * a name or a call, if, try. What stands inside brackets is read by wr_parse_level, which bounds the
 * nesting.
 */
#include "expr_tree.h"

#include "base_error.h"
#include "codec_utf8.h"

static bool take_word(struct wr_parsing *parsing, const char *word, const char *missing)
{
    (void)wr_parse_peek(parsing);
    if (wr_parse_is_word(parsing, word)) {
        parsing->at += strlen(word);
        return true;
    }
    (void)wr_parse_fail(parsing, parsing->at, 0, missing);
    return false;
}

/* ---- strings */

/* Decode text[from .. to), which has no \( ), into a literal. */
struct wr_node *wr_parse_literal(struct wr_parsing *parsing, size_t from, size_t to, bool raw)
{
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_LITERAL, from);
    char *bytes = node == NULL ? NULL : wr_arena_alloc(parsing->arena, to - from + 1);
    size_t len = 0;
    if (bytes == NULL) {
        return wr_parse_no_memory(parsing);
    }
    for (size_t at = from; at < to;) {
        size_t put = 1;
        size_t used = 1;
        if (raw || parsing->text[at] != '\\') {
            bytes[len] = parsing->text[at];
        } else {
            used = wr_escape_read(parsing->text + at, to - at, bytes + len, &put);
        }
        if (used == 0) {
            char c = at + 1 < to ? parsing->text[at + 1] : ' ';
            parsing->read->escape = parsing->read->code == 0;
            (void)wr_parse_fail(parsing, at, 0, "");
            parsing->read->error_len = 2;
            (void)wr_print_text(parsing->read->message, sizeof parsing->read->message,
                                c == 'u' ? "\\u: the four hex digits of a character are missing"
                                         : "\\%c: unknown escape, as in JSON",
                                c);
            if (c != 'u') {
                wr_parse_hint(parsing, "for a regex write `...` or double the \\");
            }
            return NULL;
        }
        at += used;
        len += put;
    }
    if (wr_utf8_valid_bytes(bytes, len) != len) {
        return wr_parse_fail(parsing, from, 0, "the string is not UTF-8");
    }
    node->literal = wr_value_string(bytes, len);
    return node;
}

/* Read \( ... ) at the current place into a string's parts. */
static bool parse_interpolation(struct wr_parsing *parsing, struct wr_node *string)
{
    size_t opener = ++parsing->at;
    parsing->at++;
    parsing->brackets++;
    bool ok = wr_node_parsed(string, wr_parse_level(parsing, WR_LEVEL_PIPE)) != NULL &&
              wr_parse_take(parsing, ')', opener);
    parsing->brackets--;
    return ok;
}

/* Read the quoted text at the current place. format: its @format, or data NULL. */
struct wr_node *wr_parse_string(struct wr_parsing *parsing, struct wr_text format)
{
    size_t opener = parsing->at++;
    char quote = parsing->text[opener];
    size_t from = parsing->at;
    struct wr_node *string = wr_parse_node(parsing, WR_NODE_STRING, opener);
    if (string == NULL) {
        return NULL;
    }
    string->name = format;
    for (;;) {
        if (parsing->at >= parsing->end) {
            return wr_parse_fail(parsing, opener, 1, "' is not closed");
        }
        bool inner =
            quote == '"' && wr_parse_byte(parsing, 0) == '\\' && wr_parse_byte(parsing, 1) == '(';
        bool last = wr_parse_byte(parsing, 0) == quote;
        if (inner || last) {
            struct wr_node *part = wr_parse_literal(parsing, from, parsing->at, quote != '"');
            if (part == NULL) {
                return NULL;
            }
            if (last && string->count == 0) {
                parsing->at++;
                part->at = (uint32_t)opener;
                part->len = (uint32_t)(parsing->at - opener);
                return part;
            }
            wr_node_add(string, part);
        }
        if (last) {
            parsing->at++;
            string->len = (uint32_t)(parsing->at - opener);
            return string;
        }
        if (inner) {
            if (!parse_interpolation(parsing, string)) {
                return NULL;
            }
            from = parsing->at;
        } else {
            parsing->at += quote == '"' && wr_parse_byte(parsing, 0) == '\\' ? 2 : 1;
        }
    }
}

bool wr_is_quote(char c)
{
    return c == '"' || c == '`' || c == '\'';
}

/* ---- operands */

/* A node whose name follows the one byte at the current place. */
struct wr_node *wr_parse_sigil(struct wr_parsing *parsing, enum wr_node_kind kind)
{
    size_t from = parsing->at++;
    size_t len = wr_parse_word_len(parsing);
    if (len == 0) {
        return wr_parse_fail(parsing, from, 1, "' needs a name");
    }
    parsing->at += len;
    struct wr_node *node = wr_parse_node(parsing, kind, from);
    if (node != NULL) {
        node->name = wr_parse_copy(parsing, from + 1, len);
        node = node->name.data != NULL ? node : NULL;
    }
    return node;
}

static struct wr_node *parse_format(struct wr_parsing *parsing)
{
    struct wr_node *format = wr_parse_sigil(parsing, WR_NODE_FORMAT);
    size_t after = parsing->at;
    if (format == NULL || wr_parse_peek(parsing) != '"') {
        parsing->at = after;
        return format;
    }
    struct wr_node *string = wr_parse_string(parsing, format->name);
    if (string != NULL) {
        string->at = format->at;
    }
    return string;
}

/* Read what stands in brackets, as one expression. */
static struct wr_node *parse_inside(struct wr_parsing *parsing, char closer)
{
    size_t opener = parsing->at++;
    parsing->brackets++;
    struct wr_node *inside = wr_parse_level(parsing, WR_LEVEL_PIPE);
    bool ok = inside != NULL && wr_parse_take(parsing, closer, opener);
    parsing->brackets--;
    return ok ? inside : NULL;
}

static struct wr_node *parse_round(struct wr_parsing *parsing)
{
    size_t opener = parsing->at++;
    char c = wr_parse_peek(parsing);
    parsing->at = c == ')' ? parsing->at : opener;
    return c == ')' ? wr_parse_fail(parsing, opener, 0, "an expression is missing")
                    : parse_inside(parsing, ')');
}

static struct wr_node *parse_array(struct wr_parsing *parsing)
{
    size_t opener = parsing->at++;
    struct wr_node *array = wr_parse_node(parsing, WR_NODE_ARRAY, opener);
    if (array == NULL) {
        return NULL;
    }
    if (wr_parse_peek(parsing) == ']') {
        parsing->at++;
        return array;
    }
    parsing->at = opener;
    return wr_node_parsed(array, parse_inside(parsing, ']'));
}

struct wr_node *wr_parse_key(struct wr_parsing *parsing)
{
    char c = wr_parse_peek(parsing);
    size_t len = wr_parse_word_len(parsing);
    if (len > 0) {
        size_t from = parsing->at;
        parsing->at += len;
        return wr_parse_literal(parsing, from, from + len, true);
    }
    if (wr_is_quote(c)) {
        return wr_parse_string(parsing, (struct wr_text){NULL, 0});
    }
    if (c == '(') {
        return parse_round(parsing);
    }
    if (c == '$') {
        return wr_parse_sigil(parsing, WR_NODE_VARIABLE);
    }
    if (c == '@') {
        struct wr_node *key = parse_format(parsing);
        return key == NULL || key->kind != WR_NODE_FORMAT ? key : wr_parse_not_allowed(parsing);
    }
    (void)wr_parse_not_allowed(parsing);
    wr_parse_hint(parsing,
                  "a member is name: value, \"name\": value, (expression): value, or name");
    return NULL;
}

/* The value of a member: | continues it, and a comma ends it. */
static struct wr_node *parse_member_value(struct wr_parsing *parsing)
{
    struct wr_node *value = wr_parse_level(parsing, WR_LEVEL_OTHERWISE);
    struct wr_node *chain = NULL;
    while (value != NULL && wr_parse_peek(parsing) == '|') {
        if (wr_parse_assignment(parsing) > 0) {
            return wr_parse_not_allowed(parsing);
        }
        parsing->at++;
        struct wr_node *next = wr_parse_level(parsing, WR_LEVEL_OTHERWISE);
        if (chain == NULL && next != NULL) {
            chain = wr_parse_node(parsing, WR_NODE_CHAIN, value->at);
            value = chain == NULL ? NULL : wr_node_parsed(chain, value);
        }
        if (next == NULL || value == NULL) {
            return NULL;
        }
        next->op = WR_OP_PIPE;
        wr_node_add(chain, next);
    }
    return value;
}

static struct wr_node *parse_member(struct wr_parsing *parsing)
{
    char first = wr_parse_peek(parsing);
    struct wr_node *member = wr_parse_node(parsing, WR_NODE_MEMBER, parsing->at);
    if (member == NULL || wr_node_parsed(member, wr_parse_key(parsing)) == NULL) {
        return NULL;
    }
    if (wr_parse_peek(parsing) == ':' && first != '$') {
        parsing->at++;
        return wr_node_parsed(member, parse_member_value(parsing));
    }
    return first == '(' ? wr_parse_not_allowed(parsing) : member;
}

static struct wr_node *parse_object(struct wr_parsing *parsing)
{
    size_t opener = parsing->at++;
    struct wr_node *object = wr_parse_node(parsing, WR_NODE_OBJECT, opener);
    parsing->brackets++;
    while (object != NULL && wr_parse_peek(parsing) != '}') {
        object = wr_node_parsed(object, parse_member(parsing));
        if (object == NULL || wr_parse_peek(parsing) != ',') {
            break;
        }
        parsing->at++;
    }
    parsing->brackets--;
    return object != NULL && wr_parse_take(parsing, '}', opener) ? object : NULL;
}

/* Read the ( ... ) behind a name. */
static struct wr_node *parse_arguments(struct wr_parsing *parsing, struct wr_node *call)
{
    size_t opener = parsing->at++;
    bool more = true;
    if (wr_parse_peek(parsing) == ')') {
        return wr_parse_fail(parsing, opener, 0, "an expression is missing");
    }
    parsing->brackets++;
    while (call != NULL && more) {
        call = wr_node_parsed(call, wr_parse_level(parsing, WR_LEVEL_PIPE));
        more = call != NULL && wr_parse_peek(parsing) == ';';
        parsing->at += more;
    }
    parsing->brackets--;
    return call != NULL && wr_parse_take(parsing, ')', opener) ? call : NULL;
}

static struct wr_node *parse_if(struct wr_parsing *parsing)
{
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_IF, parsing->at);
    parsing->at += 2;
    for (bool more = true; node != NULL && more;) {
        node = wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PIPE));
        if (node == NULL ||
            !take_word(parsing, "then", "a 'then' is missing, as in if .a then .b else .c end") ||
            wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PIPE)) == NULL) {
            return NULL;
        }
        (void)wr_parse_peek(parsing);
        more = wr_parse_is_word(parsing, "elif");
        parsing->at += more ? 4 : 0;
    }
    if (node != NULL && wr_parse_is_word(parsing, "else")) {
        parsing->at += 4;
        node = wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PIPE));
    }
    return node != NULL &&
                   take_word(parsing, "end", "an 'end' is missing, as in if .a then .b else .c end")
               ? node
               : NULL;
}

static struct wr_node *parse_try(struct wr_parsing *parsing)
{
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_TRY, parsing->at);
    parsing->at += 3;
    node = node != NULL ? wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PREFIX)) : NULL;
    if (node != NULL && (wr_parse_peek(parsing), wr_parse_is_word(parsing, "catch"))) {
        parsing->at += 5;
        node = wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PREFIX));
    }
    return node;
}

/* Whether an operand begins at the current token. */
static bool operand_follows(struct wr_parsing *parsing)
{
    static const char *const words[] = {"and", "or", "as", "then", "elif", "else", "end", "catch"};
    char c = wr_parse_peek(parsing);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (wr_parse_is_word(parsing, words[i])) {
            return false;
        }
    }
    return c != '\0' && (wr_is_name_byte(c, false) || strchr(".\"`'([{-$@", c) != NULL);
}

static struct wr_node *parse_not(struct wr_parsing *parsing, struct wr_node *call)
{
    size_t after = parsing->at;
    if (!operand_follows(parsing)) {
        parsing->at = after;
        return call;
    }
    call->kind = WR_NODE_NOT;
    call->name = (struct wr_text){NULL, 0};
    return wr_node_parsed(call, wr_parse_level(parsing, WR_LEVEL_COMPARISON));
}

/* Words that begin what jq programs have and expressions do not. */
static bool is_program_word(struct wr_parsing *parsing)
{
    static const char *const words[] = {"reduce", "foreach", "def",    "label",
                                        "break",  "import",  "include"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (wr_parse_is_word(parsing, words[i])) {
            return true;
        }
    }
    return false;
}

/* Where .a-b begins, whose b is at `from`: in jq's language it is .a minus b; SIZE_MAX: there is none. */
static size_t dashed_from(const struct wr_parsing *parsing, size_t from)
{
    size_t at = from;
    while (at > 0 &&
           (wr_is_name_byte(parsing->text[at - 1], false) || parsing->text[at - 1] == '-')) {
        at--;
    }
    return at > 0 && at + 1 < from && parsing->text[at - 1] == '.' && parsing->text[from - 1] == '-'
               ? at
               : SIZE_MAX;
}

/* Report a word, whose end is the current place, that is neither a value nor a function. */
static struct wr_node *not_a_value(struct wr_parsing *parsing, size_t from, struct wr_text word)
{
    int shown = (int)WR_MIN(word.len, (size_t)60);
    const char *elsewhere = wr_expr_elsewhere(word);
    size_t dashed = dashed_from(parsing, from), end = from + word.len;
    if (elsewhere != NULL) {
        (void)wr_parse_fail(parsing, from, word.len, "' is not a function of expressions");
        wr_parse_hint(parsing, "%s", elsewhere);
        return NULL;
    }
    (void)wr_parse_fail(parsing, from, word.len, "' is not a value");
    char next = wr_parse_peek(parsing);
    while (end < parsing->end &&
           (wr_is_name_byte(parsing->text[end], false) || parsing->text[end] == '-')) {
        end++;
    }
    if (dashed != SIZE_MAX) {
        wr_parse_hint(parsing, "a name with a dash is quoted: .\"%.*s\"",
                      (int)WR_MIN(end - dashed, (size_t)60), parsing->text + dashed);
    } else if (next != '\0' && strchr("=!<>.[,", next) != NULL) {
        wr_parse_hint(parsing, "write .%.*s for a field, \"%.*s\" for a text", shown, word.data,
                      shown, word.data);
    } else {
        wr_parse_hint(parsing, "write \"%.*s\" (did the shell remove the quotes?)", shown,
                      word.data);
    }
    return NULL;
}

/* A word that is a value, or the name of a function. */
static struct wr_node *parse_name(struct wr_parsing *parsing)
{
    static const char *const constants[] = {"null", "false", "true"};
    size_t from = parsing->at;
    size_t len = wr_parse_word_len(parsing);
    for (uint8_t i = 0; i < 3; i++) {
        if (wr_parse_is_word(parsing, constants[i])) {
            parsing->at += len;
            struct wr_node *literal = wr_parse_node(parsing, WR_NODE_LITERAL, from);
            if (literal != NULL) {
                literal->literal = wr_value_of((enum wr_json_kind)i);
            }
            return literal;
        }
    }
    bool negates = wr_parse_is_word(parsing, "not");
    parsing->at += len;
    struct wr_node *call = wr_parse_node(parsing, WR_NODE_CALL, from);
    if (call == NULL || (call->name = wr_parse_copy(parsing, from, len)).data == NULL) {
        return NULL;
    }
    if (wr_parse_byte(parsing, 0) == '(' && !negates) {
        return parse_arguments(parsing, call);
    }
    if (negates) {
        return parse_not(parsing, call);
    }
    if (wr_expr_is_function(call->name, false) ||
        (len == 1 && strchr(parsing->params, call->name.data[0]) != NULL)) {
        return call;
    }
    return not_a_value(parsing, from, call->name);
}

static struct wr_node *parse_word(struct wr_parsing *parsing)
{
    if (is_program_word(parsing)) {
        (void)wr_parse_fail(parsing, parsing->at, wr_parse_word_len(parsing),
                            "' is allowed in jq programs, not in expressions");
        wr_parse_hint(parsing, WR_EXPR_PROGRAMS);
        return NULL;
    }
    return wr_parse_is_word(parsing, "if")    ? parse_if(parsing)
           : wr_parse_is_word(parsing, "try") ? parse_try(parsing)
                                              : parse_name(parsing);
}

struct wr_node *wr_parse_operand(struct wr_parsing *parsing)
{
    char c = wr_parse_peek(parsing);
    size_t from = parsing->at;
    struct wr_node *node;
    if (wr_is_quote(c)) {
        return wr_parse_string(parsing, (struct wr_text){NULL, 0});
    }
    if (wr_is_digit(c) || (c == '.' && wr_is_digit(wr_parse_byte(parsing, 1)))) {
        return wr_parse_number(parsing);
    }
    switch (c) {
    case '(': return parse_round(parsing);
    case '[': return parse_array(parsing);
    case '{': return parse_object(parsing);
    case '$': return wr_parse_sigil(parsing, WR_NODE_VARIABLE);
    case '@': return parse_format(parsing);
    case '.':
        parsing->at += wr_parse_byte(parsing, 1) == '.' ? 2 : 1;
        return wr_parse_node(parsing, parsing->at > from + 1 ? WR_NODE_DOTDOT : WR_NODE_DOT, from);
    case '-':
        parsing->at++;
        node = wr_parse_node(parsing, WR_NODE_NEGATE, from);
        return node != NULL ? wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PREFIX)) : NULL;
    case '\0':
    case ')':
    case ']':
    case '}': return wr_parse_fail(parsing, from, 0, "an expression is missing");
    default: return wr_is_name_byte(c, true) ? parse_word(parsing) : wr_parse_not_allowed(parsing);
    }
}
