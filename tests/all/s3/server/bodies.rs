//! What requests carry, read and compared with what they say of it.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use s3s::dto::{Metadata, StreamingBlob};
use s3s::{S3Result, s3_error};

pub fn etag_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

pub async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut bytes = BytesMut::new();
    let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
    while let Some(more) = body.next().await {
        bytes.extend_from_slice(&more.map_err(|_| s3_error!(IncompleteBody))?);
    }
    Ok(bytes.freeze())
}

pub fn check_crc(bytes: &[u8], given: Option<&String>) -> S3Result<()> {
    let crc = crc32fast::hash(bytes).to_be_bytes();
    match given {
        Some(given) if *given != aws_smithy_types::base64::encode(crc) => Err(s3_error!(BadDigest)),
        _ => Ok(()),
    }
}

pub fn check_metadata(metadata: Option<&Metadata>) -> S3Result<()> {
    let size: usize = metadata.into_iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
    if size > 2048 { Err(s3_error!(MetadataTooLarge)) } else { Ok(()) }
}
