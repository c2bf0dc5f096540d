/* folder.h - a folder of a test's own, and whole files in and out of it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_STORE_FOLDER_H
#define MW_TESTS_STORE_FOLDER_H
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline char *folder_path(const char *dir, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", dir, name) < 0) abort();
    return path;
}

static inline char *folder_new_in(const char *parent)
{
    char *dir = folder_path(parent, "mw-store-XXXXXX");
    if (!mkdtemp(dir)) abort();
    return dir;
}

static inline char *folder_new(void)
{
    return folder_new_in(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
}

/* In memory where there is such a place: for tests that make thousands of small files. */
static inline char *folder_new_quick(void)
{
    return access("/dev/shm", W_OK) ? folder_new() : folder_new_in("/dev/shm");
}

/* Entries of DIR; when VISIT is there it is called with the path of each. */
static inline size_t folder_each(const char *dir, void (*visit)(void *, const char *), void *arg)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        char *path = folder_path(dir, e->d_name);
        if (visit) visit(arg, path);
        free(path);
        n++;
    }
    if (d) closedir(d);
    return n;
}

static inline size_t folder_count(const char *dir) { return folder_each(dir, NULL, NULL); }

static inline void folder_remove(void *arg, const char *path)
{
    struct stat st;
    if (lstat(path, &st)) return;
    if (S_ISDIR(st.st_mode)) folder_each(path, folder_remove, arg);
    if (remove(path)) abort();
}

static inline void folder_clear(const char *dir) { folder_each(dir, folder_remove, NULL); }

static inline void folder_free(char *dir)
{
    folder_remove(NULL, dir);
    free(dir);
}

static inline void folder_write(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd)) abort();
}

/* The bytes of the file, to be freed; *N of them. */
static inline char *folder_read(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) abort();
    *n = (size_t)st.st_size;
    char *bytes = malloc(*n + 1);
    if (read(fd, bytes, *n) != (ssize_t)*n || close(fd)) abort();
    return bytes;
}

struct folder_copy {
    const char *to;
};

static inline void folder_copy_file(void *arg, const char *path)
{
    size_t n;
    char *bytes = folder_read(path, &n);
    char *to = folder_path(((struct folder_copy *)arg)->to, strrchr(path, '/') + 1);
    folder_write(to, bytes, n);
    free(to);
    free(bytes);
}

/* The files of FROM, which has no folders, into the new folder TO. */
static inline void folder_copy(const char *from, const char *to)
{
    struct folder_copy c = {to};
    if (mkdir(to, 0755)) abort();
    folder_each(from, folder_copy_file, &c);
}

#endif
