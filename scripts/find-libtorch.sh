#!/bin/sh
# find-libtorch.sh OUT.mk [DIR] - write the make variables for a libtorch: DIR, else Python's torch, else the system's.
# OUT.mk is touched only when its content changes, so that nothing is rebuilt for nothing.
set -u
out=$1
wanted=${2:-}

# The version, from torch/version.h without running anything.
version_of() {
    # Since 2.9 the numbers live in headeronly/version.h.
    cat "$1/torch/headeronly/version.h" "$1/torch/csrc/api/include/torch/version.h" 2>/dev/null |
        awk '$2=="TORCH_VERSION_MAJOR"{a=$3} $2=="TORCH_VERSION_MINOR"{b=$3} $2=="TORCH_VERSION_PATCH"{c=$3}
             END{if (a != "") print a "." b "." c}'
}

from_folder() { # a wheel's torch folder or an unpacked libtorch: include/ and lib/
    dir=$1
    [ -f "$dir/include/ATen/ATen.h" ] && [ -e "$dir/lib/libtorch_cpu.so" ] || return 1
    version=$(version_of "$dir/include")
    cpp="-isystem $dir/include -isystem $dir/include/torch/csrc/api/include"
    ld="-L$dir/lib -Wl,-rpath,$dir/lib -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10"
    [ -e "$dir/lib/libtorch_cuda.so" ] && ld="$ld -ltorch_cuda -lc10_cuda"
    abi=$(nm -D "$dir/lib/libc10.so" 2>/dev/null | grep -m1 -c cxx11)
    cpp="$cpp -D_GLIBCXX_USE_CXX11_ABI=$([ "${abi:-1}" = 0 ] && echo 0 || echo 1)"
    for cuda in "${CUDA_HOME:-}" /usr/local/cuda; do
        [ -n "$cuda" ] && [ -f "$cuda/include/cuda_runtime_api.h" ] && [ -e "$dir/lib/libtorch_cuda.so" ] && {
            cpp="$cpp -isystem $cuda/include"
            break
        }
    done
    where=$dir
}

from_system() { # Debian's libtorch-dev
    [ -f /usr/include/torch/csrc/api/include/torch/version.h ] || return 1
    lib=/usr/lib/$(cc -print-multiarch 2>/dev/null || echo .)
    [ -e "$lib/libtorch_cpu.so" ] || return 1
    version=$(version_of /usr/include)
    cpp="-isystem /usr/include/torch/csrc/api/include"
    ld="-Wl,--no-as-needed -ltorch -ltorch_cpu -lc10"
    where=/usr
}

found=yes
if [ -n "$wanted" ]; then
    if [ "$wanted" = /usr ] || [ "$wanted" = system ]; then
        from_system || found=no
    else
        from_folder "$wanted" || found=no
    fi
    [ $found = yes ] || echo "LIBTORCH=$wanted: no libtorch there (include/ATen/ATen.h and lib/libtorch_cpu.so are needed)" >&2
else
    python=$(python3 -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0])' 2>/dev/null)
    { [ -n "$python" ] && from_folder "$python"; } || from_system || found=no
fi

text="TORCH_FOUND := $found
TORCH_VERSION := ${version:-}
TORCH_WHERE := ${where:-}
TORCH_CPPFLAGS := ${cpp:-}
TORCH_LDFLAGS := ${ld:-}"
[ -f "$out" ] && [ "$(cat "$out")" = "$text" ] || printf '%s\n' "$text" > "$out"
