#!/bin/sh
# deps.sh GROUP... - install what is missing of the groups build, test and lint, on Debian and its children; elsewhere
# say what is needed. Nothing is done, and nothing is asked of the network, when everything is there.
set -eu
cd "$(dirname "$0")/.."

build="gcc g++ make pkg-config libc6-dev libncurses-dev libcjson-dev libjpeg62-turbo-dev libpng-dev libwebp-dev libxxhash-dev libcurl4-openssl-dev zlib1g-dev"
test="libcmocka-dev tmux python3 python3-torch python3-torchvision python3-numpy python3-pil jq"
lint="clang clang-format clang-tidy cppcheck"
torch="libtorch-dev libopenblas0-openmp"

wanted=
for group in "$@"; do
    case $group in
    build)
        wanted="$wanted $build"
        mkdir -p build
        scripts/find-libtorch.sh build/libtorch.mk "${LIBTORCH:-}"
        grep -q '^TORCH_FOUND := yes' build/libtorch.mk || wanted="$wanted $torch"
        ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    *) echo "deps.sh: unknown group $group" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "Not a Debian system: please see to it that these, or what they are called here, are installed:"
    echo "  $wanted"
    exit 0
fi

missing=
for package in $wanted; do
    # Ubuntu calls the JPEG library differently.
    if [ "$package" = libjpeg62-turbo-dev ] && pkg-config --exists libjpeg 2>/dev/null; then continue; fi
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "not root and no sudo; please run: apt-get install$missing" >&2; exit 1; }
    sudo=sudo
fi
log=$(mktemp)
if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
    if grep -q 'libjpeg62-turbo-dev' "$log"; then
        missing=$(echo "$missing" | sed 's/libjpeg62-turbo-dev/libjpeg-turbo8-dev/')
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >"$log" 2>&1 && exit 0
    fi
    tail -n 20 "$log" >&2
    echo "deps.sh: installing failed; the log is $log" >&2
    exit 1
fi
rm -f "$log"
