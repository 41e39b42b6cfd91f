//! Reference: everything that listings refer to, held together in memory.
//!
//! Areas, categories, agencies and holidays are few and change seldom; checks, the index and the
//! views ask one immutable `Reference` instead of the database.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

use crate::{
    agency,
    area::{self, Area, Found},
    category, holiday,
    hours::Holidays,
    key::{AgencyId, AreaCode, CategoryCode},
    position::Position,
    text::Lang,
};

/// The areas, categories, agencies and holidays that exist.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    areas: BTreeMap<AreaCode, Area>,
    categories: BTreeMap<CategoryCode, category::Model>,
    agencies: BTreeMap<AgencyId, agency::Model>,
    holidays: Vec<holiday::Model>,
    national: Holidays,
}

impl Reference {
    /// All that the database holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let mut reference = Self::default();
        for row in area::entity::Entity::find().all(db).await? {
            reference.add_area(row);
        }
        for row in category::entity::Entity::find().all(db).await? {
            reference.add_category(row);
        }
        for row in agency::entity::Entity::find().all(db).await? {
            reference.add_agency(row);
        }
        reference.set_holidays(holiday::entity::Entity::find().all(db).await?);
        Ok(reference)
    }

    /// Adds or replaces an area.
    pub fn add_area(&mut self, row: area::Model) {
        self.areas.insert(row.code.clone(), Area::new(row));
    }

    /// Adds or replaces a category.
    pub fn add_category(&mut self, row: category::Model) {
        self.categories.insert(row.code.clone(), row);
    }

    /// Adds or replaces an agency.
    pub fn add_agency(&mut self, row: agency::Model) {
        self.agencies.insert(row.id.clone(), row);
    }

    /// Replaces the holidays.
    pub fn set_holidays(&mut self, rows: Vec<holiday::Model>) {
        self.national = rows
            .iter()
            .filter(|row| row.kind == holiday::Kind::National)
            .map(|row| row.date)
            .collect();
        self.holidays = rows;
        self.holidays.sort_by_key(|row| (row.date, row.kind != holiday::Kind::National));
    }

    /// The area of that code.
    pub fn area(&self, code: &AreaCode) -> Option<&Area> {
        self.areas.get(code)
    }

    /// All areas, by code: the outer before the inner.
    pub fn areas(&self) -> impl Iterator<Item = &Area> + Clone {
        self.areas.values()
    }

    /// The category of that code.
    pub fn category(&self, code: &CategoryCode) -> Option<&category::Model> {
        self.categories.get(code)
    }

    /// All categories, by code: the parent before its children.
    pub fn categories(&self) -> impl Iterator<Item = &category::Model> {
        self.categories.values()
    }

    /// The agency of that id.
    pub fn agency(&self, id: &AgencyId) -> Option<&agency::Model> {
        self.agencies.get(id)
    }

    /// All agencies, by id.
    pub fn agencies(&self) -> impl Iterator<Item = &agency::Model> {
        self.agencies.values()
    }

    /// The national public holidays, as opening hours ask for them.
    pub fn national_holidays(&self) -> &Holidays {
        &self.national
    }

    /// The free days that are known, by date: national before joint leave.
    pub fn holidays(&self) -> &[holiday::Model] {
        &self.holidays
    }

    /// The free days of one date: national before joint leave.
    pub fn holidays_on(&self, date: chrono::NaiveDate) -> impl Iterator<Item = &holiday::Model> {
        let from = self.holidays.partition_point(|row| row.date < date);
        self.holidays[from..].iter().take_while(move |row| row.date == date)
    }

    /// The smallest area that answers for `at`; see [`area::locate`].
    pub fn locate(&self, at: Position) -> Option<Found> {
        area::locate(self.areas(), at)
    }

    /// An area's name with that of the kapanewon around it: `Parangtritis, Kretek`.
    pub fn area_name(&self, code: &AreaCode, lang: Lang) -> String {
        let name = |code: &str| {
            let area = self.areas.get(&code.parse::<AreaCode>().ok()?)?;
            Some(area.row.name.get(lang).1.to_owned())
        };
        let own = name(code.as_str()).unwrap_or_else(|| code.to_string());
        match code.lineage().nth(1).filter(|_| area::Level::of(code) == area::Level::Kalurahan) {
            Some(outer) => match name(outer) {
                Some(outer) => format!("{own}, {outer}"),
                None => own,
            },
            None => own,
        }
    }
}
