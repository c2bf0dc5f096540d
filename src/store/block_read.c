/* block_read.c - reading a block: a mapped file that is trusted page by page.
 *
 * Opening checks header and footer, so after it the directory and the checksums are what the writer
 * wrote.  The pages of the body are summed when they are first asked for; what came out is kept in
 * one byte per page.  Two threads may sum the same page at once, which costs time and does no harm.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/block.h"
#include "store/block_layout.h"
#include "store/le.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum page_state { UNKNOWN, GOOD, BAD };

struct section {
    uint32_t type;
    mw_str bytes;
};

struct mw_block {
    _Atomic unsigned refs;
    atomic_bool damaged;
    char *path;
    const char *map;
    uint64_t size, body;
    const char *sums; /* of the pages, in the file */
    _Atomic uint8_t *page;
    size_t sections;
    struct section section[];
};

/* -- the file ------------------------------------------------------------------------------- */

/* Brings N bytes at P into memory.  A sector that cannot be read is an error here and a SIGBUS when
 * the bytes are touched; an older kernel, which does not know the question, leaves it at that. */
static int populate(const mw_block *b, const char *p, size_t n)
{
    size_t system_page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = (size_t)(p - b->map), start = from - from % system_page;
    if (!n || !madvise((char *)b->map + start, from - start + n, MADV_POPULATE_READ)) return 0;
    return errno == EFAULT || errno == EHWPOISON ? -EIO : 0;
}

static int map_file(mw_block *b, int fd, mw_err *err)
{
    struct stat st;
    if (fstat(fd, &st)) return mw_io_fail(err, -errno, "cannot stat", b->path);
    if (!S_ISREG(st.st_mode)) return mw_fail(err, MW_ECORRUPT, 0, 0, "%s is not a file", b->path);
    b->size = (uint64_t)st.st_size;
    if (b->size < MW_BLOCK_HEADER + MW_BLOCK_TRAILER)
        return mw_fail(err, MW_ECORRUPT, 0, 0, "%s is damaged: it is too short", b->path);
    void *map = mmap(NULL, b->size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return mw_io_fail(err, -errno, "cannot map", b->path);
    b->map = map;
    return MW_OK;
}

/* -- header and footer ---------------------------------------------------------------------- */

static int bad(const mw_block *b, const char *what, mw_err *err)
{
    return mw_fail(err, MW_ECORRUPT, 0, 0, "%s is damaged: %s", b->path, what);
}

static size_t pages_of(uint64_t bytes) { return (bytes + MW_BLOCK_PAGE - 1) / MW_BLOCK_PAGE; }

static int check_ends(const mw_block *b, uint32_t kind, mw_err *err)
{
    const char *trailer = b->map + b->size - MW_BLOCK_TRAILER;
    if (populate(b, b->map, MW_BLOCK_HEADER) || populate(b, trailer, MW_BLOCK_TRAILER))
        return bad(b, "it cannot be read", err);
    if (memcmp(b->map, MW_BLOCK_MAGIC, 8)) return bad(b, "it does not begin as a block", err);
    if (memcmp(trailer + 16, MW_BLOCK_END, 8)) return bad(b, "it does not end as a block", err);
    if (mw_le32_get(b->map + 8) != MW_BLOCK_VERSION) return bad(b, "its version is not known", err);
    if (mw_le32_get(b->map + 12) != kind) return bad(b, "it is of another kind", err);
    return MW_OK;
}

/* Nothing in the footer is used before its checksum was compared, except the two sizes by which it
 * is found; those are compared with the size of the file. */
static int check_footer(mw_block *b, uint32_t *sections, mw_err *err)
{
    const char *trailer = b->map + b->size - MW_BLOCK_TRAILER;
    uint64_t body = mw_le64_get(trailer), room = b->size - MW_BLOCK_TRAILER;
    uint32_t n = mw_le32_get(trailer + 8);
    if (body < MW_BLOCK_HEADER || body > room || body % MW_BLOCK_ALIGN || n > MW_BLOCK_SECTIONS ||
        (uint64_t)n * MW_BLOCK_ENTRY + pages_of(body) * 4 != room - body)
        return bad(b, "its size is not what its footer says", err);
    const char *footer = b->map + body;
    if (populate(b, footer, b->size - body)) return bad(b, "it cannot be read", err);
    uint32_t sum = mw_crc32c(0, b->map, MW_BLOCK_HEADER);
    if (mw_crc32c(sum, footer, (size_t)(trailer + 12 - footer)) != mw_le32_get(trailer + 12))
        return bad(b, "its footer does not match its checksum", err);
    b->body = body;
    b->sums = footer + (size_t)n * MW_BLOCK_ENTRY;
    *sections = n;
    return MW_OK;
}

/* The checksum held, so this is what some writer wrote; it need not have been ours. */
static int read_directory(mw_block *b, uint32_t n, mw_err *err)
{
    uint64_t end = MW_BLOCK_HEADER;
    const char *at = b->map + b->body;
    for (; b->sections < n; b->sections++, at += MW_BLOCK_ENTRY) {
        uint32_t type = mw_le32_get(at);
        uint64_t offset = mw_le64_get(at + 8), length = mw_le64_get(at + 16);
        if (mw_le32_get(at + 4) || offset != end || offset > b->body || length > b->body - offset)
            return bad(b, "its sections do not follow each other", err);
        if (mw_block_section(b, type).p) return bad(b, "it has a section twice", err);
        b->section[b->sections] = (struct section){type, {b->map + offset, length}};
        end = offset + (length + MW_BLOCK_ALIGN - 1) / MW_BLOCK_ALIGN * MW_BLOCK_ALIGN;
    }
    return end == b->body ? MW_OK : bad(b, "its sections end too early", err);
}

/* -- life ----------------------------------------------------------------------------------- */

static int load(mw_block *b, uint32_t kind, mw_err *err)
{
    uint32_t sections = 0;
    int code, fd = open(b->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return mw_fail(err, MW_ENOENT, 0, 0, "there is no %s", b->path);
    if (fd < 0) return mw_io_fail(err, -errno, "cannot open", b->path);
    code = map_file(b, fd, err);
    close(fd);
    if (!code) code = check_ends(b, kind, err);
    if (!code) code = check_footer(b, &sections, err);
    if (!code) code = read_directory(b, sections, err);
    if (!code) b->page = mw_zalloc(pages_of(b->body));
    return code;
}

mw_block *mw_block_open(const char *path, uint32_t kind, mw_err *err)
{
    mw_block *b = mw_zalloc(sizeof *b + MW_BLOCK_SECTIONS * sizeof *b->section);
    b->refs = 1;
    b->path = mw_strdup(path);
    if (!load(b, kind, err)) return b;
    mw_block_release(b);
    return NULL;
}

mw_block *mw_block_retain(mw_block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void mw_block_release(mw_block *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    if (b->map) munmap((void *)b->map, b->size);
    mw_free((void *)b->page);
    mw_free(b->path);
    mw_free(b);
}

const char *mw_block_path(const mw_block *b) { return b->path; }
uint64_t mw_block_bytes(const mw_block *b) { return b->size; }
bool mw_block_is_damaged(const mw_block *b) { return atomic_load(&b->damaged); }

mw_str mw_block_section(const mw_block *b, uint32_t type)
{
    for (size_t i = 0; i < b->sections; i++)
        if (b->section[i].type == type) return b->section[i].bytes;
    return (mw_str){NULL, 0};
}

/* -- pages ---------------------------------------------------------------------------------- */

static bool is_good(mw_block *b, size_t page)
{
    uint8_t state = atomic_load_explicit(&b->page[page], memory_order_relaxed);
    if (state != UNKNOWN) return state == GOOD;
    uint64_t from = (uint64_t)page * MW_BLOCK_PAGE;
    size_t n = b->body - from < MW_BLOCK_PAGE ? (size_t)(b->body - from) : MW_BLOCK_PAGE;
    const char *p = b->map + from;
    bool good = !populate(b, p, n) && mw_crc32c(0, p, n) == mw_le32_get(b->sums + page * 4);
    if (!good) atomic_store(&b->damaged, true);
    atomic_store_explicit(&b->page[page], good ? GOOD : BAD, memory_order_relaxed);
    return good;
}

int mw_block_check(mw_block *b, const void *p, size_t n, mw_err *err)
{
    if (!n) return MW_OK;
    uint64_t from = (uint64_t)((const char *)p - b->map);
    MW_ASSERT(from < b->body && n <= b->body - from);
    for (size_t i = from / MW_BLOCK_PAGE; i <= (from + n - 1) / MW_BLOCK_PAGE; i++)
        if (!is_good(b, i))
            return mw_fail(err, MW_ECORRUPT, 0, 0,
                           "%s is damaged: the page at %" PRIu64 " does not match its checksum",
                           b->path, (uint64_t)i * MW_BLOCK_PAGE);
    return MW_OK;
}
