#!/bin/sh
# find-libtorch.sh OUT.mk [DIR] - write the make variables for a libtorch: DIR ("system" is the system's own); else the
# one OUT.mk names already, so that `make LIBTORCH=DIR` holds for the makes after it; else Python's torch; else the
# system's. OUT.mk is touched only when its content changes: it says which libtorch and which version the plugin was
# built for, and the plugin is rebuilt when it is newer.
set -u
out=$1
wanted=${2:-}

# The version, from the headers without running anything. Since 2.9 the numbers live in headeronly/version.h.
version_of() {
    cat "$1/torch/headeronly/version.h" "$1/torch/csrc/api/include/torch/version.h" 2>/dev/null |
        awk '$2=="TORCH_VERSION_MAJOR"{a=$3} $2=="TORCH_VERSION_MINOR"{b=$3} $2=="TORCH_VERSION_PATCH"{c=$3}
             END{if (a != "") print a "." b "." c}'
}

from_folder() { # a wheel's torch folder or an unpacked libtorch: include/ and lib/
    [ -f "$1/include/ATen/ATen.h" ] && [ -e "$1/lib/libtorch_cpu.so" ] || return 1
    dir=$(cd "$1" && pwd) || return 1
    where=$dir
    version=$(version_of "$dir/include")
    abi=0 # which std::string its functions take
    grep -q __cxx11 "$dir/lib/libc10.so" && abi=1
    cpp="-isystem '$dir/include' -isystem '$dir/include/torch/csrc/api/include' -D_GLIBCXX_USE_CXX11_ABI=$abi"
    ld="-L'$dir/lib' -Wl,-rpath,'$dir/lib' -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10"
    [ -e "$dir/lib/libtorch_cuda.so" ] || return 0
    ld="$ld -ltorch_cuda -lc10_cuda"
    # CUDA graphs need the runtime's headers: the wheels' own, or a toolkit's. Without them there are no graphs.
    for headers in "$dir"/../nvidia/cu[0-9]*/include "$dir"/../nvidia/cuda_runtime/include /usr/local/cuda/include; do
        [ -f "$headers/cuda_runtime_api.h" ] || continue
        cpp="$cpp -isystem '$headers'"
        break
    done
}

from_system() { # Debian's libtorch-dev
    [ -f /usr/include/torch/csrc/api/include/torch/version.h ] || return 1
    lib=/usr/lib/$(cc -print-multiarch 2>/dev/null || echo .)
    [ -e "$lib/libtorch_cpu.so" ] || return 1
    where=system
    version=$(version_of /usr/include)
    cpp="-isystem /usr/include/torch/csrc/api/include"
    ld="-Wl,--no-as-needed -ltorch -ltorch_cpu -lc10"
}

from() { # DIR, or the word for the system's
    case $1 in
    system | /usr) from_system ;;
    *) from_folder "$1" ;;
    esac
}

from_python() {
    folder=$(python3 -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0])' \
        2>/dev/null) && [ -n "$folder" ] && from_folder "$folder"
}

remembered=
if [ -f "$out" ]; then remembered=$(sed -n 's/^TORCH_WHERE := //p' "$out"); fi

found=yes
where= version= cpp= ld=
if [ -n "$wanted" ]; then
    from "$wanted" || {
        found=no
        echo "LIBTORCH=$wanted: no libtorch there (include/ATen/ATen.h and lib/libtorch_cpu.so are needed)" >&2
    }
else
    { [ -n "$remembered" ] && from "$remembered"; } || from_python || from_system || found=no
fi

# clang 14 cannot compile the headers of 1.x as C++20, and those of 2.x need it.
case $version in
1.*) std=c++17 ;;
*) std=c++20 ;;
esac

text="TORCH_FOUND := $found
TORCH_VERSION := $version
TORCH_WHERE := $where
TORCH_STD := $std
TORCH_CPPFLAGS := $cpp
TORCH_LDFLAGS := $ld"
if [ ! -f "$out" ] || [ "$(cat "$out")" != "$text" ]; then printf '%s\n' "$text" >"$out"; fi
