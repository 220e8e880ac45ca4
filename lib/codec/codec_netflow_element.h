/*
 * codec_netflow_element.h - what the values in flow records are: the information elements that IANA
 * lists, and how a value is written as text. Internal to codec_netflow.c and its templates.
 */
#ifndef WR_CODEC_NETFLOW_ELEMENT_H
#define WR_CODEC_NETFLOW_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is written. */
enum wr_element_form {
    WR_ELEMENT_HEX, /* octetArray, and a value whose length does not fit its type */
    WR_ELEMENT_UNSIGNED,
    WR_ELEMENT_SIGNED,
    WR_ELEMENT_FLOAT,
    WR_ELEMENT_BOOL,
    WR_ELEMENT_MAC,
    WR_ELEMENT_IPV4,
    WR_ELEMENT_IPV6,
    WR_ELEMENT_TEXT, /* as it came: it is a part of the packet */
    WR_ELEMENT_SECONDS,
    WR_ELEMENT_MILLISECONDS,
    WR_ELEMENT_MICROSECONDS, /* these two: seconds since 1900 and a fraction */
    WR_ELEMENT_NANOSECONDS,
    WR_ELEMENT_UPTIME, /* milliseconds since the exporter has started, written as a time */
    WR_ELEMENT_SKIPPED /* padding */
};

struct wr_element {
    const char *name; /* NULL: not in the table */
    uint8_t form;     /* for a value of its usual length */
};

enum {
    WR_ELEMENT_UPTIME_END = 21, /* flowEndSysUpTime */
    WR_ELEMENT_UPTIME_START = 22,
    WR_ELEMENT_SCOPES = 5,          /* of options in NetFlow v9: 1 to 5 */
    WR_ELEMENT_REVERSE_PEN = 29305, /* RFC 5103: the enterprise number of the other direction */
    WR_ELEMENT_VALUE_MAX = 39,      /* bytes of a value's text, but for HEX and TEXT */
};

struct wr_element wr_element_of(uint32_t id);
/* "scopeInterface" and so on; NULL: unknown. */
const char *wr_element_scope(uint32_t id);
/* The form in which a value of this element is written when it has `len` bytes; len 65535: it
 * varies. */
enum wr_element_form wr_element_form(struct wr_element element, uint32_t len);

/* What times are made of. Kept from one value to the next. */
struct wr_element_clock {
    int64_t now_ms;     /* UPTIME: the time of the packet, milliseconds since 1970 ... */
    uint32_t uptime_ms; /* ... and how long the exporter was up then */
    int64_t day;        /* whose text `date` is, if there is one */
    char date[11];      /* "2024-05-01T" */
};

/* Write a value; `to` has room for WR_ELEMENT_VALUE_MAX bytes, of HEX for 2 * len. Returns the end.
 * Not for TEXT and SKIPPED. */
char *wr_element_write(enum wr_element_form form, const unsigned char *value, size_t len,
                       struct wr_element_clock *clock, char *to);
/* "2024-05-01T12:00:00Z" */
char *wr_element_write_time(int64_t unix_s, struct wr_element_clock *clock, char *to);
char *wr_element_write_number(uint64_t number, char *to);

#endif
