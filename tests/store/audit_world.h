/* audit_world.h - a chain of audit entries in a scratch folder, for its tests.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_AUDIT_WORLD_H
#define MW_TESTS_AUDIT_WORLD_H
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/fakeio.h"

#define DAY_MS 86400000LL
#define START  (20000 * DAY_MS)

struct world {
    char *dir;
    mw_clock_manual clock;
    mw_io quick;
    mw_audit *a;
};

static inline mw_audit *open_with(struct world *w, const mw_io *io, int64_t keep_ms)
{
    mw_err err;
    mw_err_init(&err);
    mw_audit *a = mw_audit_open(&(mw_audit_options){.io = io,
                                                    .dir = w->dir,
                                                    .node = "n1",
                                                    .clock = &w->clock.clock,
                                                    .keep_ms = keep_ms,
                                                    .segment_bytes = 1000},
                                &err);
    return a;
}

static inline void begin(struct world *w)
{
    *w = (struct world){.dir = folder_new_quick(), .quick = fakeio_quick()};
    mw_clock_manual_init(&w->clock, START);
    w->a = open_with(w, &w->quick, 0);
    assert_non_null(w->a);
}

static inline void end(struct world *w)
{
    mw_audit_close(w->a);
    folder_free(w->dir);
}

static inline int add(mw_audit *a, const char *what, const char *details)
{
    mw_audit_note note = {.what = mw_str_of(what),
                          .who = MW_STR("ana \"the\" admin"),
                          .from = MW_STR("10.0.0.1"),
                          .details = mw_str_of(details)};
    return mw_audit_add(a, &note, NULL, NULL);
}

static inline void add_some(struct world *w, int n)
{
    for (int i = 0; i < n; i++) {
        char details[40];
        snprintf(details, sizeof details, "{\"silence\":%d}", i);
        assert_int_equal(add(w->a, "silence.made", details), MW_OK);
    }
}

static inline mw_audit_report walk(const char *dir, const mw_audit_anchor *anchor)
{
    mw_audit_report r;
    assert_int_equal(mw_audit_walk(dir, anchor, NULL, NULL, &r, NULL), MW_OK);
    return r;
}

/* The one file of a chain of N entries, and where its lines begin. */
struct text {
    char *bytes, *path;
    size_t n, line[40], lines;
};

static inline void read_text(struct world *w, uint64_t first, struct text *t)
{
    *t = (struct text){.path = mw_audit_path(w->dir, first)};
    t->bytes = folder_read(t->path, &t->n);
    for (size_t i = 0; i < t->n; i++)
        if (!i || t->bytes[i - 1] == '\n') t->line[t->lines++] = i;
    t->line[t->lines] = t->n;
}

static inline void free_text(struct text *t)
{
    free(t->bytes);
    mw_free(t->path);
}

/* Nobody remembers anything any more. */
static inline void forget_head(struct world *w)
{
    char *path = mw_sprintf("%s/head", w->dir);
    unlink(path);
    mw_free(path);
}

#endif
