/* shared.c - one map of "kind/id" to value.  SPDX-License-Identifier: MIT */
#include "script/shared.h"

#include "base/mem.h"

struct mw_shared {
    mw_value *values, *counters;
};

mw_shared *mw_shared_new(void)
{
    mw_shared *s = mw_zalloc(sizeof *s);
    s->values = mw_map_new();
    s->counters = mw_map_new();
    return s;
}

void mw_shared_free(mw_shared *s)
{
    if (!s) return;
    mw_value_free(s->values);
    mw_value_free(s->counters);
    mw_free(s);
}

static char *key_of(const mw_value *arg)
{
    mw_str kind = mw_map_text(arg, "kind"), id = mw_map_text(arg, "id");
    return mw_sprintf("%.*s/%.*s", MW_STR_ARG(kind), MW_STR_ARG(id));
}

static void put(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_shared *s = self;
    char *key = key_of(arg);
    const mw_value *v = mw_map_find(arg, "value");
    mw_map_set(s->values, key, v ? mw_value_copy(v) : mw_nil_new());
    mw_free(key);
    mw_value_free(arg);
    reply(reply_arg, mw_map_new());
}

static void get(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_shared *s = self;
    char *key = key_of(arg);
    const mw_value *v = mw_map_find(s->values, key);
    mw_value *answer = mw_map_new();
    if (v && v->type != MW_NIL) mw_map_set(answer, "value", mw_value_copy(v));
    mw_free(key);
    mw_value_free(arg);
    reply(reply_arg, answer);
}

static void incr(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_shared *s = self;
    mw_str key = mw_map_text(arg, "key");
    double v = mw_map_number(s->counters, key.p, 0) + mw_map_number(arg, "by", 1);
    mw_map_set_number(s->counters, key.p, v);
    mw_value_free(arg);
    mw_value *answer = mw_map_new();
    mw_map_set_number(answer, "value", v);
    reply(reply_arg, answer);
}

void mw_shared_offer(mw_shared *s, mw_host *host)
{
    mw_host_add_op(host, "cluster.put", s, put);
    mw_host_add_op(host, "cluster.get", s, get);
    mw_host_add_op(host, "cluster.incr", s, incr);
}
