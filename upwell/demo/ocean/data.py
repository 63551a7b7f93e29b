"""Monthly sea-surface temperature of the tropics, 2006-04 to 2010-09, that comes with the package `iris-sample-data`.

From the OSTIA analysis of the UK Met Office (Donlon et al. 2012), under the Open Government Licence. 54 months hold one
El Nino, that of 2009/10: enough to show the way, far too few to learn the ocean from.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from upwell.errors import ToolError

FILE = "sample_data/ostia_monthly.nc"


def ostia() -> Path:
    """The file.

    Raises:
        ToolError: `iris-sample-data` is not installed.
    """
    package = find_spec("iris_sample_data")
    if package is None or not package.submodule_search_locations:
        raise ToolError("The demo's data come with the package iris-sample-data: run `pip install 'upwell[demo]'`.")
    return Path(package.submodule_search_locations[0]) / FILE
