"""Study files: from YAML, mappings and options to a Study, and back to YAML."""

from steadytune.study_file._study_file import assemble, from_mapping, read
from steadytune.study_file.options import Catalogue, Options
from steadytune.study_file.writing import dump

__all__ = ["Catalogue", "Options", "assemble", "dump", "from_mapping", "read"]
