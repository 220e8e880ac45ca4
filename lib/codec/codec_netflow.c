/*
 * codec_netflow.c - a walk over the sets of a packet and the records in them (codec_netflow.h).
 *
 * The walk stands at `at`: in a data set at a record of `template`, else at a set. A malformed set is
 * left out; the others of its packet are read. A packet of v5 is read as one set, of a template that
 * each domain of v5 is given at first.
 *
 * Sequence numbers count the flows (v5), the packets (v9), or the records (IPFIX) before a packet. A
 * number that is higher than expected is a gap; one that is lower begins anew. Without a template the
 * records of a set cannot be counted, and then the number of the next IPFIX message is taken as it is.
 */
#include "codec_netflow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_netflow_template.h"

enum {
    HEAD_5 = 24,
    HEAD_9 = 20,
    HEAD_10 = 16,
    RECORD_5 = 48,
    SET_HEAD = 4,
    FIRST_DATA = 256,
    HEAD_NAMES = 6,
    HEAD_TEXT = 20 + 10 + 5, /* bytes of the head's values, without the exporter */
    PROBLEM_BYTES = 96
};

struct wr_netflow {
    struct wr_netflow_store store;
    struct wr_netflow_counts counts;
    struct wr_element_clock clock;
    int64_t timeout_s;
    uint64_t packets;
    /* the packet that is read */
    weir_slice packet, exporter;
    uint32_t origin;
    bool opened, over;
    uint16_t version;
    uint32_t sequence, records;
    bool uncounted; /* some records of it were not counted */
    unsigned sampling;
    int64_t export_s;
    struct wr_netflow_domain *domain;
    size_t at;
    size_t set_end;                       /* of the data set at `at` */
    struct wr_netflow_template *template; /* of its records; NULL: at a set */
    char problem[PROBLEM_BYTES];
};

static unsigned get16(weir_slice packet, size_t at)
{
    return (unsigned)(unsigned char)packet.data[at] << 8 | (unsigned char)packet.data[at + 1];
}

static uint32_t get32(weir_slice packet, size_t at)
{
    return (uint32_t)get16(packet, at) << 16 | get16(packet, at + 2);
}

struct wr_netflow *wr_netflow_new(int64_t timeout_s, size_t bytes_max)
{
    struct wr_netflow *netflow = wr_zalloc(sizeof *netflow);
    if (netflow != NULL) {
        netflow->timeout_s = timeout_s;
        netflow->store.memory_max = bytes_max > 0 ? WR_MIN(bytes_max, (size_t)WR_NETFLOW_MEMORY_MAX)
                                                  : WR_NETFLOW_MEMORY_MAX;
        netflow->over = netflow->opened = true;
    }
    return netflow;
}

void wr_netflow_free(struct wr_netflow *netflow)
{
    if (netflow != NULL) {
        wr_netflow_store_fini(&netflow->store);
        wr_free(netflow);
    }
}

size_t wr_netflow_bytes(const struct wr_netflow *netflow)
{
    return netflow->store.memory;
}

const struct wr_netflow_counts *wr_netflow_counts(const struct wr_netflow *netflow)
{
    return &netflow->counts;
}

void wr_netflow_begin(struct wr_netflow *netflow, weir_slice packet, uint32_t origin,
                      weir_slice exporter)
{
    netflow->packets++;
    netflow->packet = packet;
    netflow->exporter = exporter;
    netflow->origin = origin;
    netflow->opened = netflow->over = netflow->uncounted = false;
    netflow->records = 0;
    netflow->at = 0;
    netflow->template = NULL;
}

/* ---- the head of a packet */

struct head {
    weir_slice names[HEAD_NAMES];
    uint8_t kinds[HEAD_NAMES];
    size_t count;
};

static void add_head(struct head *head, const char *name, uint8_t kind)
{
    head->names[head->count] = (weir_slice){name, strlen(name)};
    head->kinds[head->count++] = kind;
}

/* What stands before the fields of a template. */
static void describe_head(const struct wr_netflow *netflow,
                          struct wr_netflow_definition *definition, struct head *head)
{
    head->count = 0;
    add_head(head, "type", WEIR_VALUE_STRING);
    add_head(head, "version", WEIR_VALUE_NUMBER);
    if (netflow->exporter.len > 0) {
        add_head(head, "exporter", WEIR_VALUE_STRING);
    }
    add_head(head, "exportTime", WEIR_VALUE_STRING);
    add_head(head, "observationDomainId", WEIR_VALUE_NUMBER);
    if (netflow->version == 5) {
        add_head(head, "samplingInterval", WEIR_VALUE_NUMBER);
    }
    definition->head = head->names;
    definition->kinds = head->kinds;
    definition->head_count = head->count;
}

/* The rest of the packet is left out. */
static int refuse(struct wr_netflow *netflow, struct wr_fields *fields, size_t at,
                  const char *problem)
{
    netflow->at = netflow->packet.len;
    netflow->template = NULL;
    return wr_fields_bad(fields, at, problem);
}

static void check_sequence(struct wr_netflow *netflow)
{
    struct wr_netflow_domain *domain = netflow->domain;
    uint32_t lost = netflow->sequence - domain->sequence;
    if (domain->counts && lost != 0 && lost < UINT32_MAX / 2) {
        uint64_t *sum = netflow->version == 5   ? &netflow->counts.flows_lost
                        : netflow->version == 9 ? &netflow->counts.packets_lost
                                                : &netflow->counts.records_lost;
        *sum += lost;
        netflow->counts.gaps++;
    }
    domain->counts = true;
    domain->sequence = netflow->sequence + (netflow->version == 9);
}

/* All of the packet has been read. */
static void end_packet(struct wr_netflow *netflow)
{
    struct wr_netflow_domain *domain = netflow->domain;
    netflow->over = true;
    if (domain != NULL && netflow->version != 9) {
        domain->sequence = netflow->sequence + netflow->records;
        domain->counts = !netflow->uncounted;
    }
}

/* A packet of v5 is a set of records of one template. */
static int open_5(struct wr_netflow *netflow, struct wr_fields *fields)
{
    static const char bytes[] = {0, 8,  0, 4, 0, 12, 0, 4, 0, 15, 0, 4, 0, 10,     0, 2,
                                 0, 14, 0, 2, 0, 2,  0, 4, 0, 1,  0, 4, 0, 22,     0, 4,
                                 0, 21, 0, 4, 0, 7,  0, 2, 0, 11, 0, 2, 0, '\xd2', 0, 1,
                                 0, 6,  0, 1, 0, 4,  0, 1, 0, 5,  0, 1, 0, 16,     0, 2,
                                 0, 17, 0, 2, 0, 9,  0, 1, 0, 13, 0, 1, 0, '\xd2', 0, 2};
    struct head head;
    const char *problem = NULL;
    struct wr_netflow_definition definition = {
        .id = 0, .count = sizeof bytes / 4, .version = 5, .bytes = {bytes, sizeof bytes}};
    size_t records = get16(netflow->packet, 2);
    describe_head(netflow, &definition, &head);
    if (netflow->packet.len - HEAD_5 < records * RECORD_5) {
        return refuse(netflow, fields, 2, "the packet has fewer records than it says");
    }
    int rc = wr_netflow_template_add(&netflow->store, netflow->domain, &definition,
                                     netflow->export_s, &problem);
    if (rc < 0) {
        return rc == WEIR_ENOMEM ? rc : refuse(netflow, fields, 0, problem);
    }
    netflow->template = wr_netflow_template(netflow->domain, 0);
    netflow->at = HEAD_5;
    netflow->set_end = HEAD_5 + records * RECORD_5;
    return 0;
}

/* Read the head of the packet. */
static int open_packet(struct wr_netflow *netflow, struct wr_fields *fields)
{
    static const size_t heads[] = {[5] = HEAD_5, [9] = HEAD_9, [10] = HEAD_10};
    weir_slice packet = netflow->packet;
    unsigned version = packet.len >= 2 ? get16(packet, 0) : 0;
    netflow->opened = true;
    netflow->domain = NULL;
    netflow->version = (uint16_t)version;
    if (version != 5 && version != 9 && version != 10) {
        snprintf(netflow->problem, PROBLEM_BYTES,
                 packet.len < 2 ? "no packet of NetFlow or IPFIX"
                                : "the version is %u, and not 5, 9 or 10 (IPFIX)",
                 version);
        return refuse(netflow, fields, 0, netflow->problem);
    }
    if (packet.len < heads[version]) {
        return refuse(netflow, fields, packet.len, "the packet ends inside its head");
    }
    if (version == 10 && get16(packet, 2) != packet.len) {
        snprintf(netflow->problem, PROBLEM_BYTES, "the message has %zu bytes, and says %u",
                 packet.len, get16(packet, 2));
        return refuse(netflow, fields, 2, netflow->problem);
    }
    bool ipfix = version == 10;
    uint32_t id = version == 5   ? get16(packet, 20)
                  : version == 9 ? get32(packet, 16)
                                 : get32(packet, 12);
    netflow->sequence = get32(packet, version == 5 ? 16 : version == 9 ? 12 : 8);
    netflow->sampling = version == 5 ? get16(packet, 22) & 0x3fff : 0;
    netflow->export_s = get32(packet, ipfix ? 4 : 8);
    netflow->clock.uptime_ms = ipfix ? 0 : get32(packet, 4);
    netflow->clock.now_ms =
        netflow->export_s * 1000 + (version == 5 ? get32(packet, 12) / 1000000 : 0);
    netflow->domain = wr_netflow_domain(&netflow->store, netflow->version, id, netflow->origin,
                                        netflow->exporter, netflow->packets);
    if (netflow->domain == NULL) {
        return WEIR_ENOMEM;
    }
    check_sequence(netflow);
    netflow->at = heads[version];
    return version == 5 ? open_5(netflow, fields) : 0;
}

/* ---- sets */

/* The bytes of `count` fields of a template at `at`; 0: the set ends before. */
static size_t fields_bytes(const struct wr_netflow *netflow, size_t at, size_t end, size_t count)
{
    size_t from = at;
    for (size_t i = 0; i < count; i++) {
        if (end - at < 4) {
            return 0;
        }
        size_t bytes = netflow->version == 10 && (get16(netflow->packet, at) & 0x8000) != 0 ? 8 : 4;
        if (end - at < bytes) {
            return 0;
        }
        at += bytes;
    }
    return at - from;
}

/* The head of a template at *at; *at moves behind it. False: the set is over. */
static bool take_head(const struct wr_netflow *netflow, struct wr_netflow_definition *definition,
                      size_t *at, size_t end)
{
    weir_slice packet = netflow->packet;
    if (end - *at < 4) {
        return false;
    }
    definition->id = (uint16_t)get16(packet, *at);
    definition->count = (uint16_t)get16(packet, *at + 2);
    definition->scopes = 0;
    *at += 4;
    if (definition->id == 0) {
        return false; /* padding */
    }
    if (definition->options && !(netflow->version == 10 && definition->count == 0)) {
        if (end - *at < 2) {
            return false;
        }
        unsigned last = get16(packet, *at);
        if (netflow->version == 9) { /* bytes of the scopes, bytes of the options */
            definition->scopes = definition->count / 4;
            definition->count = (uint16_t)(definition->scopes + last / 4);
        } else {
            definition->scopes = (uint16_t)last;
        }
        *at += 2;
    }
    return true;
}

/* RFC 7011, 8.1: a template without fields takes back one, or all of its kind. */
static void withdraw(struct wr_netflow *netflow, const struct wr_netflow_definition *definition)
{
    if (definition->id < FIRST_DATA) {
        wr_netflow_templates_remove(&netflow->store, netflow->domain, definition->options);
    } else {
        wr_netflow_template_remove(&netflow->store, netflow->domain, definition->id);
    }
}

/* The templates of a set, up to the first malformed one. */
static int read_templates(struct wr_netflow *netflow, struct wr_fields *fields, size_t at,
                          size_t end, bool options)
{
    struct head head;
    struct wr_netflow_definition definition = {.version = netflow->version, .options = options};
    size_t from = at;
    describe_head(netflow, &definition, &head);
    while (take_head(netflow, &definition, &at, end)) {
        const char *problem = NULL;
        if (netflow->version == 10 && definition.count == 0) {
            withdraw(netflow, &definition);
            from = at;
            continue;
        }
        size_t bytes = fields_bytes(netflow, at, end, definition.count);
        definition.bytes = wr_slice_of(netflow->packet, at, at + bytes);
        int rc = WEIR_EINVAL;
        if (definition.id < FIRST_DATA) {
            problem = "the number of a template is below 256";
        } else if (bytes == 0) {
            problem = definition.count == 0 ? "a template without fields"
                                            : "a set ends inside a template";
        } else if (definition.scopes > definition.count) {
            problem = "a template has more scopes than fields";
        } else {
            rc = wr_netflow_template_add(&netflow->store, netflow->domain, &definition,
                                         netflow->export_s, &problem);
        }
        if (rc < 0) {
            return rc == WEIR_ENOMEM ? rc : wr_fields_bad(fields, from, problem);
        }
        at += bytes;
        from = at;
    }
    return 0;
}

/* A set of records: find their template. */
static int open_data(struct wr_netflow *netflow, struct wr_fields *fields, unsigned id, size_t end)
{
    struct wr_netflow_template *template = wr_netflow_template(netflow->domain, (uint16_t)id);
    size_t from = netflow->at - SET_HEAD;
    const char *why = "has not come";
    if (template != NULL && netflow->timeout_s > 0 &&
        netflow->export_s - template->seen_s > netflow->timeout_s) {
        wr_netflow_template_remove(&netflow->store, netflow->domain, (uint16_t)id);
        template = NULL;
        why = "was not repeated in time";
    }
    if (template == NULL) {
        netflow->uncounted = true;
        netflow->at = end;
        snprintf(netflow->problem, PROBLEM_BYTES, "template %u of domain %" PRIu32 " %s", id,
                 netflow->domain->id, why);
        return wr_fields_bad(fields, from, netflow->problem);
    }
    netflow->template = template;
    netflow->set_end = end;
    return 0;
}

/* The set at `at`. */
static int open_set(struct wr_netflow *netflow, struct wr_fields *fields)
{
    size_t from = netflow->at, len = get16(netflow->packet, from + 2), end = from + len;
    unsigned id = get16(netflow->packet, from);
    unsigned templates = netflow->version == 9 ? 0 : 2;
    if (len < SET_HEAD || len > netflow->packet.len - from) {
        netflow->uncounted = true;
        return refuse(netflow, fields, from,
                      len < SET_HEAD ? "a set with a length below 4"
                                     : "a set is longer than its packet");
    }
    netflow->at += SET_HEAD;
    if (id >= FIRST_DATA) {
        return open_data(netflow, fields, id, end);
    }
    netflow->at = end;
    return id == templates || id == templates + 1
               ? read_templates(netflow, fields, from + SET_HEAD, end, id != templates)
               : 0;
}

/* ---- records */

/* The values of the head. Returns where the next value is written. */
static char *put_head(struct wr_netflow *netflow, weir_slice **value, char *to)
{
    static const weir_slice flow = WR_SLICE("flow"), options = WR_SLICE("options"),
                            five = WR_SLICE("5"), nine = WR_SLICE("9"), ten = WR_SLICE("10");
    weir_slice *v = *value;
    char *from = to;
    *v++ = netflow->template->options ? options : flow;
    *v++ = netflow->version == 5 ? five : netflow->version == 9 ? nine : ten;
    if (netflow->exporter.len > 0) {
        memcpy(to, netflow->exporter.data, netflow->exporter.len);
        to += netflow->exporter.len;
        *v++ = (weir_slice){from, netflow->exporter.len};
        from = to;
    }
    to = wr_element_write_time(netflow->export_s, &netflow->clock, to);
    *v++ = (weir_slice){from, (size_t)(to - from)};
    from = to;
    to = wr_element_write_number(netflow->domain->id, to);
    *v++ = (weir_slice){from, (size_t)(to - from)};
    if (netflow->version == 5) {
        from = to;
        to = wr_element_write_number(netflow->sampling, to);
        *v++ = (weir_slice){from, (size_t)(to - from)};
    }
    *value = v;
    return to;
}

/* A field whose length is written before it: 1 byte, or 255 and 2 bytes. False: it does not fit. */
static bool take_length(const unsigned char **at, const unsigned char *end, size_t *len)
{
    const unsigned char *p = *at;
    size_t left = (size_t)(end - p);
    if (left == 0 || (p[0] == 255 && left < 3)) {
        return false;
    }
    *len = p[0] < 255 ? p[0] : (size_t)p[1] << 8 | p[2];
    *at += p[0] < 255 ? 1 : 3;
    return *len <= (size_t)(end - *at);
}

static weir_slice text_of(const unsigned char *value, size_t len)
{
    while (len > 0 && value[len - 1] == '\0') {
        len--;
    }
    return (weir_slice){(const char *)value, len};
}

/* Room for the record's fields, and their names. 0 or WEIR_ENOMEM. */
static int make_room(const struct wr_netflow *netflow, struct wr_fields *fields)
{
    const struct wr_netflow_template *template = netflow->template;
    size_t varying = template->varies ? 2 * (netflow->set_end - netflow->at) : 0;
    int rc =
        wr_fields_reserve(fields, HEAD_TEXT + netflow->exporter.len + template->made_max + varying);
    while (rc == 0 && fields->cap < template->names) {
        rc = wr_fields_grow(fields);
    }
    return rc;
}

/* The values of the record at `at`. False: one is longer than the set. */
static bool read_values(struct wr_netflow *netflow, struct wr_fields *fields)
{
    const struct wr_netflow_template *template = netflow->template;
    const unsigned char *at = (const unsigned char *)netflow->packet.data + netflow->at;
    const unsigned char *end = (const unsigned char *)netflow->packet.data + netflow->set_end;
    weir_slice *value = fields->values;
    char *to = put_head(netflow, &value, fields->made);
    for (size_t i = 0; i < template->fields; i++) {
        const struct wr_netflow_field *field = &template->field[i];
        size_t len = field->len;
        if (len == WR_NETFLOW_VARIES && template->varies) {
            if (!take_length(&at, end, &len)) {
                return false;
            }
        } else if (template->varies && len > (size_t)(end - at)) {
            return false;
        }
        if (field->form == WR_ELEMENT_TEXT) {
            *value++ = text_of(at, len);
        } else if (field->form != WR_ELEMENT_SKIPPED) {
            char *from = to;
            to = wr_element_write((enum wr_element_form)field->form, at, len, &netflow->clock, to);
            *value++ = (weir_slice){from, (size_t)(to - from)};
            if (field->form == WR_ELEMENT_FLOAT && memchr(from, 'n', (size_t)(to - from)) != NULL) {
                fields->kinds[value - fields->values - 1] = WEIR_VALUE_STRING; /* nan, inf */
            }
        }
        at += len;
    }
    size_t next = (size_t)(at - (const unsigned char *)netflow->packet.data);
    fields->made_len = (size_t)(to - fields->made);
    fields->body = wr_slice_of(netflow->packet, netflow->at, next);
    netflow->at = next;
    return true;
}

static int read_record(struct wr_netflow *netflow, struct wr_fields *fields)
{
    const struct wr_netflow_template *template = netflow->template;
    int rc = make_room(netflow, fields);
    if (rc < 0) {
        return rc;
    }
    memcpy(fields->names, template->name, template->names * sizeof *fields->names);
    memcpy(fields->kinds, template->kind, template->names);
    fields->typed = true;
    fields->count = template->names;
    fields->shared = template->list;
    if (!read_values(netflow, fields)) {
        size_t from = netflow->at;
        netflow->uncounted = true;
        netflow->at = netflow->set_end;
        netflow->template = NULL;
        fields->count = 0;
        return wr_fields_bad(fields, from, "a value is longer than its set");
    }
    netflow->records++;
    netflow->counts.records++;
    return 0;
}

/* Is there a record at `at`? A set may end with up to three zeros. */
static bool at_record(const struct wr_netflow *netflow)
{
    static const char zeros[3];
    size_t left = netflow->set_end - netflow->at;
    return left >= netflow->template->bytes_min &&
           !(left <= sizeof zeros && netflow->version == 9 &&
             memcmp(netflow->packet.data + netflow->at, zeros, left) == 0);
}

int wr_netflow_read(struct wr_netflow *netflow, struct wr_fields *fields)
{
    int rc = 0;
    fields->binary = true;
    if (!netflow->opened) {
        rc = open_packet(netflow, fields);
    }
    while (rc == 0 && !netflow->over) {
        if (netflow->template != NULL) {
            if (at_record(netflow)) {
                return read_record(netflow, fields);
            }
            netflow->template = NULL;
            netflow->at = netflow->version == 5 ? netflow->packet.len : netflow->set_end;
        }
        if (netflow->packet.len - netflow->at < SET_HEAD) {
            end_packet(netflow);
        } else {
            rc = open_set(netflow, fields);
        }
    }
    return rc < 0 ? rc : WR_FIELDS_NONE;
}
