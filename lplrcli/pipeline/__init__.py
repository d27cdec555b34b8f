"""The algorithm in the paper's order, on matrices already opened: compress, decompress, assess."""
