/* rwbody2.h - requests of remote write 2.0 written by hand.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_RWBODY2_H
#define MW_TESTS_RWBODY2_H
#include <stdio.h>

#include "rwbody.h"

/* A request being written: symbols in the order in which they are needed. */
struct writer {
    mw_buf symbols, series;
    char text[64][300];
    size_t n;
};

static inline void begin(struct writer *q)
{
    memset(q, 0, sizeof *q);
    mw_pb_put_bytes(&q->symbols, 4, MW_STR(""));
    q->n = 1;
}

static inline uint64_t ref(struct writer *q, const char *p, size_t n)
{
    char text[300];
    snprintf(text, sizeof text, "%.*s", (int)n, p);
    for (size_t i = 0; i < q->n; i++)
        if (!strcmp(q->text[i], text)) return i;
    assert_true(q->n < 64);
    strcpy(q->text[q->n], text);
    mw_pb_put_bytes(&q->symbols, 4, mw_str_of(text));
    return q->n++;
}

/* Labels as "name=value,name=value", packed. */
static inline void put_refs(struct writer *q, mw_buf *to, const char *labels)
{
    mw_buf b;
    mw_buf_init(&b);
    while (*labels) {
        size_t name = strcspn(labels, "="), value = strcspn(labels + name + 1, ",");
        rw_varint(&b, ref(q, labels, name));
        rw_varint(&b, ref(q, labels + name + 1, value));
        labels += name + 1 + value;
        labels += *labels == ',';
    }
    put_sub(to, 1, &b);
}

static inline void put_exemplar2(struct writer *q, mw_buf *series, const char *labels, double v,
                                 int64_t t)
{
    mw_buf e;
    mw_buf_init(&e);
    put_refs(q, &e, labels);
    mw_pb_put_double(&e, 2, v);
    if (t) mw_pb_put_varint(&e, 3, (uint64_t)t);
    put_sub(series, 4, &e);
}

static inline void put_metadata2(struct writer *q, mw_buf *series, uint64_t type, const char *help,
                                 const char *unit)
{
    mw_buf m;
    mw_buf_init(&m);
    mw_pb_put_varint(&m, 1, type);
    mw_pb_put_varint(&m, 3, ref(q, help, strlen(help)));
    mw_pb_put_varint(&m, 4, ref(q, unit, strlen(unit)));
    put_sub(series, 5, &m);
}

static inline void put_text2(struct writer *q, const char *labels, int samples)
{
    mw_buf s;
    mw_buf_init(&s);
    put_refs(q, &s, labels);
    for (int i = 1; i <= samples; i++) put_sample(&s, i * 1000, i);
    mw_pb_put_varint(&s, 6, 999); /* created */
    put_sub(&q->series, 5, &s);
}

static inline void end(struct writer *q, mw_buf *body)
{
    mw_buf_reset(body);
    mw_buf_add(body, q->symbols.p, q->symbols.n);
    if (q->series.n) mw_buf_add(body, q->series.p, q->series.n);
    mw_buf_deinit(&q->symbols);
    mw_buf_deinit(&q->series);
}

#endif
