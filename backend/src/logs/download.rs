//! An archive as a response: ranges, entity tags, and a name that says which pass it is of.

use super::service::Archive;
use crate::http::ApiError;
use actix_files::NamedFile;
use actix_web::body::BoxBody;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, Responder};

pub struct Download(NamedFile);

impl Download {
    pub async fn open(archive: Archive) -> Result<Self, ApiError> {
        let path = archive.path;
        let opened = tokio::task::spawn_blocking(move || NamedFile::open(path)).await;
        let file = opened.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
        let disposition = ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(archive.file_name)],
        };
        let file = file
            .set_content_disposition(disposition)
            .set_content_type(mime_guess::mime::APPLICATION_OCTET_STREAM)
            .use_etag(true)
            .use_last_modified(true);
        Ok(Download(file))
    }
}

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.0.into_response(request)
    }
}
