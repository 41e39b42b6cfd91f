//! A worker: somebody who writes one thing after the other, and knows what must be there.
//!
//! Everything that one write says carries the same mark, in rows of several tables. So what is stored
//! is of one write, whole, or it is broken. When no answer came, the write may be done or not: then it
//! is sent again under the same `Idempotency-Key`, or looked at, and must be one of the two.

use std::{collections::BTreeMap, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::town::{Random, Said, Town};

/// A listing as it must be.
#[derive(Debug, Clone)]
pub struct Held {
    pub kind: &'static str,
    pub slug: String,
    pub id: String,
    pub version: i64,
    pub mark: u64,
    pub public: bool,
    /// Products by slug: version and mark.
    pub products: BTreeMap<String, (i64, u64)>,
}

pub struct Worker {
    town: Arc<Town>,
    maker: String,
    pub random: Random,
    pub held: Vec<Held>,
    /// Which of them changed since somebody looked.
    pub touched: Vec<usize>,
    made: u32,
    name: usize,
}

/// A request, and what must be there once it is done.
#[derive(Debug, Clone)]
struct Attempt {
    method: Method,
    path: String,
    token: String,
    condition: Option<String>,
    body: Value,
    at: Option<usize>,
    after: Held,
}

/// What a listing says that was written with `mark`.
fn marked(kind: &str, mark: u64) -> Value {
    let number = mark % 700 + 1;
    let own = if kind == "places" { "duration_min" } else { "lead_time_days" };
    json!({"name": {"id": format!("Nama {mark}")}, "summary": {"id": format!("Ringkasan {mark}")},
           "tags": [format!("m{mark}")], own: number})
}

/// The version of a listing and the mark of all of it; none where it is of two writes.
fn whole(kind: &str, said: &Value) -> Option<(i64, u64)> {
    let mark = said["tags"][0].as_str()?.strip_prefix('m')?.parse().ok()?;
    let wanted = marked(kind, mark);
    let same = wanted.as_object()?.iter().all(|(name, value)| said[name] == *value);
    same.then_some((said["version"].as_i64()?, mark))
}

fn product(mark: u64) -> Value {
    json!({"name": {"id": format!("Kain {mark}")}, "price": {"amount": mark, "currency": "IDR"}})
}

impl Worker {
    pub fn new(town: Arc<Town>, name: usize, maker: String) -> Self {
        let random = Random(town.seed ^ (name as u64) << 32);
        Self { town, maker, random, held: Vec::new(), touched: Vec::new(), made: 0, name }
    }

    /// Writes one thing.
    pub async fn write(&mut self) {
        let attempt = self.think();
        let key = Uuid::new_v4().to_string();
        loop {
            let mut headers = vec![("idempotency-key", key.clone())];
            headers.extend(attempt.condition.clone().map(|tag| ("if-match", tag)));
            let Attempt { method, path, token, body, .. } = &attempt;
            match self.town.say(method.clone(), path, token, &headers, body).await {
                Said::Done(said) => {
                    self.town.acknowledged(attempt.after.version, &said);
                    return self.hold(attempt, &said);
                }
                Said::Refused(status, text) => {
                    self.town.fault(format!("{method} {path}: {status} {text}"));
                    return;
                }
                Said::Nothing => {
                    self.town.is_up().await;
                    if self.town.is_alone && self.random.below(2) == 0 && self.look(&attempt).await
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Decides what to write next.
    fn think(&mut self) -> Attempt {
        let mark = self.random.next() % 1_000_000_000;
        if self.held.is_empty() || self.random.below(4) == 0 {
            return self.create(mark);
        }
        let at = self.random.below(self.held.len());
        let held = self.held[at].clone();
        let path = format!("/v1/{}/{}", held.kind, held.slug);
        let after = Held { version: held.version + 1, mark, ..held.clone() };
        let admin = self.town.admin.clone();
        if !held.public {
            return match self.random.below(3) {
                0 => Attempt {
                    method: Method::POST,
                    path: format!("/v1/listings/{}/publish", held.slug),
                    token: admin,
                    condition: None,
                    body: json!({}),
                    at: Some(at),
                    after: Held { mark: held.mark, public: true, ..after },
                },
                _ => Self::patch(at, &held, path, self.maker.clone(), after),
            };
        }
        if held.kind == "producers" && self.random.below(2) == 0 {
            return self.offer(at, &held, &path, mark);
        }
        Self::patch(at, &held, path, admin, after)
    }

    fn create(&mut self, mark: u64) -> Attempt {
        self.made += 1;
        let kind = if self.random.below(2) == 0 { "places" } else { "producers" };
        let slug = format!("p{}-{}", self.name, self.made);
        let mut body = marked(kind, mark);
        let common = json!({"slug": slug, "location": {"lat": -7.92, "lon": 110.39},
            "category": if kind == "places" { "nature.beach" } else { "craft.batik" },
            "contacts": [{"type": "email", "value": "a@contoh.example", "public": true}],
            "hours": "Mo-Su 08:00-17:00",
            "media": [{"src": "https://contoh.example/a.jpg", "width": 1, "height": 1,
                       "alt": {"id": "Kain"}, "credit": "Sri", "licence": "CC0-1.0"}]});
        body.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
        if kind == "producers" {
            let own = json!({"form": "maker", "craft": "batik", "visit": "none"});
            body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        }
        let after = Held {
            kind,
            slug,
            id: String::new(),
            version: 1,
            mark,
            public: false,
            products: BTreeMap::new(),
        };
        Attempt {
            method: Method::POST,
            path: format!("/v1/{kind}"),
            token: self.maker.clone(),
            condition: None,
            body,
            at: None,
            after,
        }
    }

    fn patch(at: usize, held: &Held, path: String, token: String, after: Held) -> Attempt {
        let condition = Some(format!("\"{}\"", held.version));
        let body = marked(held.kind, after.mark);
        Attempt { method: Method::PATCH, path, token, condition, body, at: Some(at), after }
    }

    /// A product of a producer that is public: a new one, or the first one otherwise.
    fn offer(&mut self, at: usize, held: &Held, path: &str, mark: u64) -> Attempt {
        let mut after = Held { version: held.version + 1, ..held.clone() };
        let mut body = product(mark);
        let token = self.town.admin.clone();
        if let Some((slug, (version, _))) = held.products.first_key_value() {
            after.products.insert(slug.clone(), (version + 1, mark));
            let path = format!("{path}/products/{slug}");
            let condition = Some(format!("\"{version}\""));
            return Attempt {
                method: Method::PATCH,
                path,
                token,
                condition,
                body,
                at: Some(at),
                after,
            };
        }
        body["status"] = json!("active");
        body["slug"] = json!("kain");
        after.products.insert("kain".to_owned(), (1, mark));
        let path = format!("{path}/products");
        Attempt { method: Method::POST, path, token, condition: None, body, at: Some(at), after }
    }

    /// Holds from now on what `attempt` led to.
    fn hold(&mut self, attempt: Attempt, said: &Value) {
        let mut after = attempt.after;
        let at = attempt.at.unwrap_or_else(|| {
            said["id"].as_str().unwrap_or_default().clone_into(&mut after.id);
            self.held.push(after.clone());
            self.held.len() - 1
        });
        self.held[at] = after;
        self.touched.push(at);
    }

    /// Looks whether a write that nobody answered is done; whether that is known now. It is wholly
    /// there, or not at all.
    async fn look(&mut self, attempt: &Attempt) -> bool {
        let after = &attempt.after;
        let path = format!("/v1/listings/{}", after.slug);
        let found = self.town.say(Method::GET, &path, &self.town.admin, &[], &Value::Null).await;
        let before = attempt.at.map(|at| self.held[at].clone());
        match (found, before) {
            (Said::Done(said), before) => match (whole(after.kind, &said), before) {
                (Some(state), _) if state == (after.version, after.mark) => {
                    self.hold(attempt.clone(), &said);
                    true
                }
                (Some(state), Some(before)) if state == (before.version, before.mark) => true,
                _ => {
                    self.town.fault(format!("{path} is neither as before nor as after: {said}"));
                    true
                }
            },
            // A listing that was to be made, and was not.
            (Said::Refused(404, _), None) => true,
            (Said::Refused(status, text), _) => {
                self.town.fault(format!("GET {path}: {status} {text}"));
                true
            }
            (Said::Nothing, _) => false,
        }
    }

    /// Looks at what was touched, or at everything: how many acknowledged writes are not there.
    pub async fn lost(&mut self, everything: bool) -> i64 {
        let mut touched = std::mem::take(&mut self.touched);
        if everything {
            touched = (0..self.held.len()).collect();
        }
        touched.sort_unstable();
        touched.dedup();
        let mut lost = 0;
        for at in touched {
            lost += self.lost_of(&self.held[at]).await;
        }
        lost
    }

    async fn lost_of(&self, held: &Held) -> i64 {
        let path = format!("/v1/listings/{}", held.slug);
        let said =
            match self.town.say(Method::GET, &path, &self.town.admin, &[], &Value::Null).await {
                Said::Done(said) => said,
                Said::Refused(..) | Said::Nothing => Value::Null,
            };
        let found = whole(held.kind, &said).unwrap_or_default();
        let public = said["status"] == "published";
        if found != (held.version, held.mark) || public != held.public {
            self.town.fault(format!("{held:?} is not there, but {said}"));
            return (held.version - found.0).max(1);
        }
        if held.products.is_empty() {
            return 0;
        }
        let path = format!("/v1/{}/{}/products", held.kind, held.slug);
        let said = self.town.say(Method::GET, &path, "", &[], &Value::Null).await;
        let Said::Done(said) = said else { return 1 };
        let items = said["items"].as_array().cloned().unwrap_or_default();
        let is_there = |(slug, (_, mark)): (&String, &(i64, u64))| {
            let name = format!("Kain {mark}");
            items.iter().any(|item| {
                item["slug"] == **slug && item["name"] == *name && item["price"]["amount"] == *mark
            })
        };
        let missing = held.products.iter().filter(|one| !is_there(*one)).count();
        if missing > 0 {
            self.town.fault(format!("products of {held:?} are {said}"));
        }
        i64::try_from(missing).unwrap()
    }
}
