/*
 * codec_netflow_template.c - domains and their templates, compiled when they come
 * (codec_netflow_template.h).
 *
 * A template is one piece of memory: the struct, the names of a record, what each field is, the
 * definition as it came, and the bytes of names that the table of elements does not have. Exporters
 * repeat their templates: an equal definition only renews the time. All is bounded; where a bound
 * is met, the domain that was not used for longest goes, which its exporter makes good by its next
 * templates, and a template without any such domain is refused.
 *
 * The names of a record: the head, the scopes of options, the fields. A name that comes a second
 * time has _2 behind it. Fields that IANA's table does not have are i<id>, e<enterprise>_<id>.
 */
#include "codec_netflow_template.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum { NAME_MAX = 64, ENTERPRISE = 0x8000 };
static const size_t MANY_BYTES = WR_NETFLOW_BUCKETS_MANY * sizeof(void *);

static unsigned get16(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static uint32_t get32(const char *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* ---- templates */

static struct wr_netflow_template **place_of(struct wr_netflow_domain *domain, uint16_t id)
{
    struct wr_netflow_template **place = &domain->template[id % domain->buckets];
    while (*place != NULL && (*place)->id != id) {
        place = &(*place)->next;
    }
    return place;
}

struct wr_netflow_template *wr_netflow_template(const struct wr_netflow_domain *domain, uint16_t id)
{
    return *place_of((struct wr_netflow_domain *)(uintptr_t)domain, id);
}

static void take_out(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                     struct wr_netflow_template **place)
{
    struct wr_netflow_template *template = *place;
    *place = template->next;
    domain->templates--;
    store->templates--;
    store->memory -= template->memory;
    wr_free(template);
}

void wr_netflow_template_remove(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                                uint16_t id)
{
    struct wr_netflow_template **place = place_of(domain, id);
    if (*place != NULL) {
        take_out(store, domain, place);
    }
}

static void remove_those(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                         bool flows, bool options)
{
    for (size_t i = 0; i < domain->buckets && domain->templates > 0; i++) {
        struct wr_netflow_template **place = &domain->template[i];
        while (*place != NULL) {
            if ((*place)->options ? options : flows) {
                take_out(store, domain, place);
            } else {
                place = &(*place)->next;
            }
        }
    }
}

void wr_netflow_templates_remove(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                                 bool options)
{
    remove_those(store, domain, !options, options);
}

/* Use more buckets, if there are more templates than buckets. 0 or WEIR_ENOMEM. */
static int spread(struct wr_netflow_store *store, struct wr_netflow_domain *domain)
{
    if (domain->templates < WR_NETFLOW_BUCKETS || domain->template != domain->few) {
        return 0;
    }
    struct wr_netflow_template **many = wr_zalloc(MANY_BYTES);
    if (many == NULL) {
        return WEIR_ENOMEM;
    }
    domain->template = many;
    domain->buckets = WR_NETFLOW_BUCKETS_MANY;
    store->memory += MANY_BYTES;
    for (size_t i = 0; i < WR_NETFLOW_BUCKETS; i++) {
        for (struct wr_netflow_template *template = domain->few[i], *next; template != NULL;
             template = next) {
            struct wr_netflow_template **place = &many[template->id % WR_NETFLOW_BUCKETS_MANY];
            next = template->next;
            template->next = *place;
            *place = template;
        }
    }
    return 0;
}

/* ---- domains */

static void drop_domain(struct wr_netflow_store *store, struct wr_netflow_domain **place)
{
    struct wr_netflow_domain *domain = *place;
    remove_those(store, domain, true, true);
    if (domain->template != domain->few) {
        store->memory -= MANY_BYTES;
        wr_free(domain->template);
    }
    *place = domain->next;
    store->domains--;
    store->memory -= sizeof *domain;
    wr_free(domain);
}

void wr_netflow_store_fini(struct wr_netflow_store *store)
{
    for (size_t i = 0; i < WR_NETFLOW_BUCKETS; i++) {
        while (store->domain[i] != NULL) {
            drop_domain(store, &store->domain[i]);
        }
    }
}

/* Drop the domain that was not used for longest, but not `keep`. False: there is no other one. */
static bool make_room(struct wr_netflow_store *store, const struct wr_netflow_domain *keep)
{
    struct wr_netflow_domain **oldest = NULL;
    for (size_t i = 0; i < WR_NETFLOW_BUCKETS; i++) {
        for (struct wr_netflow_domain **place = &store->domain[i]; *place != NULL;
             place = &(*place)->next) {
            if (*place != keep && (oldest == NULL || (*place)->used < (*oldest)->used)) {
                oldest = place;
            }
        }
    }
    if (oldest != NULL) {
        drop_domain(store, oldest);
    }
    return oldest != NULL;
}

struct wr_netflow_domain *wr_netflow_domain(struct wr_netflow_store *store, uint16_t version,
                                            uint32_t id, uint32_t origin, weir_slice exporter,
                                            uint64_t packet)
{
    uint32_t hash = (id ^ origin * 0x9e3779b1u ^ version) * 0x85ebca6bu;
    exporter.len = WR_MIN(exporter.len, (size_t)WR_NETFLOW_EXPORTER_MAX);
    for (size_t i = 0; i < exporter.len; i++) {
        hash = (hash ^ (unsigned char)exporter.data[i]) * 0x01000193u;
    }
    struct wr_netflow_domain **bucket = &store->domain[(hash >> 16) % WR_NETFLOW_BUCKETS];
    for (struct wr_netflow_domain *domain = *bucket; domain != NULL; domain = domain->next) {
        if (domain->id == id && domain->origin == origin && domain->version == version &&
            domain->exporter_len == exporter.len &&
            (exporter.len == 0 || memcmp(domain->exporter, exporter.data, exporter.len) == 0)) {
            domain->used = packet;
            return domain;
        }
    }
    while ((store->domains >= WR_NETFLOW_DOMAINS_MAX ||
            store->memory + sizeof **bucket > store->memory_max) &&
           make_room(store, NULL)) {}
    struct wr_netflow_domain *domain = wr_zalloc(sizeof *domain);
    if (domain == NULL) {
        return NULL;
    }
    domain->template = domain->few;
    domain->buckets = WR_NETFLOW_BUCKETS;
    store->memory += sizeof *domain;
    domain->next = *bucket;
    domain->used = packet;
    domain->id = id;
    domain->origin = origin;
    domain->version = version;
    domain->exporter_len = (uint16_t)exporter.len;
    if (exporter.len > 0) {
        memcpy(domain->exporter, exporter.data, exporter.len);
    }
    *bucket = domain;
    store->domains++;
    return domain;
}

/* ---- what a definition says */

struct field {
    uint32_t id, enterprise;
    uint16_t len;
    bool scope; /* one of NetFlow v9 */
};

/* Read the field at *at. False: the definition ends inside it. */
static bool take_field(const struct wr_netflow_definition *definition, size_t index, size_t *at,
                       struct field *field)
{
    weir_slice bytes = definition->bytes;
    if (bytes.len - *at < 4) {
        return false;
    }
    *field = (struct field){.id = get16(bytes.data + *at),
                            .len = (uint16_t)get16(bytes.data + *at + 2),
                            .scope = definition->version == 9 && index < definition->scopes};
    *at += 4;
    if (definition->version != 10 || (field->id & ENTERPRISE) == 0) {
        return true;
    }
    if (bytes.len - *at < 4) {
        return false;
    }
    field->id &= ENTERPRISE - 1;
    field->enterprise = get32(bytes.data + *at);
    *at += 4;
    return true;
}

/* Its name, terminated. Returns its form. */
static enum wr_element_form look_up(const struct wr_netflow_definition *definition,
                                    const struct field *field, char name[NAME_MAX])
{
    struct wr_element element = {NULL, WR_ELEMENT_HEX};
    const char *scope = field->scope ? wr_element_scope(field->id) : NULL;
    if (scope != NULL) {
        element = (struct wr_element){scope, WR_ELEMENT_UNSIGNED};
    } else if (!field->scope &&
               (field->enterprise == 0 || field->enterprise == WR_ELEMENT_REVERSE_PEN)) {
        element = wr_element_of(field->id);
    }
    if (element.name != NULL && field->enterprise == WR_ELEMENT_REVERSE_PEN) {
        snprintf(name, NAME_MAX, "reverse%c%s", toupper((unsigned char)element.name[0]),
                 element.name + 1);
    } else if (element.name != NULL) {
        snprintf(name, NAME_MAX, "%s", element.name);
    } else if (field->enterprise != 0) {
        snprintf(name, NAME_MAX, "e%u_%u", (unsigned)field->enterprise, (unsigned)field->id);
    } else {
        snprintf(name, NAME_MAX, field->scope ? "scope%u" : "i%u", (unsigned)field->id);
    }
    /* The clock of the exporter is in the header of NetFlow, but not in that of IPFIX. */
    if (definition->version != 10 && field->len == 4 && !field->scope &&
        (field->id == WR_ELEMENT_UPTIME_START || field->id == WR_ELEMENT_UPTIME_END)) {
        snprintf(name, NAME_MAX, "%s",
                 field->id == WR_ELEMENT_UPTIME_START ? "flowStartMilliseconds"
                                                      : "flowEndMilliseconds");
        element.form = WR_ELEMENT_UPTIME;
    }
    return wr_element_form(element, field->len);
}

/* How many bytes all names need, and what else there is to know. False: *problem. */
static bool measure(const struct wr_netflow_definition *definition,
                    struct wr_netflow_template *template, size_t *names_bytes, const char **problem)
{
    size_t at = 0;
    struct field field;
    char name[NAME_MAX];
    *problem =
        definition->count > WR_NETFLOW_FIELDS_MAX ? "a template with more than 512 fields" : NULL;
    *names_bytes = 0;
    template->names = (uint16_t)definition->head_count;
    for (size_t i = 0; *problem == NULL && i < definition->count; i++) {
        if (!take_field(definition, i, &at, &field)) {
            *problem = "a template ends inside its fields";
            return false;
        }
        enum wr_element_form form = look_up(definition, &field, name);
        bool varies = definition->version == 10 && field.len == WR_NETFLOW_VARIES;
        template->varies = template->varies || varies;
        template->bytes_min += varies ? 1 : field.len;
        if (form != WR_ELEMENT_SKIPPED) {
            *names_bytes += strlen(name) + sizeof "_512";
            template->names++;
        }
        if (!varies) {
            template->made_max += form == WR_ELEMENT_HEX ? 2u * field.len : WR_ELEMENT_VALUE_MAX;
        }
    }
    if (*problem == NULL && template->bytes_min == 0) {
        *problem = "the records of a template have no bytes";
    }
    return *problem == NULL;
}

/* Write the name to *to, with a number if the record has it already. */
static void add_name(weir_slice *names, size_t *count, const char *name, char **to)
{
    size_t same = 1, len = strlen(name);
    for (size_t i = 0; i < *count; i++) {
        bool begins = names[i].len >= len && memcmp(names[i].data, name, len) == 0;
        same += begins && (names[i].len == len || names[i].data[len] == '_');
    }
    memcpy(*to, name, len);
    if (same > 1) {
        len += (size_t)snprintf(*to + len, sizeof "_512", "_%zu", same);
    }
    names[(*count)++] = (weir_slice){*to, len};
    *to += len;
}

static uint8_t kind_of(enum wr_element_form form)
{
    switch (form) {
    case WR_ELEMENT_UNSIGNED:
    case WR_ELEMENT_SIGNED:
    case WR_ELEMENT_FLOAT: return WEIR_VALUE_NUMBER;
    case WR_ELEMENT_BOOL: return WEIR_VALUE_BOOL;
    default: return WEIR_VALUE_STRING;
    }
}

/* Fill in the arrays behind the struct, for which measure has made room. */
static void compile(const struct wr_netflow_definition *definition,
                    struct wr_netflow_template *template)
{
    weir_slice *names = (weir_slice *)(void *)(template + 1);
    struct wr_netflow_field *fields = (struct wr_netflow_field *)(void *)(names + template->names);
    uint8_t *kinds = (uint8_t *)(fields + definition->count);
    char *bytes = (char *)kinds + template->names, name[NAME_MAX];
    char *to = bytes + definition->bytes.len;
    size_t at = 0, count = definition->head_count;
    struct field field;
    memcpy(bytes, definition->bytes.data, definition->bytes.len);
    template->definition = (weir_slice){bytes, definition->bytes.len};
    memcpy(names, definition->head, count * sizeof *names);
    memcpy(kinds, definition->kinds, count);
    for (size_t i = 0; i < definition->count && take_field(definition, i, &at, &field); i++) {
        fields[i].form = (uint8_t)look_up(definition, &field, name);
        fields[i].len = field.len;
        if (fields[i].form != WR_ELEMENT_SKIPPED) {
            kinds[count] = kind_of((enum wr_element_form)fields[i].form);
            add_name(names, &count, name, &to);
        }
    }
    template->name = names;
    template->field = fields;
    template->kind = kinds;
}

int wr_netflow_template_add(struct wr_netflow_store *store, struct wr_netflow_domain *domain,
                            const struct wr_netflow_definition *definition, int64_t now_s,
                            const char **problem)
{
    struct wr_netflow_template measured = {.id = definition->id,
                                           .options = definition->options,
                                           .fields = definition->count,
                                           .scopes = definition->scopes,
                                           .seen_s = now_s};
    struct wr_netflow_template **place = place_of(domain, definition->id), *old = *place;
    size_t names_bytes;
    if (old != NULL && old->options == definition->options && old->scopes == definition->scopes &&
        old->fields == definition->count && old->definition.len == definition->bytes.len &&
        memcmp(old->definition.data, definition->bytes.data, old->definition.len) == 0) {
        old->seen_s = now_s;
        return 0;
    }
    if (!measure(definition, &measured, &names_bytes, problem)) {
        return WEIR_EINVAL;
    }
    measured.memory = sizeof measured + measured.names * (sizeof(weir_slice) + 1) +
                      definition->count * sizeof(struct wr_netflow_field) + definition->bytes.len +
                      names_bytes;
    wr_netflow_template_remove(store, domain, definition->id);
    while (store->templates >= WR_NETFLOW_TEMPLATES_MAX ||
           store->memory + measured.memory > store->memory_max) {
        if (!make_room(store, domain)) {
            *problem = "too many templates: more than 4096, or too much memory for them";
            return WEIR_EINVAL;
        }
    }
    struct wr_netflow_template *template =
        spread(store, domain) == 0 ? wr_alloc(measured.memory) : NULL;
    if (template == NULL) {
        return WEIR_ENOMEM;
    }
    *template = measured;
    template->list = ++store->lists;
    compile(definition, template);
    place = &domain->template[definition->id % domain->buckets];
    template->next = *place;
    *place = template;
    domain->templates++;
    store->templates++;
    store->memory += template->memory;
    return 0;
}
