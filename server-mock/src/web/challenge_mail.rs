//! The mails that e-mail challenges bring about (RFC 8823 §3.1). They wait in the model, for as long as the mail server
//! takes: no request is refused for it.

use time::OffsetDateTime;

use super::App;
use crate::model::{AuthorizationId, Model};

/// Gives new authorizations what their mails need.
pub(super) fn prepare(app: &App, model: &mut Model, ids: &[AuthorizationId]) {
    let services = &app.services;
    if model.prepare_mails(ids, services.mail.settings(), &|bytes| services.random.token(bytes)) {
        services.mail_due.notify_one();
    }
}

/// The client says that it is ready, perhaps not for the first time. A reply that has come already settles its
/// challenge; without one a mail may be due.
pub(super) fn begin(app: &App, model: &mut Model, id: &AuthorizationId, again: bool, now: OffsetDateTime) {
    let services = &app.services;
    model.settle_by_reply(id, now, &services.settings);
    if model.ask_for_mail(id, again, now, &|bytes| services.random.token(bytes)) {
        services.mail_due.notify_one();
    }
}
