"""RELION: job types, settings and their dialects, rules, logs. Reads files, runs nothing."""
