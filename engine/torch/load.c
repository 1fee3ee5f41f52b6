/*
 * load.c - finding the plugin and loading it, and with it libtorch.
 *
 * It is loaded with RTLD_LOCAL, so that the names of libtorch's two hundred libraries stay out of the
 * program's way, and never unloaded: libtorch's threads and thread-local storage would not survive that.
 */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/torch/torch.h"

static const char plugin_name[] = "libthaw_torch.so";
static const char install_advice[] =
    "install libtorch (apt-get install libtorch-dev libopenblas0-openmp) and run "
    "make, or make LIBTORCH=DIR with the folder of another one";

/* The first plugin beside the program, in its build folder, above it (tests), or installed. NULL: none. */
static char *find_plugin(void) {
    static const char *const place[] = {"", "build/", "../", "../lib/thaw/"};
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) return NULL;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash) return NULL;
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        char *path = xasprintf("%.*s/%s%s", (int)(slash - program), program, place[i], plugin_name);
        if (path_exists(path)) return path;
        free(path);
    }
    return NULL;
}

thaw_status plugin_locate(const char *asked, char **out) {
    const char *wanted = asked ? asked : getenv("THAW_TORCH_PLUGIN");
    if (wanted && wanted[0]) {
        if (!path_exists(wanted))
            return thaw_error(THAW_ERR_NO_TORCH, "there is no plugin %s; %s", wanted, install_advice);
        /* Without a slash dlopen would search the system's folders instead. */
        *out = strchr(wanted, '/') ? xstrdup(wanted) : xasprintf("./%s", wanted);
        return thaw_ok();
    }
    *out = find_plugin();
    if (!*out)
        return thaw_error(THAW_ERR_NO_TORCH,
                          "%s, which connects thaw to libtorch, is not beside the program; %s", plugin_name,
                          install_advice);
    return thaw_ok();
}

thaw_status torch_plugin_path(char **out) {
    return plugin_locate(NULL, out);
}

/*
 * dlopen crashes on a library whose end is missing (an interrupted copy, a full disk): it maps what the
 * headers promise. The section headers come last in a file, so they tell whether it is whole.
 */
static thaw_status check_whole(const char *path) {
    mapped_file file;
    THAW_TRY(file_map(path, &file));
    ElfW(Ehdr) header;
    bool whole = file.size >= sizeof header;
    if (whole) {
        memcpy(&header, file.data, sizeof header);
        const uint64_t table = (uint64_t)header.e_shnum * header.e_shentsize;
        whole = memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 /* dlopen says what it is instead */
                || (header.e_shoff <= file.size && table <= file.size - header.e_shoff);
    }
    file_unmap(&file);
    if (!whole) return thaw_error(THAW_ERR_FORMAT, "%s is incomplete; copy it again", path);
    return thaw_ok();
}

thaw_status plugin_load(const char *path, void **handle, const torch_api **api) {
    thaw_status whole = check_whole(path);
    if (thaw_failed(&whole))
        return thaw_error(THAW_ERR_NO_TORCH, "cannot load libtorch: %s; %s", whole.message, install_advice);
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) {
        const char *reason = dlerror();
        return thaw_error(THAW_ERR_NO_TORCH, "cannot load libtorch: %s; %s", reason ? reason : path,
                          install_advice);
    }
    const torch_api *table = dlsym(*handle, TORCH_API_SYMBOL);
    if (!table) return thaw_error(THAW_ERR_NO_TORCH, "%s is not a plugin of thaw; run make", path);
    if (table->version != TORCH_API_VERSION || table->size != sizeof *table ||
        strcmp(table->contract, TORCH_CONTRACT))
        return thaw_error(THAW_ERR_NO_TORCH, "%s was built for another version of thaw; run make", path);
    *api = table;
    return thaw_ok();
}
