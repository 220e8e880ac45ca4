/*
 * loop_post.c - what other threads send to a loop.
 *
 * Two lists under one lock: posts, each of which becomes a task of the root scope, and remotes,
 * which their owners keep and send again. A sender appends and signals the loop's one async handle;
 * libuv merges signals, so its callback takes everything that is in the lists. It runs on the
 * loop's thread under libuv's frame: it spawns, wakes and defers, but runs no user code.
 */
#include <string.h>

#include "base_alloc.h"
#include "loop_core.h"
#include "loop_service.h"

struct post {
    struct wr_list link;
    weir_task *fn;
    size_t args_len;
    char args[];
};

void wr_posts_run(struct weir_loop *loop)
{
    struct wr_list posts;
    wr_list_init(&posts);
    uv_mutex_lock(&loop->post_lock);
    for (struct wr_list *node; (node = wr_list_take(&loop->posts)) != NULL;) {
        wr_list_append(&posts, node);
        loop->from_outside = true;
    }
    uv_mutex_unlock(&loop->post_lock);
    for (struct wr_list *node; (node = wr_list_take(&posts)) != NULL;) {
        struct post *post = WR_OWNER(node, struct post, link);
        weir_spawn(loop->root, "post", post->fn, post->args, post->args_len);
        wr_free(post);
    }
}

void wr_on_async(uv_async_t *async)
{
    struct weir_loop *loop = async->data;
    wr_posts_run(loop);
    for (;;) {
        uv_mutex_lock(&loop->post_lock);
        struct wr_list *node = wr_list_take(&loop->remotes);
        uv_mutex_unlock(&loop->post_lock);
        if (node == NULL) {
            break;
        }
        struct wr_remote *remote = WR_OWNER(node, struct wr_remote, link);
        remote->run(remote);
    }
    wr_services_collect(loop);
}

void wr_remote_init(struct wr_remote *remote, void (*run)(struct wr_remote *remote))
{
    wr_list_init(&remote->link);
    remote->run = run;
}

void wr_remote_send(struct weir_loop *loop, struct wr_remote *remote)
{
    uv_mutex_lock(&loop->post_lock);
    if (wr_list_empty(&remote->link)) {
        wr_list_append(&loop->remotes, &remote->link);
    }
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->async);
}

void wr_remote_stop(struct weir_loop *loop, struct wr_remote *remote)
{
    uv_mutex_lock(&loop->post_lock);
    wr_list_remove(&remote->link);
    uv_mutex_unlock(&loop->post_lock);
}

int weir_post(weir_loop *loop, weir_task *task, const void *args, size_t args_len)
{
    WR_GIVEN(loop);
    WR_GIVEN(task);
    WR_COPIED_GIVEN(args, args_len);
    struct post *post = wr_alloc(sizeof *post + args_len);
    if (post == NULL) {
        return WEIR_ENOMEM;
    }
    wr_list_init(&post->link);
    post->fn = task;
    post->args_len = args_len;
    if (args_len > 0) {
        memcpy(post->args, args, args_len);
    }
    uv_mutex_lock(&loop->post_lock);
    wr_list_append(&loop->posts, &post->link);
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->async);
    return 0;
}

void wr_posts_free(struct weir_loop *loop)
{
    for (struct wr_list *node; (node = wr_list_take(&loop->posts)) != NULL;) {
        wr_free(WR_OWNER(node, struct post, link));
    }
}
