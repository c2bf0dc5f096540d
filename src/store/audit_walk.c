/* audit_walk.c - the files of an audit chain: found, read and checked one after the other.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/audit_check.h"
#include "store/io.h"

enum { DIGITS = 20 };
#define END       ".log"
#define FILE_MOST (1ULL << 30)

char *mw_audit_path(const char *dir, uint64_t first)
{
    return mw_sprintf("%s/%0*" PRIu64 END, dir, DIGITS, first);
}

/* -- the folder ----------------------------------------------------------------------------- */

static uint64_t number_of(const char *name)
{
    uint64_t n = 0;
    if (strlen(name) != DIGITS + strlen(END) || strcmp(name + DIGITS, END) != 0) return 0;
    for (size_t i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return 0;
        n = n * 10 + (uint64_t)(name[i] - '0');
    }
    return n;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int mw_audit_list(const char *dir, uint64_t **out, size_t *n, mw_err *err)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    DIR *d = opendir(dir);
    if (!d) return mw_io_fail(err, -errno, "cannot read", dir);
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t number = number_of(e->d_name);
        if (number) MW_PUSH(*out, *n, cap, number);
    }
    closedir(d);
    if (*n) qsort(*out, *n, sizeof **out, by_number);
    return MW_OK;
}

/* -- a file --------------------------------------------------------------------------------- */

static ssize_t read_all(int fd, char *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t rc = read(fd, to + done, n - done);
        if (rc < 0 && errno == EINTR) continue;
        if (rc < 0) return -errno;
        if (rc == 0) break;
        done += (size_t)rc;
    }
    return (ssize_t)done;
}

int mw_audit_load(const char *path, char **out, size_t *n, mw_err *err)
{
    struct stat st;
    *out = NULL;
    *n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return mw_io_fail(err, -errno, "cannot open", path);
    int rc = fstat(fd, &st) ? -errno : 0;
    if (!rc && (uint64_t)st.st_size > FILE_MOST) rc = -EFBIG;
    if (!rc) {
        *out = mw_alloc((size_t)st.st_size + 1);
        ssize_t got = read_all(fd, *out, (size_t)st.st_size);
        if (got < 0)
            rc = (int)got;
        else
            *n = (size_t)got;
    }
    close(fd);
    if (!rc) return MW_OK;
    mw_free(*out);
    *out = NULL;
    return mw_io_fail(err, rc, "cannot read", path);
}

/* -- a chain -------------------------------------------------------------------------------- */

static int check_file(mw_audit_check *c, const char *path, bool more, mw_err *err)
{
    char *bytes;
    size_t n;
    const char *name = strrchr(path, '/');
    int rc = mw_audit_load(path, &bytes, &n, err);
    if (!rc) rc = mw_audit_check_segment(c, name ? name + 1 : path, (mw_str){bytes, n}, more, err);
    mw_free(bytes);
    return rc;
}

static int check_folder(mw_audit_check *c, const char *dir, mw_err *err)
{
    uint64_t *first;
    size_t n;
    int rc = mw_audit_list(dir, &first, &n, err);
    for (size_t i = 0; i < n && !rc && !c->out->problem[0]; i++) {
        char *path = mw_audit_path(dir, first[i]);
        rc = check_file(c, path, i + 1 < n, err);
        mw_free(path);
    }
    mw_free(first);
    return rc;
}

int mw_audit_walk(const char *dir, const mw_audit_anchor *anchor, mw_audit_visit *visit, void *arg,
                  mw_audit_report *out, mw_err *err)
{
    struct stat st;
    mw_audit_known known;
    mw_audit_anchor own;
    mw_audit_check c = {.anchor = anchor, .visit = visit, .arg = arg, .out = out};
    mw_audit_check_begin(&c);
    bool knows = mw_audit_remembered(dir, &known); /* first: the chain may grow meanwhile */
    own = mw_audit_anchor_of(&known);
    if (!anchor && knows) c.anchor = &own;
    if (stat(dir, &st)) return mw_io_fail(err, -errno, "cannot read", dir);
    int rc = S_ISDIR(st.st_mode) ? check_folder(&c, dir, err) : check_file(&c, dir, false, err);
    if (!rc) mw_audit_check_end(&c);
    if (!rc) mw_audit_check_reaches(&c, known.seq);
    return rc;
}
