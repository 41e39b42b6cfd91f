//! Account: a person who writes here, known by an e-mail address or a phone number.

use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait as _, Func, LikeExpr},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::Fault,
    key::AgencyId,
    listing::{is_e164, is_email, json_list, stored_vocabulary},
    text::Lang,
};

pub mod entity;
pub mod held;

pub use entity::Model;

stored_vocabulary! {
    /// What somebody may do, within listings or agencies.
    Role {
        /// Drafts, claims, and keeps what is theirs.
        Producer = "producer",
        /// An officer: keeps and moderates what their agencies answer for.
        Editor = "editor",
        /// Everything.
        Admin = "admin",
    }
}

json_list! {
    /// Agencies that an editor acts for.
    Agencies of AgencyId
}

/// Where a code is sent: an e-mail address in lower case, or a phone number in E.164.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `name@host`.
    Email(String),
    /// `+62…`.
    Phone(String),
}

impl Address {
    /// The longest, bytes.
    pub const MAX: usize = 254;

    /// The address as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) | Self::Phone(address) => address,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Spaces, dots, hyphens and brackets in a number are not counted, and `08…` is Indonesia's `+628…`,
/// as everybody there writes it.
impl std::str::FromStr for Address {
    type Err = Fault;

    fn from_str(raw: &str) -> Result<Self, Fault> {
        let raw = raw.trim();
        let bad = || {
            Fault::new(
                "bad_format",
                "harus alamat e-mail atau nomor telepon",
                "must be an e-mail address or a phone number",
            )
        };
        if raw.len() > Self::MAX {
            return Err(bad());
        }
        if raw.contains('@') {
            let address = raw.to_lowercase();
            return if is_email(&address) { Ok(Self::Email(address)) } else { Err(bad()) };
        }
        let digits: String = raw.chars().filter(|c| !" .-()".contains(*c)).collect();
        let number = match digits.strip_prefix('0') {
            Some(rest) => format!("+62{rest}"),
            None => digits,
        };
        if is_e164(&number) { Ok(Self::Phone(number)) } else { Err(bad()) }
    }
}

/// The longest name, characters.
pub const NAME_MAX: usize = 120;

impl Model {
    /// Somebody who came in by `address` at `now`.
    pub fn new(id: Uuid, address: Address, lang: Lang, now: DateTime<Utc>) -> Self {
        let nobody = Self {
            id,
            email: None,
            phone: None,
            name: None,
            lang,
            role: Role::Producer,
            agencies: Agencies::default(),
            created_at: now,
            erased_at: None,
            version: 1,
        };
        nobody.reached_at(address)
    }

    /// The same, reached at `address`, too; it takes the place of another of its kind.
    #[must_use]
    pub fn reached_at(self, address: Address) -> Self {
        match address {
            Address::Email(email) => Self { email: Some(email), ..self },
            Address::Phone(phone) => Self { phone: Some(phone), ..self },
        }
    }

    /// The next state.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// Where they are reached: by e-mail, else by phone; nowhere once they were forgotten.
    pub fn address(&self) -> Option<Address> {
        let email = self.email.clone().map(Address::Email);
        email.or_else(|| self.phone.clone().map(Address::Phone))
    }
}

/// Who is reached at `address`.
///
/// # Errors
/// When the database fails.
pub async fn at(db: &impl ConnectionTrait, address: &Address) -> Result<Option<Model>, DbErr> {
    let column = match address {
        Address::Email(_) => entity::Column::Email,
        Address::Phone(_) => entity::Column::Phone,
    };
    entity::Entity::find().filter(column.eq(address.as_str())).one(db).await
}

/// Who has the id `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// Accounts by id, at most `limit`, after the id `after`: all, or those with `sought` in their
/// address or name. Who was forgotten is not among them.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    sought: Option<&str>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    use entity::Column;
    let holds = |sought: &str| {
        let lower = sought.to_lowercase();
        let plain = lower.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = LikeExpr::new(format!("%{plain}%")).escape('\\');
        [Column::Email, Column::Phone, Column::Name]
            .into_iter()
            .fold(Condition::any(), |any, column| {
                any.add(Expr::expr(Func::lower(Expr::col(column))).like(like.clone()))
            })
    };
    let mut find = entity::Entity::find()
        .filter(Column::ErasedAt.is_null())
        .filter(Condition::all().add_option(sought.map(holds)));
    if let Some(after) = after {
        find = find.filter(Column::Id.gt(after));
    }
    find.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// The officers of an agency, and where it is none, the administrators.
///
/// # Errors
/// When the database fails.
pub async fn officers(
    db: &impl ConnectionTrait,
    agency: Option<&AgencyId>,
) -> Result<Vec<Model>, DbErr> {
    use entity::Column;
    let role = if agency.is_some() { Role::Editor } else { Role::Admin };
    let staff = entity::Entity::find()
        .filter(Column::Role.eq(role))
        .filter(Column::ErasedAt.is_null())
        .all(db)
        .await?;
    let of_it = |account: &Model| agency.is_none_or(|agency| account.agencies.contains(agency));
    Ok(staff.into_iter().filter(of_it).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_one_number_however_they_are_written() {
        for raw in ["0812-3456-7890", "+62 812 3456 7890", " 081234567890 "] {
            assert_eq!(raw.parse(), Ok(Address::Phone("+6281234567890".into())), "{raw}");
        }
    }

    #[test]
    fn addresses_are_compared_in_lower_case() {
        assert_eq!("Sri@Example.ID".parse(), Ok(Address::Email("sri@example.id".into())));
    }

    #[test]
    fn what_leads_nowhere_is_no_address() {
        for raw in ["", "sri", "12", "+0123456789", "a@b", "a b@c.id", "a@b.id\r\nbcc: x@y.id"] {
            assert!(raw.parse::<Address>().is_err(), "{raw}");
        }
    }
}
