"""Kernels of `symbolic.ops.random` in integer arithmetic that any array module has."""

from __future__ import annotations

from typing import Any

from polykeras.symbolic.ops.random import dropout_threshold

Array = Any

# Random123, Philox4x64: the multipliers, and what the key grows by in each round
_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_ROUNDS = 10
_HALF = 2**32 - 1
_WORD = 2**64 - 1


class Random:
    xp: Any

    def random_bits(self, counter: Array, position: Array, shape: Any, *, seed: int, stream: int = 0) -> Array:
        count = _product(shape)
        return self._words(counter, position, count, seed, stream)[:count].reshape(shape)

    def random_unit(
        self, counter: Array, position: Array, shape: Any, *, seed: int, stream: int = 0, dtype: str
    ) -> Array:
        count = _product(shape)
        if dtype == "float64":
            words = self._words(counter, position, 2 * count, seed, stream).view("uint64")[:count]
            return ((words >> self._word(11)).astype(dtype) * 2.0**-53).reshape(shape)
        bits = 11 if dtype == "float16" else 24
        words = self._words(counter, position, count, seed, stream)[:count]
        return ((words >> (32 - bits)).astype(dtype) * self.xp.asarray(2.0**-bits, dtype)).reshape(shape)

    def dropout_mask(
        self, counter: Array, position: Array, shape: Any, *, level: float, seed: int, dtype: str
    ) -> Array:
        keep = self.random_bits(counter, position, shape, seed=seed) >= dropout_threshold(level)
        return keep.astype(dtype) * self.xp.asarray(1 / (1 - level), dtype)

    def _words(self, counter: Array, position: Array, count: int, seed: int, stream: int) -> Array:
        """At least `count` 32-bit words."""
        xp = self.xp
        blocks = -(-count // 8)
        # NumPy's generator counts up before it makes a block
        first = xp.arange(1, blocks + 1, dtype="uint64")
        second = xp.zeros(blocks, "uint64") + position.astype("uint64")
        third = xp.zeros(blocks, "uint64") + counter.astype("uint64")
        block = [first, second, third, xp.zeros(blocks, "uint64")]
        key = [seed & _WORD, stream & _WORD]
        for _ in range(_ROUNDS):
            high, low = self._multiply(block[0], _MULTIPLIERS[0])
            far_high, far_low = self._multiply(block[2], _MULTIPLIERS[1])
            block = [
                far_high ^ block[1] ^ self._word(key[0]),
                far_low,
                high ^ block[3] ^ self._word(key[1]),
                low,
            ]
            key = [(k + w) & _WORD for k, w in zip(key, _WEYL, strict=True)]
        return xp.stack(block, axis=1).reshape(-1).view("uint32")

    def _multiply(self, x: Array, factor: int) -> tuple[Array, Array]:
        """The high and the low 64 bits of x times a factor, by halves."""
        a, b = self._word(factor >> 32), self._word(factor & _HALF)
        half = self._word(_HALF)
        high, low = x >> self._word(32), x & half
        middle = high * b + (low * b >> self._word(32))
        other = low * a + (middle & half)
        return high * a + (middle >> self._word(32)) + (other >> self._word(32)), x * self._word(factor)

    def _word(self, value: int) -> Array:
        return self.xp.uint64(value)


def _product(dims: Any) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total
