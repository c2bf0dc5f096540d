/* headers.c - one header of a block.  SPDX-License-Identifier: MIT */
#include "net/headers.h"

#include <string.h>
#include <strings.h>

mw_str mw_header_find(mw_str block, const char *name)
{
    size_t n = strlen(name);
    while (block.n) {
        const char *end = memchr(block.p, '\n', block.n);
        mw_str line = {block.p, end ? (size_t)(end - block.p) : block.n};
        block.p += line.n + (end != NULL);
        block.n -= line.n + (end != NULL);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        if (line.n > n && line.p[n] == ':' && !strncasecmp(line.p, name, n))
            return mw_str_trim((mw_str){line.p + n + 1, line.n - n - 1});
    }
    return (mw_str){"", 0};
}
