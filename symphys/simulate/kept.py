"""The folder in which compiled kernels are kept from one process to the next."""

from codegen import KernelCache, default_directory
from symphys.simulate.inputs import not_negative


def limit_kernel_cache(gibibytes: float = 1.0) -> None:
    """Keep compiled kernels below this size on disk (1 GiB unless set), for this and all later processes of the user.

    Beyond it the least recently used are removed, but none that was used in the last ten minutes; 0 keeps as little as
    that. A kernel that was removed is compiled again when it is needed.

    Raises `InputError` for what is no finite number of at least 0.
    """
    KernelCache(default_directory()).set_limit(round(not_negative("gibibytes", gibibytes) * 2**30))
