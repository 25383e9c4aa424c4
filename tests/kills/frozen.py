"""Loaded last by what programs are forked from: none of them walks again what is loaded by now."""

import gc

gc.freeze()
