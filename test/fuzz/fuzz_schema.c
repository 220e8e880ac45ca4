/*
 * fuzz_schema.c - a JSON Schema and values, one on each line after it. Invariants: what is refused has
 * a reason, which is a text that ends; a second check says the same as the first; a schema that was
 * used on other values says the same as a fresh one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "codec_schema.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int check(struct wr_schema *schema, const struct wr_json *json, char why[WR_SCHEMA_REASON])
{
    int rc = wr_schema_check(schema, json, why);
    require(rc == 0 || rc == WEIR_EPARSE);
    require(rc == 0 || (memchr(why, '\0', WR_SCHEMA_REASON) != NULL && strchr(why, ':') != NULL));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char why[WR_SCHEMA_REASON] = "", again[WR_SCHEMA_REASON] = "";
    int code;
    const char *text = (const char *)data, *end = len > 0 ? memchr(data, '\n', len) : NULL;
    size_t schema_len = end != NULL ? (size_t)(end - text) : len;
    struct wr_schema *schema = wr_schema_new(text, schema_len, &code, why);
    if (schema == NULL) {
        require(code == WEIR_EPARSE && why[0] != '\0');
        return 0;
    }
    for (size_t at = schema_len + 1; at < len;) {
        struct wr_json json;
        const char *stop = memchr(text + at, '\n', len - at);
        size_t bytes = stop != NULL ? (size_t)(stop - text) - at : len - at;
        wr_json_init(&json);
        if (wr_json_index(&json, text + at, bytes) == 0) {
            struct wr_schema *fresh = wr_schema_new(text, schema_len, &code, why);
            require(fresh != NULL);
            int rc = check(schema, &json, why);
            require(check(fresh, &json, again) == rc && check(schema, &json, again) == rc);
            require(rc == 0 || strcmp(why, again) == 0);
            wr_schema_free(fresh);
        }
        wr_json_fini(&json);
        at += bytes + 1;
    }
    wr_schema_free(schema);
    return 0;
}
