//! Talks to the running node over its officers' socket. Knows paths and JSON, no acts.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::cli::show::Form;
use crate::daemon::api::{OFFICER_HEADER, percent_encoded};
use crate::daemon::home::Home;
use crate::model::limits::PART_BYTES;

const LOST: &str = "the node went away before it answered; see its log, start it, ask again";
const LOST_IN_AN_ACT: &str =
    "the node went away before it answered: the act may or may not have been done; start it, look at the list";

type Body = Either<Full<Bytes>, Channel<Bytes, std::io::Error>>;

/// Where the node is and who acts.
#[derive(Debug, Clone, clap::Args)]
pub struct Where {
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// The officer who acts; may be left out if only one works under this Unix user
    #[arg(long = "as", env = "ROGATORY_OFFICER", value_name = "NAME")]
    pub officer: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

impl Where {
    /// For whom the answer is written.
    pub fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}

/// A client of one node.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    officer: Option<String>,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// A client for the node of that data directory, whether it runs or not.
    ///
    /// # Errors
    /// When this process cannot start a runtime.
    pub fn new(place: &Where) -> anyhow::Result<Self> {
        Ok(Self {
            socket: Home::at(&place.data).socket(),
            officer: place.officer.clone(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// Whether a node answers on the socket.
    pub fn node_runs(&self) -> bool {
        node_runs(&self.socket)
    }

    /// Reads.
    ///
    /// # Errors
    /// What the node says, or why it cannot be reached.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.json(Method::GET, path, Bytes::new())
    }

    /// Acts.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.json(Method::POST, path, serde_json::to_vec(body)?.into())
    }

    /// Ends something.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.json(Method::DELETE, path, Bytes::new())
    }

    /// Reads plain text.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn text(&self, path: &str) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            let answer = self.call(Method::GET, path, Either::Left(Full::default())).await?;
            Ok(String::from_utf8(checked(answer).await?.collect().await?.to_bytes().to_vec())?)
        })
    }

    /// Streams a file in.
    ///
    /// # Errors
    /// As [`Client::get`], or when the file cannot be read.
    pub fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        mut content: impl Read + Send + 'static,
    ) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            let (mut sender, body) = Channel::new(4);
            let (give, mut take) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
            tokio::task::spawn_blocking(move || {
                loop {
                    let mut block = vec![0; PART_BYTES];
                    let read = content.read(&mut block);
                    let block = read.map(|read| {
                        block.truncate(read);
                        Bytes::from(block)
                    });
                    let last = !matches!(&block, Ok(bytes) if !bytes.is_empty());
                    if give.blocking_send(block).is_err() || last {
                        return;
                    }
                }
            });
            let feeding = tokio::spawn(async move {
                while let Some(block) = take.recv().await {
                    match block {
                        Ok(bytes) if bytes.is_empty() => return Ok(()),
                        Ok(bytes) => {
                            if sender.send_data(bytes).await.is_err() {
                                return Ok(());
                            }
                        }
                        Err(error) => {
                            let kind = error.kind();
                            sender.abort(error);
                            return Err(kind);
                        }
                    }
                }
                Ok(())
            });
            let answer = self.call(Method::PUT, path, Either::Right(body)).await;
            if let Ok(Err(kind)) = feeding.await {
                bail!("the file could not be read to its end: {kind}");
            }
            Ok(serde_json::from_slice(&checked(answer?).await?.collect().await?.to_bytes())?)
        })
    }

    /// Streams a file out.
    ///
    /// # Errors
    /// As [`Client::get`]; also when the node breaks off because the file is not what was sealed.
    pub fn download(&self, path: &str, out: &mut dyn Write) -> anyhow::Result<u64> {
        self.runtime.block_on(async {
            let answer = self.call(Method::GET, path, Either::Left(Full::default())).await?;
            let mut body = checked(answer).await?;
            let mut written = 0_u64;
            while let Some(frame) = body.frame().await {
                let frame = frame.context("the node broke off; see its log for the reason")?;
                if let Ok(bytes) = frame.into_data() {
                    out.write_all(&bytes)?;
                    written += u64::try_from(bytes.len())?;
                }
            }
            Ok(written)
        })
    }

    fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            let lost = if method == Method::GET { LOST } else { LOST_IN_AN_ACT };
            let answer = self.call(method, path, Either::Left(Full::new(body))).await?;
            Ok(serde_json::from_slice(&checked(answer).await?.collect().await.context(lost)?.to_bytes())?)
        })
    }

    async fn call(&self, method: Method, path: &str, body: Body) -> anyhow::Result<Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket).await.with_context(|| {
            format!(
                "no node answers on {}; start it with `rogatory serve --data {}`",
                self.socket.display(),
                self.socket.parent().unwrap_or(Path::new(".")).display()
            )
        })?;
        let lost = if method == Method::GET { LOST } else { LOST_IN_AN_ACT };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "node");
        request = request.header("content-type", "application/json");
        if let Some(officer) = &self.officer {
            request = request.header(OFFICER_HEADER, percent_encoded(officer));
        }
        sender.send_request(request.body(body)?).await.context(lost)
    }
}

/// Whether a node answers on that socket.
pub fn node_runs(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

async fn checked(answer: Response<Incoming>) -> anyhow::Result<Incoming> {
    if answer.status().is_success() {
        return Ok(answer.into_body());
    }
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    match serde_json::from_slice::<Value>(&bytes).ok().as_ref().and_then(|value| value.get("error")?.as_str()) {
        Some(error) => bail!("{error}"),
        None => bail!("the node answered {status}: {}", String::from_utf8_lossy(&bytes)),
    }
}
