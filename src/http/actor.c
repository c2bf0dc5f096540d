/* actor.c - a request as plain values, and plain values as an answer.
 * SPDX-License-Identifier: MIT */
#include "http/actor.h"

#include <string.h>

#include "http/route.h"

static const char *method_name(mw_method m)
{
    switch (m) {
    case MW_POST: return "POST";
    case MW_PUT: return "PUT";
    case MW_DELETE: return "DELETE";
    case MW_OPTIONS: return "OPTIONS";
    case MW_GET:
    case MW_HEAD: break;
    }
    return "GET";
}

static mw_value *query_of(const mw_call *c)
{
    mw_value *query = mw_map_new();
    for (size_t i = 0; i < c->n_params; i++) {
        const mw_pair *p = &c->params[i];
        mw_value *values = (mw_value *)mw_map_find(query, p->name.p);
        if (!values) mw_map_set(query, p->name.p, values = mw_list_new());
        mw_list_add(values, mw_text_new(p->value));
    }
    return query;
}

static mw_value *headers_of(const mw_call *c)
{
    mw_value *headers = mw_map_new();
    for (size_t i = 0; i < c->n_headers; i++)
        mw_map_set(headers, c->headers[i].name.p, mw_text_new(c->headers[i].value));
    return headers;
}

mw_value *actor_question(mw_call *c)
{
    mw_value *q = mw_map_new();
    mw_map_set_text(q, "type", "http");
    mw_map_set_text(q, "method", method_name(c->method));
    mw_map_set(q, "path", mw_text_new(c->path));
    mw_map_set(q, "query", query_of(c));
    mw_map_set(q, "headers", headers_of(c));
    mw_map_set(q, "body", mw_text_new(c->body));
    if (c->remote.n) mw_map_set(q, "remote", mw_text_new(c->remote));
    return q;
}

/* Policy may name any header; what frames the message is the server's own business. */
static bool is_ours(mw_str name)
{
    static const char *const names[] = {"content-type", "content-length", "transfer-encoding",
                                        "connection"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.n == strlen(names[i]) && !strncasecmp(name.p, names[i], name.n)) return true;
    return false;
}

static bool one_line(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') return false;
    return true;
}

static const char *copy_headers(mw_call *c, const mw_value *headers)
{
    const char *type = "application/json";
    if (!headers || headers->type != MW_MAP) return type;
    for (size_t i = 0; i < headers->map.n; i++) {
        const mw_entry *e = &headers->map.entry[i];
        if (e->value->type != MW_TEXT || !one_line(e->key) || !one_line(e->value->text)) continue;
        if (e->key.n == 12 && !strncasecmp(e->key.p, "content-type", 12))
            type = mw_arena_strndup(c->arena, e->value->text.p, e->value->text.n);
        else if (!is_ours(e->key) && c->n_answer_headers < MW_ANSWER_HEADERS)
            call_answer_header(c, e->key.p, e->value->text);
    }
    return type;
}

void actor_answer(mw_call *c, mw_value *v)
{
    int status = (int)mw_map_number(v, "status", 0);
    mw_str error = mw_map_text(v, "error"), body = mw_map_text(v, "body");
    if (status < 200 || status > 599) {
        const char *text = error.n ? error.p : "the actor gave no status";
        call_fail_text(c, MW_EIO, "%s", text);
    } else {
        const char *type = copy_headers(c, mw_map_find(v, "headers"));
        mw_buf_str(&c->out, body);
        call_answer(c, status, body.n ? type : NULL);
    }
    mw_value_free(v);
}
