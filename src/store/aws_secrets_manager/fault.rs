//! What the SDK's errors mean, in words of our own: its texts may repeat what was sent.

use aws_sdk_secretsmanager::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::store::{StoreFault, WriteFault};

/// There is no such secret, or no version with that label.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

pub(super) fn of_reading<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> StoreFault {
    let reason = reason(error);
    match error {
        SdkError::ServiceError(_) if is_definite(error) && !is_throttled(error) => StoreFault::Refused(reason),
        // Without credentials, a region or a request that can be built no waiting helps.
        SdkError::ConstructionFailure(_) => StoreFault::Refused(reason),
        SdkError::DispatchFailure(failure) if !failure.is_io() && !failure.is_timeout() => StoreFault::Refused(reason),
        _ => StoreFault::Unavailable(reason),
    }
}

pub(super) fn of_writing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> WriteFault {
    let reason = reason(error);
    match error {
        SdkError::ServiceError(_) if is_definite(error) => WriteFault::Refused(reason),
        SdkError::ConstructionFailure(_) => WriteFault::Refused(reason),
        _ => WriteFault::Unknown(reason),
    }
}

/// The service itself said no; a 5xx says nothing about what was done.
fn is_definite<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error).is_some_and(|status| (400..500).contains(&status) && status != 408)
}

fn is_throttled<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error.code(), Some("ThrottlingException" | "Throttling" | "TooManyRequestsException"))
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn reason<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let known = match error.code() {
        Some("ResourceNotFoundException") => "Secrets Manager knows no such secret",
        Some("AccessDeniedException" | "AccessDenied") => {
            "Secrets Manager refuses: the credentials have no right to this secret"
        }
        Some(
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature",
        ) => "Secrets Manager refuses the credentials: they are unknown or have expired",
        Some("DecryptionFailure" | "EncryptionFailure" | "KMSAccessDeniedException") => {
            "Secrets Manager cannot use the secret's KMS key"
        }
        Some("InvalidRequestException") => {
            "Secrets Manager refuses: the secret is marked for deletion or in use by another service"
        }
        Some("ResourceExistsException") => "Secrets Manager knows this write with another value",
        Some("InvalidParameterException") => {
            "Secrets Manager refuses: the current version is another one, or the name is none"
        }
        Some("ThrottlingException" | "Throttling" | "TooManyRequestsException") => {
            "Secrets Manager asks to be asked less often"
        }
        _ => "",
    };
    match (known, status(error), error) {
        ("", Some(status), _) => format!("Secrets Manager answers with {status}"),
        ("", None, SdkError::ConstructionFailure(_)) => "the request to Secrets Manager cannot be built".to_owned(),
        ("", None, SdkError::TimeoutError(_)) => "no answer came in time from Secrets Manager".to_owned(),
        ("", None, SdkError::DispatchFailure(failure)) if !failure.is_io() && !failure.is_timeout() => {
            "the request to Secrets Manager cannot be sent: no credentials of AWS are found, or no region".to_owned()
        }
        ("", None, _) => "Secrets Manager cannot be reached".to_owned(),
        (known, ..) => known.to_owned(),
    }
}
