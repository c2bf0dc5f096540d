/* headers.c - the head of an answer.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "http/loop.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Payload Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *answer_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status) return reasons[i].reason;
    return "Status";
}

static void add(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 1, NULL, value,
                          strlen(value));
}

/* As Prometheus: an origin whose pages may read is told so, "*" when all may. */
static void add_cors(h2o_req_t *req, const mw_call *c)
{
    static const char *const rows[][2] = {
        {"access-control-allow-headers", "Accept, Authorization, Content-Type, Origin"},
        {"access-control-allow-methods", "GET, POST, OPTIONS"},
        {"access-control-expose-headers", "Date"},
        {"access-control-max-age", "86400"}};
    const mw_regex *cors = c->server->cors;
    mw_str origin = call_header(c, "origin");
    for (size_t i = 0; (origin.n || c->method == MW_OPTIONS) && i < 4; i++)
        add(req, rows[i][0], rows[i][1]);
    if (cors) add(req, "vary", "Origin");
    if (!cors)
        add(req, "access-control-allow-origin", "*");
    else if (origin.n && mw_regex_matches(cors, origin))
        add(req, "access-control-allow-origin", h2o_strdup(&req->pool, origin.p, origin.n).base);
}

void answer_headers(h2o_req_t *req, const mw_call *c)
{
    mw_str type = mw_str_of(c->type);
    if (type.n)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type.p, type.n);
    for (size_t i = 0; i < c->n_answer_headers; i++) {
        const mw_pair *h = &c->answer_headers[i];
        h2o_add_header_by_str(&req->pool, &req->res.headers, h->name.p, h->name.n, 1, NULL,
                              h->value.p, h->value.n);
    }
    if (c->route && c->route->flags & MW_CORS) add_cors(req, c);
}
