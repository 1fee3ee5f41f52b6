#!/usr/bin/env python3
"""Draw what tmux captured of a terminal (capture-pane -e -p) as a picture.

    picture.py CAPTURE OUT.png [--columns N] [--rows N] [--light]

Braille, blocks and lines are drawn as shapes, not as letters, so that they meet as they do in a terminal; the rest is
DejaVu Sans Mono. Needs Pillow.
"""
import argparse
import re
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
WIDTH, HEIGHT, SIZE = 9, 18, 15
DARK, LIGHT = ((0x16, 0x16, 0x18), (0xd6, 0xd6, 0xd6)), ((0xfd, 0xfd, 0xfb), (0x26, 0x26, 0x26))
BASIC = [(0, 0, 0), (0xcd, 0x31, 0x31), (0x0d, 0xbc, 0x79), (0xe5, 0xe5, 0x10), (0x24, 0x72, 0xc8), (0xbc, 0x3f, 0xbc),
         (0x11, 0xa8, 0xcd), (0xe5, 0xe5, 0xe5), (0x66, 0x66, 0x66), (0xf1, 0x4c, 0x4c), (0x23, 0xd1, 0x8b), (0xf5, 0xf5, 0x43),
         (0x3b, 0x8e, 0xea), (0xd6, 0x70, 0xd6), (0x29, 0xb8, 0xdb), (0xff, 0xff, 0xff)]
# Lines: which of left, right, up, down they reach, from the middle of a cell.
LINES = {"─": "lr", "━": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "udr", "┤": "udl", "┬": "lrd",
         "┴": "lru", "┼": "lrud"}
DOTTED = {"┊": "v", "┈": "h"}
BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # column and row of each bit


def xterm(index):
    """The colour of an index of the 256 that xterm has."""
    if index < 16:
        return BASIC[index]
    if index >= 232:
        return (8 + 10 * (index - 232),) * 3
    index -= 16
    return tuple(0 if part == 0 else 55 + 40 * part for part in (index // 36, index // 6 % 6, index % 6))


class Pen:
    """The attributes that the capture has set so far."""
    def __init__(self, ground):
        self.ground = ground
        self.reset()

    def reset(self):
        self.fore = self.back = None
        self.bold = self.dim = self.underline = self.reverse = False

    def take(self, numbers):
        codes = iter([int(n) if n else 0 for n in numbers])
        for code in codes:
            if code == 0:
                self.reset()
            elif code in (1, 2, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 4: "underline", 7: "reverse"}[code], True)
            elif code in (38, 48):
                kind = next(codes)
                colour = xterm(next(codes)) if kind == 5 else (next(codes), next(codes), next(codes))
                setattr(self, "fore" if code == 38 else "back", colour)
            elif code in (39, 49):
                setattr(self, "fore" if code == 39 else "back", None)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.fore = BASIC[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.back = BASIC[code - 40 if code < 100 else code - 92]

    def colours(self):
        fore, back = self.fore or self.ground[1], self.back or self.ground[0]
        if self.dim:
            fore = tuple((a + b) // 2 for a, b in zip(fore, back))
        return (back, fore) if self.reverse else (fore, back)


def block(character):
    """The part of a cell a block fills: (left, top, right, bottom) in eighths, or None."""
    code = ord(character)
    if 0x2581 <= code <= 0x2588:
        return 0, 0x2588 - code, 8, 8
    if 0x2589 <= code <= 0x258f:
        return 0, 0, 0x2590 - code, 8
    return {"▀": (0, 0, 8, 4), "▐": (4, 0, 8, 8)}.get(character)


def put(draw, fonts, pen, character, column, row, wide):
    x, y, width = column * WIDTH, row * HEIGHT, WIDTH * (2 if wide else 1)
    fore, back = pen.colours()
    draw.rectangle((x, y, x + width - 1, y + HEIGHT - 1), fill=back)
    part, code = block(character), ord(character)
    middle, centre = x + WIDTH // 2, y + HEIGHT // 2
    if 0x2800 <= code <= 0x28ff:
        for bit, (dx, dy) in enumerate(BRAILLE):
            if code - 0x2800 >> bit & 1:
                left, top = x + 1 + dx * 4, y + 1 + int(dy * 4.5)
                draw.rectangle((left, top, left + 2, top + 2), fill=fore)
    elif part:
        box = [x + part[0] * WIDTH // 8, y + part[1] * HEIGHT // 8, x + part[2] * WIDTH // 8 - 1, y + part[3] * HEIGHT // 8 - 1]
        draw.rectangle(box, fill=fore)
    elif character in LINES:
        thick = 2 if character == "━" else 1
        reach = {"l": (x, centre, middle, centre), "r": (middle, centre, x + WIDTH - 1, centre),
                 "u": (middle, y, middle, centre), "d": (middle, centre, middle, y + HEIGHT - 1)}
        for side in LINES[character]:
            draw.line(reach[side], fill=fore, width=thick)
    elif character in DOTTED:
        for at in range(1, HEIGHT if DOTTED[character] == "v" else WIDTH, 4):
            spot = (middle, y + at) if DOTTED[character] == "v" else (x + at, centre)
            draw.rectangle((*spot, spot[0], spot[1] + 1), fill=fore)
    elif character in "░▒▓":
        share = {"░": 0.25, "▒": 0.5, "▓": 0.75}[character]
        draw.rectangle((x, y, x + WIDTH - 1, y + HEIGHT - 1),
                       fill=tuple(int(b + (f - b) * share) for f, b in zip(fore, back)))
    elif character != " ":
        draw.text((x, y), character, font=fonts[pen.bold], fill=fore)
    if pen.underline:
        draw.line((x, y + HEIGHT - 2, x + width - 1, y + HEIGHT - 2), fill=fore)


def picture(text, columns, rows, ground):
    image = Image.new("RGB", (columns * WIDTH, rows * HEIGHT), ground[0])
    draw = ImageDraw.Draw(image)
    fonts = [ImageFont.truetype(FONT % style, SIZE) for style in ("", "-Bold")]
    pen = Pen(ground)
    for row, line in enumerate(text.split("\n")[:rows]):
        column = 0
        for escape, character in re.findall(r"\x1b\[([0-9;]*)m|(.)", line.replace("\x0e", "").replace("\x0f", "")):
            if not character:
                pen.take(escape.split(";"))
                continue
            wide = unicodedata.east_asian_width(character) in "WF"
            put(draw, fonts, pen, character, column, row, wide)
            column += 2 if wide else 1
    return image.quantize(64, dither=Image.Dither.NONE)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture")
    parser.add_argument("out")
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=36)
    parser.add_argument("--light", action="store_true", help="a terminal with a light ground")
    args = parser.parse_args()
    with open(args.capture, encoding="utf-8") as f:
        text = f.read()
    picture(text, args.columns, args.rows, LIGHT if args.light else DARK).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
