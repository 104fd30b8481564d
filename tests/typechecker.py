"""The checker behind the named shapes: an int is a float here, as Python's type system has it."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
