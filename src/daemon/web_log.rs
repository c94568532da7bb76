//! The custody log over the web (C2SP tlog-tiles), read-only: the published checkpoint, tiles and entry bundles, each
//! under its one spelling. Reaches no other file.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::crypto::digest::sha256;
use crate::custody::tile::Tile;
use crate::store::tiles::TileFiles;

/// The path under which the log stands; what a policy file or a monitor names as the log's address.
pub const PREFIX: &str = "/custody";

/// A tile never changes, it only grows under another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The checkpoint moves, and what is missing today may be there tomorrow.
const ASK_AGAIN: &str = "no-cache";

/// The routes of the log below `custody_dir`.
pub fn routes(custody_dir: &Path) -> Router {
    Router::new()
        .route("/custody/checkpoint", get(file))
        .route("/custody/tile/{*path}", get(file))
        .with_state(Arc::new(TileFiles::new(custody_dir)))
}

/// What one path of the log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Checkpoint,
    Tile(Tile),
}

impl Part {
    /// Only from the path as it was sent: an escape, a query or another spelling would give one file two addresses, and a
    /// cache two copies.
    fn of(uri: &Uri) -> Option<Self> {
        let path = uri.path().strip_prefix(PREFIX)?.strip_prefix('/')?;
        match (path, uri.query()) {
            ("checkpoint", None) => Some(Self::Checkpoint),
            (tile, None) => tile.parse().ok().map(Self::Tile),
            (_, Some(_)) => None,
        }
    }

    fn read(self, files: &TileFiles) -> Option<Vec<u8>> {
        match self {
            Self::Checkpoint => files.published().ok()?,
            Self::Tile(tile) => files.read(&tile),
        }
    }

    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Checkpoint => ("text/plain; charset=utf-8", ASK_AGAIN),
            Self::Tile(_) => ("application/octet-stream", FOR_EVER),
        }
    }
}

async fn file(State(files): State<Arc<TileFiles>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let Some(part) = Part::of(&uri) else { return missing() };
    let read = tokio::task::spawn_blocking(move || part.read(&files)).await;
    let Ok(Some(bytes)) = read else { return missing() };
    let tag = format!("\"{}\"", sha256(&bytes));
    let (kind, cache) = part.kind();
    let head = [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| value.to_str().is_ok_and(|list| names(list, &tag)));
    if known {
        return (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, cache)], [(ETAG, tag)]).into_response();
    }
    (head, [(ETAG, tag)], bytes).into_response()
}

/// Whether a list of entity tags holds this one (RFC 9110, section 13.1.2; weak comparison).
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn missing() -> Response<Body> {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, ASK_AGAIN)], "not found\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_one_address() {
        let part = |path: &str| path.parse::<Uri>().ok().and_then(|uri| Part::of(&uri));
        assert_eq!(part("/custody/checkpoint"), Some(Part::Checkpoint));
        assert!(matches!(part("/custody/tile/0/x001/234.p/7"), Some(Part::Tile(_))));
        assert!(matches!(part("/custody/tile/entries/000"), Some(Part::Tile(_))));
        for other in [
            "/custody/checkpoint?",
            "/custody/checkpoint?x",
            "/custody//checkpoint",
            "/custody/check%70oint",
            "/custody/tile/0/%30%30%30",
            "/custody/tile/0/000?v=1",
            "/custody/tile/0/000.p/256",
            "/custody/tile/../log.vkey",
            "/custody/tile/0/../../journal",
            "/custody/log.vkey",
            "/custody/journal/0",
            "/custody",
        ] {
            assert_eq!(part(other), None, "{other}");
        }
    }

    #[test]
    fn an_entity_tag_is_found_in_a_list() {
        let tag = "\"ab\"";
        assert!(["\"ab\"", "*", "\"x\", W/\"ab\"", " \"ab\" "].iter().all(|list| names(list, tag)));
        assert!(!["", "ab", "\"abc\"", "\"x\",\"y\""].iter().any(|list| names(list, tag)));
    }
}
