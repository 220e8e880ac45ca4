/*
 * codec_ws_extension.c - the negotiation of permessage-deflate (RFC 7692, 7.1).
 *
 * An offer and an answer have the same four parameters; which of them may have a value differs. The
 * names are seen from the server: its `server_` window is the client's `in`. Pure functions.
 */
#include <stdio.h>

#include "codec_ws_handshake.h"

struct params {
    bool fresh[2]; /* no_context_takeover of the server, of the client */
    int bits[2];   /* max_window_bits: 0: not there; -1: there without a value */
};
enum { OF_SERVER = 0, OF_CLIENT };

static const char extension[] = "permessage-deflate";

static void skip_blanks(struct wr_text *text)
{
    while (text->len > 0 && (text->data[0] == ' ' || text->data[0] == '\t')) {
        text->data++;
        text->len--;
    }
}

static struct wr_text take_token(struct wr_text *text)
{
    struct wr_text token = {text->data, 0};
    while (token.len < text->len && wr_is_token_char(text->data[token.len])) {
        token.len++;
    }
    text->data += token.len;
    text->len -= token.len;
    skip_blanks(text);
    return token;
}

static bool take_mark(struct wr_text *text, char mark)
{
    if (text->len == 0 || text->data[0] != mark) {
        return false;
    }
    text->data++;
    text->len--;
    skip_blanks(text);
    return true;
}

/* "; name", "; name=value", "; name="value"". False: invalid. */
static bool take_param(struct wr_text *text, struct wr_text *name, struct wr_text *value)
{
    *name = take_token(text);
    *value = (struct wr_text){NULL, 0};
    if (name->len == 0 || !take_mark(text, '=')) {
        return name->len > 0;
    }
    bool quoted = take_mark(text, '"');
    *value = take_token(text);
    return value->len > 0 && (!quoted || take_mark(text, '"'));
}

static bool set_bits(int *bits, struct wr_text value)
{
    int64_t number;
    if (*bits != 0) {
        return false; /* twice */
    }
    if (value.data == NULL) {
        *bits = -1;
        return true;
    }
    if (value.data[0] == '0' || !wr_text_take_number(&value, &number) || value.len > 0 ||
        number < WR_WS_BITS_MIN || number > WR_WS_BITS_MAX) {
        return false;
    }
    *bits = (int)number;
    return true;
}

static bool set_param(struct params *params, struct wr_text name, struct wr_text value)
{
    for (int of = OF_SERVER; of <= OF_CLIENT; of++) {
        if (wr_text_is(name,
                       of == OF_SERVER ? "server_max_window_bits" : "client_max_window_bits")) {
            return set_bits(&params->bits[of], value);
        }
        if (wr_text_is(name, of == OF_SERVER ? "server_no_context_takeover"
                                             : "client_no_context_takeover")) {
            bool good = value.data == NULL && !params->fresh[of];
            params->fresh[of] = true;
            return good;
        }
    }
    return false;
}

/* One extension of the list, and the comma after it. *usable: it is permessage-deflate with valid
 * parameters. False: the list cannot be read. */
static bool take_extension(struct wr_text *list, struct params *params, bool *known, bool *usable)
{
    *params = (struct params){.fresh = {false}};
    struct wr_text name = take_token(list), value;
    *known = *usable = wr_text_is(name, extension);
    if (name.len == 0) {
        return false;
    }
    while (take_mark(list, ';')) {
        if (!take_param(list, &name, &value)) {
            return false;
        }
        *usable = *usable && set_param(params, name, value);
    }
    return list->len == 0 || take_mark(list, ',');
}

static uint8_t bits_of(int bits)
{
    return (uint8_t)(bits > 0 ? bits : WR_WS_BITS_MAX);
}

const char *wr_ws_terms_answered(struct wr_text value, struct wr_ws_terms *terms)
{
    struct params params;
    bool known, usable;
    skip_blanks(&value);
    while (value.len > 0) {
        if (!take_extension(&value, &params, &known, &usable)) {
            return "its Sec-WebSocket-Extensions cannot be read";
        }
        if (!known) {
            return "it uses an extension that was not offered";
        }
        if (terms->deflate) {
            return "it accepts permessage-deflate twice";
        }
        if (!usable || params.bits[OF_SERVER] < 0 || params.bits[OF_CLIENT] < 0) {
            return "it accepts permessage-deflate with invalid parameters";
        }
        *terms = (struct wr_ws_terms){.deflate = true,
                                      .in_fresh = params.fresh[OF_SERVER],
                                      .out_fresh = params.fresh[OF_CLIENT],
                                      .in_bits = bits_of(params.bits[OF_SERVER]),
                                      .out_bits = bits_of(params.bits[OF_CLIENT])};
    }
    return NULL;
}

static void write_answer(const struct params *params, char *to)
{
    char server[40] = "", client[40] = "";
    if (params->bits[OF_SERVER] > 0) {
        (void)snprintf(server, sizeof server, "; server_max_window_bits=%d",
                       params->bits[OF_SERVER]);
    }
    if (params->bits[OF_CLIENT] > 0) {
        (void)snprintf(client, sizeof client, "; client_max_window_bits=%d",
                       params->bits[OF_CLIENT]);
    }
    (void)snprintf(to, WR_WS_TERMS_CHARS, "%s%s%s%s%s", extension,
                   params->fresh[OF_SERVER] ? "; server_no_context_takeover" : "",
                   params->fresh[OF_CLIENT] ? "; client_no_context_takeover" : "", server, client);
}

bool wr_ws_terms_choose(struct wr_text offers, struct wr_ws_terms *terms,
                        char answer[WR_WS_TERMS_CHARS])
{
    struct params params;
    bool known, usable;
    skip_blanks(&offers);
    while (offers.len > 0 && take_extension(&offers, &params, &known, &usable)) {
        if (usable && params.bits[OF_SERVER] >= 0) {
            *terms = (struct wr_ws_terms){.deflate = true,
                                          .in_fresh = params.fresh[OF_CLIENT],
                                          .out_fresh = params.fresh[OF_SERVER],
                                          .in_bits = bits_of(params.bits[OF_CLIENT]),
                                          .out_bits = bits_of(params.bits[OF_SERVER])};
            write_answer(&params, answer);
            return true;
        }
    }
    return false;
}
