/* sd_http.c - the request and what kind of answer counts.  SPDX-License-Identifier: MIT */
#include "net/sd_http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/groups.h"
#include "net/headers.h"
#include "net/http_op.h"
#include "net/tls.h"

enum { MAX_HEADERS = 100, MAX_URL = 8192 };

int mw_sd_http_check(const mw_value *spec, mw_err *err)
{
    mw_str url = mw_map_text(spec, "url");
    const mw_value *headers = mw_map_find(spec, "headers");
    mw_net_tls certificates;
    bool plain = mw_str_starts(url, "http://"), tls = mw_str_starts(url, "https://");
    if ((!plain && !tls) || url.n <= (tls ? 8u : 7u) || url.n > MAX_URL ||
        memchr(url.p, '\n', url.n))
        return mw_fail(err, MW_EARG, 0, 0, "http: url must be http://... or https://...");
    int code = mw_tls_read(mw_map_find(spec, "tls"), &certificates, err);
    if (code) return code;
    if (!headers || headers->type != MW_MAP) return MW_OK;
    if (headers->map.n > MAX_HEADERS)
        return mw_fail(err, MW_EARG, 0, 0, "http: more than %d headers", (int)MAX_HEADERS);
    for (size_t i = 0; i < headers->map.n; i++) {
        const mw_entry *e = &headers->map.entry[i];
        if (e->value->type != MW_TEXT || !mw_http_token(e->key) ||
            !mw_http_field_value(e->value->text))
            return mw_fail(err, MW_EARG, 0, 0, "http: header \"%s\" is not valid", e->key.p);
    }
    return MW_OK;
}

int mw_sd_http_send(mw_net *net, const mw_value *spec, int64_t every_ms, mw_net_done *done,
                    void *arg)
{
    const mw_value *map = mw_map_find(spec, "headers");
    size_t own = map && map->type == MW_MAP ? map->map.n : 0, n = 0;
    const char **header = mw_array(own + 2, sizeof *header);
    char pace[64];
    snprintf(pace, sizeof pace, "X-Prometheus-Refresh-Interval-Seconds: %g",
             (double)every_ms / 1000);
    header[n++] = "Accept: application/json";
    header[n++] = pace;
    for (size_t i = 0; i < own; i++)
        header[n++] =
            mw_sprintf("%s: %s", map->map.entry[i].key.p, map->map.entry[i].value->text.p);
    mw_net_request req = {
        .url = mw_map_text(spec, "url").p,
        .headers = header,
        .n_headers = n,
        .timeout_ms = (int)(every_ms < 60000 ? every_ms : 60000),
        .max_body = MW_GROUPS_BYTES,
        .follow = true,
        .compressed = true,
    };
    mw_tls_read(mw_map_find(spec, "tls"), &req.tls, NULL); /* it was checked */
    int code = mw_net_send(net, &req, done, arg);
    while (n > 2) mw_free((char *)header[--n]);
    mw_free(header);
    return code;
}

static bool is_json(mw_str type)
{
    static const char json[] = "application/json";
    const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;
    if (end) type.n = (size_t)(end - type.p);
    type = mw_str_trim(type);
    return type.n == sizeof json - 1 && !strncasecmp(type.p, json, type.n);
}

int mw_sd_http_answer(const mw_net_response *r, mw_err *err)
{
    mw_str type = mw_header_find(r->headers, "content-type");
    if (r->error) return mw_fail(err, MW_EIO, 0, 0, "%s", r->error);
    if (r->status != 200)
        return mw_fail(err, MW_EIO, 0, 0, "server returned HTTP status %d", r->status);
    if (!is_json(type))
        return mw_fail(err, MW_EIO, 0, 0, "unsupported content type \"%.*s\"",
                       (int)(type.n < 80 ? type.n : 80), type.p);
    return MW_OK;
}
