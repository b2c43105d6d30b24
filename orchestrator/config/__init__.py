"""Configurations: the experiment and its parts, presets and YAML files, overrides, errors."""
