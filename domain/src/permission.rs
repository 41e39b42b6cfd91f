//! Permission: who may do what to a listing in which state. All of it is in one table.
//!
//! An account stands in a relation to a listing ([`Standing`]), and may be in several at once: an
//! officer may keep a listing, too. What any of them allows is allowed.

use crate::{
    account::{self, Role},
    api_key::{self, Scope},
    external,
    key::{AgencyId, System},
    listing::Status,
    maintainer,
};

/// Declares operations with their names.
macro_rules! operations {
    ($($(#[$doc:meta])* $item:ident = $text:literal),+ $(,)?) => {
        /// What somebody wants to do to a listing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $item),+
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// Its name, in paths and in the record.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text),+
                }
            }
        }
    };
}

operations! {
    /// Read it as a whole, with what is private in it.
    See = "see",
    /// Read who did what and why, and what it was before.
    SeeRecord = "see_record",
    /// Change it, its products included.
    Edit = "edit",
    /// Set what only an office can vouch for.
    Vouch = "vouch",
    /// Hand it in.
    Submit = "submit",
    /// Take it back.
    Withdraw = "withdraw",
    /// Make it public.
    Publish = "publish",
    /// Send back what was handed in.
    Refuse = "refuse",
    /// Take it out of sight for a time.
    Suspend = "suspend",
    /// End it.
    Archive = "archive",
    /// Bring it back.
    Restore = "restore",
    /// Make it one with another that stays.
    Merge = "merge",
    /// Decide on a change that somebody proposed.
    Decide = "decide",
    /// Ask to keep it.
    Claim = "claim",
    /// Read what somebody claims, and why.
    SeeClaim = "see_claim",
    /// Decide who keeps it.
    Entrust = "entrust",
    /// Take back a proposal or a claim.
    TakeBack = "take_back",
}

/// How an account stands to a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Anybody who has signed in.
    Anybody,
    /// Who made the proposal or the claim that it is about.
    Author,
    /// Who keeps it.
    Keeper,
    /// Who keeps it, and is trusted by its agency.
    Trusted,
    /// Who keeps it, and comes with a key that an administrator lets publish.
    Publisher,
    /// An officer of the agency that answers for it.
    Officer,
    /// An administrator.
    Admin,
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Not in this state, or never.
    No,
    /// It becomes a proposal that waits for an officer.
    AsProposal,
    /// The members that the agency trusts keepers with; all else becomes a proposal.
    WithinTrust,
    /// It is done.
    Yes,
}

use Operation::{
    Archive, Claim, Decide, Edit, Entrust, Merge, Publish, Refuse, Restore, See, SeeClaim,
    SeeRecord, Submit, Suspend, TakeBack, Vouch, Withdraw,
};
use Standing::{Admin, Anybody, Author, Keeper, Officer, Publisher, Trusted};
use Status::{Archived, Draft, InReview, Published, Suspended};

/// Every state.
const ANY: &[Status] = &Status::ALL;
/// States in which a listing can still be worked on.
const ALIVE: &[Status] = &[Draft, InReview, Published, Suspended];
/// Those of them that the public does not see.
const HIDDEN: &[Status] = &[Draft, InReview, Suspended];

/// The table: an operation, who, in which states, and what comes of it. What is not in it is not
/// allowed.
const TABLE: &[(Operation, &[Standing], &[Status], Verdict)] = &[
    (See, &[Keeper, Officer, Admin], ANY, Verdict::Yes),
    (SeeRecord, &[Officer, Admin], ANY, Verdict::Yes),
    (Edit, &[Keeper], HIDDEN, Verdict::Yes),
    (Edit, &[Keeper], &[Published], Verdict::AsProposal),
    (Edit, &[Trusted], &[Published], Verdict::WithinTrust),
    (Edit, &[Publisher], &[Published], Verdict::Yes),
    (Edit, &[Officer, Admin], ALIVE, Verdict::Yes),
    (Vouch, &[Officer, Admin], ALIVE, Verdict::Yes),
    (Submit, &[Keeper, Officer, Admin], &[Draft], Verdict::Yes),
    // An officer sends it back with a reason.
    (Withdraw, &[Keeper], &[InReview], Verdict::Yes),
    (Publish, &[Publisher, Officer, Admin], &[Draft, InReview], Verdict::Yes),
    (Refuse, &[Officer, Admin], &[InReview], Verdict::Yes),
    (Suspend, &[Officer, Admin], &[Published], Verdict::Yes),
    // Whose name and number it is may take it away (Law 27/2022).
    (Archive, &[Keeper, Officer, Admin], &[Draft, Published, Suspended], Verdict::Yes),
    (Restore, &[Keeper], &[Archived], Verdict::Yes),
    (Restore, &[Officer, Admin], &[Suspended, Archived], Verdict::Yes),
    (Merge, &[Officer, Admin], &[Draft, Published, Suspended], Verdict::Yes),
    (Decide, &[Officer, Admin], &[Published, Suspended], Verdict::Yes),
    (Claim, &[Anybody], &[Published], Verdict::Yes),
    (SeeClaim, &[Author, Officer, Admin], ANY, Verdict::Yes),
    (Entrust, &[Officer, Admin], ALIVE, Verdict::Yes),
    (TakeBack, &[Author], ANY, Verdict::Yes),
];

/// What is about no one listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// See what waits, take it up, talk about it.
    Moderate,
    /// Say what keepers are trusted with.
    Trust,
    /// See what people look for and do not find.
    SeeDemand,
    /// See why a listing stands where it stands.
    SeeRanking,
    /// See accounts, and say who may do what.
    Appoint,
}

/// Whose duty is what; an editor's within their agencies.
const DUTIES: &[(Duty, &[Role])] = &[
    (Duty::Moderate, &[Role::Editor, Role::Admin]),
    (Duty::Trust, &[Role::Editor, Role::Admin]),
    (Duty::SeeDemand, &[Role::Editor, Role::Admin]),
    (Duty::SeeRanking, &[Role::Editor, Role::Admin]),
    (Duty::Appoint, &[Role::Admin]),
];

/// Whether `duty` is theirs.
pub fn has(account: &account::Model, duty: Duty) -> bool {
    DUTIES.iter().any(|(of, roles)| *of == duty && roles.contains(&account.role))
}

/// Whether they act for `agency`; for what no agency answers for, administrators alone.
pub fn acts_for(account: &account::Model, agency: Option<&AgencyId>) -> bool {
    match account.role {
        Role::Producer => false,
        Role::Editor => agency.is_some_and(|agency| account.agencies.contains(agency)),
        Role::Admin => true,
    }
}

/// The agencies within which `duty` is theirs, of those `asked` for: absent are all; none of it
/// where it is not theirs, or not within one that was asked for.
pub fn within(
    account: &account::Model,
    duty: Duty,
    asked: Vec<AgencyId>,
) -> Option<Option<Vec<AgencyId>>> {
    if !has(account, duty) || !asked.iter().all(|agency| acts_for(account, Some(agency))) {
        return None;
    }
    Some(match (account.role, asked.is_empty()) {
        (Role::Admin, true) => None,
        (_, true) => Some(account.agencies.0.clone()),
        (_, false) => Some(asked),
    })
}

/// Who gives a key which scope to whom they may make one for.
const GIVEN: &[(Scope, &[Role])] = &[
    (Scope::Read, &[Role::Producer, Role::Editor, Role::Admin]),
    (Scope::Webhooks, &[Role::Producer, Role::Editor, Role::Admin]),
    (Scope::Listings, &[Role::Producer, Role::Editor, Role::Admin]),
    (Scope::Publish, &[Role::Admin]),
];

/// Whether they may give a key `scope`.
pub fn gives(account: &account::Model, scope: Scope) -> bool {
    GIVEN.iter().any(|(of, roles)| *of == scope && roles.contains(&account.role))
}

/// Whether they may make a key that writes below `system`, which is `held` by somebody or by nobody
/// yet, for `owner`. A name that all the world knows is given by an administrator.
pub fn names(
    account: &account::Model,
    owner: &account::Model,
    system: &System,
    held: Option<&external::system::Model>,
) -> bool {
    match held {
        Some(held) => held.account == owner.id,
        None => !external::is_known(system) || account.role == Role::Admin,
    }
}

/// Whether they write below `system`, coming with `key` where they come with one: it is theirs, and the
/// key is for it.
pub fn writes_below(
    account: &account::Model,
    key: Option<&api_key::Model>,
    system: &external::system::Model,
) -> bool {
    system.account == account.id && sees_below(key, &system.system)
}

/// Whether whoever comes with `key`, or without one, is more than anybody below `system`.
pub fn sees_below(key: Option<&api_key::Model>, system: &System) -> bool {
    key.is_none_or(|key| key.may(Scope::Listings) && key.system.as_ref() == Some(system))
}

/// Where a record comes to rest that was `status` and says something new, by somebody who stands so to
/// it; `whole` is one that misses nothing. What was ended begins anew.
pub fn rests(standings: &[Standing], status: Status, whole: bool) -> Status {
    let status = if status == Archived { Draft } else { status };
    let yes = |operation| whole && may(operation, standings, status) == Verdict::Yes;
    if yes(Publish) {
        Published
    } else if yes(Submit) {
        InReview
    } else {
        status
    }
}

/// What comes of `operation` on a listing that is `status`, by somebody who stands so to it.
pub fn may(operation: Operation, standings: &[Standing], status: Status) -> Verdict {
    let rows = TABLE.iter().filter(|(of, who, states, _)| {
        *of == operation && states.contains(&status) && who.iter().any(|w| standings.contains(w))
    });
    rows.map(|(.., verdict)| *verdict).max().unwrap_or(Verdict::No)
}

/// Whether `operation` could be done to a listing in some other state.
pub fn might(operation: Operation, standings: &[Standing]) -> bool {
    Status::ALL.into_iter().any(|status| may(operation, standings, status) != Verdict::No)
}

/// How `account` stands to a listing that `agency` answers for and that it keeps as `kept` says.
pub fn standings(
    account: &account::Model,
    kept: Option<&maintainer::Model>,
    agency: Option<&AgencyId>,
) -> Vec<Standing> {
    let mut standings = vec![Anybody];
    if let Some(kept) = kept.filter(|kept| kept.ended_at.is_none()) {
        standings.push(Keeper);
        standings.extend(kept.trusted.then_some(Trusted));
    }
    if acts_for(account, agency) {
        standings.push(if account.role == Role::Admin { Admin } else { Officer });
    }
    standings
}

/// The same for whoever comes with `key`.
pub fn standings_with(mut standings: Vec<Standing>, key: Option<&api_key::Model>) -> Vec<Standing> {
    let publishes = standings.contains(&Keeper) && key.is_some_and(|key| key.may(Scope::Publish));
    standings.extend(publishes.then_some(Publisher));
    standings
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{account::Agencies, text::Lang};

    fn account(role: Role, agencies: &[&str]) -> account::Model {
        account::Model {
            id: Uuid::from_u128(1),
            email: Some("a@b.example".into()),
            phone: None,
            name: None,
            lang: Lang::Id,
            role,
            agencies: Agencies(agencies.iter().map(|agency| agency.parse().unwrap()).collect()),
            created_at: DateTime::UNIX_EPOCH,
            erased_at: None,
            version: 1,
        }
    }

    fn key(scopes: &[Scope], system: &str) -> api_key::Model {
        api_key::Model {
            id: Uuid::from_u128(3),
            account: Uuid::from_u128(1),
            name: "x".into(),
            scopes: api_key::Scopes(scopes.to_vec()),
            system: Some(system.parse().unwrap()),
            start: "gsk_".into(),
            hash: String::new(),
            old_hash: None,
            old_until: None,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            revoked_at: None,
            version: 1,
        }
    }

    fn held(system: &str, account: u128) -> external::system::Model {
        external::system::Model {
            system: system.parse().unwrap(),
            account: Uuid::from_u128(account),
            created_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn who_holds_a_system_writes_below_it_with_a_key_for_it_or_without_any() {
        let me = account(Role::Producer, &[]);
        let admin = account::Model { id: Uuid::from_u128(9), ..account(Role::Admin, &[]) };
        let (mine, anothers) = (held("portal", 1), held("lain", 2));
        let right = key(&[Scope::Listings], "portal");
        for (key, may) in [
            (None, true),
            (Some(&right), true),
            (Some(&key(&[Scope::Listings], "lain")), false),
            (Some(&key(&[Scope::Read, Scope::Webhooks, Scope::Publish], "portal")), false),
        ] {
            assert_eq!(writes_below(&me, key, &mine), may);
            assert!(!writes_below(&me, key, &anothers) && !writes_below(&admin, key, &mine));
        }
    }

    #[test]
    fn a_system_is_named_by_who_holds_it_or_comes_first_and_a_known_one_by_administrators() {
        let me = account(Role::Producer, &[]);
        let other =
            account::Model { id: Uuid::from_u128(2), ..account(Role::Editor, &["dinas-kukmp"]) };
        let admin = account::Model { id: Uuid::from_u128(9), ..account(Role::Admin, &[]) };
        let system = |name: &str| name.parse::<System>().unwrap();
        let mine = held("portal", 1);
        assert!(names(&me, &me, &system("portal"), None));
        assert!(names(&me, &me, &system("portal"), Some(&mine)));
        assert!(!names(&other, &other, &system("portal"), Some(&mine)));
        assert!(names(&admin, &me, &system("portal"), Some(&mine)));
        assert!(!names(&admin, &admin, &system("portal"), Some(&mine)), "not even for themselves");
        assert!(!names(&me, &me, &system("osm"), None) && names(&admin, &me, &system("osm"), None));
    }

    #[test]
    fn every_scope_is_given_by_somebody_and_publishing_by_administrators_alone() {
        let (producer, editor) = (account(Role::Producer, &[]), account(Role::Editor, &["x"]));
        for scope in Scope::ALL {
            assert!(gives(&account(Role::Admin, &[]), *scope));
            for account in [&producer, &editor] {
                assert_eq!(gives(account, *scope), *scope != Scope::Publish);
            }
        }
    }

    #[test]
    fn a_record_goes_as_far_as_who_brings_it_may_and_no_further_than_what_it_misses() {
        let keeper = [Anybody, Keeper];
        let publisher = [Anybody, Keeper, Publisher];
        let office = [Anybody, Officer];
        for (standings, whole) in [
            (&keeper[..], [InReview, InReview, Published, Suspended, InReview]),
            (&publisher, [Published, Published, Published, Suspended, Published]),
            (&office, [Published, Published, Published, Suspended, Published]),
            (&[Anybody], [Draft, InReview, Published, Suspended, Draft]),
        ] {
            assert_eq!(Status::ALL.map(|status| rests(standings, status, true)), whole);
            let lacking = [Draft, InReview, Published, Suspended, Draft];
            assert_eq!(Status::ALL.map(|status| rests(standings, status, false)), lacking);
        }
        assert_eq!(standings_with(vec![Anybody], Some(&key(&[Scope::Publish], "x"))), [Anybody]);
    }

    /// Every role, own or another's, trusted or not, within its agency or not, in every status: what
    /// it may do, as a person would write it down.
    #[test]
    fn the_whole_table_is_as_it_was_agreed() {
        let mut said = String::new();
        let agency: AgencyId = "dinas-kukmp".parse().unwrap();
        let kept = |trusted| maintainer::Model {
            trusted,
            ..maintainer::Model::new(Uuid::from_u128(1), Uuid::from_u128(2), DateTime::UNIX_EPOCH)
        };
        let own = [
            ("another's", None, false),
            ("own", Some(kept(false)), false),
            ("trusted", Some(kept(true)), false),
            ("publishing key", Some(kept(false)), true),
        ];
        let key = key(&[Scope::Listings, Scope::Publish], "portal");
        for (who, account) in [
            ("producer", account(Role::Producer, &[])),
            ("editor", account(Role::Editor, &["dinas-kukmp"])),
            ("other editor", account(Role::Editor, &["dinas-pariwisata"])),
            ("admin", account(Role::Admin, &[])),
        ] {
            for (whose, kept, with_key) in &own {
                let standings = standings(&account, kept.as_ref(), Some(&agency));
                let standings = standings_with(standings, with_key.then_some(&key));
                for status in Status::ALL {
                    let _ = write!(said, "{who}, {whose}, {status:?}:");
                    for operation in Operation::ALL {
                        let how = match may(*operation, &standings, status) {
                            Verdict::No => continue,
                            Verdict::AsProposal => " (proposal)",
                            Verdict::WithinTrust => " (within trust)",
                            Verdict::Yes => "",
                        };
                        let _ = write!(said, " {}{how}", operation.name());
                    }
                    said.push('\n');
                }
            }
        }
        let agreed = include_str!("permission/agreed.txt");
        for (said, agreed) in said.lines().zip(agreed.lines()) {
            assert_eq!(said, agreed);
        }
        assert_eq!(said.lines().count(), agreed.lines().count(), "{said}");
    }

    #[test]
    fn who_no_longer_keeps_a_listing_stands_to_it_as_anybody() {
        let mut kept =
            maintainer::Model::new(Uuid::from_u128(1), Uuid::from_u128(2), DateTime::UNIX_EPOCH);
        kept.trusted = true;
        kept.ended_at = Some(DateTime::UNIX_EPOCH);
        assert_eq!(standings(&account(Role::Producer, &[]), Some(&kept), None), [Anybody]);
    }

    #[test]
    fn duties_are_the_offices_and_within_their_agencies() {
        let (producer, admin) = (account(Role::Producer, &[]), account(Role::Admin, &[]));
        let editor = account(Role::Editor, &["dinas-kukmp"]);
        let asked = |agency: &str| vec![agency.parse::<AgencyId>().unwrap()];
        let all = [Duty::Moderate, Duty::Trust, Duty::SeeDemand, Duty::SeeRanking, Duty::Appoint];
        for duty in all {
            assert!(!has(&producer, duty) && has(&admin, duty));
            assert_eq!(has(&editor, duty), duty != Duty::Appoint);
        }
        let moderate = |account, asked| within(account, Duty::Moderate, asked);
        assert_eq!(moderate(&producer, vec![]), None);
        assert_eq!(moderate(&admin, vec![]), Some(None));
        assert_eq!(moderate(&admin, asked("dinas-kukmp")), Some(Some(asked("dinas-kukmp"))));
        assert_eq!(moderate(&editor, vec![]), Some(Some(asked("dinas-kukmp"))));
        assert_eq!(moderate(&editor, asked("dinas-pariwisata")), None);
    }

    #[test]
    fn who_made_a_proposal_or_a_claim_may_see_it_and_take_it_back() {
        for status in Status::ALL {
            for operation in [SeeClaim, TakeBack] {
                assert_eq!(may(operation, &[Anybody, Author], status), Verdict::Yes);
                assert_eq!(may(operation, &[Anybody, Keeper], status), Verdict::No);
            }
        }
    }

    #[test]
    fn an_editor_of_no_agency_moderates_nothing_and_a_listing_of_none_is_the_administrators() {
        assert_eq!(standings(&account(Role::Editor, &[]), None, None), [Anybody]);
        assert_eq!(standings(&account(Role::Admin, &[]), None, None), [Anybody, Admin]);
    }
}
