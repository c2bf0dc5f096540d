/* web.h - the files of the web page, built into the binary by src/http/embed.lua.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_WEB_H
#define MW_HTTP_WEB_H
#include <stddef.h>

typedef struct mw_web_file {
    const char *path; /* "/index.html" */
    const char *type; /* Content-Type */
    const unsigned char *bytes;
    size_t n;
} mw_web_file;

extern const mw_web_file mw_web_files[];
extern const size_t mw_web_n;

#endif
