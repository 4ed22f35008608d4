"""Makes the HSMs of a cluster run the native module that counts no answers, and publish no figures.

Only for measuring what metrics cost: Python loads this file in every process whose PYTHONPATH names its folder. The
product has no such switch; ``benchmarks/counting.py`` builds the module.
"""

import sys

if "strongroom.hsm" in sys.orig_argv:
    import importlib.util
    import os

    spec = importlib.util.spec_from_file_location("strongroom._native", os.environ["STRONGROOM_BENCH_NATIVE"])
    assert spec is not None
    assert spec.loader is not None
    native = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = native
    spec.loader.exec_module(native)

    from strongroom.hsm.figures import Figures
    from strongroom.storage.interface import Write
    from strongroom.vocabulary.records import METRICS

    def nothing(figures: Figures) -> Write:
        return Write(METRICS + figures._hsm_id, None)

    Figures.write = nothing  # type: ignore[method-assign]
