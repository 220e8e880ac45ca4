/*
 * fuzz_plan.c - any bytes as a pipeline text, in a language that has blocks and expressions.
 *
 * A text has a layout or it is not closed somewhere; the layout is its own layout, and is read to the
 * same. A text is read or it is not; when not, the place of the mistake lies in the text and the long
 * form exists. What was read is written normalised, and that reads again to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <weir/plan.h>

#include "support_language.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Nothing is swept here. */
void wr_test_keeps(bool keeps)
{
    (void)keeps;
}

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* The text in the usual layout; NULL: it has none. */
static char *format(const char *text, const char *name)
{
    weir_error error;
    size_t len = weir_plan_format(text, name, NULL, 0, &error);
    require((len == 0) == (error.code != 0));
    char *to = len > 0 ? malloc(len + 1) : NULL;
    if (to != NULL) {
        require(weir_plan_format(text, name, to, len + 1, &error) == len);
    }
    return to;
}

static void format_one(const char *text, const char *name)
{
    weir_error error;
    char *once = format(text, name);
    weir_plan *plan = weir_plan_read(text, WEIR_OPTIONS(weir_text_options, .name = name), &error);
    if (once != NULL) {
        char *twice = format(once, name);
        require(twice != NULL && strcmp(once, twice) == 0);
        weir_plan *again =
            weir_plan_read(once, WEIR_OPTIONS(weir_text_options, .name = name), &error);
        require((plan != NULL) == (again != NULL));
        require(plan == NULL || strcmp(weir_plan_text(plan), weir_plan_text(again)) == 0);
        weir_plan_free(again);
        free(twice);
    }
    require(plan == NULL || once != NULL);
    weir_plan_free(plan);
    free(once);
}

static void read_one(const char *text, const char *name)
{
    char told[200];
    weir_error error;
    weir_plan *plan = weir_plan_read(text, WEIR_OPTIONS(weir_text_options, .name = name), &error);
    size_t told_len = weir_plan_error_text(text, WEIR_OPTIONS(weir_text_options, .name = name),
                                           told, sizeof told);
    require((plan == NULL) == (error.code != 0) && (plan == NULL) == (told_len > 0));
    if (plan == NULL) {
        char again[sizeof told];
        weir_error found;
        size_t i = 0;
        require(error.offset >= 0 && (size_t)error.offset <= strlen(text));
        while (weir_plan_mistake_at(text, WEIR_OPTIONS(weir_text_options, .name = name), i, &found,
                                    again, sizeof again) > 0) {
            require(found.code != 0 && (size_t)found.offset <= strlen(text));
            require(i > 0 || (strcmp(told, again) == 0 && found.offset == error.offset));
            i++;
        }
        require(i > 0 && found.code == 0);
        return;
    }
    weir_plan *again = weir_plan_read(weir_plan_text(plan), NULL, &error);
    require(again != NULL);
    require(strcmp(weir_plan_text(plan), weir_plan_text(again)) == 0);
    require(weir_plan_count(plan) == weir_plan_count(again));
    weir_plan_free(again);
    weir_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    if (text == NULL) {
        return 0;
    }
    require(wr_language_add());
    memcpy(text, data, len);
    text[len] = '\0';
    read_one(text, NULL);
    read_one(text, "fuzz");
    format_one(text, NULL);
    format_one(text, "fuzz");
    free(text);
    return 0;
}
