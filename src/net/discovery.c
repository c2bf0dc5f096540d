/* discovery.c - watching target files.
 *
 * A file is read again when its inode, size or time of change differs from last time.  What is
 * kept per file is the last list that was right.  SPDX-License-Identifier: MIT */
#include "net/discovery.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"

struct file {
    char *path;
    struct stat seen;
    mw_value *groups; /* NULL before the first good reading */
    bool named;       /* since begin */
};

struct mw_discovery {
    struct file *file;
    size_t n, cap;
    bool news; /* since begin */
    uint64_t failures;
};

mw_discovery *mw_discovery_new(void) { return mw_zalloc(sizeof(mw_discovery)); }

static void file_deinit(struct file *f)
{
    mw_free(f->path);
    mw_value_free(f->groups);
}

void mw_discovery_free(mw_discovery *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->n; i++) file_deinit(&d->file[i]);
    mw_free(d->file);
    mw_free(d);
}

/* -- one file --------------------------------------------------------------------------------- */

static int read_text(const char *path, const struct stat *st, mw_buf *out, mw_err *err)
{
    if (!S_ISREG(st->st_mode)) return mw_fail(err, MW_EIO, 0, 0, "it is not a regular file");
    if (st->st_size > MW_GROUPS_BYTES)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "it is larger than %d bytes", (int)MW_GROUPS_BYTES);
    FILE *f = fopen(path, "re");
    if (!f) return mw_fail(err, MW_EIO, 0, 0, "it cannot be opened: %m");
    size_t room = (size_t)st->st_size + 1; /* one more: a file that grows is read next time */
    out->n = fread(mw_buf_room(out, room), 1, room, f);
    bool bad = ferror(f);
    fclose(f);
    return bad ? mw_fail(err, MW_EIO, 0, 0, "it cannot be read") : MW_OK;
}

static bool is_yaml(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (!strcasecmp(dot, ".yml") || !strcasecmp(dot, ".yaml"));
}

static mw_value *read_groups(const char *path, const struct stat *st, mw_err *err)
{
    mw_buf text = {0};
    mw_value *groups = NULL;
    if (read_text(path, st, &text, err) == MW_OK)
        groups = (is_yaml(path) ? mw_groups_yaml : mw_groups_json)((mw_str){text.p, text.n}, err);
    if (groups) mw_groups_set(groups, "__meta_filepath", path);
    mw_buf_deinit(&text);
    return groups;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* True when its groups are others now. */
static bool refresh(mw_discovery *d, struct file *f)
{
    struct stat st;
    mw_err err;
    mw_err_init(&err);
    if (stat(f->path, &st) || same(&st, &f->seen)) return false;
    f->seen = st;
    mw_value *groups = read_groups(f->path, &st, &err);
    if (groups) {
        mw_value_free(f->groups);
        f->groups = groups;
        return true;
    }
    d->failures++;
    mw_log(MW_WARN, "target file is broken", "file=%s error=\"%s\" line=%d then=\"%s\"", f->path,
           err.msg, err.line,
           f->groups ? "its targets stay as they were" : "it adds no targets until it is mended");
    return false;
}

/* -- all files -------------------------------------------------------------------------------- */

static struct file *file_get(mw_discovery *d, const char *path)
{
    for (size_t i = 0; i < d->n; i++)
        if (!strcmp(d->file[i].path, path)) return &d->file[i];
    struct file f = {.path = mw_strdup(path)};
    MW_PUSH(d->file, d->n, d->cap, f);
    return &d->file[d->n - 1];
}

void mw_discovery_begin(mw_discovery *d)
{
    d->news = false;
    for (size_t i = 0; i < d->n; i++) d->file[i].named = false;
}

void mw_discovery_glob(mw_discovery *d, const char *pattern, mw_groups_visit *visit, void *arg)
{
    glob_t g;
    if (glob(pattern, GLOB_TILDE, NULL, &g)) return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct file *f = file_get(d, g.gl_pathv[i]);
        if (!f->named && refresh(d, f)) d->news = true;
        f->named = true;
        if (visit) mw_groups_each(f->groups, visit, arg);
    }
    globfree(&g);
}

bool mw_discovery_end(mw_discovery *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->file[i].named)
            d->file[kept++] = d->file[i];
        else
            file_deinit(&d->file[i]);
    }
    bool news = d->news || kept < d->n;
    d->n = kept;
    return news;
}

mw_discovery_counts mw_discovery_count(const mw_discovery *d)
{
    mw_discovery_counts c = {.failures = d->failures};
    for (size_t i = 0; i < d->n; i++) c.targets += mw_groups_targets(d->file[i].groups);
    return c;
}
