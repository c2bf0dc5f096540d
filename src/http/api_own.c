/* api_own.c - the server about itself: its metrics, whether it lives, the files of the web page.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/hash.h"
#include "http/route.h"
#include "http/serving.h"
#include "http/web.h"

void get_metrics(mw_call *c)
{
    mw_str accept = call_header(c, "accept");
    server_count_in_flight(c->server);
    mw_exposition format = mw_exposition_choose(accept.n ? accept.p : NULL);
    mw_registry_expose(c->parts->host->registry, format, &c->out);
    call_answer(c, 200, mw_exposition_type(format));
}

void get_healthy(mw_call *c) { call_text(c, 200, "moonwatch is healthy\n"); }

void get_ready(mw_call *c)
{
    if (server_is_ready(c->server))
        call_text(c, 200, "moonwatch is ready\n");
    else
        server_say_starting(c);
}

/* In plain text, as Prometheus says it. */
void get_nothing(mw_call *c) { call_fail_text(c, MW_ENOENT, "404 page not found"); }

static const mw_web_file *find_file(mw_str path)
{
    if (mw_str_is(path, "/")) path = MW_STR("/index.html");
    for (size_t i = 0; i < mw_web_n; i++)
        if (mw_str_is(path, mw_web_files[i].path)) return &mw_web_files[i];
    return NULL;
}

void get_web_file(mw_call *c)
{
    const mw_web_file *f = find_file(c->path);
    if (!f) {
        call_fail_text(c, MW_ENOENT, "there is nothing at %.*s",
                       (int)(c->path.n > 200 ? 200 : c->path.n), c->path.p);
        return;
    }
    char etag[24];
    uint64_t hash = mw_hash(f->bytes, f->n);
    etag[0] = etag[17] = '"';
    mw_hex(&hash, sizeof hash, etag + 1);
    etag[17] = '"';
    mw_str tag = {etag, 18};
    call_answer_header(c, "etag", tag);
    call_answer_header(c, "cache-control", MW_STR("no-cache"));
    call_answer_header(c, "content-security-policy",
                       MW_STR("default-src 'self'; style-src 'self' 'unsafe-inline'; "
                              "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"));
    call_answer_header(c, "x-content-type-options", MW_STR("nosniff"));
    if (mw_str_eq(call_header(c, "if-none-match"), tag)) {
        call_answer(c, 304, NULL);
        return;
    }
    mw_buf_add(&c->out, f->bytes, f->n);
    call_answer(c, 200, f->type);
}
