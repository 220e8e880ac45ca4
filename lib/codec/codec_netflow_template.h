/*
 * codec_netflow_template.h - what exporters have said about their records: a domain for each exporter
 * and its observation domain, with the templates of its records. Internal to codec_netflow.c.
 */
#ifndef WR_CODEC_NETFLOW_TEMPLATE_H
#define WR_CODEC_NETFLOW_TEMPLATE_H

#include <weir/item.h>

#include "codec_netflow_element.h"

enum {
    WR_NETFLOW_DOMAINS_MAX = 1024,
    WR_NETFLOW_TEMPLATES_MAX = 4096,  /* of all domains */
    WR_NETFLOW_FIELDS_MAX = 512,      /* of a template */
    WR_NETFLOW_MEMORY_MAX = 16 << 20, /* of all domains and templates, or less: bytes_max */
    WR_NETFLOW_EXPORTER_MAX = 63,     /* bytes of an exporter's name that are looked at */
    WR_NETFLOW_VARIES = 65535,        /* the length of a field that differs in each record */
    WR_NETFLOW_BUCKETS = 64,
    /* Of a domain with more templates than WR_NETFLOW_BUCKETS: of all 65,536 numbers, no more than 64
     * are in one bucket. */
    WR_NETFLOW_BUCKETS_MANY = 1024
};

struct wr_netflow_field {
    uint16_t len;
    uint8_t form; /* enum wr_element_form */
};

struct wr_netflow_template {
    struct wr_netflow_template *next; /* in its bucket */
    uint16_t id;
    bool options;
    bool varies;        /* a field of it does */
    uint16_t scopes;    /* the first of its fields, ... */
    uint16_t fields;    /* ... which is how many there are in a packet, and ... */
    uint16_t names;     /* ... of the record, with those of the head (codec_netflow.c) */
    uint32_t list;      /* number of this list of names */
    uint32_t bytes_min; /* of a record */
    uint32_t made_max;  /* bytes of the values as text, of those with a length */
    int64_t seen_s;     /* when it came: the time of its packet */
    size_t memory;
    weir_slice definition; /* as it came */
    const struct wr_netflow_field *field;
    const weir_slice *name;
    const uint8_t *kind; /* of the names' values: enum weir_value_kind */
};

struct wr_netflow_domain {
    struct wr_netflow_domain *next; /* in its bucket */
    uint64_t used;                  /* number of the packet that was the last one */
    uint32_t id;                    /* observation domain, source id, engine */
    uint32_t origin;                /* of the items */
    uint16_t version;
    bool counts; /* `sequence` is known */
    uint32_t sequence;
    uint16_t exporter_len;
    char exporter[WR_NETFLOW_EXPORTER_MAX];
    size_t templates;
    struct wr_netflow_template **template; /* `few`, or WR_NETFLOW_BUCKETS_MANY */
    uint32_t buckets;
    struct wr_netflow_template *few[WR_NETFLOW_BUCKETS];
};

struct wr_netflow_store {
    struct wr_netflow_domain *domain[WR_NETFLOW_BUCKETS];
    size_t domains, templates, memory, memory_max;
    uint32_t lists; /* of names, so far */
};

/* The domain, made if there is none; then the one that was not used for longest makes room. NULL:
 * no memory. */
struct wr_netflow_domain *wr_netflow_domain(struct wr_netflow_store *store, uint16_t version,
                                            uint32_t id, uint32_t origin, weir_slice exporter,
                                            uint64_t packet);
/* NULL: there is none. */
struct wr_netflow_template *wr_netflow_template(const struct wr_netflow_domain *domain,
                                                uint16_t id);
/* What a template says: `count` fields of 4 bytes, of 8 with an enterprise number. */
struct wr_netflow_definition {
    uint16_t id, count;
    uint16_t scopes; /* how many of the fields are scopes; options only */
    uint16_t version;
    bool options;
    weir_slice bytes;
    const weir_slice *head; /* names before those of the fields, ... */
    const uint8_t *kinds;   /* ... and what their values are */
    size_t head_count;
};
/* Add a template, or replace the one with its number. 0; WEIR_EINVAL: *problem is set; WEIR_ENOMEM. */
int wr_netflow_template_add(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                            const struct wr_netflow_definition *definition, int64_t now_s,
                            const char **problem);
void wr_netflow_template_remove(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                                uint16_t id);
/* All templates of the domain with options, or all without. */
void wr_netflow_templates_remove(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                                 bool options);
void wr_netflow_store_fini(struct wr_netflow_store *store);

#endif
