/*
 * weir_expressions.c - `weir help expressions`: the language of where, map, set and text, and the
 * functions that the library has.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "weir_run.h"

const char help_language[] =
    "The input . is the JSON of an item, or the fields of a record (csv, clf, logfmt ...). The\n"
    "language is jq's; | outside brackets separates stages, so each part is a stage of its own:\n"
    "\n"
    "  .a.b  .a[0]  .a[2:5]  .[]  ..  .\"any name\"  .a?   paths, as in jq\n"
    "  .a // \"none\"                     the first, unless it is null or false\n"
    "  == != < <= > >=   and or not X   comparison\n"
    "  .a =~ `^\\d+$`                    matches a pattern of Perl\n"
    "  + - * / %                        arithmetic; whole numbers and decimals are exact\n"
    "  {name, total: .n * .price}   [.[] | .id]   \"\\(.host): \\(.msg)\"\n"
    "  if .a then .b elif .c then .d else .e end   try .a catch .   (.a as $x | $x + 1)\n"
    "  $NAME                            the value of --arg, --argjson, --env; $meta: of an event\n"
    "\n"
    "  jq 'select(.a) | .b'             weir 'where .a | .b'     select(...) is understood, too\n"
    "  jq '.a = 1 | .b |= tonumber'     weir 'set .a = 1 | set .b |= tonumber'\n"
    "  jq 'del(.a)'                     weir 'del .a'            or del(.a)\n"
    "  jq '.a as $x | .b'               weir '(.a as $x | .b)'\n"
    "  jq -r '.[] | \"\\(.a) \\(.b)\"'      weir '.[] | text \"\\(.a) \\(.b)\"'\n"
    "  jq 'reduce ...', 'def f: ...'    weir 'jq `reduce ...`'\n"
    "\n"
    "Values of csv, logfmt and regex are strings, and each string is greater than each number:\n"
    "where (.n | tonumber) > 3. All that look like numbers: map_values(tonumber? // .)\n";

void help_function(const weir_expr_function *function, char *to, size_t cap)
{
    const char *params = function->params != NULL ? function->params : "abcd";
    size_t len =
        (size_t)snprintf(to, cap, "%s%s", function->name, function->arguments > 0 ? "(" : "");
    for (int32_t i = 0; i < function->arguments && len < cap; i++) {
        bool last = i + 1 == function->arguments;
        len += (size_t)snprintf(to + len, cap - len, "%c%s", params[i], last ? ")" : "; ");
    }
}

void help_expressions(void)
{
    weir_expr_function function;
    printf(
        "Expressions: where EXPR, map EXPR, set .a = EXPR, text \"\\(EXPR)\", or a stage itself\n\n"
        "%s\nFunctions:\n",
        help_language);
    for (size_t i = 0; weir_expr_function_at(i, &function); i++) {
        char left[64];
        help_function(&function, left, sizeof left);
        printf("  %-22s %s\n", left, function.help);
    }
}
