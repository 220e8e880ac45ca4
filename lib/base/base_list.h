/*
 * base_list.h - an intrusive, circular, doubly linked list. A node that is not on a list is linked
 * to itself, so that it can be removed twice, and wr_list_empty tells whether it is on a list.
 */
#ifndef WR_BASE_LIST_H
#define WR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct wr_list {
    struct wr_list *next, *prev;
};

#define WR_OWNER(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))

static inline void wr_list_init(struct wr_list *node)
{
    node->next = node->prev = node;
}

static inline bool wr_list_empty(const struct wr_list *list)
{
    return list->next == list;
}

static inline void wr_list_append(struct wr_list *list, struct wr_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void wr_list_prepend(struct wr_list *list, struct wr_list *node)
{
    wr_list_append(list->next, node);
}

static inline void wr_list_remove(struct wr_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    wr_list_init(node);
}

/* As wr_list_remove, but the node is not linked to itself: for a node that is on a list and whose
 * links are not read before it is added to a list again. */
static inline void wr_list_unlink(struct wr_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

/* Remove the first node and return it; NULL when the list is empty. */
static inline struct wr_list *wr_list_take(struct wr_list *list)
{
    struct wr_list *node = list->next;
    if (node == list) {
        return NULL;
    }
    wr_list_remove(node);
    return node;
}

#endif
