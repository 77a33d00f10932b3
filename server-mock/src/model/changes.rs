//! What of the model is kept beyond the end of the program, row by row.

use std::fmt;

use super::{Authorization, AuthorizationStatus, Identifier, Model, Order};

/// A row that was written or taken out.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is: the name of its table.
    pub kind: &'static str,
    /// Its name.
    pub id: String,
    /// What it says now, as JSON; `None` when it is gone.
    pub document: Option<String>,
}

impl fmt::Debug for Change {
    /// Without the document, which may have secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id, document } = self;
        let mut change = formatter.debug_struct("Change");
        change.field("kind", kind).field("id", id).field("gone", &document.is_none()).finish_non_exhaustive()
    }
}

/// A row that was written down before.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub kind: String,
    /// Its name.
    pub id: String,
    /// What it says, as JSON.
    pub document: String,
}

impl fmt::Debug for Row {
    /// Without the document, which may have secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id, document: _ } = self;
        formatter.debug_struct("Row").field("kind", kind).field("id", id).finish_non_exhaustive()
    }
}

/// Why a row can't be taken back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// Nothing is called so.
    #[error("there is no kind {kind:?} of things")]
    Kind {
        /// What was found.
        kind: String,
    },
    /// It does not say what such a row says.
    #[error("the row {id:?} can't be read")]
    Unreadable {
        /// Which one.
        id: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl RowError {
    pub(crate) fn unreadable(id: &str, source: serde_json::Error) -> Self {
        Self::Unreadable { id: id.to_owned(), source }
    }
}

/// Every table that is kept, under its name.
macro_rules! for_each_table {
    ($model:expr, |$kind:ident, $table:ident| $action:expr) => {{
        let model: &mut Model = $model;
        for_each_table!(@one model, $kind, $table, $action, "owner", owners);
        for_each_table!(@one model, $kind, $table, $action, "eab_key", eab_keys);
        for_each_table!(@one model, $kind, $table, $action, "account", accounts);
        for_each_table!(@one model, $kind, $table, $action, "order", orders);
        for_each_table!(@one model, $kind, $table, $action, "authorization", authorizations);
        for_each_table!(@one model, $kind, $table, $action, "certificate", certificates);
        for_each_table!(@one model, $kind, $table, $action, "terms", terms);
    }};
    (@one $model:ident, $kind:ident, $table:ident, $action:expr, $name:literal, $field:ident) => {{
        let ($kind, $table) = ($name, &mut $model.$field);
        $action;
    }};
}

impl Model {
    /// Every row that changed since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for_each_table!(self, |kind, table| table.take_changes(kind, &mut changes));
        changes
    }

    /// Forgets which rows changed: for those who keep nothing.
    pub fn forget_changes(&mut self) {
        for_each_table!(self, |_kind, table| table.forget_changes());
    }

    /// The model that these rows describe.
    ///
    /// # Errors
    /// When a row is of no known kind, or can't be read.
    pub fn restore(rows: impl IntoIterator<Item = Row>) -> Result<Self, RowError> {
        let mut model = Self::default();
        for Row { kind, id, document } in rows {
            model.restore_row(&kind, id, &document)?;
        }
        model.index();
        Ok(model)
    }

    fn restore_row(&mut self, wanted: &str, id: String, document: &str) -> Result<(), RowError> {
        for_each_table!(self, |kind, table| if kind == wanted {
            return table.restore(id, document);
        });
        Err(RowError::Kind { kind: wanted.to_owned() })
    }

    /// Finds anew what is found by something other than its name.
    fn index(&mut self) {
        // All orders live equally long, so this is the order in which they were made.
        let mut orders: Vec<_> =
            self.orders.values().map(|order| (order.expires, &order.id, &order.account)).collect();
        orders.sort();
        let orders: Vec<_> =
            orders.into_iter().map(|(_, id, account)| (id.clone(), account.clone())).collect();
        for (order, account) in orders {
            if let Some(account) = self.accounts.get_mut_unkept(&account) {
                account.orders.push(order);
            }
        }
        let account_keys =
            self.accounts.values().map(|account| (account.key.thumbprint(), account.id.clone()));
        self.account_keys = account_keys.collect();
        for certificate in self.certificates.values() {
            self.certificate_index.add(certificate);
        }
        let identifiers = |order: &Order| order.identifiers.len();
        self.ordered = self.orders.values().map(identifiers).sum();
        self.signing = self.orders.values().filter(|order| order.is_signed()).map(identifiers).sum();
        // The latest proof is the one that counts longest.
        let mut proofs: Vec<&Authorization> = self.authorizations.values().collect();
        proofs.retain(|proof| proof.is_in_state(AuthorizationStatus::Valid));
        proofs.sort_by_key(|proof| proof.expires);
        for proof in proofs {
            let account = proof.account.clone();
            if let (true, Identifier::Dns(name)) = (proof.subdomains, &proof.identifier) {
                self.subdomain_proofs.insert((account.clone(), name.clone()), proof.id.clone());
            }
            self.proofs.insert((account, proof.ordered_identifier()), proof.id.clone());
        }
        self.index_mails();
    }
}
