/*
 * test_base_list.c - the intrusive list.
 */
#include "base_list.h"
#include "support_check.h"

struct member {
    int number;
    struct wr_list node;
};

static int take_number(struct wr_list *list)
{
    struct wr_list *node = wr_list_take(list);
    return node != NULL ? WR_OWNER(node, struct member, node)->number : -1;
}

TEST(list_gives_back_in_order)
{
    struct wr_list list;
    struct member members[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    wr_list_init(&list);

    wr_list_append(&list, &members[1].node);
    wr_list_append(&list, &members[2].node);
    wr_list_prepend(&list, &members[0].node);

    ck_assert_int_eq(take_number(&list), 1);
    ck_assert_int_eq(take_number(&list), 2);
    ck_assert_int_eq(take_number(&list), 3);
    ck_assert_int_eq(take_number(&list), -1);
}

TEST(removing_twice_is_harmless)
{
    struct wr_list list;
    struct member members[2] = {{.number = 1}, {.number = 2}};
    wr_list_init(&list);
    wr_list_append(&list, &members[0].node);
    wr_list_append(&list, &members[1].node);

    wr_list_remove(&members[0].node);
    wr_list_remove(&members[0].node);

    ck_assert(wr_list_empty(&members[0].node));
    ck_assert(!wr_list_empty(&list));
    ck_assert_int_eq(take_number(&list), 2);
}

MAIN("base/list")
