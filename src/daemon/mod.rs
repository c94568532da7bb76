//! Floor 6: composes the wings into the running node.
