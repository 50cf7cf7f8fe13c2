"""Products of many images, or of many pairs of matrices: convolutions and their gradients, batched matrix products.

For each image: copy a into a padded buffer, if it has one; pack b, if that is to be done; then each product.

    0 images;  1, 2, 3 addresses of a, b, c;  4, 5, 6 each image's offset in a, b, c: where in the item those tables are
    7 shall all products be added up in c?  8 how many products;  9 where in the item they are described
    10 the padded buffer;  11 its bytes;  12 lines that are copied into it (0: a is read where it lies)
    13, 14 offsets of the lines in a and in the buffer: where those tables are
    15, 16 places of a line, and channels of a place;  17, 18 their strides in a
    19 the panels;  20 shall b be packed into them, image by image?  21 to 28 the description of the packing

The buffer is cleared once: what is copied into it goes to the same places for all images.
"""

from __future__ import annotations

from typing import Any

from polykeras_numba import packing, product
from polykeras_numba.code import Code, Table, Word, kernel_of

(
    IMAGES, A, B, C, A_IMAGES, B_IMAGES, C_IMAGES, ADDING, PRODUCTS, PRODUCT, BUFFER, BUFFER_BYTES, LINES, LINE_SOURCES,
    LINE_TARGETS, LINE_PLACES, LINE_CHANNELS, PLACE_STEP, CHANNEL_STEP, PANELS, PACKED, PACKING,
) = range(22)  # fmt: skip
WORDS = PACKING + packing.WORDS


def kernel(rows: int, vectors: int, itemsize: int) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""
    tile = product.Tile(rows, vectors)

    def multiply(code: Code, item: Word, words: Word, a: Word, b: Word, c: Word, adding: Word) -> None:
        product.Product(code, tile, itemsize, item, words, adding).write(a, b, c)

    def write(code: Code, table: Table) -> None:
        call = code.function("product", 6, multiply)
        item = table.address()
        words = [table[i] for i in range(PACKING)]
        padded, packed = words[LINES].compared(">", 0), words[PACKED].compared("!=", 0)
        with code.when(padded):
            code.clear(words[BUFFER], words[BUFFER_BYTES])
        places = [Table(code, item + words[w]) for w in (A_IMAGES, B_IMAGES, C_IMAGES)]
        with code.loop(words[IMAGES]) as image:
            a, b, c = (words[w] + place[image] for w, place in zip((A, B, C), places, strict=True))
            with code.when(padded):
                copy_lines(code, item, words, a, itemsize)
            with code.when(packed):
                width = product.panel_columns(tile, itemsize)
                packing.write_packing(code, table.part(PACKING), b, words[PANELS], width, itemsize)
            a = code.chosen(padded, words[BUFFER], a)
            b = code.chosen(packed, words[PANELS], b)
            with code.loop(words[PRODUCTS]) as index:
                adding = (image + index).smaller(1) * words[ADDING]
                call(code, item, words[PRODUCT] + index * (8 * product.WORDS), a, b, c, adding)

    return kernel_of(write)


def copy_lines(code: Code, item: Word, words: list[Word], a: Word, itemsize: int) -> None:
    """The code that copies the lines of an image into the buffer; `words`: those of the table."""
    one = code.lanes(itemsize, 1)
    dtype = "float32" if itemsize == 4 else "float64"
    sources, targets = Table(code, item + words[LINE_SOURCES]), Table(code, item + words[LINE_TARGETS])
    channels, step = words[LINE_CHANNELS], words[CHANNEL_STEP]
    with code.loop(words[LINES]) as line:
        source, target = a + sources[line], words[BUFFER] + targets[line]
        with code.loop(words[LINE_PLACES]) as place:
            here, there = source + place * words[PLACE_STEP], target + place * channels * itemsize
            with code.either(step.compared("==", itemsize)) as (adjacent, apart):
                with adjacent:
                    code.move(there, here, channels * itemsize)
                with apart, code.loop(channels) as channel:
                    one.store(one.load((here + channel * step).ir, dtype), (there + channel * itemsize).ir, dtype)
