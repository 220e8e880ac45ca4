/*
 * tokens.c - the text of a language model, as it is written:  tokens URL
 *
 * Such servers answer with an event stream. Each event holds a piece of text in
 * .choices[0].delta.content, and the last one is the word [DONE]. The pieces go to standard output as
 * they come. The key is in the variable API_KEY of the environment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

/* Print the pieces of an event. 0; 1: it was the last one; or a code. */
static int print_event(weir_expr *content, const weir_item *event, weir_error *error)
{
    weir_slice body;
    weir_value piece;
    int rc = weir_item_text(event, &body, NULL);
    if (rc == 0 && body.len == strlen("[DONE]") && memcmp(body.data, "[DONE]", body.len) == 0) {
        return 1;
    }
    rc = rc == 0 ? weir_expr_run(content, event, error) : rc;
    while (rc == 0 && (rc = weir_expr_next(content, &piece, error)) > 0) {
        fwrite(piece.data, 1, piece.len, stdout);
        rc = 0;
    }
    fflush(stdout);
    return rc;
}

int main(int argc, char **argv)
{
    weir_error error = {0};
    char key[512];
    const char *headers[] = {key};
    const char *secret = getenv("API_KEY");
    weir_expr *content = weir_expr_new(".choices[0].delta.content // empty", NULL, &error);
    weir_loop *loop = weir_loop_new(NULL);
    if (argc != 2 || content == NULL || loop == NULL) {
        fprintf(stderr, "usage: tokens URL\n");
        return 2;
    }
    snprintf(key, sizeof key, "Authorization: Bearer %s", secret != NULL ? secret : "");
    weir_scope_obey_signals(weir_root(loop));
    /* A stream of tokens cannot be resumed: asking again would begin another text. */
    weir_gen *events =
        weir_http_events(weir_root(loop), argv[1],
                         WEIR_OPTIONS(weir_http_options, .headers = headers,
                                      .headers_count = secret != NULL, .retries = WEIR_NONE));
    weir_item event;
    int rc = 0;
    while (rc == 0 && weir_next(events, &event)) {
        rc = print_event(content, &event, &error);
    }
    if (rc != 0) {
        weir_discard(events); /* after [DONE], or a failure */
    } else if (weir_finish(events, &error) == 0) {
        error = (weir_error){.code = WEIR_ETRUNCATED, .message = "the text has no end"};
    }
    printf("\n");
    if (error.code < 0) {
        fprintf(stderr, "tokens: %s\n", error.message);
    }
    weir_loop_free(loop);
    weir_expr_free(content);
    return error.code < 0;
}
