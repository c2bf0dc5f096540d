/* target_url.c - address, path and parameters become what is asked.
 * SPDX-License-Identifier: MIT */
#include "net/target_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void add_escaped(mw_buf *out, mw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (isalnum(c) || (c && strchr("-_.~", c)))
            mw_buf_byte(out, (char)c);
        else
            mw_buf_printf(out, "%%%02X", c);
    }
}

static bool address_valid(mw_str a)
{
    for (size_t i = 0; i < a.n; i++)
        if (!isgraph((unsigned char)a.p[i]) || strchr("/@?#\\", a.p[i])) return false;
    return a.n > 0;
}

/* Sorted, the first value of each being what the labels say. */
struct param {
    mw_str name, value;
    size_t at; /* the order in which they came */
};

static int by_name(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    int c = mw_str_cmp(x->name, y->name);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static size_t add_param(struct param *out, size_t n, const mw_labels *d, const mw_entry *e)
{
    char label[300];
    snprintf(label, sizeof label, "__param_%.*s", (int)(e->key.n < 250 ? e->key.n : 250), e->key.p);
    bool list = e->value->type == MW_LIST;
    size_t values = list ? e->value->list.n : 1;
    for (size_t i = mw_labels_find(d, label).n ? 1 : 0; i < values; i++)
        out[n] = (struct param){e->key, list ? e->value->list.item[i]->text : e->value->text, n},
        n++;
    return n;
}

static size_t count_params(const mw_labels *d, const mw_value *params)
{
    size_t n = d->n;
    for (size_t i = 0; params && i < params->map.n; i++) {
        const mw_value *v = params->map.entry[i].value;
        n += v->type == MW_LIST ? v->list.n : 1;
    }
    return n;
}

static void add_query(mw_buf *url, const mw_labels *d, const mw_value *params, char separator)
{
    size_t n = 0;
    struct param *p = mw_array(count_params(d, params) + 1, sizeof *p);
    for (uint32_t i = 0; i < d->n; i++)
        if (mw_str_starts(d->l[i].name, "__param_"))
            p[n] = (struct param){{d->l[i].name.p + 8, d->l[i].name.n - 8}, d->l[i].value, n}, n++;
    for (size_t i = 0; params && i < params->map.n; i++)
        n = add_param(p, n, d, &params->map.entry[i]);
    if (n) qsort(p, n, sizeof *p, by_name);
    for (size_t i = 0; i < n; i++) {
        mw_buf_byte(url, separator);
        add_escaped(url, p[i].name);
        mw_buf_byte(url, '=');
        add_escaped(url, p[i].value);
        separator = '&';
    }
    mw_free(p);
}

char *mw_target_url(const mw_labels *d, const mw_value *params, mw_err *err)
{
    mw_buf url = {0};
    mw_str scheme = mw_labels_find(d, "__scheme__"), path = mw_labels_find(d, "__metrics_path__");
    mw_str address = mw_labels_find(d, "__address__");
    char separator = memchr(path.p ? path.p : "", '?', path.n) ? '&' : '?';
    if (!scheme.n) scheme = MW_STR("http");
    if (!address_valid(address)) return mw_fail(err, MW_EARG, 0, 0, "it is not host:port"), NULL;
    if (!mw_str_is(scheme, "http") && !mw_str_is(scheme, "https"))
        return mw_fail(err, MW_EARG, 0, 0, "its scheme is neither http nor https"), NULL;
    mw_buf_str(&url, scheme);
    mw_buf_text(&url, "://");
    mw_buf_str(&url, address);
    if (!path.n || path.p[0] != '/') mw_buf_byte(&url, '/');
    for (size_t i = 0; i < path.n; i++)
        if (isgraph((unsigned char)path.p[i])) mw_buf_byte(&url, path.p[i]);
    add_query(&url, d, params, separator);
    return mw_buf_take(&url);
}
