/* host_histogram.c - native histograms as values of Lua: host.histogram and host.samples.
 *
 * A handle owns its histogram and never changes; +, - and == make new ones or compare to the bit
 * (hints apart).  SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/nhist_math.h"
#include "script/handles.h"
#include "script/push.h"
#include "script/signals.h"
#include "script/state.h"
#include "script/waits.h"

#define HISTOGRAM_TYPE "moonwatch.histogram"

enum { MOST_BUCKETS = 10000 }; /* on one side of one that a text describes */

struct histogram {
    mw_arena *arena;
    const mw_nhist *h;
};

static const char *const hints[] = {"unknown", "reset", "not_reset", "gauge", NULL};

/* -- handles -------------------------------------------------------------------------------- */

static int histogram_gc(lua_State *L)
{
    struct histogram *x = lua_touserdata(L, 1);
    mw_arena_free(x->arena);
    *x = (struct histogram){0};
    return 0;
}

const mw_nhist *mw_test_histogram(lua_State *L, int idx)
{
    if (!lua_isuserdata(L, idx) || !lua_getmetatable(L, idx)) return NULL;
    luaL_getmetatable(L, HISTOGRAM_TYPE);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? ((struct histogram *)lua_touserdata(L, idx))->h : NULL;
}

static const mw_nhist *check(lua_State *L, int idx)
{
    const mw_nhist *h = mw_test_histogram(L, idx);
    if (!h) luaL_argerror(L, idx, "a histogram is expected");
    return h;
}

static void set_methods(lua_State *L);

/* An empty handle on the stack; whoever fills it does so without raising an error before. */
static struct histogram *push_empty(lua_State *L)
{
    struct histogram *x = lua_newuserdata(L, sizeof *x);
    *x = (struct histogram){0};
    set_methods(L);
    x->arena = mw_arena_new(0);
    return x;
}

/* A copy of H. */
static void push(lua_State *L, const mw_nhist *h)
{
    struct histogram *x = push_empty(L);
    mw_nwork *w = mw_nwork_new(x->arena);
    mw_nwork_set(w, h);
    mw_nhist *copy = mw_arena_zalloc(x->arena, sizeof *copy);
    *copy = *mw_nwork_take(w, x->arena, false);
    if (h->n_custom) { /* borrowed so far */
        double *custom = mw_arena_array(x->arena, h->n_custom, sizeof *custom);
        memcpy(custom, h->custom, h->n_custom * sizeof *custom);
        copy->custom = custom;
    }
    copy->hint = h->hint;
    copy->is_float = true;
    x->h = copy;
}

/* -- from a table --------------------------------------------------------------------------- */

static double number_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    double v = luaL_optnumber(L, -1, 0);
    lua_pop(L, 1);
    return v;
}

static size_t length_of(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
    lua_pop(L, 1);
    if (n > MOST_BUCKETS) luaL_error(L, "%s: more than %d numbers", name, MOST_BUCKETS);
    return n;
}

static double *list_field(lua_State *L, const char *name, size_t n, mw_arena *a)
{
    if (!n) return NULL;
    double *out = mw_arena_array(a, n, sizeof *out);
    lua_getfield(L, 1, name);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        out[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return out;
}

static mw_hside side_field(lua_State *L, const char *name, double offset, mw_arena *a)
{
    size_t n = length_of(L, name);
    if (!n) return (mw_hside){0};
    mw_hspan *span = mw_arena_zalloc(a, sizeof *span);
    *span = (mw_hspan){(int32_t)offset, (uint32_t)n};
    return (mw_hside){span, list_field(L, name, n, a), 1, (uint32_t)n};
}

static mw_reset_hint hint_field(lua_State *L)
{
    lua_getfield(L, 1, "counter_reset_hint");
    const char *word = luaL_optstring(L, -1, hints[0]);
    lua_pop(L, 1);
    for (int i = 0; hints[i]; i++)
        if (!strcmp(word, hints[i])) return (mw_reset_hint)i;
    luaL_error(L, "counter_reset_hint: unknown, reset, not_reset or gauge, not \"%s\"", word);
    return MW_RESET_UNKNOWN;
}

static bool whole_within(double v, double low, double high)
{
    return v >= low && v <= high && v == floor(v);
}

/* host.histogram{schema=, count=, sum=, z_bucket=, z_bucket_w=, offset=, buckets={}, n_offset=,
 * n_buckets={}, custom_values={}, counter_reset_hint=} */
static int host_histogram(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    double schema = number_field(L, "schema"), offset = number_field(L, "offset"),
           n_offset = number_field(L, "n_offset");
    if (schema != MW_HIST_CUSTOM && !whole_within(schema, MW_HIST_SCHEMA_MIN, MW_HIST_SCHEMA_MAX))
        return mw_lua_refuse_text(L, "schema: a whole number from -4 to 8, or -53");
    if (!whole_within(offset, -1e6, 1e6) || !whole_within(n_offset, -1e6, 1e6))
        return mw_lua_refuse_text(L, "an offset is a whole number");
    mw_nhist h = {.schema = (int8_t)schema,
                  .is_float = true,
                  .hint = (uint8_t)hint_field(L),
                  .count = number_field(L, "count"),
                  .sum = number_field(L, "sum"),
                  .zero_count = number_field(L, "z_bucket"),
                  .zero_threshold = number_field(L, "z_bucket_w"),
                  .n_custom = (uint32_t)length_of(L, "custom_values")};
    struct histogram *x = push_empty(L);
    mw_nhist *kept = mw_arena_zalloc(x->arena, sizeof *kept);
    h.pos = side_field(L, "buckets", offset, x->arena);
    h.neg = side_field(L, "n_buckets", n_offset, x->arena);
    h.custom = list_field(L, "custom_values", h.n_custom, x->arena);
    *kept = h;
    x->h = kept;
    return 1;
}

/* -- into a table --------------------------------------------------------------------------- */

static void set_number(lua_State *L, const char *name, double v)
{
    if (v == 0) return;
    lua_pushnumber(L, v);
    lua_setfield(L, -2, name);
}

static void set_list(lua_State *L, const char *name, const double *v, size_t n)
{
    if (!n) return;
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushnumber(L, v[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, name);
}

/* The buckets that the spans cover, and zeros between them; gaps beyond reason end the list. */
static void set_side(lua_State *L, const char *name, const char *offset, const mw_hside *s)
{
    if (!s->n_counts) return;
    lua_newtable(L);
    int at = 0;
    for (uint32_t i = 0, count = 0; i < s->n_spans; i++) {
        for (int gap = 0; i > 0 && gap < s->spans[i].offset && at < MOST_BUCKETS; gap++) {
            lua_pushnumber(L, 0);
            lua_rawseti(L, -2, ++at);
        }
        for (uint32_t k = 0; k < s->spans[i].length && count < s->n_counts; k++) {
            lua_pushnumber(L, s->counts[count++]);
            lua_rawseti(L, -2, ++at);
        }
    }
    lua_setfield(L, -2, name);
    set_number(L, offset, s->spans[0].offset);
}

/* h:fields(): as host.histogram takes them; empty buckets at the ends left out, zeros too. */
static int histogram_fields(lua_State *L)
{
    const mw_nhist *h = check(L, 1);
    lua_newtable(L);
    mw_arena *a = mw_arena_new(0);
    mw_nwork *w = mw_nwork_new(a);
    mw_nwork_set(w, h);
    const mw_nhist *c = mw_nwork_take(w, a, true);
    set_number(L, "schema", h->schema);
    set_number(L, "count", h->count);
    set_number(L, "sum", h->sum);
    set_number(L, "z_bucket", h->zero_count);
    set_number(L, "z_bucket_w", h->zero_threshold);
    set_list(L, "custom_values", h->custom, h->n_custom);
    if (c) {
        set_side(L, "buckets", "offset", &c->pos);
        set_side(L, "n_buckets", "n_offset", &c->neg);
    }
    mw_arena_free(a);
    if (h->hint != MW_RESET_UNKNOWN && h->hint <= MW_RESET_GAUGE) {
        lua_pushstring(L, hints[h->hint]);
        lua_setfield(L, -2, "counter_reset_hint");
    }
    return 1;
}

static int histogram_text(lua_State *L)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_nhist_text(check(L, 1), &b);
    lua_pushlstring(L, b.p, b.n);
    mw_buf_deinit(&b);
    return 1;
}

/* -- two of them ---------------------------------------------------------------------------- */

static int histogram_eq(lua_State *L)
{
    lua_pushboolean(L, mw_nhist_equal(check(L, 1), check(L, 2)));
    return 1;
}

static int combine(lua_State *L, unsigned (*how)(mw_nwork *, const mw_nhist *))
{
    const mw_nhist *a = check(L, 1), *b = check(L, 2);
    struct histogram *x = push_empty(L);
    mw_nwork *w = mw_nwork_new(x->arena);
    mw_nwork_set(w, a);
    bool mixed = how(w, b) & MW_NHIST_MIXED;
    const mw_nhist *sum = mixed ? NULL : mw_nwork_take(w, x->arena, false);
    if (!sum)
        return luaL_error(L, "histograms with custom and with exponential buckets do not mix");
    mw_nhist made = *sum;
    made.hint = a->hint;
    push(L, &made); /* a copy of its own: the bounds may be those of an operand */
    return 1;
}

static int histogram_add(lua_State *L) { return combine(L, mw_nwork_add); }
static int histogram_sub(lua_State *L) { return combine(L, mw_nwork_sub); }

static void set_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {{"fields", histogram_fields}, {"text", histogram_text},
                                       {"__eq", histogram_eq},       {"__add", histogram_add},
                                       {"__sub", histogram_sub},     {"__tostring", histogram_text},
                                       {"__gc", histogram_gc},       {NULL, NULL}};
    if (luaL_newmetatable(L, HISTOGRAM_TYPE)) {
        luaL_register(L, NULL, methods);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}

/* -- asking --------------------------------------------------------------------------------- */

static void push_row(lua_State *L, const mw_promql_row *row)
{
    lua_createtable(L, 0, 2);
    mw_push_labels(L, row->labels);
    lua_setfield(L, -2, "labels");
    if (row->n_h) {
        push(L, row->h[row->n_h - 1]);
        lua_setfield(L, -2, "histogram");
    } else {
        lua_pushnumber(L, row->v[row->n - 1]);
        lua_setfield(L, -2, "value");
    }
}

static int push_samples(lua_State *L, const mw_promql_result *r, int64_t t, mw_err *err)
{
    if (!r) return mw_lua_refuse_at(L, err);
    if (r->type != MW_VALUE_VECTOR && r->type != MW_VALUE_SCALAR)
        return mw_lua_refuse_text(L, "the answer is neither samples of one moment nor a number");
    lua_createtable(L, (int)r->n, 0);
    for (size_t i = 0, at = 0; i < r->n; i++) {
        if (!r->rows[i].n && !r->rows[i].n_h) continue;
        push_row(L, &r->rows[i]);
        lua_rawseti(L, -2, (int)++at);
    }
    return 1;
}

/* host.samples(expr, t): as host.query, and a row may have `histogram` instead of `value` */
static int host_samples(lua_State *L)
{
    mw_ask a = {.query = {.histograms = true}};
    a.query.expr.p = luaL_checklstring(L, 1, &a.query.expr.n);
    a.query.start = a.query.end = mw_ms_of(luaL_checknumber(L, 2));
    return mw_wait_ask(L, &a, 0, push_samples);
}

void mw_host_open_histogram(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"histogram", host_histogram}, {"samples", host_samples}, {NULL, NULL}};
    mw_host_set(L, fns);
}
