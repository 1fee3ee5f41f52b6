/*
 * torch.h - inside engine/torch: the loaded library as torch.c fills it in.
 */
#ifndef ENGINE_TORCH_TORCH_H
#define ENGINE_TORCH_TORCH_H

#include "engine/torch/cpu.h"
#include "engine/torch/plugin.h"
#include "engine/torch/tensor.h"

struct torch {
    const torch_api *api;
    torch_facts facts;
    cpu_facts cpu;
    bool autocasting;
    dtype autocast_type;                               /* of that */
    bool fuses_tried[DTYPE_COUNT], fuses[DTYPE_COUNT]; /* see torch_conv2d_fuses */
    bool norm_fuses;                                   /* see torch_batch_norm_fuses */
};

/* Where the plugin is: ASKED, else $THAW_TORCH_PLUGIN, else near the program. *OUT is the caller's. */
thaw_status plugin_locate(const char *asked, char **out);

/* Load the plugin at PATH and libtorch, after making sure that it was built for this program. */
thaw_status plugin_load(const char *path, void **handle, const torch_api **api);

/* Which BLAS the loaded plugin (a handle of dlopen) multiplies with: fills facts->blas and facts->slow_blas.
 */
void plugin_find_blas(void *plugin, const plugin_facts *plugin_says, torch_facts *facts);

#endif
