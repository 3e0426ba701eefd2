use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderMap;
use contract::{Problem, ProblemCode};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A whole response.
#[derive(Debug)]
pub struct Answer<Res> {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    types: PhantomData<fn() -> Res>,
}

impl<Res> Answer<Res> {
    pub async fn of(response: ServiceResponse) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body()).await.unwrap().to_vec();
        Answer { status, headers, body, types: PhantomData }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a cookie that this response sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").map(|v| v.to_str().unwrap());
        cookies
            .filter_map(|c| c.split(';').next()?.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.into())
    }

    /// The problem, after checking that it is told in the one form that all problems have.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{} {}", self.status, self.text());
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert_eq!(problem.status, problem.code.status());
        assert_eq!(problem.title, problem.code.title());
        assert!(!problem.detail.is_empty());
        problem
    }

    #[track_caller]
    pub fn refused(&self, code: ProblemCode) -> Problem {
        let problem = self.problem();
        assert_eq!(problem.code, code, "{}", self.text());
        problem
    }

    /// 422, or another problem about fields: the fields it names.
    #[track_caller]
    pub fn fields(&self) -> Vec<String> {
        self.problem().errors.into_iter().map(|e| e.field).collect()
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl<Res: DeserializeOwned> Answer<Res> {
    /// The body, read as what the row promises.
    #[track_caller]
    pub fn ok(&self) -> Res {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}
