//! Floor 5, one wing: the bag that leaves the node and the offline verifier that reads it.
