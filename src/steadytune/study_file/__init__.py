"""Study files: from YAML and options to a Study, and back to YAML."""

from steadytune.study_file._study_file import Catalogue, Options, assemble, read
from steadytune.study_file.writing import dump

__all__ = ["Catalogue", "Options", "assemble", "dump", "read"]
