//! The body of an answer, piece by piece as it comes.

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use kube::client::Body;

use super::failure::Failure;

/// The body.
pub(super) struct Answer {
    body: Body,
}

impl Answer {
    pub(super) fn new(body: Body) -> Answer {
        Answer { body }
    }

    /// The next piece; nothing at the end. A body that is cut ends with an error.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure::connection(&error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// What came up to `limit` bytes, if it came.
    pub(super) async fn beginning(&mut self, limit: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while let Ok(Some(piece)) = self.piece().await {
            text.extend_from_slice(&piece);
            if text.len() >= limit {
                text.truncate(limit);
                break;
            }
        }
        text
    }

    /// All of it.
    pub(super) async fn all(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            text.extend_from_slice(&piece);
            if text.len() > limit {
                return Err(Failure::Malformed(format!("more than {limit} bytes")));
            }
        }
        Ok(text)
    }
}
