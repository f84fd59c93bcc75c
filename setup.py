"""The distribution: its metadata, what it needs and why, and the data that ships inside it."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent

# Folders of the repository root that an installed `solatium` carries as its own data. They are no
# packages, so that `import conf` or `import schemas` never finds them in someone's environment.
DATA_FOLDERS = ("conf", "expectations", "schemas")

# Pages that the command's help names.
PAGES = ("docs/rules.md", "docs/tables.md")

# The only place that declares dependencies; `make lock` turns it into requirements.lock. Ranges,
# so that a cluster's own packages fit: the tests pass with the oldest and with the locked versions.
REQUIREMENTS = [
    # The data frame API of every step, and local Spark; `connect` is the client that Sail serves.
    "pyspark[connect]>=4.1.1,<4.2",
    # Delta tables on Spark. Its jars of 4.4.1 are not on Maven Central, and other minor versions
    # have other jars.
    "delta-spark==4.4.0",
    # Sail, the embedded engine: serves Spark Connect from within the Python process. Versions
    # before 0.7.2 do not read some Delta tables.
    "pysail>=0.7.2,<0.8",
    # Versions, history and upkeep of Delta tables without a session, which Sail does not offer.
    "deltalake>=1.6.0,<1.7",
    # Spark's Arrow exchange with Python; pyspark below 4.3 warns of pandas 3.
    "pandas>=2.2,<3",
    # Parquet footers and schemas of the landing zone, and tables that reports read.
    "pyarrow>=25,<27",
    # Footers of Parquet files that have a column which no reader knows, so that it can be left out.
    "thrift>=0.22",
    # Hashes to columns of draws, where the demo makes up what its file lacks.
    "numpy>=2",
    # Settings: typed, frozen, unknown keys refused.
    "pydantic>=2.10,<3",
    # Settings and contracts are YAML.
    "pyyaml>=6",
    # The command line.
    "typer>=0.20",
    # Tables, bars and progress on a terminal.
    "rich>=13",
    # Suites of what must hold of tables, in its own form, and pages of what was found. A narrow
    # range: the gate stands on how it judges. Its extra for Spark is not needed.
    "great-expectations>=1.24.0,<1.25",
    # One run at a time holds a warehouse.
    "filelock>=3.16",
]

# Forms in which the tables of a warehouse can be had, beside Arrow, pandas and Spark.
READERS = [
    # Data frames that filter and join faster than pandas'.
    "polars>=1.20",
    # SQL on the tables, in the reader's own process.
    "duckdb>=1.2",
]

# What `solatium report` is made with.
REPORT = [
    # Counts millions of rows within the seconds that a report may take.
    "duckdb>=1.2",
    # Charts, described in Python and drawn as SVG without a browser.
    "altair>=5.5",
    "vl-convert-python>=1.7",
    # The page, whose texts are escaped.
    "jinja2>=3.1",
    # Amounts in the form of their currency.
    "babel>=2.14",
]

# Where `solatium publish` sends its tables.
PUBLISH = [
    # One file that holds the whole star, and the SQL that makes its tables.
    "duckdb>=1.2",
    # PostgreSQL, loaded in bulk from Arrow.
    "adbc-driver-manager>=1.5",
    "adbc-driver-postgresql>=1.5",
]

# What a run says to machines that watch it.
OBSERVE = [
    # Metrics in the text form that Prometheus' node exporter collects.
    "prometheus-client>=0.21",
    # Lineage events, by their own client, which reads its usual environment.
    "openlineage-python>=1.40",
]

# Landing zones and warehouses in object stores and in HDFS.
STORES = [
    # S3, Google's and Azure's stores, with creates that one of two rivals wins.
    "obstore>=0.8",
    # HDFS without a Java: its own protocol, with exclusive creates and renames.
    "hdfs-native>=0.14,<0.15",
]

DEVELOPMENT = [
    # Runs the tests.
    "pytest>=8",
    # Two processes for the tests of the embedded engine.
    "pytest-xdist>=3.6",
    # Whole small nights against the plain-Python reference.
    "hypothesis>=6.100",
    # Lint and format.
    "ruff>=0.9",
    # Types, and the stubs of PyYAML, which ships none.
    "mypy>=1.14",
    "types-PyYAML",
    # Notebooks as scripts, paired to .ipynb.
    "jupytext>=1.17",
    # The wheel that `make dist` takes its content from.
    "build>=1.2",
    # Memory and CPU time of the processes that benchmarks run, children and all.
    "psutil>=6",
    # The stubs of psutil, which ships none.
    "types-psutil",
    # Drives Debian's Chromium, in which the tests look at pages.
    "playwright>=1.50",
    # The floors: which room may import which.
    "import-linter>=2.1",
    # The documentation as a site; its Python reference comes from docstrings.
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.6",
    "mkdocstrings[python]>=0.29",
    # Runs before a commit what CI runs.
    "pre-commit>=4",
    # An S3 server on loopback.
    "moto[s3,server]>=5.1",
    # Builds the project without build isolation, so that nothing comes from outside the lock.
    "setuptools>=80",
]


class BuildWithData(build_py):
    """Copies DATA_FOLDERS and PAGES into the built package.

    An editable install reads them where they are.
    """

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for folder in DATA_FOLDERS:
                target = Path(self.build_lib) / "solatium" / folder
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / folder, target)
            for page in PAGES:
                target = Path(self.build_lib) / "solatium" / page
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(ROOT / page, target)


def version() -> str:
    text = (ROOT / "solatium" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]+)"', text, re.MULTILINE)
    if not found:
        raise RuntimeError("solatium/version.py has no VERSION")
    return found.group(1)


setup(
    name="solatium",
    version=version(),
    description="Replays rush-sale allocations from logs, and pays for a run of bad luck.",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["solatium", "solatium.*"]),
    package_data={"": ["*.css", "*.js", "*.jinja", "py.typed"], "solatium": ["data/*"]},
    install_requires=REQUIREMENTS,
    extras_require={
        "readers": READERS,
        "report": REPORT,
        "publish": PUBLISH,
        "observe": OBSERVE,
        "stores": STORES,
        "dev": sorted({*READERS, *REPORT, *PUBLISH, *OBSERVE, *STORES, *DEVELOPMENT}),
    },
    entry_points={"console_scripts": ["solatium = solatium.cli.app:main"]},
    cmdclass={"build_py": BuildWithData},
)
