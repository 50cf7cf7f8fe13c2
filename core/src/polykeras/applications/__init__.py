"""The applications: whole models, such as `ResNet50`, that installed distributions register."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(__name__, registry.applications, {})
