/*
 * loop_service.c - the list of a loop's services.
 *
 * Only the loop's thread adds, finds and ends them. There are only a few, so a search looks
 * at each one.
 */
#include "loop_service.h"

void wr_service_add(struct weir_loop *loop, struct wr_service *service)
{
    wr_list_init(&service->link);
    wr_list_prepend(&loop->services, &service->link);
}

static struct wr_service *find_from(const struct weir_loop *loop, const struct wr_list *node,
                                    void (*end)(struct weir_loop *, struct wr_service *))
{
    for (; node != &loop->services; node = node->next) {
        struct wr_service *service = WR_OWNER((uintptr_t)node, struct wr_service, link);
        if (service->end == end) {
            return service;
        }
    }
    return NULL;
}

struct wr_service *wr_service_find(const struct weir_loop *loop,
                                   void (*end)(struct weir_loop *, struct wr_service *))
{
    return find_from(loop, loop->services.next, end);
}

struct wr_service *wr_service_next(const struct weir_loop *loop, const struct wr_service *service)
{
    return find_from(loop, service->link.next, service->end);
}

void wr_services_collect(struct weir_loop *loop)
{
    for (struct wr_list *node = loop->services.next; node != &loop->services; node = node->next) {
        struct wr_service *service = WR_OWNER(node, struct wr_service, link);
        if (service->collect != NULL) {
            service->collect(loop, service);
        }
    }
}

void wr_services_end(struct weir_loop *loop)
{
    for (struct wr_list *node; (node = wr_list_take(&loop->services)) != NULL;) {
        struct wr_service *service = WR_OWNER(node, struct wr_service, link);
        service->end(loop, service);
    }
}
