/* host_files.c - reading and writing files for policy: whole files, atomically.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "script/state.h"

enum { MAX_FILE = 256 << 20 };

static int refuse_errno(lua_State *L, const char *path)
{
    int e = errno;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(e));
    return 2;
}

static int read_all(int fd, mw_buf *out)
{
    for (;;) {
        char *room = mw_buf_room(out, 65536);
        ssize_t n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) return 0;
        out->n += (size_t)n;
        if (out->n > MAX_FILE) return errno = EFBIG, -1;
    }
}

static int host_read_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return refuse_errno(L, path);
    mw_buf text;
    mw_buf_init(&text);
    int rc = read_all(fd, &text), e = errno;
    close(fd);
    if (rc == 0) lua_pushlstring(L, text.p ? text.p : "", text.n);
    mw_buf_deinit(&text);
    errno = e;
    return rc == 0 ? 1 : refuse_errno(L, path);
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

/* The folder's entry must be on disk too, or a crash could undo the rename. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? mw_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mw_strdup(".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mw_free(dir);
}

static int host_write_file(lua_State *L)
{
    size_t n;
    const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &n);
    const char *temp = lua_pushfstring(L, "%s.%d.tmp", path, (int)getpid());
    int fd =
        open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, lua_toboolean(L, 3) ? 0600 : 0644);
    if (fd < 0) return refuse_errno(L, path);
    int rc = write_all(fd, text, n);
    if (rc == 0) rc = fsync(fd);
    int e = errno;
    close(fd);
    if (rc == 0) {
        rc = rename(temp, path);
        e = errno;
    }
    if (rc != 0) {
        unlink(temp);
        errno = e;
        return refuse_errno(L, path);
    }
    sync_folder(path);
    lua_pushboolean(L, 1);
    return 1;
}

static int host_remove(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    if (remove(path)) return refuse_errno(L, path);
    lua_pushboolean(L, 1);
    return 1;
}

static int host_rename(lua_State *L)
{
    const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
    if (rename(from, to)) return refuse_errno(L, from);
    sync_folder(to);
    lua_pushboolean(L, 1);
    return 1;
}

static int host_mkdir(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char *part = mw_strdup(path);
    int rc = 0;
    for (char *at = part + 1; rc == 0 && *part && *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        if (mkdir(part, 0755) && errno != EEXIST) rc = -1;
        *at = '/';
    }
    if (rc == 0 && mkdir(part, 0755) && errno != EEXIST) rc = -1;
    struct stat st;
    if (rc == 0 && (stat(part, &st) || !S_ISDIR(st.st_mode))) errno = ENOTDIR, rc = -1;
    int e = errno;
    mw_free(part);
    errno = e;
    if (rc) return refuse_errno(L, path);
    lua_pushboolean(L, 1);
    return 1;
}

static int host_glob(lua_State *L)
{
    glob_t g = {0};
    int rc = glob(luaL_checkstring(L, 1), GLOB_BRACE, NULL, &g);
    if (rc != 0 && rc != GLOB_NOMATCH) {
        globfree(&g);
        return mw_lua_refuse_text(L, "the pattern cannot be expanded");
    }
    lua_createtable(L, (int)g.gl_pathc, 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        lua_pushstring(L, g.gl_pathv[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    globfree(&g);
    return 1;
}

static int host_stat(lua_State *L)
{
    struct stat st;
    if (stat(luaL_checkstring(L, 1), &st)) return 0;
    lua_createtable(L, 0, 3);
    lua_pushnumber(L, (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9);
    lua_setfield(L, -2, "mtime");
    lua_pushnumber(L, (double)st.st_size);
    lua_setfield(L, -2, "size");
    lua_pushboolean(L, S_ISDIR(st.st_mode));
    lua_setfield(L, -2, "dir");
    return 1;
}

void mw_host_open_files(lua_State *L)
{
    static const mw_host_fn fns[] = {{"read_file", host_read_file}, {"write_file", host_write_file},
                                     {"remove", host_remove},       {"rename", host_rename},
                                     {"mkdir", host_mkdir},         {"glob", host_glob},
                                     {"stat", host_stat},           {NULL, NULL}};
    mw_host_set(L, fns);
    const char *dir = ((mw_face *)lua_touserdata(L, -1))->host->data_dir;
    lua_pushstring(L, dir);
    lua_setfield(L, -3, "data_dir");
}
