/*
 * codec_address.c - HOST:PORT: where the host ends and the port begins. Reads the caller's bytes.
 */
#define _GNU_SOURCE /* memrchr */
#include "codec_address.h"

/* Bytes that end a host in an address of any scheme. */
static bool is_delimiter(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f || strchr("/?#@", c) != NULL;
}

bool wr_address_split(struct wr_text text, struct wr_text *host, uint16_t *port)
{
    const char *colon = text.len > 0 ? memrchr(text.data, ':', text.len) : NULL;
    if (colon == NULL) {
        return false;
    }
    struct wr_text name = {text.data, (size_t)(colon - text.data)};
    struct wr_text digits = {colon + 1, text.len - name.len - 1};
    int64_t number;
    if (!wr_text_take_number(&digits, &number) || digits.len > 0 || number > 65535) {
        return false;
    }
    bool brackets = name.len > 2 && name.data[0] == '[' && name.data[name.len - 1] == ']';
    if (brackets) {
        name = (struct wr_text){name.data + 1, name.len - 2};
    }
    for (size_t i = 0; i < name.len; i++) {
        if (is_delimiter(name.data[i]) || strchr("[]", name.data[i]) != NULL ||
            (!brackets && name.data[i] == ':')) {
            return false;
        }
    }
    *host = name;
    *port = (uint16_t)number;
    return true;
}
