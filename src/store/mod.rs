//! Floor 5, one wing: what is on disk. Synchronous; the daemon calls it from blocking threads.
