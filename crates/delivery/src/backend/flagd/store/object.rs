//! An object in a bucket: one step by a put on the condition that nobody wrote in between.
//!
//! Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage. Credentials, regions and endpoints come
//! from the environment, by the names that each provider's own tools use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
//! `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME`, …).

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
    UpdateVersion,
};

use super::journal::{self, Log};
use super::{BackendError, Beside, LARGEST, Make, Store, StoreJournal, bounded, check, too_large, version};
use crate::journal::Record;
use crate::plan::LiveVersion;

/// How long a request and what follows it when it fails may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a request is sent again. A conditional put may be: one that took effect already fails the second time, and the
/// bytes that are there show which it was.
const RETRIES: usize = 4;

/// An object in a bucket.
#[derive(Clone)]
pub(in crate::backend) struct ObjectStore {
    url: String,
    path: Path,
    bucket: Arc<dyn object_store::ObjectStore>,
}

/// Without the client, which holds credentials.
impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStore").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The name under which a write's mark stands beside the object, in a spelling that every provider takes.
const MARK: Attribute = Attribute::Metadata(Cow::Borrowed("trialbook"));

/// What is in the bucket.
struct Found {
    bytes: Vec<u8>,
    tag: UpdateVersion,
    /// The mark of the write that put it there.
    mark: Option<String>,
}

impl ObjectStore {
    /// Names the object of a URL: a scheme, a bucket and a path in it.
    pub(super) fn open(url: &str) -> Result<Self, BackendError> {
        let unknown = || BackendError::Store { store: url.to_owned() };
        let (scheme, place) = url.split_once("://").ok_or_else(unknown)?;
        let (bucket, path) = place.split_once('/').ok_or_else(unknown)?;
        let path = Path::parse(path).map_err(|_| unknown())?;
        // The one that every client of this program uses. Somebody was first where it fails.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let built: Result<Arc<dyn object_store::ObjectStore>, Error> = match scheme {
            "s3" => {
                let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
                builder.build().map(|store| Arc::new(store) as _)
            }
            "gs" => {
                let builder =
                    GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry);
                builder.build().map(|store| Arc::new(store) as _)
            }
            "az" => {
                let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_retry(retry);
                builder.build().map(|store| Arc::new(store) as _)
            }
            _ => return Err(unknown()),
        };
        let bucket = built.map_err(|error| BackendError::Io {
            action: "open",
            place: url.to_owned(),
            cause: io::Error::other(error),
        })?;
        Ok(Self { url: url.to_owned(), path, bucket })
    }

    /// A bucket in this process's memory, which keeps the conditions of a put as a real one does.
    #[cfg(test)]
    pub(in crate::backend) fn in_memory(url: &str) -> Self {
        let path = Path::from(url.rsplit("://").next().unwrap_or(url));
        Self { url: url.to_owned(), path, bucket: Arc::new(object_store::memory::InMemory::new()) }
    }

    fn error(&self, action: &'static str) -> impl Fn(Error) -> BackendError + '_ {
        move |error| BackendError::Io { action, place: self.url.clone(), cause: io::Error::other(error) }
    }

    /// Waits for what a bucket answers.
    fn wait<T>(&self, action: &'static str, answer: impl Future<Output = T>) -> Result<T, BackendError> {
        let io = |cause| BackendError::Io { action, place: self.url.clone(), cause };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        Ok(runtime.block_on(answer))
    }

    fn find(&self) -> Result<Option<Found>, BackendError> {
        let read = self.error("read");
        let answer = self.wait("read", async {
            let answer = self.bucket.get(&self.path).await?;
            let tag =
                UpdateVersion { e_tag: answer.meta.e_tag.clone(), version: answer.meta.version.clone() };
            // The size is what the bucket declares, before any of it is taken.
            if answer.meta.size > LARGEST {
                return Ok(None);
            }
            let mark = answer.attributes.get(&MARK).map(|mark| mark.to_string());
            Ok(Some(Found { bytes: answer.bytes().await?.to_vec(), tag, mark }))
        })?;
        match answer {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => Err(too_large(self.place())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(read(error)),
        }
    }
}

impl Store for ObjectStore {
    fn place(&self) -> String {
        self.url.clone()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.find()?.map(|found| found.bytes))
    }

    fn replace(
        &self,
        expected: &LiveVersion,
        _: &Beside<'_>,
        make: Make<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let found = self.find()?;
        check(expected, found.as_ref().map(|found| found.bytes.as_slice()))?;
        let bytes = found.as_ref().map(|found| found.bytes.as_slice());
        let Some(text) = make(bytes)? else { return Ok(expected.clone()) };
        let text = bounded(text, || self.place())?;
        let mode = found.map_or(PutMode::Create, |found| PutMode::Update(found.tag));
        let payload = PutPayload::from(text.clone());
        let mark = mark();
        let attributes = Attributes::from_iter([(MARK, mark.clone())]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let answer = self.wait("write", self.bucket.put_opts(&self.path, payload, options))?;
        let Err(error) = answer else { return Ok(version(Some(text.as_bytes()))) };
        // The answer may have been lost after the write took effect: the mark that is there decides. The bytes cannot, because
        // somebody else may have written the same.
        let there = self.find()?;
        if there.as_ref().and_then(|there| there.mark.as_ref()) == Some(&mark) {
            return Ok(version(Some(text.as_bytes())));
        }
        check(expected, there.as_ref().map(|there| there.bytes.as_slice()))?;
        Err(self.error("write")(error))
    }

    /// Beside the object: `OBJECT.journal`, and an object for each record under `OBJECT.audit/`.
    fn journal(&self) -> Option<StoreJournal> {
        let beside = |ending: &str| Self {
            url: format!("{}{ending}", self.url),
            path: Path::from(format!("{}{ending}", self.path)),
            bucket: Arc::clone(&self.bucket),
        };
        Some(StoreJournal::new(beside(".journal"), beside(".audit")))
    }
}

/// An object for each record, which is written once: a bucket's policy may forbid everybody to replace or remove it.
impl Log for ObjectStore {
    fn append(&self, record: &Record) -> Result<(), BackendError> {
        let apply = &record.apply;
        let second = apply.at.strftime("%Y-%m-%dT%H-%M-%SZ");
        let path = self.path.clone().join(format!("{second}-{}.json", apply.id.short()));
        let payload = PutPayload::from(journal::line(record));
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.wait("write", self.bucket.put_opts(&path, payload, options))? {
            Ok(_) | Err(Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(self.error("write")(error)),
        }
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        let found = self.wait("read", async {
            let listed = self.bucket.list_with_delimiter(Some(&self.path)).await?;
            let mut names: Vec<Path> = listed.objects.into_iter().map(|object| object.location).collect();
            names.sort();
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                found.push((name.to_string(), self.bucket.get(&name).await?.bytes().await?));
            }
            Ok::<_, Error>(found)
        })?;
        let found = found.map_err(self.error("read"))?;
        found.iter().map(|(name, bytes)| journal::record(name, bytes)).collect()
    }
}

/// Returns a text that no other write has.
fn mark() -> String {
    // A hash of nothing, under keys that begin at random in each thread and differ each time.
    let drawn = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}{:08x}", drawn(), drawn(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Flagd;

    #[test]
    fn of_two_that_write_the_same_bytes_at_once_one_has_written() {
        let store = ObjectStore::in_memory("s3://flags/production.json");
        let put = || {
            store.replace(&LiveVersion::Absent, &Beside::default(), &mut |_| Ok(Some("the same".to_owned())))
        };
        let second = store.replace(&LiveVersion::Absent, &Beside::default(), &mut |_| {
            put().expect("the first write");
            Ok(Some("the same".to_owned()))
        });
        assert!(matches!(second, Err(BackendError::Conflict { .. })), "{second:?}");
    }

    #[test]
    fn what_is_shown_of_a_bucket_to_a_programmer_holds_no_secret() {
        let client = AmazonS3Builder::new()
            .with_bucket_name("flags")
            .with_access_key_id("ci")
            .with_secret_access_key("planted-secret")
            .with_token("planted-token");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = Arc::new(client.build().expect("a client"));
        let url = "s3://flags/production.json";
        let store = ObjectStore { url: url.into(), path: Path::from("production.json"), bucket };
        let shown = format!("{:#?}", Flagd::with_store("shop", url, Box::new(store)));
        assert!(shown.contains(url) && !shown.contains("planted"), "{shown}");
    }
}
