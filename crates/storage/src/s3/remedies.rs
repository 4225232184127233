//! What a person can do about a refusal, by the status of the answer.

const TOO_LARGE: &str = "the server, or a proxy before it, takes no request of this size; raise its limit to 16 MiB at the \
                         least (nginx: `client_max_body_size`)";

/// The remedy for an answer that waiting does not change; `None` where nothing general can be said.
pub(super) fn remedy(status: u16, code: &str) -> Option<&'static str> {
    Some(match (code, status) {
        ("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
            "name the region of the bucket with `region` or AWS_REGION"
        }
        ("RequestTimeTooSkewed", _) => "set the clock of this machine",
        ("SignatureDoesNotMatch", _) => {
            "correct AWS_SECRET_ACCESS_KEY; a proxy that changes requests has the same effect"
        }
        ("InvalidObjectState", _) => "the object is archived; restore it first, or move it to a class that can be read",
        (code, _) if code.starts_with("KMS") => {
            "the key that the bucket encrypts with cannot be used; enable it, and let these credentials use it"
        }
        ("EntityTooLarge", _) => TOO_LARGE,
        ("MetadataTooLarge", _) => "the server takes too little metadata for the stamp of this output; use another one",
        ("", 400) => {
            "the server gives no reason: the credentials may have expired, or `endpoint` or `region` is another's; look what \
             `euterpe verify` says"
        }
        (_, 400) => {
            "the server does not take the request as it is sent; look whether `endpoint` and `region` are right and what \
             `euterpe verify` says of the bucket"
        }
        (_, 401 | 403) => {
            "these credentials lack the right, or the bucket's policy forbids it; docs/s3.md lists the rights that are needed"
        }
        (_, 405) => {
            "there is no S3 behind this `endpoint`, or the bucket may only be read; name the server's address for S3"
        }
        (_, 409) => {
            "something in the bucket stands against it, such as another operation, a lock or a retention rule; end that"
        }
        (_, 411) => {
            "a proxy on the way takes the length out of the request; let it pass requests on as they come, without buffering \
             them in pieces"
        }
        (_, 413) => TOO_LARGE,
        (_, 402) => "the account of the bucket is not paid for, or over its quota",
        (_, 410) => {
            "what answers says that the bucket is gone for good; look whether `endpoint` and the bucket's name are right"
        }
        (_, 451) => "the server withholds this for legal reasons; ask who runs it, and leave the object out",
        (_, 501) => "the server does not have what this request needs; `euterpe verify` shows what it has",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_that_waiting_does_not_change_has_a_sentence_of_its_own() {
        let statuses = [400, 403, 405, 409, 411, 413, 501];
        let mut sentences: Vec<_> =
            statuses.into_iter().map(|status| remedy(status, "").expect("a sentence")).collect();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), statuses.len());
        assert_eq!(remedy(503, "SlowDown"), None, "that passes");
    }

    #[test]
    fn a_code_says_more_than_its_status() {
        let says = |status, code, word| remedy(status, code).is_some_and(|remedy| remedy.contains(word));
        assert!(says(403, "InvalidObjectState", "archived"), "the rights are not what lacks");
        assert!(says(400, "KMS.DisabledException", "enable it") && says(400, "EntityTooLarge", "takes no request"));
        assert!(says(451, "", "legal") && says(402, "", "quota") && says(410, "", "gone for good"));
    }
}
