/*
 * support_names.h - expected messages that list what there is: they change with each component that
 * is added, and no test is to.
 */
#ifndef WR_SUPPORT_NAMES_H
#define WR_SUPPORT_NAMES_H

#include <string.h>

#include "plan_text.h"

/* A name that is not near any other. A unit test holds the library itself, as a program that is linked
 * with the archive. */
#define WR_NAMES "'weir list' names all there are; this program loads no modules"
/* What stands for a list in an expected text. */
#define WR_SCHEMES "%SCHEMES%"

static inline void wr_schemes_print(struct wr_print *out)
{
    const weir_component *component;
    wr_printf(out, "there are");
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        for (size_t j = 0; component->schemes != NULL && component->schemes[j] != NULL; j++) {
            const char *scheme = component->schemes[j];
            if (component->kind == WEIR_KIND_SOURCE && scheme[0] >= 'a' && scheme[0] <= 'z') {
                wr_printf(out, " %s%s", scheme, scheme[strlen(scheme) - 1] == ':' ? "" : "://");
            }
        }
    }
}

/* An expected text with its lists in their places. */
static inline void wr_expected_print(struct wr_print *out, const char *text)
{
    while (*text != '\0') {
        if (strncmp(text, WR_SCHEMES, strlen(WR_SCHEMES)) == 0) {
            wr_schemes_print(out);
            text += strlen(WR_SCHEMES);
        } else {
            wr_print_bytes(out, text++, 1);
        }
    }
}

#endif
