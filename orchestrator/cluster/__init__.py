"""Ray: sessions, training workers, elastic scaling, report channel, resources."""
