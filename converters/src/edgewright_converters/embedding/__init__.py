"""How each format takes a contract in: one module each, all streaming, none parsing tensors."""
