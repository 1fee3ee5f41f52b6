/*
 * locate.c - where a file of the catalog already is on this machine: with thaw itself, in the folders that
 * THAW_WEIGHTS names, where PyTorch keeps its downloads, or where Hugging Face does. Nothing is fetched here
 * (see fetch.c).
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "thaw/catalog.h"

enum { COMMIT_BYTES_MAX = 256 };

/* PATH when there is such a file, else NULL; takes PATH over. */
static char *if_exists(char *path) {
    if (path && path_exists(path) && !path_is_directory(path)) return path;
    free(path);
    return NULL;
}

static char *in_folder(const char *folder, const char *name) {
    return name ? if_exists(path_join(folder, name)) : NULL;
}

static char *in_zoo(const char *name) {
    char *resource = xasprintf("zoo/%s", name), *path = path_resource(resource);
    free(resource);
    return path;
}

/* $TORCH_HOME/hub/checkpoints, by PyTorch's own rules. */
static char *torch_folder(void) {
    const char *home = getenv("TORCH_HOME");
    char *root = home && home[0] ? path_expand(home) : path_xdg("XDG_CACHE_HOME", ".cache", "torch");
    char *folder = path_join(root, "hub/checkpoints");
    free(root);
    return folder;
}

/* The file, or the same weights under the name they once had. */
static char *either_in_folder(const char *folder, const thaw_weights_info *info) {
    char *path = in_folder(folder, info->file);
    return path ? path : in_folder(folder, info->older_file);
}

static char *in_torch_cache(const thaw_weights_info *info) {
    char *folder = torch_folder(), *path = either_in_folder(folder, info);
    free(folder);
    return path;
}

/* The next of the folders in *LIST, which has colons between them, or NULL; owned by the caller. */
static char *next_folder(const char **list) {
    while (*list && **list) {
        size_t length = strcspn(*list, ":");
        char *name = xstrndup(*list, length), *folder = name[0] ? path_expand(name) : NULL;
        free(name);
        *list += length + ((*list)[length] == ':');
        if (folder) return folder;
    }
    return NULL;
}

/* ---- Hugging Face: hub/models--timm--NAME/snapshots/COMMIT/model.safetensors ---- */

static char *hub_folder(void) {
    static const char *const variable[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"};
    const char *home = getenv("HF_HOME");
    for (size_t i = 0; i < sizeof variable / sizeof variable[0]; i++) {
        const char *cache = getenv(variable[i]);
        if (cache && cache[0]) return path_expand(cache);
    }
    char *root = home && home[0] ? path_expand(home) : path_xdg("XDG_CACHE_HOME", ".cache", "huggingface");
    char *folder = path_join(root, "hub");
    free(root);
    return folder;
}

/* timm's name for torchvision's weights, where the keys are the same: "resnet50.tv2_in1k". NULL for others.
 */
static char *timm_name(const thaw_weights_info *info) {
    static const struct {
        const char *family, *name, *tag;
    } same[] = {
        {"resnet", "IMAGENET1K_V1", "tv_in1k"},
        {"resnet", "IMAGENET1K_V2", "tv2_in1k"},
        {"densenet", "IMAGENET1K_V1", "tv_in1k"},
    };
    for (size_t i = 0; info->family && i < sizeof same / sizeof same[0]; i++)
        if (strcmp(info->family, same[i].family) == 0 && strcmp(info->name, same[i].name) == 0)
            return xasprintf("models--timm--%s.%s", info->arch, same[i].tag);
    return NULL;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* The weights in one snapshot, in whichever of the two formats timm's repositories have. */
static char *in_snapshot(const char *snapshots, const char *commit) {
    char *folder = path_join(snapshots, commit), *found = in_folder(folder, "model.safetensors");
    if (!found) found = in_folder(folder, "pytorch_model.bin");
    free(folder);
    return found;
}

/* The snapshot that the branch "main" was at when it was last looked at. */
static char *in_newest_snapshot(const char *repository, const char *snapshots) {
    char *ref = path_join(repository, "refs/main"), *commit = NULL, *found = NULL;
    thaw_status status = file_read(ref, COMMIT_BYTES_MAX, &commit, NULL);
    if (!thaw_failed(&status)) {
        commit[strcspn(commit, "\r\n /")] = '\0';
        if (commit[0]) found = in_snapshot(snapshots, commit);
    }
    free(commit);
    free(ref);
    return found;
}

/* The first snapshot that has the file. */
static char *in_any_snapshot(const char *snapshots) {
    struct dirent **entry = NULL;
    char *found = NULL;
    int count = scandir(snapshots, &entry, visible, alphasort);
    for (int i = 0; i < count; i++) {
        if (!found) found = in_snapshot(snapshots, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    return found;
}

static char *in_hub_cache(const thaw_weights_info *info) {
    char *name = timm_name(info), *found = NULL;
    if (!name) return NULL;
    char *hub = hub_folder(), *repository = path_join(hub, name);
    char *snapshots = path_join(repository, "snapshots");
    found = in_newest_snapshot(repository, snapshots);
    if (!found) found = in_any_snapshot(snapshots);
    free(snapshots);
    free(repository);
    free(hub);
    free(name);
    return found;
}

/* ---- all of them ---- */

typedef struct found {
    char **path;
    size_t count;
    bool one; /* is enough */
} found;

/* PATH (or NULL) is taken over. False: there is enough. */
static bool add(found *f, char *path) {
    if (path) {
        f->path = xreallocarray(f->path, f->count + 1, sizeof *f->path);
        f->path[f->count++] = path;
    }
    return !(f->one && f->count);
}

static void look(const thaw_weights_info *info, found *f) {
    const char *own = getenv("THAW_WEIGHTS");
    if (info->bundled) {
        add(f, in_zoo(info->file));
        return;
    }
    bool on = true;
    for (char *folder; on && (folder = next_folder(&own)); free(folder))
        on = add(f, either_in_folder(folder, info));
    if (on && add(f, in_torch_cache(info))) add(f, in_hub_cache(info));
}

char **thaw_catalog_locate_all(const thaw_weights_info *info, size_t *count) {
    found f = {0};
    look(info, &f);
    *count = f.count;
    return f.path;
}

char *thaw_catalog_locate(const thaw_weights_info *info) {
    found f = {.one = true};
    look(info, &f);
    char *path = f.count ? f.path[0] : NULL;
    free(f.path);
    return path;
}

char *thaw_catalog_search(const char *name) {
    const char *own = getenv("THAW_WEIGHTS");
    char *path = NULL;
    for (char *folder; !path && (folder = next_folder(&own)); free(folder))
        path = in_folder(folder, name);
    if (path) return path;
    char *folder = torch_folder();
    path = in_folder(folder, name);
    free(folder);
    return path;
}

bool thaw_catalog_searches(const char *folder) {
    const char *own = getenv("THAW_WEIGHTS");
    char *wanted = realpath(folder, NULL);
    bool named = false;
    for (char *one; wanted && !named && (one = next_folder(&own)); free(one)) {
        char *whole = realpath(one, NULL);
        named = whole && !strcmp(whole, wanted);
        free(whole);
    }
    free(wanted);
    return named;
}

char *thaw_catalog_destination(const thaw_weights_info *info) {
    char *folder = torch_folder(), *path = path_join(folder, info->file);
    free(folder);
    return path;
}
