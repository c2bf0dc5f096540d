/* globals.c - which globals does a compiled chunk name, and where?
 *
 * A misspelt word inside a function would otherwise be found when the function first runs.  The
 * chunk is dumped as bytecode (by us, just now, from source) and read back:
 *
 *   dump   = ESC 'L' 'J' version(1) flags [name: n bytes] { proto } 0
 *   proto  = size  flags(1) params(1) frame(1) upvalues(1)  kgc kn code  [debug line lines]
 *            code*4 bytes  upvalues*2 bytes  constants...  lineinfo  names
 *
 * Numbers without (n) are LEB128.  GGET and GSET name their global by constant; constants are
 * written last first.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"

enum { STRIPPED = 0x02, VERSION = 2, OP_GGET = 54, OP_GSET = 55, MAX_CONSTANTS = 65536 };
enum { KGC_CHILD, KGC_TAB, KGC_I64, KGC_U64, KGC_COMPLEX, KGC_STR };
enum { KTAB_INT = 3, KTAB_NUM = 4, KTAB_STR = 5 };

typedef struct reader {
    const unsigned char *p, *end;
    bool bad;
} reader;

static unsigned read_byte(reader *r)
{
    if (r->p >= r->end) return r->bad = true, 0;
    return *r->p++;
}

static uint32_t read_number(reader *r)
{
    uint32_t v = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        unsigned b = read_byte(r);
        v |= (uint32_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return v;
    }
    r->bad = true;
    return 0;
}

static const unsigned char *read_bytes(reader *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n) return r->bad = true, NULL;
    const unsigned char *at = r->p;
    r->p += n;
    return at;
}

static void skip_table_item(reader *r)
{
    uint32_t type = read_number(r);
    if (type >= KTAB_STR)
        read_bytes(r, type - KTAB_STR);
    else if (type == KTAB_INT || type == KTAB_NUM)
        for (uint32_t i = KTAB_INT; i <= type; i++) read_number(r);
}

static mw_str read_constant(reader *r)
{
    static const int numbers[] = {[KGC_I64] = 2, [KGC_U64] = 2, [KGC_COMPLEX] = 4};
    uint32_t type = read_number(r);
    if (type >= KGC_STR) {
        const unsigned char *s = read_bytes(r, type - KGC_STR);
        return (mw_str){(const char *)s, s ? type - KGC_STR : 0};
    }
    if (type == KGC_TAB) {
        uint32_t list = read_number(r), hash = read_number(r);
        for (uint32_t i = 0; i < list && !r->bad; i++) skip_table_item(r);
        for (uint32_t i = 0; i < hash && !r->bad; i++) skip_table_item(r), skip_table_item(r);
    } else if (type != KGC_CHILD) {
        for (int i = 0; i < numbers[type]; i++) read_number(r);
    }
    return (mw_str){NULL, 0};
}

/* The line of instruction I: an offset in one, two or four bytes. */
static int line_at(const unsigned char *info, size_t n_code, uint32_t first, uint32_t lines,
                   size_t i)
{
    uint32_t off;
    if (i == 0) return (int)first;
    i--; /* the header has no entry */
    if (i >= n_code) return (int)first;
    if (lines < 256) return (int)(first + info[i]);
    if (lines < 65536) {
        uint16_t two;
        memcpy(&two, info + 2 * i, 2);
        return (int)(first + two);
    }
    memcpy(&off, info + 4 * i, 4);
    return (int)(first + off);
}

static void each_in_proto(reader *r, bool stripped, mw_global_visit *visit, void *arg)
{
    read_bytes(r, 3);
    unsigned upvalues = read_byte(r);
    uint32_t n_kgc = read_number(r);
    read_number(r);
    uint32_t n_code = read_number(r), debug = 0, first = 0, lines = 0;
    if (!stripped && (debug = read_number(r))) {
        first = read_number(r);
        lines = read_number(r);
    }
    const unsigned char *code = read_bytes(r, (size_t)n_code * 4);
    read_bytes(r, upvalues * 2u);
    size_t wide = lines < 256 ? 1 : lines < 65536 ? 2 : 4;
    if (r->bad || n_kgc > MAX_CONSTANTS || (size_t)(r->end - r->p) < debug ||
        (debug && debug < n_code * wide)) {
        r->bad = true;
        return;
    }
    const unsigned char *info = r->end - debug;
    mw_str *constant = mw_array(n_kgc + 1, sizeof *constant);
    for (uint32_t i = 0; i < n_kgc; i++) constant[n_kgc - 1 - i] = read_constant(r);
    for (uint32_t i = 0; i < n_code && !r->bad; i++) {
        unsigned op = code[4 * i], d = code[4 * i + 2] | (unsigned)code[4 * i + 3] << 8;
        if ((op != OP_GGET && op != OP_GSET) || d >= n_kgc || !constant[d].p) continue;
        char *name = mw_strndup(constant[d].p, constant[d].n);
        visit(arg, name, op == OP_GSET, debug ? line_at(info, n_code, first, lines, i + 1) : 0);
        mw_free(name);
    }
    mw_free(constant);
}

static int write_dump(lua_State *L, const void *p, size_t n, void *arg)
{
    mw_buf_add(arg, p, n);
    return 0;
}

bool mw_globals_each(lua_State *L, mw_global_visit *visit, void *arg)
{
    mw_buf *dump = &mw_guest_of(L)->module_source; /* freed with the guest if lua_dump raises */
    mw_buf_reset(dump);
    if (lua_dump(L, write_dump, dump)) return false;
    reader r = {(unsigned char *)dump->p, (unsigned char *)dump->p + dump->n, false};
    const unsigned char *head = read_bytes(&r, 4);
    if (!head || memcmp(head, "\033LJ", 3) || head[3] != VERSION) return false;
    uint32_t flags = read_number(&r);
    if (!(flags & STRIPPED)) read_bytes(&r, read_number(&r));
    for (uint32_t size; !r.bad && (size = read_number(&r));) {
        const unsigned char *at = read_bytes(&r, size);
        if (!at) break;
        reader proto = {at, at + size, false};
        each_in_proto(&proto, flags & STRIPPED, visit, arg);
        if (proto.bad) r.bad = true;
    }
    return !r.bad;
}
