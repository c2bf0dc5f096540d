/* call.c - the life of a call, and the plain parts of its answer.  SPDX-License-Identifier: MIT */
#include "http/call.h"

#include <string.h>

#include "base/mem.h"

mw_call *call_new(mw_server *s)
{
    mw_call *c = mw_zalloc(sizeof *c);
    c->server = s;
    c->arena = mw_arena_new(0);
    c->began_mono_ns = mw_mono_ns();
    return c;
}

void call_free(mw_call *c)
{
    if (!c) return;
    if (c->free_state) c->free_state(c->state);
    mw_buf_deinit(&c->out);
    mw_buf_deinit(&c->hold);
    mw_arena_free(c->arena);
    mw_free(c);
}

bool call_cancelled(const mw_call *c) { return __atomic_load_n(&c->cancel, __ATOMIC_RELAXED); }

mw_str call_header(const mw_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_headers; i++)
        if (mw_str_is(c->headers[i].name, name)) return c->headers[i].value;
    return MW_STR("");
}

bool call_type_is(const mw_call *c, const char *type)
{
    mw_str t = call_header(c, "content-type");
    const char *end = memchr(t.p, ';', t.n);
    if (end) t.n = (size_t)(end - t.p);
    t = mw_str_trim(t);
    return t.n == strlen(type) && !strncasecmp(t.p, type, t.n);
}

int call_decode(mw_call *c, mw_str *out, mw_err *err)
{
    mw_str encoding = mw_str_trim(call_header(c, "content-encoding"));
    return mw_ingest_decode(c->parts->ingest, encoding, c->body, &c->hold, out, err);
}

/* -- the answer ----------------------------------------------------------------------------- */

void call_answer(mw_call *c, int status, const char *type)
{
    c->status = status;
    c->type = type;
}

void call_text(mw_call *c, int status, const char *text)
{
    mw_buf_reset(&c->out);
    mw_buf_text(&c->out, text);
    call_answer(c, status, "text/plain; charset=utf-8");
}

void call_answer_header(mw_call *c, const char *name, mw_str value)
{
    MW_ASSERT(c->n_answer_headers < MW_ANSWER_HEADERS);
    mw_str n = mw_str_of(name);
    c->answer_headers[c->n_answer_headers++] =
        (mw_pair){{mw_arena_strndup(c->arena, n.p, n.n), n.n},
                  {mw_arena_strndup(c->arena, value.p, value.n), value.n}};
}

void call_open_data(mw_call *c) { mw_buf_text(&c->out, "{\"status\":\"success\",\"data\":"); }

void call_close_data(mw_call *c)
{
    mw_buf_byte(&c->out, '}');
    call_answer(c, 200, "application/json");
}
